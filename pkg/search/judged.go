package search

import (
	"fmt"

	"slimfit/pkg/result"
)

// judgedAll lists every configuration, those over a budget included, by cost.
func (s *state) judgedAll(winner int) []result.Judged {
	out := make([]result.Judged, 0, len(s.all)+len(s.p.OverBudget))
	excluded := s.p.OverBudget
	for i := range s.all {
		for len(excluded) > 0 && Compare(excluded[0], s.p.Candidates[i]) < 0 {
			out, excluded = append(out, s.p.excluded(excluded[0])), excluded[1:]
		}
		out = append(out, s.judged(i, winner))
	}
	for _, e := range excluded {
		out = append(out, s.p.excluded(e))
	}
	return out
}

func newJudged(c Candidate) result.Judged {
	return result.Judged{ConfigID: c.ID, Assignment: c.Assignment, Model: c.Spec().FullLayers(), Train: c.Recipe, Cost: c.Cost,
		Measured: c.Footprint.Measured,
		Networks: []result.ScreenedNetwork{}, Witnesses: []result.Key{}}
}

func (p *Problem) excluded(c Candidate) result.Judged {
	j := newJudged(c)
	j.Finding, j.Reason = result.FoundOver, p.over(c)
	return j
}

// judged says what became of candidate i.
func (s *state) judged(i, winner int) result.Judged {
	c := s.all[i]
	j := newJudged(s.p.Candidates[i])
	j.Reason, j.Chosen = c.reason, c.chosen
	for _, n := range c.nets {
		sn := result.ScreenedNetwork{Seed: n.seed, Status: n.result.Status, Accuracy: n.accuracy, Upper: n.upper, ClearlyFails: n.clear}
		if n.result.Status == result.StoppedEarly {
			sn.StoppedAt = n.result.Steps
		} else if n.early != nil {
			sn.StoppedAt, sn.Projected = n.early.result.Steps, n.early.upper
		}
		if n.result.Correct.Validation != nil {
			sn.Correct = *n.result.Correct.Validation
		}
		if s.p.Target.Balanced() && n.result.Status == result.Done {
			v := n.accuracy
			sn.Accuracy, sn.Balanced = float64(n.correct)/float64(s.p.Data.Validation), &v
		}
		sn.Under = s.p.under(n.result, result.Validation)
		j.Networks = append(j.Networks, sn)
	}
	if len(c.nets) > 0 && c.standing != unjudged {
		v := c.statistic
		j.Statistic = &v
	}
	switch {
	case i > winner:
		j.Finding, j.Reason = result.FoundDearer, "dearer than the winner"
		if s.exhausted {
			j.Reason = "dearer than the one that passed screening"
		}
	case c.standing == certified:
		j.Finding = result.FoundWinner
	case c.standing == refuted && !c.opening.below && !s.p.older:
		j.Finding = result.FoundNotShown
	case c.standing == refuted:
		j.Finding = result.FoundRefuted
	case c.standing == skipped:
		j.Finding = result.FoundSkipped
		for _, w := range c.witnesses[:witnessesNeeded] {
			j.Witnesses = append(j.Witnesses, keyOf(s.p.Candidates[w.candidate], w.net.seed))
		}
		j.Reason = s.whySkipped(c)
	case c.standing == unjudged:
		j.Finding = result.FoundUnjudged
	case c.standing == passed:
		j.Finding, j.Reason = result.FoundUnopened, "it passed screening; earlier looks at the test images left too little of alpha to open "+
			"them for it"
	default:
		j.Finding = s.p.finding(&s.all[i])
	}
	return j
}

func (s *state) whySkipped(c candidate) string {
	a, b := c.witnesses[0], c.witnesses[1]
	who := "two networks of " + s.p.Candidates[a.candidate].ID
	if a.candidate != b.candidate {
		who = s.p.Candidates[a.candidate].ID + " and " + s.p.Candidates[b.candidate].ID
	}
	return fmt.Sprintf("%s, at least as large in every layer, clearly fail: %s and %s", who, s.p.most(a.net, true), s.p.most(b.net, false))
}

// most says what a network's accuracy is at most, or what it is projected to.
func (p *Problem) most(n network, first bool) string {
	switch {
	case n.result.Status == result.StoppedEarly && !p.older:
		return "projected " + bound(n.upper)
	case first:
		return "at most " + bound(n.upper)
	}
	return bound(n.upper)
}
