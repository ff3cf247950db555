package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/search/searchtest"
)

// kind is a kind of simulated space.
type kind struct {
	rugged  float64 // sd of a configuration's own part of its log error
	seedSD  float64 // of log error, over seeds
	imageSD float64 // of difficulty, in probits, see searchtest.NewImages
	misses  bool    // no configuration truly meets the target: the best miss it by a hair
}

func kinds() []kind {
	return []kind{{0.02, 0.05, 3, false}, {0.05, 0.06, 3, false}, {0.1, 0.06, 3, false}, {0.05, 0.12, 1, false}, {0.05, 0, 3, true}}
}

// near is how much dearer than the cheapest an answer may be to count.
const near = 1.05

func simulateAll(w io.Writer, all []kind, spaces int) error {
	fmt.Fprintln(w, "| own sd | seed sd | image sd | spaces | cheapest or within 5 % | worst | no answer | steps, mean | steps, most "+
		"| certificates | false | audited | surprises |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, k := range all {
		row, err := k.measure(spaces)
		if err != nil {
			return err
		}
		fmt.Fprintln(w, row)
	}
	return nil
}

// outcome is what one simulated search came to.
type outcome struct {
	dearer             float64 // cost of the answer over that of the cheapest; 0 for no answer
	none               bool    // there is one, and the search found none
	share              float64
	certified, falsely bool
	audited, surprises int
}

func (k kind) measure(spaces int) (string, error) {
	dir, err := os.MkdirTemp("", "spaces")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	e, err := searchtest.Load(dir, searchtest.SpaceYAML)
	if err != nil {
		return "", err
	}
	all, faults := make([]outcome, spaces), make([]error, spaces)
	images := searchtest.NewImages(k.imageSD)
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range spaces {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			all[i], faults[i] = k.search(e, images, uint64(i))
		})
	}
	group.Wait()
	var sum outcome
	good, none, certified, falsely, most, worst := 0, 0, 0, 0, 0.0, 0.0
	for i, o := range all {
		if faults[i] != nil {
			return "", faults[i]
		}
		if o.dearer <= near && !o.none {
			good++
		}
		if o.none {
			none++
		}
		if o.certified {
			certified++
		}
		if o.falsely {
			falsely++
		}
		most, worst = max(most, o.share), max(worst, o.dearer)
		sum.share, sum.audited, sum.surprises = sum.share+o.share, sum.audited+o.audited, sum.surprises+o.surprises
	}
	n := float64(spaces)
	return fmt.Sprintf("| %g | %g | %g | %d | %.0f %% | %.2f | %d | %.2f %% | %.2f %% | %d | %d | %d | %d |", k.rugged, k.seedSD,
		k.imageSD, spaces, 100*float64(good)/n, worst, none, 100*sum.share/n, 100*most, certified, falsely, sum.audited, sum.surprises), nil
}

// search searches one space for an accuracy that some, but not many of its
// cheap configurations reach.
func (k kind) search(e *experiment.Experiment, images *searchtest.Images, salt uint64) (outcome, error) {
	rng := rand.New(rand.NewPCG(salt, 9))
	land := searchtest.DrawLandscape(rng, k.rugged)
	w := searchtest.NewWorld(e.Data, images, salt)
	w.Accuracy = map[string]float64{}
	w.Network = func(mean, z float64) float64 { return 1 - math.Min((1-mean)*math.Exp(k.seedSD*z), 0.9) }
	w.Lists = func(result.Key) (bool, bool) { return false, false }
	all := make([]experiment.Configuration, e.Space.Len())
	var accuracies []float64
	for i := range all {
		all[i] = e.Space.Config(i)
		w.Accuracy[all[i].ID] = land.Accuracy(all[i].Config, all[i].ID)
		accuracies = append(accuracies, w.Accuracy[all[i].ID])
	}
	slices.Sort(accuracies)
	mine, goal := *e, *e.Target
	goal.Accuracy = math.Round(1000*accuracies[int((0.3+0.6*rng.Float64())*float64(len(accuracies)))]) / 1000
	mine.Target = &goal
	if k.misses {
		for id, v := range w.Accuracy {
			w.Accuracy[id] = min(v, goal.Accuracy-2e-5)
		}
	}
	p, err := search.New(&mine, search.Options{Model: true, SearchSeed: int64(salt)})
	if err != nil {
		return outcome{}, err
	}
	plan := p.Replay(w.Finished)
	c, err := p.Certificate(plan, "", func(*result.Result) ([]result.File, error) { return nil, nil })
	if err != nil {
		return outcome{}, err
	}
	o := outcome{share: c.Effort.Share, audited: c.Assumption.Audited, surprises: c.Assumption.Surprises}
	cheapest := k.cheapest(p, w, all)
	if o.certified = c.Verdict == result.Certified; !o.certified {
		o.none = cheapest > 0
		return o, nil
	}
	for _, s := range p.Seeds {
		if w.TrueAccuracy(result.Key{ConfigID: c.Winner.ConfigID, Seed: s}) < goal.Accuracy {
			o.falsely = true
		}
	}
	if cheapest > 0 {
		o.dearer = float64(c.Winner.Footprint.Get(footprint.Parameters)) / float64(cheapest)
	}
	return o, nil
}

// cheapest is the least cost of a configuration that passes screening and the
// first opening; 0 for none.
func (k kind) cheapest(p *search.Problem, w *searchtest.World, all []experiment.Configuration) int {
	slices.SortStableFunc(all, func(a, b experiment.Configuration) int {
		return a.Footprint.Parameters - b.Footprint.Parameters
	})
	need, err := p.FirstNeed()
	for _, c := range all {
		passes := err == nil
		for _, s := range p.Seeds {
			if !passes {
				break
			}
			r, _ := w.Finished(result.Key{ConfigID: c.ID, Seed: s}, false)
			passes = *r.Correct.Validation >= p.PassMark() && *r.Correct.Test >= need.Right
		}
		if passes {
			return c.Footprint.Parameters
		}
	}
	return 0
}
