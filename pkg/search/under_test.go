package search

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
)

// noisy says what networks find under noise: smaller kernels lose more.
func noisy(p *Problem, lost func(kernel int, split result.Split) float64) func(result.Result) result.Scores {
	return func(r result.Result) result.Scores {
		s := result.NewScores(r)
		i := slices.IndexFunc(p.Candidates, func(c Candidate) bool { return c.ID == r.ConfigID })
		for _, split := range result.Splits() {
			if f := r.On(split); f.Correct != nil {
				n := float64(split.Images(p.Data)) * lost(p.Candidates[i].Assignment["kernel"].(int), split)
				s.SetFound("noise 20", split, []int{*f.Correct - int(n)})
			}
		}
		return s
	}
}

// underNoise searches with a floor under noise; lost is what networks lose there.
func underNoise(t *testing.T, floor float64, lost func(kernel int, split result.Split) float64) searched {
	t.Helper()
	goal := aim(0.93)
	goal.RecallAll = 0.5 // with recall floors the world makes confusion matrices
	if floor > 0 {
		goal.Under = []experiment.Under{{Shift: "noise 20", Accuracy: floor}}
	}
	p := problem(small(), 3, goal, Options{})
	p.Scores = noisy(p, lost)
	return record(t, p, newWorld(p, surface(rand.New(rand.NewPCG(4, 4)), p.Candidates, 0.05), 0.05, 4))
}

// A floor under a shift screens, is certified by its lower bound at the opening's
// alpha, stands in the certificate, and is verified by scores.json.
func TestFloorUnderShift(t *testing.T) {
	byKernel := func(kernel int, _ result.Split) float64 { return map[int]float64{1: 0.2, 3: 0.02, 5: 0.005}[kernel] }
	free, s := underNoise(t, 0, byKernel), underNoise(t, 0.9, byKernel)
	if free.cert.Verdict != result.Certified || s.cert.Verdict != result.Certified ||
		s.cert.Winner.Footprint.Parameters < free.cert.Winner.Footprint.Parameters {
		t.Fatalf("without a floor %s; with one %s", free.cert.Summary, s.cert.Summary)
	}
	if faults := s.verify(); len(faults) > 0 {
		t.Fatalf("%v", faults)
	}
	o := s.cert.Openings[len(s.cert.Openings)-1]
	for _, n := range s.cert.Winner.Networks {
		if low, err := stats.LowerBound(n.Under[0], s.p.Data.Test, 1-o.Alpha); err != nil || low < 0.9 {
			t.Errorf("seed %d is certified with %d right under noise, bound %v", n.Seed, n.Under[0], low)
		}
	}
	var b strings.Builder
	if err := WriteText(&b, s.cert); err != nil || !strings.Contains(b.String(), "accuracy under noise 20 at least 90 %") {
		t.Errorf("%v: %s", err, b.String())
	}

	// No kernel reaches the floor: nobody is certified, though all accuracies are as before.
	none := underNoise(t, 0.9, func(int, result.Split) float64 { return 0.2 })
	if none.cert.Winner != nil || len(none.cert.Openings) > 0 || none.cert.Verdict != result.NotShown {
		t.Errorf("nothing reaches the floor: %s", none.cert.Summary)
	}
	// On the validation images all do, on the test images none: refuted there.
	refuted := underNoise(t, 0.9, func(_ int, split result.Split) float64 { return map[result.Split]float64{result.Test: 0.2}[split] })
	if refuted.cert.Winner != nil || len(refuted.cert.Openings) == 0 ||
		!strings.Contains(refuted.cert.Openings[0].Reason, "accuracy under noise 20") {
		t.Errorf("refuted under noise: %s, %+v", refuted.cert.Summary, refuted.cert.Openings)
	}

	// Scores that say something else, or nothing, do not verify.
	for name, scores := range map[string]func(result.Result) result.Scores{
		"nobody knows any": nil, "none": func(result.Result) result.Scores { return result.Scores{} },
		"fewer": noisy(s.p, func(int, result.Split) float64 { return 0.006 })} {
		other := s
		p := *s.p
		p.Scores, other.p = scores, &p
		if faults := other.verify(); len(faults) == 0 {
			t.Errorf("scores: %s: the certificate verifies", name)
		}
	}
	s.cert.Target.Under[0].Shift = "fog 3"
	if faults := s.verify(); len(faults) == 0 {
		t.Error("a floor under fog verifies")
	}
}

// Floors under shifts count test images that repeat no other: 290 of 300 are right
// under noise, and 20 of the 30 distinct ones, which do not show 80 %.
func TestFloorCountsDistinctImages(t *testing.T) {
	goal := aim(0.5)
	goal.Under = []experiment.Under{{Shift: "noise 20", Accuracy: 0.8}}
	p := problem(small()[:1], 1, goal, Options{})
	labels := make([]uint8, p.Data.Test)
	predicted, repeats := make([]int, p.Data.Test), make([]bool, p.Data.Test)
	for i := range repeats {
		repeats[i] = i >= 30
	}
	r := &result.Result{ConfigID: p.Candidates[0].ID, Seed: p.Seeds[0], Status: result.Done, Dataset: p.Data}
	r.SetOn(result.Validation, result.Score(predicted[:p.Data.Validation], labels[:p.Data.Validation], p.Data.Classes))
	f := result.Score(predicted, labels, p.Data.Classes)
	f.LeaveOut(repeats, labels)
	r.SetOn(result.Test, f)
	for distinct, want := range map[int]result.Verdict{20: result.NotShown, 30: result.Certified} {
		p.Scores = func(r result.Result) result.Scores {
			s := result.NewScores(r)
			s.SetFound("noise 20", result.Validation, []int{p.Data.Validation})
			s.SetFound("noise 20", result.Test, []int{p.Data.Test - 10})
			s.SetDistinct("noise 20", distinct)
			return s
		}
		w := newWorld(p, nil, 0, 0)
		w.Results[r.Key()] = r
		s := record(t, p, w)
		if s.cert.Verdict != want || s.cert.Openings[0].Networks[0].UnderDistinct[0] != distinct {
			t.Errorf("%d distinct: %s %+v", distinct, s.cert.Summary, s.cert.Openings)
		}
		if faults := s.verify(); len(faults) > 0 {
			t.Errorf("%d distinct: %v", distinct, faults)
		}
	}
	known := p.Scores
	p.Scores = func(r result.Result) result.Scores { s := known(r); s.Distinct = nil; return s }
	if !p.Lacks(r, result.Test) {
		t.Error("scores that do not tell distinct images are taken")
	}
	if p.underAll = true; p.Lacks(r, result.Test) || p.underBound(r, 0.975) != "" {
		t.Error("a certificate of before is judged by distinct images")
	}
}
