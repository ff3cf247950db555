package search

import "slices"

// maxWeighed bounds the trials that are weighed against each other, so that a
// round's choice stays linear in the number of candidates.
const maxWeighed = 256

// explore picks a round of trials. An exact search walks up from the cheapest.
// Otherwise each pick is the trial expected to settle the most candidates: if
// it passes, all dearer ones; if it clearly fails, those it contains, which it
// half settles until a second witness is there. Later picks of the round take
// the likelier outcome of the earlier ones for granted.
func (s *state) explore(fresh []int) []trial {
	if s.p.Exact || s.skipsWithdrawn {
		var out []trial
		for _, i := range fresh[:min(s.p.Round, len(fresh))] {
			out = append(out, trial{i, s.p.Seeds[0]})
		}
		return out
	}
	e := explorer{state: s, fresh: fresh, count: make([]int, len(s.all)), picked: map[trial]bool{}, rows: map[int][]int{}}
	for _, i := range fresh {
		e.count[i] = len(s.all[i].witnesses)
	}
	var out []trial
	for len(out) < s.p.Round && len(e.fresh) > 0 {
		best, value, pass := trial{}, 0.0, false
		for _, t := range e.options() {
			if v, likely := e.value(t); v > value {
				best, value, pass = t, v, likely
			}
		}
		if value == 0 {
			break
		}
		out = append(out, best)
		e.assume(best, pass)
	}
	return out
}

// explorer weighs the trials of one round.
type explorer struct {
	*state
	fresh  []int // candidates that are not settled yet, cheapest first
	count  []int // witnesses of each, assumed ones included
	picked map[trial]bool
	rows   map[int][]int // see inside
}

// keptGrid is the largest grid whose rows are all kept from round to round.
const keptGrid = 2000

// inside is insideOf, kept for this round only where the grid is large.
func (e *explorer) inside(i int) []int {
	if len(e.all) <= keptGrid || len(e.all[i].nets) > 0 {
		return e.p.insideOf(i)
	}
	row, ok := e.rows[i]
	if !ok {
		row = e.p.findInside(i)
		e.rows[i] = row
	}
	return row
}

// options lists the trials to weigh: the first seed of an unsettled candidate,
// and another seed of a configuration that clearly failed.
func (e *explorer) options() []trial {
	var out []trial
	stride := (len(e.fresh) + maxWeighed - 1) / maxWeighed
	for k := len(e.fresh) - 1; k >= 0; k -= stride {
		out = append(out, trial{e.fresh[k], e.p.Seeds[0]})
	}
	for i, c := range e.all {
		n := len(c.nets)
		if n > 0 && n < len(e.p.Seeds) && c.nets[n-1].clear && len(c.witnesses) > 0 {
			out = append(out, trial{i, e.p.Seeds[n]})
		}
	}
	return out
}

// value is how many candidates the trial is expected to settle, and whether it
// is likelier to pass than to fail.
func (e *explorer) value(t trial) (float64, bool) {
	if e.picked[t] {
		return 0, false
	}
	ifFails, inside := 0.0, e.inside(t.candidate)
	for _, j := range e.fresh { // both lists rise
		for len(inside) > 0 && inside[0] < j {
			inside = inside[1:]
		}
		switch {
		case len(inside) == 0 || inside[0] > j:
		case j == t.candidate || e.count[j]+1 >= witnessesNeeded:
			ifFails++
		default:
			ifFails += 0.5
		}
	}
	if len(e.all[t.candidate].nets) > 0 {
		return ifFails, false
	}
	rank, _ := slices.BinarySearch(e.fresh, t.candidate)
	p := e.chance(t.candidate, rank)
	return p*float64(len(e.fresh)-rank) + (1-p)*ifFails, p > 0.5
}

// chance guesses whether a candidate will pass: the cheapest passing one is
// equally likely anywhere among the unsettled, unless a trained network above
// or below it says otherwise.
func (e *explorer) chance(i, rank int) float64 {
	if e.count[i] > 0 {
		return 0.05
	}
	for _, j := range e.inside(i) {
		if e.all[j].standing == passed || e.all[j].standing == refuted {
			return 0.95
		}
	}
	return float64(rank+1) / float64(len(e.fresh)+1)
}

// assume settles what the picked trial's likelier outcome would settle.
func (e *explorer) assume(t trial, pass bool) {
	e.picked[t] = true
	if !pass {
		for _, j := range e.inside(t.candidate) {
			e.count[j]++
		}
	}
	var left []int
	for _, j := range e.fresh {
		settled := j == t.candidate || !pass && e.count[j] >= witnessesNeeded || pass && j > t.candidate
		if !settled {
			left = append(left, j)
		}
	}
	e.fresh = left
}

// ask is what a search wants next: trials, or the test images of one
// candidate, or nothing, because it knows.
type ask struct {
	trials []trial
	toEnd  bool // these are not to be stopped early, and stopped ones are trained on
	test   int  // index of the candidate to certify; -1 for none
	done   bool
}

type trial struct {
	candidate int
	seed      int64
}

// next decides what to do from what is known.
func (s *state) next() ask {
	if s.p.field != nil {
		return s.nextInField()
	}
	s.judge()
	horizon := s.horizon()
	if on := s.takenUp(horizon); len(on) > 0 {
		return ask{trials: on, toEnd: true, test: -1}
	}
	if fresh := s.fresh(horizon); len(fresh) > 0 {
		return ask{trials: s.explore(fresh), test: -1}
	}
	trials := s.resolve(horizon)
	audit := len(trials) == 0 && s.p.audits
	if audit {
		trials = s.auditStops(horizon)
	}
	if audit || !s.p.audits {
		trials = append(trials, s.auditSkips(horizon)...)
	}
	switch {
	case len(trials) > 0:
		return ask{trials: trials, toEnd: audit, test: -1}
	case horizon == len(s.all) || s.all[horizon].standing == certified:
		return ask{done: true, test: -1}
	}
	return ask{test: horizon}
}

// fresh lists the untrained candidates below the horizon that nothing speaks
// against, cheapest first.
func (s *state) fresh(horizon int) []int {
	var out []int
	for i, c := range s.all[:horizon] {
		if c.standing == untrained {
			out = append(out, i)
		}
	}
	return out
}

// resolve asks for more seeds of open candidates up to the horizon, cheapest
// first, as many as each has had already, as a candidate near the threshold
// usually falls to one of the next few; but two at least, as one would leave a
// second worker idle.
func (s *state) resolve(horizon int) []trial {
	var out []trial
	for i, c := range s.all[:min(horizon+1, len(s.all))] {
		if c.standing != open {
			continue
		}
		n := len(c.nets)
		for k := n; k < min(max(2*n, n+2), len(s.p.Seeds)); k++ {
			out = append(out, trial{i, s.p.Seeds[k]})
		}
		if len(out) >= s.p.Round {
			break
		}
	}
	return out
}
