package search

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
)

// quantizedSearch runs a small search of int8 networks. The float32 networks of
// its result files are right on every image, so that a verdict that looked at
// them would be another one.
func quantizedSearch(t *testing.T) searched {
	t.Helper()
	goal := aim(0.93)
	goal.Precision, goal.RecallAll = experiment.Int8, 0.5 // with recall floors the world makes confusion matrices
	return quantizedFor(t, small(), goal)
}

func quantizedFor(t *testing.T, all []Candidate, goal experiment.Target) searched {
	t.Helper()
	p := problem(all, 3, goal, Options{})
	w := newWorld(p, surface(rand.New(rand.NewPCG(4, 4)), p.Candidates, 0.05), 0.05, 4)
	s := searched{p: p, files: map[string][]byte{}}
	plan := p.Replay(func(k result.Key, _ bool) (*result.Result, bool) {
		r, ok := w.finished(k, true)
		judged := result.Int8{Bytes: 1000, Accuracy: r.Accuracy, Correct: r.Correct, Wrong: r.Wrong, Confusion: r.Confusion}.Judge(*r)
		return &judged, ok
	})
	cert, err := p.Certificate(plan, "1.0", func(of *result.Result) ([]result.File, error) {
		k := of.Key()
		var r result.Result
		unmarshal(t, encode(t, p, w, k, plan), &r)
		r.WeightsSHA = hexSum([]byte(k.String()))
		q := result.Int8{ConfigID: k.ConfigID, Seed: k.Seed, Slimfit: "1.0", OS: "linux/amd64", WeightsSHA: r.WeightsSHA, Bytes: 1000,
			SHA256:   hexSum([]byte("file of " + k.String())),
			Accuracy: r.Accuracy, Correct: r.Correct, Wrong: r.Wrong, Confusion: r.Confusion}
		perfect(p, &r)
		return []result.File{s.put(t, resultPath(k), r), s.put(t, int8Path(k), q)}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.cert = cert
	if cert.Verdict != result.Certified || len(cert.Openings) == 0 || cert.Candidates[0].Finding == result.FoundWinner {
		t.Fatalf("%s: the test needs a winner that is not the cheapest", cert.Summary)
	}
	return s
}

func perfect(p *Problem, r *result.Result) {
	right, one := p.Data.Validation, 1.0
	r.Correct.Validation, r.Accuracy.Validation, r.Wrong.Validation = &right, &one, [][2]int{}
	r.Confusion.Validation = nil
	for class := range p.Data.Classes {
		row := make([]int, p.Data.Classes)
		row[class] = right / p.Data.Classes
		r.Confusion.Validation = append(r.Confusion.Validation, row)
	}
}

func unmarshal(t *testing.T, b []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

// put writes a file in memory.
func (s searched) put(t *testing.T, path string, v any) result.File {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	s.files[path] = b
	return result.File{Path: path, SHA256: hexSum(b)}
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// evidence is the folder, with its int8 networks made again by quantize.
func (s searched) evidence(quantize func(result.Key, bool) (*result.Int8, error)) Evidence {
	return Evidence{
		Open: func(path string) ([]byte, error) {
			if b, ok := s.files[path]; ok {
				return b, nil
			}
			return nil, fs.ErrNotExist
		},
		SealedInt8: func(b []byte) ([]byte, error) {
			var q result.Int8
			if err := json.Unmarshal(b, &q); err != nil {
				return nil, err
			}
			return json.Marshal(q.Sealed())
		},
		Quantize: quantize,
	}
}

// kept makes the int8 figures again as the folder's files had them.
func (s searched) kept(t *testing.T) func(result.Key, bool) (*result.Int8, error) {
	truth := map[string][]byte{}
	for path, b := range s.files {
		truth[path] = bytes.Clone(b)
	}
	return func(k result.Key, test bool) (*result.Int8, error) {
		var q result.Int8
		unmarshal(t, truth[int8Path(k)], &q)
		if !test {
			q = q.Sealed()
		}
		return &q, nil
	}
}

func TestVerifyInt8(t *testing.T) {
	s := quantizedSearch(t)
	if s.cert.Target.Precision != "int8" || !strings.Contains(s.cert.Summary, "meet 93 % in int8") ||
		!slices.Contains(s.cert.Rules, int8Rule) {
		t.Errorf("the certificate does not say what it judged: %s %+v", s.cert.Summary, s.cert.Target)
	}
	again := 0
	for _, quantize := range []func(result.Key, bool) (*result.Int8, error){nil, s.kept(t),
		func(result.Key, bool) (*result.Int8, error) { again++; return nil, nil }} {
		if faults := Verify(s.cert, s.evidence(quantize)); len(faults) > 0 {
			t.Errorf("faults in a true certificate: %v", faults)
		}
	}
	if want := len(s.cert.Files) / 2; again != want {
		t.Errorf("%d networks were to be quantized again, want %d", again, want)
	}
	var text strings.Builder
	if err := WriteText(&text, s.cert); err != nil || !strings.Contains(text.String(), "judged in int8") ||
		!strings.Contains(text.String(), "result.json and int8.json of each trial") {
		t.Errorf("%v\n%s", err, text.String())
	}
	// A later search may open the test images of a trial that this one left closed.
	for _, j := range s.cert.Candidates {
		if j.Finding == result.FoundRejected {
			path := int8Path(result.Key{ConfigID: j.ConfigID, Seed: 0})
			var q result.Int8
			unmarshal(t, s.files[path], &q)
			var r result.Result
			perfect(&Problem{Data: s.p.Data}, &r)
			q.Accuracy.Test, q.Correct.Test, q.Wrong.Test, q.Confusion.Test = r.Accuracy.Validation, &s.p.Data.Test, r.Wrong.Validation, nil
			for class := range s.p.Data.Classes {
				row := make([]int, s.p.Data.Classes)
				row[class] = s.p.Data.Test / s.p.Data.Classes
				q.Confusion.Test = append(q.Confusion.Test, row)
			}
			s.put(t, path, q)
			if faults := Verify(s.cert, s.evidence(nil)); len(faults) > 0 {
				t.Errorf("after a later opening: %v", faults)
			}
			return
		}
	}
	t.Fatal("no rejected configuration")
}

func TestVerifyFindsInt8Faults(t *testing.T) {
	edit := func(change func(*result.Int8)) func(*testing.T, *searched, result.Key) {
		return func(t *testing.T, s *searched, k result.Key) {
			var q result.Int8
			unmarshal(t, s.files[int8Path(k)], &q)
			change(&q)
			f := s.put(t, int8Path(k), q)
			for i := range s.cert.Files { // a forger mends the hash too
				if s.cert.Files[i].Path == f.Path {
					s.cert.Files[i] = f
				}
			}
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(*testing.T, *searched, result.Key)
		want  string
	}{
		{"missing", func(t *testing.T, s *searched, k result.Key) { delete(s.files, int8Path(k)) }, "int8.json: the file is missing"},
		{"edited", func(t *testing.T, s *searched, k result.Key) {
			s.files[int8Path(k)] = bytes.Replace(s.files[int8Path(k)], []byte(`"bytes":1000`), []byte(`"bytes":100`), 1)
		}, "int8.json: the file was changed"},
		{"not listed", func(t *testing.T, s *searched, k result.Key) {
			s.cert.Files = slices.DeleteFunc(s.cert.Files, func(f result.File) bool { return f.Path == int8Path(k) })
		}, "int8.json: it is not in the certificate"},
		{"nonsense", func(t *testing.T, s *searched, k result.Key) { s.files[int8Path(k)] = []byte("x") }, "it holds no int8 figures"},
		{"of a stranger", func(t *testing.T, s *searched, k result.Key) {
			s.cert.Files = append(s.cert.Files, s.put(t, "c1-00000000/seed-0/int8.json", result.Int8{}))
		}, "it is not of a trial of the certificate's configurations"},
		{"without a result", func(t *testing.T, s *searched, k result.Key) {
			s.cert.Files = slices.DeleteFunc(s.cert.Files, func(f result.File) bool { return f.Path == resultPath(k) })
		}, "there is no trained network that it could be of"},
		{"another trial's", edit(func(q *result.Int8) { q.Seed = 2 }), "it says that it is of"},
		{"stale", edit(func(q *result.Int8) { q.WeightsSHA = hexSum(nil) }), "it is stale: made from the weights e3b0c44298fc"},
		{"a better count", edit(func(q *result.Int8) { *q.Correct.Validation += 5 }), "validation: accuracy"},
		{"a better account", edit(func(q *result.Int8) {
			n := len(q.Wrong.Validation)
			q.Wrong.Validation = q.Wrong.Validation[:n-1]
			*q.Correct.Validation++
			*q.Accuracy.Validation = float64(*q.Correct.Validation) / 5000
		}), "validation: the confusion matrix counts"},
		{"no figures", edit(func(q *result.Int8) { *q = q.Sealed(); q.Correct.Validation = nil }), "it has no validation figures"},
		{"another file", edit(func(q *result.Int8) { q.SHA256 = hexSum(nil) }), "quantized again: the kept weights give another int8 file"},
		{"other predictions", edit(func(q *result.Int8) { q.Wrong.Validation[0][0]++ }), "quantized again: its network answers other validation images wrong"},
		{"no form", edit(func(q *result.Int8) { q.Reason = "overflow" }), "it has figures of a network that it says has no int8 form"},
		{"another program", edit(func(q *result.Int8) { q.SHA256, q.Slimfit = hexSum(nil), "0.9" }), "this may be the program: slimfit 1.0 on linux/amd64 here, 0.9"},
		{"float32 after all", func(t *testing.T, s *searched, k result.Key) { s.cert.Target.Precision = "" }, "int8.json: it is not a trial of"},
		{"another precision", func(t *testing.T, s *searched, k result.Key) { s.cert.Target.Precision = "int4" }, `target precision "int4" is unknown`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := quantizedSearch(t)
			kept := s.kept(t)
			c.spoil(t, &s, firstTrained(t, s.cert))
			faults := Verify(s.cert, s.evidence(kept))
			if !slices.ContainsFunc(faults, func(f Fault) bool { return strings.Contains(f.String(), c.want) }) {
				t.Errorf("want a fault %q, got %v", c.want, faults)
			}
		})
	}
}

// firstTrained is a trial that the certificate rests on.
func firstTrained(t *testing.T, c *result.Certificate) result.Key {
	t.Helper()
	for _, j := range c.Candidates {
		if len(j.Networks) > 0 {
			return result.Key{ConfigID: j.ConfigID, Seed: j.Networks[0].Seed}
		}
	}
	t.Fatal("nothing was trained")
	return result.Key{}
}

// A network that has no int8 form is not judged: the answer stays open.
func TestInt8WithoutAForm(t *testing.T) {
	s := quantizedSearch(t)
	k := firstTrained(t, s.cert)
	results := map[result.Key]*result.Result{}
	for _, f := range s.cert.Files {
		if key, ok := strings.CutSuffix(f.Path, "/int8.json"); ok {
			var q result.Int8
			var r result.Result
			unmarshal(t, s.files[f.Path], &q)
			unmarshal(t, s.files[key+"/result.json"], &r)
			if q.Key() == k {
				q = result.Int8{ConfigID: k.ConfigID, Seed: k.Seed, WeightsSHA: q.WeightsSHA, Reason: "sums overflow"}
				s.put(t, f.Path, q)
			}
			judged := q.Judge(r)
			results[q.Key()] = &judged
		}
	}
	w := newWorld(s.p, surface(rand.New(rand.NewPCG(4, 4)), s.p.Candidates, 0.05), 0.05, 4)
	plan := s.p.Replay(func(key result.Key, _ bool) (*result.Result, bool) {
		if r, ok := results[key]; ok {
			return r, true
		}
		return w.finished(key, true)
	})
	cert, err := s.p.Certificate(plan, "1.0", func(*result.Result) ([]result.File, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	found := slices.IndexFunc(cert.Candidates, func(j result.Judged) bool { return j.ConfigID == k.ConfigID })
	if j := cert.Candidates[found]; cert.Verdict != result.Incomplete || j.Finding != result.FoundUnjudged ||
		!strings.Contains(j.Reason, "no int8 form: sums overflow") {
		t.Errorf("verdict %s, %s", cert.Verdict, fmt.Sprint(j.Finding, j.Reason))
	}
}

// A trainer sees float32 accuracies: it stops nothing that int8 decides.
func TestInt8StopsNothingEarly(t *testing.T) {
	for precision, stops := range map[string]bool{experiment.Float32: true, experiment.Int8: false} {
		goal := aim(0.93)
		goal.Precision = precision
		if p := problem(small(), 3, goal, Options{EarlyStop: true}); p.EarlyStop != stops || (p.StopRule() != nil) != stops {
			t.Errorf("%s: early stops %v, rule %v", precision, p.EarlyStop, p.StopRule())
		}
	}
}

// Where bytes of int8 files count, the certificate states what they are at most, and
// what the winner's files have; a larger file is a fault, and older certificates
// keep the sizes of the file that was made for them.
func TestInt8Bytes(t *testing.T) {
	all := small()
	for i := range all {
		all[i].Footprint.Measured = &footprint.Measured{TFLiteInt8: 1016 + i}
	}
	goal := aim(0.93)
	goal.Precision, goal.RecallAll, goal.Cost = experiment.Int8, 0.5, footprint.TFLiteInt8Bytes
	s := quantizedFor(t, all, goal)
	measured := func(less int) func(models.Spec, footprint.Measured) (footprint.Measured, error) {
		return func(spec models.Spec, _ footprint.Measured) (footprint.Measured, error) {
			i := slices.IndexFunc(all, func(c Candidate) bool { return reflect.DeepEqual(c.Layers, spec.Layers) })
			return footprint.Measured{TFLiteInt8: 1016 + i - less}, nil
		}
	}
	e := s.evidence(s.kept(t))
	e.Measure = measured(0)
	if faults := Verify(s.cert, e); len(faults) > 0 {
		t.Fatal(faults)
	}
	var b strings.Builder
	if n := s.cert.Winner.Networks[0].Int8Bytes; n != 1000 || WriteText(&b, s.cert) != nil ||
		!strings.Contains(b.String(), "bytes of its int8 file") {
		t.Errorf("%d bytes: %s", n, b.String())
	}
	e.Measure, e.MeasureBuilt = measured(8), measured(0)
	if faults := Verify(s.cert, e); len(faults) == 0 || !strings.Contains(faults[0].What, "its tflite_int8_bytes is 10") {
		t.Errorf("sizes of one file: %v", faults)
	}
	older := *s.cert
	older.Rules = append(slices.Clone(older.Rules), builtRule)
	for _, f := range Verify(&older, e) {
		if strings.Contains(f.What, "its tflite_int8_bytes is") {
			t.Errorf("an older certificate: %s", f)
		}
	}
	q, r := result.Int8{ConfigID: all[3].ID, WeightsSHA: "a", Bytes: 1020}, result.Result{WeightsSHA: "a"}
	if d := s.p.Int8Doubts(&q, &r); len(d) == 0 || d[0] != "its file has 1020 bytes, more than the 1019 that it is counted by" {
		t.Errorf("a larger file: %v", d)
	}
	s.p.Target.Precision = experiment.Float32
	if rules := strings.Join(s.p.measuredRules(), " "); !strings.Contains(rules, "what the int8 files get was not judged") {
		t.Errorf("float32 networks: %s", rules)
	}
}
