package search

import (
	"math/rand/v2"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
)

// A certificate of networks that always answer the largest class says so, by
// name, and can be verified; one of before that was said can be, too.
func TestCertificateOfGuessing(t *testing.T) {
	goal := aim(0.9)
	goal.Classes = []string{"ok", "scratch", "a,b", "3", "4", "5", "6", "7", "8", "9"}
	goal.Recall = []experiment.Recall{{Class: 0, Floor: 0.5}}
	p := problem(small()[:3], 2, goal, Options{})
	w := newWorld(p, surface(rand.New(rand.NewPCG(4, 4)), p.Candidates, 0.05), 0.05, 4)
	for _, c := range p.Candidates {
		for _, seed := range p.Seeds {
			r := &result.Result{ConfigID: c.ID, Seed: seed, Status: result.Done, Dataset: p.Data}
			for _, s := range result.Splits() {
				labels := make([]uint8, s.Images(p.Data))
				for k := range len(labels) / 20 { // one in twenty is no ok
					labels[k] = uint8(1 + k%2)
				}
				r.SetOn(s, result.Score(make([]int, len(labels)), labels, p.Data.Classes))
			}
			w.Results[r.Key()] = r
		}
	}
	s := record(t, p, w)
	if faults := s.verify(); len(faults) > 0 || s.cert.Verdict != result.Certified {
		t.Fatalf("%s %v", s.cert.Summary, faults)
	}
	var b strings.Builder
	if err := WriteText(&b, s.cert); err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{"Always answering ok is right on 95.00 % of the validation images.", "recall of class ok at least 50 %",
		`seed 0 does no better than always answering ok (95.00 %) and never answers scratch and "a,b" on the test images: ask for floors`} {
		if !strings.Contains(words, want) {
			t.Errorf("no %q in %s", want, b.String())
		}
	}
	s.cert.Classes = s.cert.Classes[:9]
	if faults := s.verify(); len(faults) == 0 || !strings.Contains(faults[0].String(), "9 names for 10 classes") {
		t.Errorf("nine names: %v", faults)
	}
}

// Test images that repeat others count for the accuracy and for no bound: a
// network that is right on all of them, and on 26 of 30 others, is not shown to
// reach 90 %.
func TestBoundsAreOfDistinctImages(t *testing.T) {
	p := problem(small()[:1], 1, aim(0.9), Options{})
	labels := make([]uint8, p.Data.Test)
	predicted, repeats := make([]int, p.Data.Test), make([]bool, p.Data.Test)
	for i := range labels {
		labels[i] = uint8(i % p.Data.Classes)
		predicted[i], repeats[i] = int(labels[i]), i >= 30
	}
	for i := range 4 {
		predicted[i] = (predicted[i] + 1) % p.Data.Classes
	}
	for _, distinct := range []bool{false, true} {
		w := newWorld(p, surface(rand.New(rand.NewPCG(4, 4)), p.Candidates, 0.05), 0.05, 4)
		r := &result.Result{ConfigID: p.Candidates[0].ID, Seed: p.Seeds[0], Status: result.Done, Dataset: p.Data}
		vl := labels[:p.Data.Validation]
		r.SetOn(result.Validation, result.Score(predicted[:len(vl)], vl, p.Data.Classes))
		f := result.Score(predicted, labels, p.Data.Classes)
		if distinct {
			f.LeaveOut(repeats, labels)
		}
		r.SetOn(result.Test, f)
		w.Results[r.Key()] = r
		s := record(t, p, w)
		if faults := s.verify(); len(faults) > 0 {
			t.Fatal(faults)
		}
		n := s.cert.Openings[0].Networks[0]
		if distinct == (s.cert.Verdict == result.Certified) {
			t.Errorf("distinct %v: %s", distinct, s.cert.Summary)
		}
		if n.Correct != p.Data.Test-4 || distinct && (n.Distinct.Test != 30 || n.Distinct.Correct != 26 || n.Interval[1] > 0.97) {
			t.Errorf("distinct %v: %+v", distinct, n)
		}
	}
}
