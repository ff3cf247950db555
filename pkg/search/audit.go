package search

import (
	"cmp"
	"fmt"
	"slices"

	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// Before test images are opened, and before a search ends, some of what it took
// for granted is trained to its end: the most promising of the stopped trials and
// of the skipped configurations. One surprise, and the rule is withdrawn for this
// search. Older certificates have no audit of stops, and keep the rule of skips.

// The share that is audited, the fewest, and the most in spaces of more than
// largeSpace configurations.
const (
	auditShare = 0.1
	auditLeast = 4
	auditMost  = 20
	largeSpace = 1000
)

// due is how many more to audit in this round, where some are audited and some
// left.
func (s *state) due(left, audited int) int {
	all := max(auditLeast, ceilShare(auditShare, left+audited))
	if s.p.audits && s.p.Count() > largeSpace {
		all = min(all, auditMost)
	}
	return max(0, min(all-audited, left, s.p.Round))
}

func ceilShare(share float64, n int) int {
	k := int(share * float64(n))
	if float64(k) < share*float64(n) {
		k++
	}
	return k
}

// auditSkips picks skipped candidates below the horizon: the most doubtful ones,
// whose witnesses came nearest to the target.
func (s *state) auditSkips(horizon int) []trial {
	if s.p.Exact || s.skipsWithdrawn {
		return nil
	}
	var pool []int
	checked := 0
	for i, c := range s.all[:horizon] {
		switch {
		case c.standing == skipped && len(c.nets) == 0:
			pool = append(pool, i)
		case c.audited || !s.p.audits && s.checked(c):
			checked++
		}
	}
	slices.SortFunc(pool, func(a, b int) int {
		return cmp.Or(-cmp.Compare(s.all[a].ceiling, s.all[b].ceiling), -cmp.Compare(a, b))
	})
	var out []trial
	for _, i := range pool[:s.due(len(pool), checked)] {
		c := &s.all[i]
		c.audited = s.p.audits
		c.firm = !slices.ContainsFunc(c.witnesses, func(w witness) bool { return w.net.stopped() })
		out = append(out, trial{i, s.p.Seeds[0]})
	}
	return out
}

// checked says whether a candidate was trained that could have been skipped.
func (s *state) checked(c candidate) bool {
	return len(c.nets) > 0 && c.foreign >= witnessesNeeded && (!s.p.audits || slices.ContainsFunc(c.nets, func(n network) bool {
		return !n.stopped()
	}))
}

// stops lists the stopped trials that the answer rests on, the highest
// projections first: those of candidates below the horizon, and witnesses against
// one of them.
func (s *state) stops(horizon int) []trial {
	speaks := map[trial]bool{}
	for _, c := range s.all[:horizon] {
		for _, w := range c.witnesses {
			speaks[trial{w.candidate, w.net.seed}] = c.standing == skipped || speaks[trial{w.candidate, w.net.seed}]
		}
	}
	var out []trial
	upper := map[trial]float64{}
	for i, c := range s.all {
		for _, n := range c.nets {
			if t := (trial{i, n.seed}); n.stopped() && !n.failed && (i < horizon || speaks[t]) {
				out, upper[t] = append(out, t), n.upper
			}
		}
	}
	slices.SortStableFunc(out, func(a, b trial) int { return -cmp.Compare(upper[a], upper[b]) })
	return out
}

// trainedOn counts the stopped trials that were trained to their end.
func (s *state) trainedOn() (n int) {
	for _, c := range s.all {
		for _, net := range c.nets {
			if net.early != nil {
				n++
			}
		}
	}
	return n
}

// auditStops picks stopped trials to train on.
func (s *state) auditStops(horizon int) []trial {
	out := s.stops(horizon)
	return out[:s.due(len(out), s.trainedOn())]
}

// takenUp are stopped trials to train on, a round of them, where stopping is
// withdrawn.
func (s *state) takenUp(horizon int) []trial {
	if !s.stopsWithdrawn {
		return nil
	}
	out := s.stops(horizon)
	return out[:min(len(out), s.p.Round)]
}

// takeKnown takes the ends of stopped trials that somebody trained on already,
// once the audit is done: what is known is not projected.
func (s *state) takeKnown() (some bool) {
	if s.p.Known == nil || !s.p.audits {
		return false
	}
	for i := range s.all {
		for _, n := range s.all[i].nets {
			if !n.stopped() {
				continue
			}
			if r, ok := s.p.Known(n.result.Key(), true); ok && (r.Status == result.Done || r.Status == result.Diverged) {
				s.take(i, r)
				some = true
			}
		}
	}
	return some
}

// surprises says what an audit came to: the networks that exceeded their
// projections or reached the target though they were skipped. The rules that they
// speak against are withdrawn; that is stopping where a stopped network was the
// reason to skip.
func (s *state) surprises() (out []result.Key) {
	for i, c := range s.all {
		for _, n := range c.nets {
			stops, skips := n.early != nil && n.accuracy > n.early.upper, c.audited && n.reaches
			s.stopsWithdrawn = s.stopsWithdrawn || stops || skips && !c.firm
			s.skipsWithdrawn = s.skipsWithdrawn || skips && c.firm
			if stops || skips {
				out = append(out, keyOf(s.p.Candidates[i], n.seed))
			}
		}
	}
	return out
}

// auditRule says how what is taken for granted is checked; "" where it is not.
func (p *Problem) auditRule() string {
	if !p.audits {
		return ""
	}
	rule := fmt.Sprintf("Before test images are opened, and before the search ends, a tenth of the skipped configurations and %d at least "+
		"are trained to their end, those whose witnesses came nearest first. If one reaches the target, skipping is withdrawn for this "+
		"search (stopping, where a stopped network spoke against it).",
		auditLeast)
	if p.EarlyStop {
		rule += " So is a tenth of the stopped trials, as many at least, those with the highest projections first. If one ends above its " +
			"projection, stopping is withdrawn, and all that could be the answer are trained on."
	}
	return rule + fmt.Sprintf(" In spaces of more than %d configurations, at most %d of each.", largeSpace, auditMost)
}

// auditText says in a sentence what an audit came to; "" where there was none.
func auditText(a *result.Audit) string {
	if a == nil || a.Stopped+a.Skipped == 0 {
		return ""
	}
	words := fmt.Sprintf("Trained to their end all the same: %s and %s; ", text.Count(a.Stopped, "stopped trial"),
		text.Count(a.Skipped, "skipped configuration"))
	if len(a.Withdrawn) == 0 {
		return words + "none was better than taken for granted."
	}
	return words + fmt.Sprintf("%s ended better than taken for granted, %s first, which withdraws %s.",
		text.Count(len(a.Exceeded), "network"), a.Exceeded[0], text.List(a.Withdrawn))
}

// audited is what the certificate says of the audit; nil without one.
func (s *state) audited() *result.Audit {
	if !s.p.audits {
		return nil
	}
	a := &result.Audit{Stopped: s.trainedOn(), Exceeded: s.surprises()}
	for _, c := range s.all {
		if c.audited {
			a.Skipped++
		}
	}
	if s.stopsWithdrawn {
		a.Withdrawn = append(a.Withdrawn, result.Stopping)
	}
	if s.skipsWithdrawn {
		a.Withdrawn = append(a.Withdrawn, result.Skipping)
	}
	return a
}
