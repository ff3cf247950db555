package search

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
)

// small is a grid of 24: kernel 1, 3 and 5, filters 2 to 16, dense 16 or 128.
func small() []Candidate {
	return slices.DeleteFunc(grid120(), func(c Candidate) bool {
		a := c.Assignment
		return a["pool"] != 2 || a["filters"] == 32 || a["dense"] == 32 || a["dense"] == 64
	})
}

// fullGrid finds the winner for the worst rule from all results, by the rule's
// own words: the first candidate whose every seed reaches the target on the
// validation images, where that is a chance of one in four or more to pass the
// first opening, and whose every lower bound does on the test images, with
// alpha halved at each opening. -1 if there is none.
func fullGrid(t interface{ Fatal(...any) }, w *world) int {
	p, left := w.p, 1-w.p.Target.Confidence
	need, _, err := stats.CorrectNeeded(p.Target.Accuracy, p.Data.Test, 1-left/2)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range p.Candidates {
		screened := true
		for _, s := range p.Seeds {
			r, _ := w.finished(keyOf(c, s), true)
			seen := float64(*r.Correct.Validation) / float64(p.Data.Validation)
			screened = screened && seen >= p.Target.Accuracy && stats.BinomialTail(need, p.Data.Test, seen) >= 0.25
		}
		if !screened {
			continue
		}
		if left < LeastAlpha {
			return -1
		}
		alpha := left / 2
		left -= alpha
		tested := true
		for _, s := range p.Seeds {
			r, _ := w.finished(keyOf(c, s), true)
			low, err := stats.LowerBound(*r.Correct.Test, p.Data.Test, 1-alpha)
			if err != nil {
				t.Fatal(err)
			}
			tested = tested && low >= p.Target.Accuracy
		}
		if tested {
			return i
		}
	}
	return -1
}

// found is the winner's index, -1 if there is none.
func found(plan Plan) int {
	if i := plan.state.winner(); i < len(plan.state.all) {
		return i
	}
	return -1
}

// An exact search agrees with the full grid whatever the accuracies are.
func TestExactSearchAgreesWithTheFullGrid(t *testing.T) {
	all := small()
	rapid.Check(t, func(t *rapid.T) {
		accuracy := map[string]float64{}
		for _, c := range all {
			accuracy[c.ID] = rapid.Float64Range(0.93, 0.97).Draw(t, "accuracy")
		}
		p := problem(all, rapid.IntRange(1, 5).Draw(t, "seeds"), aim(0.95), Options{Exact: true, Round: rapid.IntRange(1, 9).Draw(t, "round")})
		w := newWorld(p, accuracy, rapid.Float64Range(0, 0.2).Draw(t, "seed sd"), rapid.Uint64().Draw(t, "salt"))
		plan := p.Replay(w.finished)
		if got, want := found(plan), fullGrid(t, w); got != want {
			t.Fatalf("winner %d, the full grid's is %d", got, want)
		}
	})
}

// Where no smaller network outdoes a larger one, skipping changes nothing.
func TestSearchFindsTheCheapestWhenMonotone(t *testing.T) {
	all := small()
	rapid.Check(t, func(t *rapid.T) {
		p := problem(all, rapid.IntRange(1, 4).Draw(t, "seeds"), aim(rapid.Float64Range(0.9, 0.99).Draw(t, "target")),
			Options{Round: rapid.IntRange(1, 9).Draw(t, "round")})
		correct := make([]int, len(p.Candidates))
		for i := range p.Candidates { // a monotone surface: at least what is inside, and some more
			for _, j := range p.insideOf(i) {
				correct[i] = max(correct[i], correct[j])
			}
			correct[i] = min(correct[i]+rapid.IntRange(0, 120).Draw(t, "gain"), 450)
		}
		w := newWorld(p, nil, 0, 0)
		for i, c := range p.Candidates {
			for _, s := range p.Seeds {
				val, test := 4550+correct[i], 2*(4550+correct[i])
				r := &result.Result{ConfigID: c.ID, Seed: s, Status: result.Done}
				r.Correct.Validation, r.Correct.Test = &val, &test
				w.Results[r.Key()] = r
			}
		}
		plan := p.Replay(w.finished)
		if got, want := found(plan), fullGrid(t, w); got != want {
			t.Fatalf("winner %d, the full grid's is %d", got, want)
		}
		if n := len(contradictedKeys(plan)); n > 0 {
			t.Fatalf("%d networks contradicted on a monotone surface", n)
		}
	})
}

