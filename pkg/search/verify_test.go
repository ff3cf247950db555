package search

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/result"
)

// searched is a finished search with its result files in memory.
type searched struct {
	p     *Problem
	cert  *result.Certificate
	files map[string][]byte

	ledger []result.Look // that it is held to
}

// search runs a small search that finds a winner.
func search(t *testing.T, o Options) searched {
	t.Helper()
	goal := aim(0.93)
	goal.RecallAll = 0.5
	p := problem(small(), 3, goal, o)
	w := newWorld(p, surface(rand.New(rand.NewPCG(4, 4)), p.Candidates, 0.05), 0.05, 4)
	s := record(t, p, w)
	if s.cert.Verdict != result.Certified || !o.Exact && s.cert.Assumption.Skipped == 0 {
		t.Fatalf("%s, %d skipped: the test needs a winner and skipped ones", s.cert.Summary, s.cert.Assumption.Skipped)
	}
	return s
}

// record searches a world and writes its results as files.
func record(t *testing.T, p *Problem, w *world) searched {
	t.Helper()
	s := searched{p: p, files: map[string][]byte{}}
	plan := p.Replay(w.finished)
	cert, err := p.Certificate(plan, "1.0", func(r *result.Result) ([]result.File, error) {
		k := r.Key()
		b := encode(t, p, w, k, plan)
		s.files[resultPath(k)] = b
		sum := sha256.Sum256(b)
		return []result.File{{Path: resultPath(k), SHA256: hex.EncodeToString(sum[:])}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.cert = cert
	return s
}

// encode writes the result of a trial in full, its test part only where the
// search opened it.
func encode(t *testing.T, p *Problem, w *world, k result.Key, plan Plan) []byte {
	t.Helper()
	r, _ := w.finished(k, true)
	full := *r
	opened := false
	for i, c := range p.Candidates {
		if c.ID != k.ConfigID {
			continue
		}
		full.Model, full.Train, full.Footprint, full.Steps = c.Spec().FullLayers(), c.Recipe, c.Footprint, c.Recipe.Steps
		full.Experiment = p.Experiment
		opened = plan.state.all[i].opening != nil
	}
	v := float64(*full.Correct.Validation) / float64(p.Data.Validation)
	full.Accuracy.Validation = &v
	if opened {
		v := float64(*full.Correct.Test) / float64(p.Data.Test)
		full.Accuracy.Test = &v
	} else {
		full.SetOn(result.Test, result.Figures{})
	}
	b, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s searched) verify() []Fault {
	var scores func(result.Result) result.Scores
	if s.p != nil {
		scores = s.p.Scores
	}
	return Verify(s.cert, Evidence{
		Scores: scores,
		Ledger: func(string) []result.Look { return s.ledger },
		Open: func(path string) ([]byte, error) {
			if b, ok := s.files[path]; ok {
				return b, nil
			}
			return nil, fs.ErrNotExist
		},
		Sealed: sealedResult,
	})
}

// sealedResult is a result file without its test figures.
func sealedResult(b []byte) ([]byte, error) {
	var r result.Result
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	r.SetOn(result.Test, result.Figures{})
	return json.Marshal(r)
}

// Another search in the same folder may open the test images of a trial that
// this one left closed: nothing that this certificate says has changed.
func TestVerifyAfterALaterOpening(t *testing.T) {
	s := search(t, Options{})
	for _, j := range s.cert.Candidates {
		if j.Finding != result.FoundRejected {
			continue
		}
		path := resultPath(result.Key{ConfigID: j.ConfigID, Seed: 0})
		var r result.Result
		if err := json.Unmarshal(s.files[path], &r); err != nil {
			t.Fatal(err)
		}
		right, accuracy := s.p.Data.Test, 1.0
		r.Correct.Test, r.Accuracy.Test, r.Wrong.Test = &right, &accuracy, [][2]int{}
		for class := range 10 {
			row := make([]int, 10)
			row[class] = right / 10
			r.Confusion.Test = append(r.Confusion.Test, row)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		s.files[path] = b
		if faults := s.verify(); len(faults) > 0 {
			t.Errorf("faults: %v", faults)
		}
		return
	}
	t.Fatal("no rejected configuration")
}

func TestVerifyTheTruth(t *testing.T) {
	for _, o := range []Options{{}, {Exact: true, Round: 3}} {
		s := search(t, o)
		if faults := s.verify(); len(faults) > 0 {
			t.Errorf("faults in a true certificate: %v", faults)
		}
		b, err := json.Marshal(s.cert)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ReadCertificate(b)
		if err != nil {
			t.Fatal(err)
		}
		s.cert = back
		if faults := s.verify(); len(faults) > 0 {
			t.Errorf("faults after a round trip through JSON: %v", faults)
		}
	}
}

// Each forgery is found and named.
func TestVerifyForgeries(t *testing.T) {
	rejected := func(s searched) string { // a file of a rejected configuration
		for _, j := range s.cert.Candidates {
			if j.Finding == result.FoundRejected {
				return resultPath(result.Key{ConfigID: j.ConfigID, Seed: j.Networks[0].Seed})
			}
		}
		return ""
	}
	winner := func(s searched) string { return resultPath(result.Key{ConfigID: s.cert.Winner.ConfigID, Seed: 0}) }
	edit := func(path func(searched) string, change func(*result.Result), rehash bool) func(*testing.T, *searched) {
		return func(t *testing.T, s *searched) {
			var r result.Result
			if err := json.Unmarshal(s.files[path(*s)], &r); err != nil {
				t.Fatal(err)
			}
			change(&r)
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			s.files[path(*s)] = b
			for i, f := range s.cert.Files {
				if sum := sha256.Sum256(b); rehash && f.Path == path(*s) {
					s.cert.Files[i].SHA256 = hex.EncodeToString(sum[:])
				}
			}
		}
	}
	cert := func(change func(*result.Certificate)) func(*testing.T, *searched) {
		return func(_ *testing.T, s *searched) { change(s.cert) }
	}
	for _, c := range []struct {
		name  string
		forge func(*testing.T, *searched)
		want  string // in one of the faults
	}{
		{"a byte of a result", edit(winner, func(r *result.Result) { r.Seconds++ }, false), "seed-0/result.json: the file was changed"},
		{"a missing file", func(_ *testing.T, s *searched) { delete(s.files, winner(*s)) }, "the file is missing"},
		{"a better accuracy, hash and all", edit(rejected, func(r *result.Result) { *r.Accuracy.Validation = 0.99 }, true), "validation: accuracy 0.99 is not"},
		{"a better count, hash and all", edit(rejected, func(r *result.Result) {
			*r.Correct.Validation, *r.Accuracy.Validation = 4950, 0.99
		}, true), "wrong images listed"},
		{"a shorter list of wrong images", edit(winner, func(r *result.Result) { r.Wrong.Test = r.Wrong.Test[1:] }, true), "wrong images listed"},
		{"a wrong image twice", edit(winner, func(r *result.Result) { r.Wrong.Test[1] = r.Wrong.Test[0] }, true), "test: entry 1"},
		{"another answer", edit(winner, func(r *result.Result) { r.Wrong.Test[0][1] = (r.Wrong.Test[0][1] + 1) % 10 }, true), "disagree on answers"},
		{"another name", cert(func(c *result.Certificate) { c.Experiment = "fabricated" }), `experiment: it says "fabricated", `},
		{"no name", cert(func(c *result.Certificate) { c.Experiment = "" }), `/seed-0 says "simulated"`},
		{"swapped names of classes", func(t *testing.T, s *searched) {
			names := strings.Split("abcdefghij", "")
			edit(winner, func(r *result.Result) { r.Classes = names }, true)(t, s)
			s.cert.Classes = strings.Split("bacdefghij", "")
		}, `classes: it says ["b" "a" `},
		{"another data set's name", cert(func(c *result.Certificate) { c.Dataset.Name = "fashion-mnist" }), `dataset.name: it says "fashion-mnist", `},
		{"another data set", edit(winner, func(r *result.Result) { r.Dataset.Digest = "fedcba9876543210" }, true), "another version of the data set: fedcba987654"},
		{"another recipe", edit(winner, func(r *result.Result) { r.Train.LearningRate = 1 }, true), "its recipe is not"},
		{"another model", edit(winner, func(r *result.Result) { r.Model[0].Filters = 64 }, true), "its model is not"},
		{"fewer steps", edit(winner, func(r *result.Result) { r.Steps = 10 }, true), "10 steps trained"},
		{"another trial's file", func(_ *testing.T, s *searched) {
			s.files[winner(*s)] = s.files[strings.Replace(winner(*s), "seed-0", "seed-1", 1)]
		}, "it says that it is the result of"},
		{"garbage", func(_ *testing.T, s *searched) { s.files[winner(*s)] = []byte("{") }, "it is no result"},
		{"a file left out", cert(func(c *result.Certificate) { c.Files = c.Files[1:] }), "would train"},
		{"a foreign file", cert(func(c *result.Certificate) { c.Files[0].Path = "../x" }), "not a trial of the certificate"},
		{"another winner", cert(func(c *result.Certificate) { c.Winner.ConfigID = c.Candidates[0].ConfigID }), "winner.config_id: it says"},
		{"a better bound", cert(func(c *result.Certificate) { c.Winner.Bound = 0.97 }), "winner.bound: it says 0.97"},
		{"less effort", cert(func(c *result.Certificate) { c.Effort.Steps = 1 }), "effort.steps: it says 1,"},
		{"a hidden configuration", cert(func(c *result.Certificate) { c.Candidates = c.Candidates[1:] }), "certificate"},
		{"a cheaper price", cert(func(c *result.Certificate) { c.Candidates[3].Cost = 1 }), "cost: it says 1,"},
		{"another model in the certificate", cert(func(c *result.Certificate) { c.Candidates[3].Model[0].Filters++ }), "make the ID"},
		{"a configuration twice", cert(func(c *result.Certificate) { c.Candidates[1] = c.Candidates[0] }), "listed twice"},
		{"a lower target", cert(func(c *result.Certificate) { c.Target.Accuracy = 0.9 }), "certificate"},
		{"a bold promise", cert(func(c *result.Certificate) { c.Promises[0] = "It is perfect." }), "promises[0]: it says \"It is perfect.\""},
		{"a kind word", cert(func(c *result.Certificate) { c.Candidates[0].Reason = "too small" }), "candidates[0].reason"},
		{"no confidence", cert(func(c *result.Certificate) { c.Target.Confidence = 1 }), "out of range"},
		{"no rule", cert(func(c *result.Certificate) { c.Target.Rule = "lucky" }), "rule \"lucky\" is unknown"},
		{"one seed twice", cert(func(c *result.Certificate) { c.Seeds[1] = 0 }), "a seed is listed twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := search(t, Options{})
			c.forge(t, &s)
			faults := s.verify()
			for _, f := range faults {
				if strings.Contains(f.String(), c.want) {
					return
				}
			}
			t.Errorf("no fault says %q: %v", c.want, faults)
		})
	}
}

func TestReadCertificate(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"{}", "format 0"},
		{"", "read certificate: the file is empty; want the file that `slimfit search` wrote"},
		{`{"format": 1, "x": 1}`, `read certificate: line 1: unknown key "x"; want`},
		{"{\"format\": 1}\n\n{}", "line 3 is not JSON: invalid character '{' after top-level value"},
		{`{"format": 1} x`, "after top-level value"},
		{"[]", "line 1: what it holds is of the wrong kind, array; want"},
		{"{\n\"target\": 5}", "line 2: target is of the wrong kind, number"},
		{"{\"format\": 1,\n\"tar", "the file ends in the middle, in line 2 after 18 bytes"},
		{"\nhello", "line 2 is not JSON: invalid character 'h'"},
	} {
		if _, err := ReadCertificate([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.in, err, c.want)
		}
	}
}

// golden compares with testdata/name, and leaves name.got beside it where they
// differ.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		if err := os.WriteFile(path+".got", got, 0o666); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s differs, see %s.got", path, path)
	}
}

func TestCertificateText(t *testing.T) {
	s := search(t, Options{})
	var b bytes.Buffer
	if err := WriteText(&b, s.cert); err != nil {
		t.Fatal(err)
	}
	golden(t, "certified.txt", b.Bytes())

	p := problem(small()[:4], 2, aim(0.999), Options{})
	unmet := certificate(t, p, newWorld(p, surface(rand.New(rand.NewPCG(4, 4)), p.Candidates, 0.05), 0.05, 4))
	b.Reset()
	if err := WriteText(&b, unmet); err != nil {
		t.Fatal(err)
	}
	golden(t, "unmet.txt", b.Bytes())
}
