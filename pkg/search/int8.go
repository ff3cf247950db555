package search

import (
	"fmt"
	"reflect"
	"strings"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
)

// Where the target's precision is int8, a Lookup returns results that are
// judged by their int8 networks (result.Int8.Judge), and nothing else of the
// search changes. Verify makes the same of result.json and int8.json.

// int8Path is where a trial's int8 figures lie below the run folder.
func int8Path(k result.Key) string { return k.String() + "/" + result.Int8Name }

// splitFiles tells the result files of a certificate from the int8.json files.
// One that judges float32 networks has none of these.
func splitFiles(c *result.Certificate) (results, int8s []result.File) {
	for _, f := range c.Files {
		if c.Target.Precision == experiment.Int8 && strings.HasSuffix(f.Path, "/"+result.Int8Name) {
			int8s = append(int8s, f)
		} else {
			results = append(results, f)
		}
	}
	return results, int8s
}

// int8Rule says which networks were judged.
const int8Rule = "The networks that are judged are int8 ones: each trained network's full-integer TensorFlow Lite file, quantized " +
	"after training as " +
	"`slimfit export --format tflite-int8` does it, and run by slimfit's own interpreter of such files. " +
	"int8.json beside each result.json holds its figures and the file's SHA-256. The float32 networks' accuracy decides nothing."

// inPrecision follows a target accuracy in words.
func (p *Problem) inPrecision() string {
	if p.Target.Precision == experiment.Int8 {
		return " in int8"
	}
	return ""
}

// readInt8s reads the int8.json files that a certificate names, and puts their
// figures into the results. A result whose int8 figures are not there is taken
// out: the search could not have judged it.
func (e Evidence) readInt8s(files []result.File, p *Problem, results map[result.Key]*result.Result, opened map[result.Key]bool,
	seeds []int64) []Fault {
	var faults []Fault
	listed := map[string]result.File{}
	for _, f := range files {
		listed[f.Path] = f
	}
	for _, c := range p.Candidates {
		for _, s := range seeds {
			k := keyOf(c, s)
			f, ok := listed[int8Path(k)]
			delete(listed, int8Path(k))
			r := results[k]
			switch {
			case r == nil && !ok:
			case r == nil || r.Status != result.Done && ok:
				faults = append(faults, Fault{f.Path, "it is listed, but there is no trained network that it could be of"})
			case r.Status != result.Done: // it diverged or failed before there was anything to quantize
			case !ok:
				faults = append(faults, Fault{int8Path(k), "it is not in the certificate, though its int8 network was judged"})
				delete(results, k)
			default:
				judged, found := e.readInt8(f, p, r, opened[k])
				faults = append(faults, found...)
				if delete(results, k); judged != nil {
					results[k] = judged
				}
			}
		}
	}
	for _, f := range files {
		if _, ok := listed[f.Path]; ok {
			faults = append(faults, Fault{f.Path, "it is not of a trial of the certificate's configurations and seeds"})
		}
	}
	return faults
}

// readInt8 returns the result r judged by its int8 network; nil where that is
// not possible.
func (e Evidence) readInt8(f result.File, p *Problem, r *result.Result, opened bool) (*result.Result, []Fault) {
	b, faults := e.open(f, !opened, e.SealedInt8)
	if b == nil {
		return nil, faults
	}
	var q result.Int8
	if err := models.UnmarshalStrict(b, &q); err != nil {
		return nil, append(faults, Fault{f.Path, "it holds no int8 figures: " + err.Error()})
	}
	if q.Key() != r.Key() {
		return nil, append(faults, Fault{f.Path, "it says that it is of " + q.Key().String()})
	}
	for _, d := range p.Int8Doubts(&q, r) {
		faults = append(faults, Fault{f.Path, d})
	}
	faults = append(faults, e.quantizeAgain(f, &q, opened)...)
	judged := q.Judge(*r)
	return &judged, faults
}

// Int8Doubts lists what in a trial's int8 figures contradicts itself or the
// trial's result.
func (p *Problem) Int8Doubts(q *result.Int8, r *result.Result) []string {
	var out []string
	switch {
	case r.WeightsSHA == "":
		out = append(out, "result.json does not say which weights it is of: nothing shows that the int8 network came from them")
	case q.WeightsSHA != r.WeightsSHA:
		out = append(out, fmt.Sprintf("it is stale: made from the weights %s, result.json is of %s", short(q.WeightsSHA), short(r.WeightsSHA)))
	}
	if q.Reason != "" {
		if q.Correct.Validation != nil || q.Correct.Test != nil {
			out = append(out, "it has figures of a network that it says has no int8 form")
		}
		return out
	}
	for _, c := range p.Candidates {
		if most := c.Footprint.Get(footprint.TFLiteInt8Bytes); c.ID == q.ConfigID && p.countsInt8() && !p.built && q.Bytes > most {
			out = append(out, fmt.Sprintf("its file has %d bytes, more than the %d that it is counted by", q.Bytes, most))
		}
	}
	if q.Correct.Validation == nil {
		out = append(out, "it has no validation figures")
	}
	return append(out, p.splitDoubts(q.On)...)
}

// quantizeAgain compares int8 figures with those of the kept weights.
func (e Evidence) quantizeAgain(f result.File, q *result.Int8, opened bool) []Fault {
	if e.Quantize == nil {
		return nil
	}
	again, err := e.Quantize(q.Key(), opened)
	if err != nil {
		return []Fault{{f.Path, "quantized again: " + err.Error()}}
	}
	if again == nil {
		return nil
	}
	var faults []Fault
	add := func(format string, args ...any) {
		faults = append(faults, Fault{f.Path, "quantized again: " + fmt.Sprintf(format, args...)})
	}
	switch {
	case again.WeightsSHA != q.WeightsSHA:
		add("the kept weights are others: %s, it says %s", short(again.WeightsSHA), short(q.WeightsSHA))
	case again.Reason != q.Reason:
		add("why there is no int8 form: %q, it says %q", again.Reason, q.Reason)
	case again.SHA256 != q.SHA256 || again.Bytes != q.Bytes:
		add("the kept weights give another int8 file, %d bytes with SHA-256 %s, it says %d and %s", again.Bytes, short(again.SHA256), q.Bytes,
			short(q.SHA256))
	}
	for _, s := range result.Splits() {
		a, b := again.On(s), q.On(s)
		if (s != result.Test || opened) && !(reflect.DeepEqual(a.Wrong, b.Wrong) && reflect.DeepEqual(a.Confusion, b.Confusion)) {
			add("its network answers other %s images wrong than it says", s)
		}
	}
	if len(faults) > 0 && (again.Slimfit != q.Slimfit || again.OS != q.OS) {
		faults = append(faults, Fault{f.Path, fmt.Sprintf("this may be the program: slimfit %s on %s here, %s on %s then", again.Slimfit,
			again.OS, q.Slimfit, q.OS)})
	}
	return faults
}