func contradictedKeys(plan Plan) []result.Key {
	return plan.state.assumption(len(plan.state.all)).Contradicted
}

// Whatever the world, the winner meets the rule, every cheaper configuration
// has its reason, and no more alpha is spent than there is.
func TestVerdictHolds(t *testing.T) {
	all := small()
	rapid.Check(t, func(t *rapid.T) {
		goal := aim(rapid.Float64Range(0.92, 0.98).Draw(t, "target"))
		goal.Rule = rapid.SampledFrom([]string{experiment.RuleWorst, experiment.RuleMean, experiment.RuleTolerance}).Draw(t, "rule")
		seeds := rapid.IntRange(2, 4).Draw(t, "seeds")
		if goal.Rule == experiment.RuleTolerance {
			seeds = 10
		}
		if rapid.Bool().Draw(t, "recall") {
			goal.RecallAll = goal.Accuracy - 0.02
		}
		p := problem(all, seeds, goal, Options{Exact: rapid.Bool().Draw(t, "exact"), Round: rapid.IntRange(1, 9).Draw(t, "round")})
		accuracy := surface(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "surface"), 0)), all, rapid.Float64Range(0, 0.2).Draw(t, "rugged"))
		w := newWorld(p, accuracy, rapid.Float64Range(0, 0.15).Draw(t, "seed sd"), rapid.Uint64().Draw(t, "salt"))
		s := p.Replay(w.finished).state
		winner := s.winner()
		end := winner
		if s.exhausted {
			end = s.horizon()
		}
		for i, c := range s.all[:end] {
			if c.standing != rejected && c.standing != skipped && c.standing != refuted {
				t.Fatalf("candidate %d before the winner %d is %v", i, winner, c.standing)
			}
			if c.standing == skipped && p.Exact {
				t.Fatalf("candidate %d is skipped in an exact search", i)
			}
		}
		if winner < len(s.all) {
			meetsRule(t, p, s.all[winner])
		}
		if left := s.alphaLeft(); left < 0 || left > 1-goal.Confidence {
			t.Fatalf("alpha left: %v", left)
		}
	})
}

func meetsRule(t *rapid.T, p *Problem, c candidate) {
	if len(c.nets) != len(p.Seeds) {
		t.Fatalf("the winner has %d of %d seeds", len(c.nets), len(p.Seeds))
	}
	var val, test []float64
	for k, n := range c.nets {
		val = append(val, n.accuracy)
		test = append(test, float64(*c.opening.results[k].Correct.Test)/float64(p.Data.Test))
		if p.Target.Rule == experiment.RuleWorst && c.opening.lower[k] < p.Target.Accuracy {
			t.Fatalf("seed %d: lower bound %v", n.seed, c.opening.lower[k])
		}
		for class, row := range n.result.Confusion.Test {
			if recall := float64(row[class]) / float64(p.Data.Test/10); recall < p.Target.RecallAll {
				t.Fatalf("seed %d: recall of class %d is %v", n.seed, class, recall)
			}
		}
	}
	for _, acc := range [][]float64{val, test} {
		s, err := stats.Summarize(acc)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{experiment.RuleWorst: s.Min, experiment.RuleMean: s.Mean,
			experiment.RuleTolerance: s.Mean - p.judge.Factor*s.SD}[p.Target.Rule]
		if got < p.Target.Accuracy-1e-12 { // sums of rounded accuracies, unlike the search's
			t.Fatalf("%s: %v, want %v or more", p.Target.Rule, got, p.Target.Accuracy)
		}
	}
}

