package batch

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/sweep"
)

// Speed is how long trials take on a partition's nodes.
type Speed struct {
	From string // what it rests on, for people

	each    float64            // seconds a trial, where a person said so
	known   map[string]float64 // mean seconds a trial, by configuration
	ratio   float64            // measured over predicted, 0 where nothing was measured
	measure int                // results behind it
}

// speedOf learns from the results of trials that ran on the partition. A
// result's seconds are the trial's share of its pack.
func speedOf(results []result.Result, configs map[string]*experiment.Configuration, there func(result.Key) bool) Speed {
	s := Speed{known: map[string]float64{}}
	count := map[string]int{}
	var ratios []float64
	for _, r := range results {
		c := configs[r.ConfigID]
		if r.Status != result.Done || c == nil || r.Seconds <= 0 || !there(r.Key()) {
			continue
		}
		s.known[r.ConfigID] += r.Seconds
		count[r.ConfigID]++
		ratios = append(ratios, r.Seconds/alone(experiment.Trial{Configuration: c}))
	}
	for id, n := range count {
		s.known[id] /= float64(n)
	}
	if s.measure = len(ratios); s.measure > 0 {
		slices.Sort(ratios)
		s.ratio = ratios[len(ratios)/2]
	}
	return s
}

// alone is the predicted time of a trial without partners, by the cost model.
func alone(t experiment.Trial) float64 { return sweep.DefaultCost().Pack([]experiment.Trial{t}) }

// seconds predicts what one worker needs for a pack.
func (s Speed) seconds(p sweep.Pack) float64 {
	if s.each > 0 {
		return s.each * float64(len(p.Trials))
	}
	total := 0.0
	for _, t := range p.Trials {
		switch mean, ok := s.known[t.ID]; {
		case ok:
			total += mean
		case s.ratio > 0:
			total += s.ratio * alone(t)
		default:
			total += p.Cost / float64(len(p.Trials)) * float64(max(1, t.Data.Folds))
		}
	}
	return total
}

// deal divides packs among array elements: as many as keep each element's
// workers busy for `least`, but enough that none is predicted to take more than
// `most`; every element gets about the same.
func deal(packs []sweep.Pack, speed Speed, workers int, least, most time.Duration) []Element {
	if len(packs) == 0 {
		return nil
	}
	type timed struct {
		pack    sweep.Pack
		seconds float64
	}
	all := make([]timed, len(packs))
	total := 0.0
	for i, p := range packs {
		all[i] = timed{p, speed.seconds(p)}
		total += all[i].seconds
	}
	slices.SortStableFunc(all, func(a, b timed) int { return cmp.Compare(b.seconds, a.seconds) })
	n := len(packs)
	if least > 0 {
		n = int(total / (float64(workers) * least.Seconds()))
	}
	if most > 0 {
		n = max(n, int(total/(float64(workers)*most.Seconds()))+1)
	}
	n = min(max(n, 1), len(packs))
	elements := make([]Element, n)
	for _, t := range all { // longest first, to the element with least to do
		e := &elements[0]
		for i := range elements {
			l := &elements[i]
			if l.Seconds < e.Seconds || l.Seconds == e.Seconds && len(l.Trials) < len(e.Trials) { // times may be 0
				e = l
			}
		}
		for _, trial := range t.pack.Trials {
			e.Trials = append(e.Trials, trial.Key().String())
		}
		e.Seconds += t.seconds
	}
	return elements
}

// arrays names the job arrays of so many elements, none larger than a cluster
// takes.
func arrays(job string, elements, most int) []Array {
	var all []Array
	for first := 0; first < elements; first += most {
		name := job
		if elements > most {
			name = fmt.Sprintf("%s.%d", job, len(all)+1)
		}
		all = append(all, Array{Job: name, First: first, Size: min(most, elements-first)})
	}
	return all
}
