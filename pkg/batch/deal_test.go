package batch

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/sweep"
)

func packsOf(r Request) []sweep.Pack {
	return sweep.BuildPacks(r.Experiment.Trials(), 1, sweep.DefaultCost())
}

func TestDeal(t *testing.T) {
	r := request(t)
	r.Experiment = load(t, strings.Replace(small, "seeds: 2", "seeds: 40", 1))
	packs := packsOf(r)
	minute := Speed{each: 60}
	for _, c := range []struct {
		least, most time.Duration
		workers     int
		want        int // elements
	}{
		{0, 0, 2, len(packs)},
		{10 * time.Minute, 0, 1, 12}, // 120 trials of a minute
		{10 * time.Minute, 0, 4, 3},
		{10 * time.Hour, 0, 1, 1},
		{10 * time.Hour, 30 * time.Minute, 1, 5}, // the time limit wins
	} {
		elements := deal(packs, minute, c.workers, c.least, c.most)
		trials := map[string]int{}
		least, most := math.Inf(1), 0.0
		for _, e := range elements {
			least, most = min(least, e.Seconds), max(most, e.Seconds)
			for _, name := range e.Trials {
				trials[name]++
			}
		}
		if len(elements) != c.want || len(trials) != 120 {
			t.Errorf("%+v: %d elements with %d trials", c, len(elements), len(trials))
		}
		if longest := 8 * 60.0; most-least > longest { // of a pack
			t.Errorf("%+v: elements of %v to %v s", c, least, most)
		}
		for name, n := range trials {
			if n != 1 {
				t.Errorf("%+v: %s comes %d times", c, name, n)
			}
		}
		if again := deal(packs, minute, c.workers, c.least, c.most); fmt.Sprint(again) != fmt.Sprint(elements) {
			t.Errorf("%+v: another time, another deal", c)
		}
	}
	if deal(nil, minute, 1, 0, 0) != nil {
		t.Error("elements without trials")
	}
}

// What a configuration took on the partition is believed; others scale.
func TestSpeed(t *testing.T) {
	r := request(t)
	c := &r.Experiment.Configs[0]
	configs := map[string]*experiment.Configuration{}
	for i := range r.Experiment.Configs {
		configs[r.Experiment.Configs[i].ID] = &r.Experiment.Configs[i]
	}
	one := func(id string) float64 { return alone(experiment.Trial{Configuration: configs[id]}) }
	results := []result.Result{
		{ConfigID: c.ID, Seed: 0, Status: result.Done, Seconds: 2 * one(c.ID)},
		{ConfigID: c.ID, Seed: 1, Status: result.Done, Seconds: 4 * one(c.ID)},
		{ConfigID: c.ID, Seed: 2, Status: result.Failed, Seconds: 100},
		{ConfigID: r.Experiment.Configs[1].ID, Seed: 9, Status: result.Done, Seconds: 100}, // elsewhere
	}
	s := speedOf(results, configs, func(k result.Key) bool { return k.Seed < 9 })
	pack := func(i int) sweep.Pack {
		return sweep.Pack{Trials: []experiment.Trial{{Configuration: &r.Experiment.Configs[i], Seed: 5}}}
	}
	if got, want := s.seconds(pack(0)), 3*one(c.ID); math.Abs(got-want) > 1e-9 {
		t.Errorf("known: %v, want %v", got, want)
	}
	if got, want := s.seconds(pack(2)), 4*one(r.Experiment.Configs[2].ID); math.Abs(got-want) > 1e-9 {
		t.Errorf("unknown: %v, want %v", got, want)
	}
	folds := pack(2)
	c2 := *folds.Trials[0].Configuration
	c2.Data.Folds, folds.Cost = 5, 10
	folds.Trials[0].Configuration = &c2
	if got := (Speed{}).seconds(folds); got != 50 {
		t.Errorf("of five folds: %v", got)
	}
	if got := (Speed{each: 7}).seconds(packsOf(r)[0]); got != 7*float64(len(packsOf(r)[0].Trials)) {
		t.Errorf("as given: %v", got)
	}
}

// The speed comes from results that ran on the same partition.
func TestSpeedOfPartition(t *testing.T) {
	fakeSlurm(t)
	r := request(t)
	r.Settings.Partition = "fast"
	p, _ := submit(t, r)
	if !strings.Contains(p.Speed.From, "no result of partition fast") {
		t.Errorf("at first: %s", p.Speed.From)
	}
	keys := allKeys(r)
	finish(t, r, keys[0], result.Done, 1000)
	p, _ = submit(t, r)
	if p.Speed.From != "1 finished results of partition fast" {
		t.Errorf("then: %s", p.Speed.From)
	}
	i := slices.IndexFunc(p.Tasks.Elements, func(e Element) bool { return slices.Contains(e.Trials, keys[1].String()) })
	if e := p.Tasks.Elements[i]; e.Seconds < 1000 {
		t.Errorf("the same configuration is predicted to take %v s", e.Seconds)
	}
	r.Settings.Partition = "other"
	r.TrialMinutes = 100
	p, err := Prepare(t.Context(), r)
	if err != nil || !strings.Contains(p.Speed.From, "as given") || len(p.Notes) != 1 ||
		!strings.Contains(p.Notes[0], "longer than the time limit") {
		t.Errorf("%v: %s, %q", err, p.Speed.From, p.Notes)
	}
}
