package search

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/result"
)

// searchStopping runs a small search with early stops and writes its files. The
// second stopped trial was stopped for the second time.
func searchStopping(t *testing.T) searched { return stoppingWith(t, true) }

// stoppingWith is without an audit what an older version wrote.
func stoppingWith(t *testing.T, audits bool) searched {
	t.Helper()
	goal := aim(0.93)
	goal.RecallAll = 0.5
	p := problem(grid120(), 3, goal, Options{EarlyStop: true})
	p.audits = audits
	l := newLearner(newWorld(p, surface(rand.New(rand.NewPCG(10, 4)), p.Candidates, 0.05), 0.05, 10), 0.2, 0.8)
	s := searched{p: p, files: map[string][]byte{}}
	plan := p.Replay(l.lookup)
	stops := 0
	cert, err := p.Certificate(plan, "1.0", func(r *result.Result) ([]result.File, error) {
		k := r.Key()
		at := resultPath(k)
		var b []byte
		if r.Status == result.StoppedEarly {
			if stops++; stops == 2 {
				at = k.String() + "/" + result.StoppedNameAt(r.Steps)
			} else {
				at = k.String() + "/" + result.StoppedName
			}
			st := result.NewStopped(*r, *p.StopRule(), nil)
			var err error
			if b, err = json.Marshal(st); err != nil {
				return nil, err
			}
		} else {
			b = encode(t, p, l.world, k, plan)
		}
		s.files[at] = b
		return []result.File{fileOf(at, b)}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.cert = cert
	if cert.Verdict != result.Certified || cert.Effort.Stopped < 2 || audits != (cert.Audit != nil) ||
		audits && cert.Audit.Stopped < 4 || cert.Effort.Stopped+plan.state.trainedOn() != stops {
		t.Fatalf("%s, %d stopped: the test needs a winner and some of them", cert.Summary, stops)
	}
	return s
}

func fileOf(at string, b []byte) result.File {
	sum := sha256.Sum256(b)
	return result.File{Path: at, SHA256: hex.EncodeToString(sum[:])}
}

// stops are the paths of the certificate's files of stopped trials.
func (s searched) stops() []string {
	var out []string
	for _, f := range s.cert.Files {
		if result.IsStoppedName(path.Base(f.Path)) {
			out = append(out, f.Path)
		}
	}
	return out
}

func TestVerifyStoppedTruth(t *testing.T) {
	s := searchStopping(t)
	if faults := s.verify(); len(faults) > 0 {
		t.Errorf("faults in a true certificate: %v", faults)
	}
	b, err := json.Marshal(s.cert)
	if err != nil {
		t.Fatal(err)
	}
	if s.cert, err = ReadCertificate(b); err != nil {
		t.Fatal(err)
	}
	// A stopped trial that was trained on since has a result too.
	first := slices.IndexFunc(s.stops(), func(at string) bool { return s.files[path.Dir(at)+"/result.json"] == nil })
	s.files[path.Dir(s.stops()[first])+"/result.json"] = []byte("whatever a later training came to")
	if faults := s.verify(); len(faults) > 0 {
		t.Errorf("faults after a later training: %v", faults)
	}
	steps, listed, trainedOn := 0, 0, 0
	for _, j := range s.cert.Candidates {
		for _, n := range j.Networks {
			if n.StoppedAt == 0 {
				steps += j.Train.Steps
				continue
			}
			if n.Projected > 0 { // and then trained on
				steps += j.Train.Steps
				trainedOn++
				if n.Status != result.Done || n.Accuracy > n.Projected {
					t.Errorf("%s: %+v", j.ConfigID, n)
				}
				continue
			}
			listed++
			steps += n.StoppedAt
			if n.Status != result.StoppedEarly || !n.ClearlyFails || n.Upper >= 0.93 || n.Accuracy >= n.Upper {
				t.Errorf("%s: %+v", j.ConfigID, n)
			}
		}
	}
	if e := s.cert.Effort; steps != e.Steps || listed != e.Stopped || trainedOn != s.cert.Audit.Stopped ||
		e.Share != float64(steps)/float64(e.GridSteps) {
		t.Errorf("%d steps and %d stops in the networks, effort %+v", steps, listed, e)
	}
}

// A certificate of before there was an audit holds by its own rules: by the stops
// alone, and with witnesses that were stopped.
func TestVerifyStopsWithoutAudit(t *testing.T) {
	s := stoppingWith(t, false)
	if faults := s.verify(); len(faults) > 0 {
		t.Errorf("faults in a true certificate: %v", faults)
	}
	s.cert.Audit = &result.Audit{Stopped: 4, Skipped: 4}
	if faults := s.verify(); !slices.ContainsFunc(faults, func(f Fault) bool { return strings.Contains(f.What, "it would train ") }) {
		t.Errorf("an audit that never was: %v", faults)
	}
}

// fix turns n wrong answers of a stopped trial into right ones, in every list.
func fix(s *result.Stopped, n int) {
	classes := s.Dataset.Classes
	for _, w := range s.Wrong[:n] {
		s.Confusion[w[0]%classes][w[1]]--
		s.Confusion[w[0]%classes][w[0]%classes]++
	}
	s.Wrong = s.Wrong[n:]
	s.Correct += n
	s.Accuracy = float64(s.Correct) / float64(s.Dataset.Validation)
}

func TestVerifyStoppedForgeries(t *testing.T) {
	edit := func(change func(*result.Stopped), rehash bool) func(*testing.T, *searched) {
		return func(t *testing.T, s *searched) {
			at := s.stops()[0]
			var st result.Stopped
			if err := json.Unmarshal(s.files[at], &st); err != nil {
				t.Fatal(err)
			}
			change(&st)
			b, err := json.Marshal(st)
			if err != nil {
				t.Fatal(err)
			}
			s.files[at] = b
			i := slices.IndexFunc(s.cert.Files, func(f result.File) bool { return f.Path == at })
			if rehash {
				s.cert.Files[i] = fileOf(at, b)
			}
		}
	}
	cert := func(change func(*result.Certificate)) func(*testing.T, *searched) {
		return func(_ *testing.T, s *searched) { change(s.cert) }
	}
	network := func(c *result.Certificate) *result.ScreenedNetwork {
		for _, j := range c.Candidates {
			for i := range j.Networks {
				if j.Networks[i].StoppedAt > 0 {
					return &j.Networks[i]
				}
			}
		}
		return nil
	}
	for _, c := range []struct {
		name  string
		forge func(*testing.T, *searched)
		want  string // in one of the faults
	}{
		{"a byte of the file", edit(func(s *result.Stopped) { s.Seconds++ }, false), "the file was changed"},
		{"a missing file", func(_ *testing.T, s *searched) { delete(s.files, s.stops()[0]) }, "stopped.json: the file is missing"},
		{"a missing file of a second stop", func(_ *testing.T, s *searched) {
			i := slices.IndexFunc(s.stops(), func(p string) bool { return path.Base(p) != result.StoppedName })
			delete(s.files, s.stops()[i])
		}, "the file is missing"},
		{"a stop without reason, consistent and rehashed", edit(func(s *result.Stopped) { fix(s, len(s.Wrong)-20) }, true), "where it could still have reached 99."},
		{"an error that fell faster than the rule allows", edit(func(s *result.Stopped) { s.Before = &result.Measured{Step: s.Step * 9 / 10, Accuracy: 0.1} }, true),
			"fell faster than the rule allows: 10.00 % at step 900"},
		{"at a step that is no look", edit(func(s *result.Stopped) { s.Step -= 500 }, true), "step 500 of 4000 is none"},
		{"at the last step", edit(func(s *result.Stopped) { s.Step = 4000 }, true), "step 4000 of 4000 is none"},
		{"at another look", edit(func(s *result.Stopped) { s.Step = 3000 }, true), "stopped_at"},
		{"another count", edit(func(s *result.Stopped) { s.Correct-- }, true), "validation: accuracy"},
		{"fewer wrong images", edit(func(s *result.Stopped) { s.Wrong = s.Wrong[1:] }, true), "wrong images listed"},
		{"no confusion", edit(func(s *result.Stopped) { s.Confusion = nil }, true), "is missing"},
		{"another recipe", edit(func(s *result.Stopped) { s.Train.Steps = 40000 }, true), "its recipe is not"},
		{"a cosine", edit(func(s *result.Stopped) { s.Train.Schedule = "cosine" }, true), "which this search does not allow"},
		{"another model", edit(func(s *result.Stopped) { s.Model[0].Filters++ }, true), "its model is not"},
		{"another data set", edit(func(s *result.Stopped) { s.Dataset.Digest = "fedcba9876543210" }, true), "another version of the data set"},
		{"another trial's", edit(func(s *result.Stopped) { s.Seed++ }, true), "it says that it is the result of"},
		{"no JSON", func(_ *testing.T, s *searched) { s.files[s.stops()[0]] = []byte("{") }, "it is no result"},
		{"two files of a trial", func(_ *testing.T, s *searched) {
			at := s.stops()[0]
			other := path.Dir(at) + "/stopped-9.json"
			s.files[other] = s.files[at]
			s.cert.Files = append(s.cert.Files, fileOf(other, s.files[at]))
		}, "stopped-9.json: it is a second file of its trial"},
		{"an end withheld", func(_ *testing.T, s *searched) {
			i := slices.IndexFunc(s.stops(), func(at string) bool { return s.files[path.Dir(at)+"/result.json"] != nil })
			end := path.Dir(s.stops()[i]) + "/result.json"
			s.cert.Files = slices.DeleteFunc(s.cert.Files, func(f result.File) bool { return f.Path == end })
		}, "it would train c"},
		{"the audit withheld", cert(func(c *result.Certificate) { c.Audit = nil }), "it is a second file of its trial"},
		{"a surprise withheld", func(t *testing.T, s *searched) {
			i := slices.IndexFunc(s.stops(), func(at string) bool { return s.files[path.Dir(at)+"/result.json"] != nil })
			end := path.Dir(s.stops()[i]) + "/result.json"
			var r result.Result
			unmarshal(t, s.files[end], &r)
			perfect(s.p, &r)
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			s.files[end] = b
			s.cert.Files[slices.IndexFunc(s.cert.Files, func(f result.File) bool { return f.Path == end })] = fileOf(end, b)
		}, "to its end"},
		{"a name that is none", func(_ *testing.T, s *searched) {
			at := s.stops()[0]
			i := slices.IndexFunc(s.cert.Files, func(f result.File) bool { return f.Path == at })
			s.cert.Files[i].Path = path.Dir(at) + "/stopped-x.json"
		}, "it is not a trial of the certificate's"},
		{"no stop said", cert(func(c *result.Certificate) { network(c).StoppedAt = 0 }), "stopped_at"},
		{"a step that is another", cert(func(c *result.Certificate) { network(c).StoppedAt += 1000 }), "stopped_at: it says"},
		{"a lower bound", cert(func(c *result.Certificate) { network(c).Upper -= 0.01 }), "upper: it says"},
		{"the rule withheld", cert(func(c *result.Certificate) {
			c.Rules = slices.DeleteFunc(c.Rules, func(r string) bool { return strings.HasPrefix(r, "A trial is stopped") })
		}), "rules: it says"},
		{"the assumption withheld", cert(func(c *result.Certificate) { c.Assumption.Stopping = "" }), "assumption.stopping: it says null"},
		{"stopping denied", cert(func(c *result.Certificate) { c.EarlyStop = false }), "which this search does not allow"},
		{"stopping in an exact search", cert(func(c *result.Certificate) { c.Exact = true }), "which this search does not allow"},
		{"stopping under another rule", cert(func(c *result.Certificate) { c.Target.Rule = "mean" }), "which this search does not allow"},
		{"fewer steps", cert(func(c *result.Certificate) { c.Effort.Steps -= 1000 }), "effort.steps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := searchStopping(t)
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

func TestStoppedCertificateText(t *testing.T) {
	s := searchStopping(t)
	var b bytes.Buffer
	if err := WriteText(&b, s.cert); err != nil {
		t.Fatal(err)
	}
	golden(t, "stopped.txt", b.Bytes())
}

func TestRetrainedStopped(t *testing.T) {
	share := func(v float64) *float64 { return &v }
	old := result.Stopped{Step: 2000, Correct: 80, Environment: result.Environment{Threads: 1},
		Before: &result.Measured{Step: 1000, Accuracy: 0.6}}
	old.Dataset.Validation = 100
	history := []result.Point{{Step: 1000, Loss: 2, Validation: share(0.6)}, {Step: 2000, Loss: 1, Validation: share(0.8)}}
	for _, c := range []struct {
		name   string
		change func(*Trained)
		then   []result.Point // the history kept
		want   []string
	}{
		{"nothing", func(*Trained) {}, history, nil},
		{"no history kept", func(*Trained) {}, nil, nil},
		{"a longer one kept", func(*Trained) {}, append(slices.Clone(history), result.Point{Step: 2500, Loss: 7}), nil},
		{"diverged later", func(x *Trained) { x.Result.Status, x.Result.Accuracy.Validation = result.Diverged, nil }, history, nil},
		{"the look before", func(x *Trained) { x.History[0].Validation = share(0.5) }, nil, []string{"another look before the stop, at step 1000"}},
		{"history", func(x *Trained) { x.History[0].Loss = 3 }, history, []string{"another history, from its point 1 on"}},
		{"accuracy", func(x *Trained) { x.History[1].Validation = share(0.81) }, history, []string{"from its point 2 on", "81 validation images correct at step 2000, was 80"}},
		{"not measured", func(x *Trained) { x.History = x.History[2:] }, nil, []string{"another look before", "not measured at step 2000"}},
		{"failed", func(x *Trained) { x.Result = result.Result{Status: result.Failed, Reason: "out of memory"} }, history, []string{"failed: out of memory", "threads 0 here"}},
		{"reaches the target", func(x *Trained) { x.Result.Accuracy.Validation = share(0.9) }, history, []string{"reaches 90.00 % at its end: the target is 90 %"}},
		{"another machine", func(x *Trained) { x.History[0].Loss, x.Result.Environment.Threads = 3, 2 }, history, []string{"another history", "threads 2 here, 1 then"}},
	} {
		again := Trained{Result: result.Result{Status: result.Done, Environment: old.Environment},
			History: []result.Point{{Step: 1000, Loss: 2, Validation: share(0.6)}, {Step: 2000, Loss: 1, Validation: share(0.8)}, {Step: 3000, Loss: 0.5, Validation: share(0.89)}}}
		again.Result.Accuracy.Validation = share(0.89)
		c.change(&again)
		faults := RetrainedStopped("x", 0.9, old, c.then, again)
		ok := len(faults) == len(c.want)
		for _, w := range c.want {
			ok = ok && slices.ContainsFunc(faults, func(f Fault) bool { return strings.Contains(f.What, w) })
		}
		if !ok {
			t.Errorf("%s: faults %v, want %v", c.name, faults, c.want)
		}
	}
}
