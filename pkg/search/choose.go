package search

import (
	"cmp"
	"slices"
)

// ask is what a search wants next: trials, or the test images of one
// candidate, or nothing, because it knows.
type ask struct {
	trials []trial
	test   int // index of the candidate to certify; -1 for none
	done   bool
}

type trial struct {
	candidate int
	seed      int64
}

// next decides what to do from what is known.
func (s *state) next() ask {
	s.judge()
	horizon := s.horizon()
	if fresh := s.fresh(horizon); len(fresh) > 0 {
		return ask{trials: s.explore(fresh), test: -1}
	}
	trials := s.resolve(horizon)
	trials = append(trials, s.audit(horizon)...)
	switch {
	case len(trials) > 0:
		return ask{trials: trials, test: -1}
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

// The share of the candidates that could be skipped that is trained all the
// same, to check the assumption, and the fewest.
const (
	auditShare = 0.1
	auditLeast = 4
)

// audit picks skipped candidates below the horizon to train all the same: the
// most doubtful ones, whose witnesses came nearest to the target.
func (s *state) audit(horizon int) []trial {
	if s.p.Exact {
		return nil
	}
	var pool []int
	checked := 0
	for i, c := range s.all[:horizon] {
		switch {
		case c.standing == skipped && len(c.nets) == 0:
			pool = append(pool, i)
		case len(c.nets) > 0 && c.foreign >= witnessesNeeded:
			checked++
		}
	}
	due := max(auditLeast, ceilShare(auditShare, len(pool)+checked)) - checked
	due = min(due, len(pool), s.p.Round)
	if due <= 0 {
		return nil
	}
	slices.SortFunc(pool, func(a, b int) int {
		return cmp.Or(-cmp.Compare(s.all[a].ceiling, s.all[b].ceiling), -cmp.Compare(a, b))
	})
	var out []trial
	for _, i := range pool[:due] {
		out = append(out, trial{i, s.p.Seeds[0]})
	}
	return out
}

func ceilShare(share float64, n int) int {
	k := int(share * float64(n))
	if float64(k) < share*float64(n) {
		k++
	}
	return k
}
