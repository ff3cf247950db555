package search

import (
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/result"
)

// Kernels of another kind give other bits: such a training is compared within
// noise; those of one kind bit for bit.
func TestRetrainedByOtherKernels(t *testing.T) {
	trial := func(stem string, correct int, weights string) Trained {
		r := result.Result{Status: result.Done, WeightsSHA: weights, Dataset: models.Data{Validation: 1000}}
		r.Environment.Stem = stem
		r.SetOn(result.Validation, result.Figures{Correct: &correct})
		return Trained{Result: r}
	}
	for _, c := range []struct {
		was, is     string
		correct     int
		faultWanted bool
	}{
		{"", "own-avx2", 955, false}, {"own-avx2", "stock", 800, true}, {"own-avx2", "own-c", 955, true}, {"", "stock", 955, true},
	} {
		faults := Retrained("trial", trial(c.was, 960, "aaaaaaaaaaaaaaaa"), trial(c.is, c.correct, "bbbbbbbbbbbbbbbb"))
		if (len(faults) > 0) != c.faultWanted {
			t.Errorf("%q again by %q, %d correct: %v", c.was, c.is, c.correct, faults)
		}
	}
}

func TestSample(t *testing.T) {
	c := search(t, Options{}).cert
	all, err := Sample(c, 1000, 1)
	if err != nil || len(all) != len(c.Files) {
		t.Fatalf("%d trials of %d, error %v", len(all), len(c.Files), err)
	}
	drawn := map[string]bool{}
	for seed := range uint64(50) {
		some, err := Sample(c, 2, seed)
		if err != nil || len(some) != 2 || some[0].ID == some[1].ID && some[0].Seed == some[1].Seed {
			t.Fatalf("seed %d: %d trials, error %v", seed, len(some), err)
		}
		again, _ := Sample(c, 2, seed)
		for i, trial := range some {
			if trial.Seed != again[i].Seed || trial.ID != again[i].ID || trial.Config.ID() != trial.ID {
				t.Fatalf("seed %d draws others", seed)
			}
			drawn[trial.ID] = true
		}
	}
	if len(drawn) < 8 {
		t.Errorf("only %d configurations drawn in 50 times", len(drawn))
	}
}

func TestRetrained(t *testing.T) {
	right := 98
	trained := func(change func(*Trained)) Trained {
		n := right
		x := Trained{Result: result.Result{Status: result.Done, WeightsSHA: "aaaa", Environment: result.Environment{Threads: 1}},
			History: []result.Point{{Step: 1, Loss: 2}, {Step: 2, Loss: 1, Validation: new(0.75)}}}
		x.Result.Correct.Validation = &n
		x.Result.Wrong.Validation = [][2]int{{3, 1}, {5, 2}}
		change(&x)
		return x
	}
	same := trained(func(*Trained) {})
	for _, c := range []struct {
		name   string
		change func(*Trained)
		want   []string
	}{
		{"nothing", func(*Trained) {}, nil},
		{"the clock", func(x *Trained) { x.Result.Seconds = 5 }, nil},
		{"weights", func(x *Trained) { x.Result.WeightsSHA = "bbbb" }, []string{"other weights"}},
		{"history", func(x *Trained) { x.History[1].Loss = 1.5 }, []string{"another history, from its point 2 on"}},
		{"measured more often", func(x *Trained) { x.History[0].Validation = new(0.5) }, nil},
		{"measured otherwise", func(x *Trained) { x.History[1].Validation = new(0.5) }, []string{"another history, from its point 2 on"}},
		{"count", func(x *Trained) { *x.Result.Correct.Validation = 97 }, []string{"97 validation images correct, was 98"}},
		{"other images", func(x *Trained) { x.Result.Wrong.Validation[0] = [2]int{4, 1} }, []string{"but other ones"}},
		{"status", func(x *Trained) { x.Result.Status = result.Diverged }, []string{"it is now diverged, was done"}},
		{"another machine", func(x *Trained) { x.Result.WeightsSHA, x.Result.Environment.Threads = "bbbb", 2 }, []string{"other weights", "this may be the machine: threads 2 here, 1 then"}},
		{"a closed test set", func(x *Trained) { x.Result.Correct.Test = &right }, nil},
	} {
		faults := Retrained("x", same, trained(c.change))
		ok := len(faults) == len(c.want)
		for _, w := range c.want {
			ok = ok && slices.ContainsFunc(faults, func(f Fault) bool { return strings.Contains(f.What, w) })
		}
		if !ok {
			t.Errorf("%s: faults %v, want %v", c.name, faults, c.want)
		}
	}
}
