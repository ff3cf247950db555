package search

import (
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
)

func (s *state) assumption(winner int) result.Assumption {
	a := result.Assumption{Contradicted: []result.Key{}}
	if s.p.Exact {
		a.Text = "none: no configuration was skipped for what larger ones showed"
		s.inversions(&a)
		return a
	}
	a.Text = assumptionText
	if s.p.field != nil {
		a.Text = modelText
		if a.Audited, a.Surprises = s.sampled(); a.Audited > 0 {
			a.SurprisesAtMost, _ = stats.UpperBound(a.Surprises, a.Audited, s.p.Target.Confidence) // the confidence was checked
		}
		s.inversions(&a)
		return a
	}
	for _, c := range s.all[:winner] {
		switch {
		case c.standing == skipped:
			a.Skipped++
		case s.checked(c):
			a.Checked++
		}
	}
	for i, c := range s.all {
		for _, n := range c.nets {
			if n.clear && s.contradicted(s.p.insideOf(i)) {
				a.Contradicted = append(a.Contradicted, keyOf(s.p.Candidates[i], n.seed))
			}
		}
	}
	s.inversions(&a)
	return a
}

// inversions compares all trained configurations of which one contains another.
func (s *state) inversions(a *result.Assumption) {
	for i, big := range s.all {
		m, ok := meanAccuracy(big)
		if !ok {
			continue
		}
		for _, j := range s.p.insideOf(i) {
			small, ok := meanAccuracy(s.all[j])
			if !ok || j == i {
				continue
			}
			a.Pairs++
			if small > m {
				a.Inverted++
				a.Largest = max(a.Largest, small-m)
			}
		}
	}
}

// meanAccuracy is over the seeds that were trained; false without any.
func meanAccuracy(c candidate) (float64, bool) {
	sum, n := 0.0, 0
	for _, net := range c.nets {
		if net.result.Status == result.Done {
			sum += net.accuracy
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum / float64(n), true
}

func (s *state) effort() result.Effort {
	e := result.Effort{Trials: len(s.taken), Steps: s.steps, GridTrials: s.p.Count() * len(s.p.Seeds), GridSteps: s.p.FullSteps(),
		Rounds: s.rounds, Stopped: s.stopped}
	if e.GridSteps > 0 {
		e.Share = float64(e.Steps) / float64(e.GridSteps)
	}
	return e
}
