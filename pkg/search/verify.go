package search

import (
	"cmp"
	"fmt"
	"slices"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
)

// Fault is one statement that does not hold.
type Fault struct {
	Where string // a file, or a place in the certificate
	What  string
}

func (f Fault) String() string { return f.Where + ": " + f.What }

// Evidence is the run folder that a certificate rests on.
type Evidence struct {
	Open func(path string) ([]byte, error) // reads a file below it
	// Sealed turns a result file into what it was before its test images were
	// opened, as a later search may have done; nil if that is not known.
	Sealed func(content []byte) ([]byte, error)
	// Measure makes a network's files anew, to check measured costs, of which it
	// gets what the certificate says; nil trusts them. A latency cannot be
	// checked: it is what it was on that machine.
	Measure func(models.Spec, footprint.Measured) (footprint.Measured, error)
	// MeasureBuilt is Measure for certificates whose sizes are of one file; nil: as Measure.
	MeasureBuilt func(models.Spec, footprint.Measured) (footprint.Measured, error)
	// SealedInt8 is Sealed for an int8.json.
	SealedInt8 func(content []byte) ([]byte, error)
	// Quantize makes a trial's int8 network anew from its kept weights and
	// judges it, on the test images only if test is set; it returns nil where the
	// weights were not kept. A nil Quantize trusts the int8.json files.
	Quantize func(k result.Key, test bool) (*result.Int8, error)
	// Scores are those of a result's network, empty where there are none; nil where
	// nobody knows any.
	Scores func(result.Result) result.Scores
	// Ledger is every look, in order, at the test images that a question opened;
	// empty where it is not known there. Nil where nobody counted.
	Ledger func(question string) []result.Look
	// Experiment is what the certificate is held against; nil where there is no
	// such file: then its names are held against the results'.
	Experiment *experiment.Experiment
}

// ReadCertificate decodes a certificate; keys that it does not know are an
// error, as they would go unchecked.
func ReadCertificate(b []byte) (*result.Certificate, error) {
	var c result.Certificate
	if err := models.UnmarshalStrict(b, &c); err != nil {
		return nil, fmt.Errorf("read certificate: %w; want the file that `slimfit search` wrote; the same search again writes it anew from "+
			"the results", err)
	}
	if c.Format < 1 || c.Format > result.CertificateFormat {
		return nil, fmt.Errorf("read certificate: format %d, this program knows 1 to %d", c.Format, result.CertificateFormat)
	}
	return &c, nil
}

// Verify checks every statement of a certificate from the result files alone:
// that they are the ones it names, agree with themselves and with their
// configurations, and that the search, gone through again with nothing else,
// ends with this very certificate.
func Verify(c *result.Certificate, folder Evidence) []Fault {
	return append(verifyOne(c, folder), folder.verifyFront(c)...)
}

func verifyOne(c *result.Certificate, folder Evidence) []Fault {
	p, faults := fromCertificate(c, folder.Experiment)
	if p == nil {
		return faults
	}
	p.Scores = folder.Scores
	faults = append(faults, folder.measure(p)...)
	results, stops, more := folder.read(c, p)
	faults = append(faults, more...)
	if folder.Experiment != nil {
		faults = append(faults, against(c, p, folder.Experiment)...)
	} else {
		faults = append(faults, checkNames(c, p, results, stops)...)
	}
	faults = append(faults, checkClasses(c, results)...)
	faults = append(faults, folder.checkLooks(c, p)...)
	p.Known = func(k result.Key, toEnd bool) (*result.Result, bool) {
		if r := stops[k]; r != nil && !toEnd {
			return r, true
		}
		r, ok := results[k]
		return r, ok
	}
	plan := p.Replay(p.Known)
	if !plan.Done {
		what, to := "train", ""
		missing := plan.Train
		if len(plan.Open) > 0 {
			what, missing = "open the test images of", plan.Open
		} else if plan.ToEnd {
			to = " to its end"
		}
		return append(faults, Fault{"certificate", fmt.Sprintf("with these results the search is not at its end: it would %s %s%s", what,
			missing[0], to)})
	}
	again, err := p.Certificate(plan, c.Slimfit, listedFiles(c))
	if err != nil {
		return append(faults, Fault{"certificate", err.Error()})
	}
	again.Front = c.Front
	return append(faults, differences(c, again)...)
}

// measure compares measured costs with those of files made anew.
func (e Evidence) measure(p *Problem) []Fault {
	if e.Measure == nil {
		return nil
	}
	if p.built && e.MeasureBuilt != nil {
		e.Measure = e.MeasureBuilt
	}
	var faults []Fault
	for _, c := range slices.Concat(p.Candidates, p.OverBudget) {
		had := c.Footprint
		if had.Measured == nil {
			continue
		}
		m, err := e.Measure(c.Spec(), *had.Measured)
		if err != nil {
			faults = append(faults, Fault{c.ID, err.Error()})
			continue
		}
		now := footprint.Footprint{Measured: &m}
		for _, cost := range footprint.MeasuredCosts() {
			if cost != footprint.LatencyMicros && had.Get(cost) != now.Get(cost) {
				faults = append(faults, Fault{c.ID, fmt.Sprintf("its %s is %d, the certificate says %d", cost, now.Get(cost), had.Get(cost))})
			}
		}
	}
	return faults
}

// checkNames compares the names in a certificate with those in the results: no
// configuration's ID depends on them. Results keep the names that they were
// trained under when somebody renames the experiment.
func checkNames(c *result.Certificate, p *Problem, results, stops map[result.Key]*result.Result) []Fault {
	var faults []Fault
	check := func(at, given, said string, by result.Key) {
		if given != said && !slices.ContainsFunc(faults, func(f Fault) bool { return f.Where == at }) {
			faults = append(faults, Fault{at, fmt.Sprintf("it says %q, %s says %q", given, by, said)})
		}
	}
	for _, candidate := range p.Candidates {
		for _, seed := range p.Seeds {
			k := keyOf(candidate, seed)
			r := cmp.Or(results[k], stops[k])
			if r == nil {
				continue
			}
			if r.Status != result.StoppedEarly { // which do not name their experiment
				check("experiment", c.Experiment, r.Experiment, k)
			}
			check("dataset.name", c.Dataset.Name, r.Dataset.Name, k)
		}
	}
	return faults
}

// checkClasses compares the classes' names with those in the results, of which
// older ones have none.
func checkClasses(c *result.Certificate, results map[result.Key]*result.Result) []Fault {
	for k, r := range results {
		if len(c.Classes) > 0 && len(r.Classes) > 0 && !slices.Equal(c.Classes, r.Classes) {
			return []Fault{{"classes", fmt.Sprintf("it says %q, %s says %q", c.Classes, k, r.Classes)}}
		}
	}
	return nil
}

// listedFiles finds a trial's files in the certificate's list. A result file
// that is not there leaves its place empty.
func listedFiles(c *result.Certificate) FilesOf {
	listed, stops := map[string]result.File{}, map[string]result.File{}
	for _, f := range c.Files {
		if at, stopped := trialPath(f.Path); stopped {
			stops[at] = f
		} else {
			listed[at] = f
		}
	}
	return func(r *result.Result) ([]result.File, error) {
		k := r.Key()
		if r.Status == result.StoppedEarly {
			return []result.File{stops[resultPath(k)]}, nil
		}
		files := []result.File{listed[resultPath(k)]}
		if f, ok := listed[int8Path(k)]; ok {
			files = append(files, f)
		}
		return files, nil
	}
}

// resultPath is where a trial's result lies below the run folder.
func resultPath(k result.Key) string { return k.String() + "/" + result.ResultName }
