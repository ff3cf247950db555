package search

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
