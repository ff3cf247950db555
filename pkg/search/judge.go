package search

import (
	"fmt"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// network is one trained network as the validation images show it.
type network struct {
	result   *result.Result
	seed     int64
	correct  int     // of the validation images
	accuracy float64 // by the target's metric, on the validation images; where it was stopped early, at that step
	upper    float64 // one-sided upper bound of its true accuracy; where it was stopped early, of what it could have reached
	clear    bool    // it clearly fails: even upper is below the target
	reaches  bool    // accuracy is at the target or above
	trouble  string  // why it is unusable whatever its accuracy: diverged, a recall floor
	failed   bool    // for a technical reason: it says nothing of the configuration
	// a class's recall is shown below its floor
	floorMissed bool
	early       *network // it was stopped early, and then trained on
}

func (n *network) stopped() bool { return n.result.Status == result.StoppedEarly }

// look judges one finished trial.
func (p *Problem) look(r *result.Result) network {
	if r.Status == result.StoppedEarly {
		return p.lookStopped(r)
	}
	n := network{result: r, seed: r.Seed}
	if r.Status == result.Diverged {
		n.trouble = fmt.Sprintf("seed %d diverged", r.Seed)
		return n
	}
	if r.Status != result.Done || r.Correct.Validation == nil {
		n.failed = true
		n.trouble = fmt.Sprintf("seed %d failed: %s", r.Seed, r.Reason)
		return n
	}
	images := p.Data.Validation
	n.correct = min(max(*r.Correct.Validation, 0), images)
	shown := p.shown(&n)
	n.accuracy, _ = p.Target.Share(shown)
	n.reaches = n.accuracy >= p.Target.Accuracy
	var err error
	if n.upper, err = p.Target.Upper(shown, p.clearConfidence()); err != nil { // a class without images
		n.upper = 1
	}
	n.clear = n.upper < p.Target.Accuracy
	if n.result.Confusion.Validation == nil && p.Target.NeedsConfusion() {
		n.failed, n.trouble = true, fmt.Sprintf("seed %d: its result has no confusion matrix, which the target needs", r.Seed)
	} else if p.Lacks(r, result.Validation) {
		n.failed, n.trouble = true, fmt.Sprintf("seed %d: scores.json does not say what it finds in the shifted images of the floors", r.Seed)
	} else if t := p.judge.Trouble(shown); t != nil {
		n.trouble, n.floorMissed = p.Target.Words(*t, recallText), p.recallMissed(r.Confusion.Validation) || p.underMissed(r)
	}
	return n
}

// shown is the network as the judge of the target takes it.
func (p *Problem) shown(n *network) target.Network {
	return target.Network{Seed: n.seed, Diverged: n.result.Status == result.Diverged, Correct: n.correct, Images: p.Data.Validation,
		Confusion: n.result.Confusion.Validation, Shifted: p.under(n.result, result.Validation)}
}

// clearConfidence makes the bounds of all candidates hold together
// (Bonferroni).
func (p *Problem) clearConfidence() float64 {
	return 1 - (1-p.Target.Confidence)/float64(max(p.Count(), 1))
}

// judgeOwn judges a candidate by its own seeds.
func (p *Problem) judgeOwn(c *candidate) {
	c.own, c.reason = open, ""
	var nets []target.Network
	failed := ""
	for _, n := range c.nets {
		switch {
		case n.failed && failed == "":
			failed = n.trouble
		case n.failed:
		case n.trouble != "" && c.reason == "":
			c.reason = n.trouble
		}
		if !n.failed {
			nets = append(nets, p.shown(&n))
		}
	}
	if failed != "" && p.format == 1 {
		c.own, c.reason = unjudged, failed
		return
	}
	seen, few := p.judge.See(nets), p.tooFew(c)
	c.statistic = p.statistic(c, seen)
	switch {
	case c.reason != "":
		c.own = rejected
	case seen.Verdict(p.Target.Accuracy) == target.Misses:
		c.own, c.reason = rejected, p.whyRejected(c)
	case len(c.nets) > 1 && c.nets[0].clear && c.nets[1].clear:
		c.own, c.reason = rejected, "its first two seeds clearly fail"
	case few != "":
		c.own, c.reason = rejected, few
	case failed != "":
		c.own, c.reason = unjudged, failed
	case len(c.nets) < len(p.Seeds):
	case c.broken != nil && c.broken.Status == result.Diverged:
		c.own, c.reason = rejected, fmt.Sprintf("fresh seed %d diverged", c.broken.Seed)
	case c.broken != nil:
		c.own, c.reason = unjudged, fmt.Sprintf("fresh seed %d failed: %s", c.broken.Seed, c.broken.Reason)
	case c.opening == nil:
		c.own = passed
	case c.opening.passed:
		c.own = certified
	default:
		c.own, c.reason = refuted, c.opening.reason
	}
}

// statistic is the rule's figure over the networks that are there. Certificates
// of format 1 count a diverged network as one without a right answer.
func (p *Problem) statistic(c *candidate, seen target.Seen) float64 {
	if p.format != 1 {
		return seen.Value
	}
	var correct []int
	for _, n := range c.nets {
		correct = append(correct, n.correct)
	}
	return p.judge.Value(correct, p.Data.Validation)
}

// whyRejected says what a candidate's own seeds showed.
func (p *Problem) whyRejected(c *candidate) string {
	switch p.Target.Rule {
	case experiment.RuleMean:
		return fmt.Sprintf("the mean of %d seeds is %s", len(c.nets), text.Percent(c.statistic))
	case experiment.RuleTolerance:
		return fmt.Sprintf("mean - %.2f sd of %d seeds cannot reach the target", p.judge.Factor, len(c.nets))
	}
	worst := c.nets[0]
	for _, n := range c.nets {
		if n.accuracy < worst.accuracy {
			worst = n
		}
	}
	return fmt.Sprintf("seed %d reaches %s", worst.seed, text.Percent(worst.accuracy))
}