// The order of the input and other results in the folder change nothing, and
// neither do interruptions.
func TestSearchIsAFunctionOfItsResults(t *testing.T) {
	all := small()
	rapid.Check(t, func(t *rapid.T) {
		accuracy := surface(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "surface"), 0)), all, 0.1)
		shuffled := rapid.Permutation(all).Draw(t, "order")
		p, q := problem(all, 3, aim(0.95), Options{}), problem(shuffled, 3, aim(0.95), Options{})
		w := newWorld(p, accuracy, 0.06, rapid.Uint64().Draw(t, "salt"))
		straight := p.Replay(w.finished)

		there := map[result.Key]bool{} // some results lie in the folder already
		for _, c := range all {
			if rapid.Bool().Draw(t, "there") {
				there[keyOf(c, 0)] = true
			}
		}
		var plan Plan
		for rounds := 0; ; rounds++ {
			if rounds > 1000 {
				t.Fatal("no end")
			}
			plan = q.Replay(func(k result.Key, _ bool) (*result.Result, bool) {
				if !there[k] {
					return nil, false
				}
				return w.finished(k, true)
			})
			if plan.Done {
				break
			}
			for i, k := range plan.Train { // a run that is stopped at any time
				if i == 0 || rapid.Bool().Draw(t, "finished") {
					there[k] = true
				}
			}
		}
		if plan.state.effort() != straight.state.effort() || found(plan) != found(straight) {
			t.Fatalf("winner %d after %+v, straight %d after %+v", found(plan), plan.state.effort(), found(straight), straight.state.effort())
		}
	})
}

// A technical failure is never taken for a verdict.
func TestFailedTrialLeavesTheQuestionOpen(t *testing.T) {
	p := problem(small(), 2, aim(0.9), Options{Exact: true})
	w := newWorld(p, surface(rand.New(rand.NewPCG(1, 1)), p.Candidates, 0), 0.02, 1)
	before := p.Replay(w.finished)
	if found(before) < 3 {
		t.Fatalf("winner %d: the test needs some cheaper ones", found(before))
	}
	key := keyOf(p.Candidates[1], 0)
	w.Results[key] = &result.Result{ConfigID: key.ConfigID, Status: result.Failed, Reason: "out of memory"}
	c := certificate(t, p, w)
	if c.Verdict != result.Incomplete || c.Candidates[1].Finding != result.FoundUnjudged || c.Winner == nil {
		t.Errorf("verdict %s, finding %s", c.Verdict, c.Candidates[1].Finding)
	}
	w.Results[key] = &result.Result{ConfigID: key.ConfigID, Status: result.Diverged, Reason: "the loss was NaN"}
	c = certificate(t, p, w)
	if c.Verdict != result.Certified || c.Candidates[1].Finding != result.FoundRejected || c.Candidates[1].Reason != "seed 0 diverged" {
		t.Errorf("verdict %s, candidate %+v", c.Verdict, c.Candidates[1])
	}
}

func certificate(t testing.TB, p *Problem, w *world) *result.Certificate {
	t.Helper()
	c, err := p.Certificate(p.Replay(w.finished), "test", func(r *result.Result) ([]result.File, error) {
		k := r.Key()
		return []result.File{{Path: resultPath(k), SHA256: "0"}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Equal costs go to the smaller of the other figures.
func TestTies(t *testing.T) {
	all := small()
	goal := aim(0.95)
	goal.Cost = "peak" // depends on kernel not at all, on dense hardly
	p := problem(all, 1, goal, Options{})
	for i := 1; i < len(p.Candidates); i++ {
		a, b := p.Candidates[i-1], p.Candidates[i]
		if a.Cost > b.Cost || a.Cost == b.Cost && a.Footprint.Parameters > b.Footprint.Parameters {
			t.Fatalf("%s (%d, %d parameters) before %s (%d, %d)", a.ID, a.Cost, a.Footprint.Parameters, b.ID, b.Cost, b.Footprint.Parameters)
		}
	}
}
