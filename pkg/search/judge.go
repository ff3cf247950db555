package search

import (
	"fmt"
	"math"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// toleranceCoverage is the share of future seeds that the tolerance rule
// speaks of.
const toleranceCoverage = 0.95

// leastSeeds is the fewest seeds that a rule can judge by: a mean needs a
// spread, and with fewer than ten a tolerance factor is useless.
func leastSeeds(rule string) int {
	switch rule {
	case experiment.RuleMean:
		return 2
	case experiment.RuleTolerance:
		return 10
	}
	return 1
}

// network is one trained network as the validation images show it.
type network struct {
	result   *result.Result
	seed     int64
	accuracy float64 // on the validation images; where it was stopped early, at that step
	upper    float64 // one-sided upper bound of its true accuracy; where it was stopped early, of what it could have reached
	clear    bool    // it clearly fails: even upper is below the target
	reaches  bool    // accuracy is at the target or above
	trouble  string  // why it is unusable whatever its accuracy: diverged, a recall floor
	failed   bool    // for a technical reason: it says nothing of the configuration
}

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
	correct := min(max(*r.Correct.Validation, 0), images)
	n.accuracy = float64(correct) / float64(images)
	n.reaches = n.accuracy >= p.Target.Accuracy
	// Only a bad confidence makes an error, and the experiment's was checked.
	n.upper, _ = stats.UpperBound(correct, images, p.clearConfidence())
	n.clear = n.upper < p.Target.Accuracy
	n.trouble = p.recallTrouble(r.Seed, r.Confusion.Validation, nil)
	return n
}

// clearConfidence makes the bounds of all candidates hold together
// (Bonferroni).
func (p *Problem) clearConfidence() float64 {
	return 1 - (1-p.Target.Confidence)/float64(max(len(p.Candidates), 1))
}

// recallTrouble names the first class whose recall is below its floor; "" if
// none. figure turns a class's right and all images into what is compared; nil
// takes their ratio.
func (p *Problem) recallTrouble(seed int64, confusion [][]int, figure func(right, all int) float64) string {
	if p.Target.RecallAll == 0 && len(p.Target.Recall) == 0 {
		return ""
	}
	if figure == nil {
		figure = func(right, all int) float64 { return float64(right) / float64(all) }
	}
	for class := range p.Data.Classes {
		floor := p.Target.Floor(class)
		if floor == 0 {
			continue
		}
		all, right := 0, 0
		if class < len(confusion) && class < len(confusion[class]) {
			right = confusion[class][class]
			for _, n := range confusion[class] {
				all += n
			}
		}
		if all == 0 {
			return fmt.Sprintf("seed %d: no image of class %d to judge its recall by", seed, class)
		}
		if v := figure(right, all); v < floor {
			return fmt.Sprintf("seed %d: recall of class %d is %s, the floor %s", seed, class, bound(v), text.Threshold(floor))
		}
	}
	return ""
}

// statistic is the figure that the rule compares with the target: the worst
// accuracy, the mean, or the mean less k standard deviations.
func (p *Problem) statistic(accuracies []float64) float64 {
	s, err := stats.Summarize(accuracies)
	if err != nil {
		return 0
	}
	switch p.Target.Rule {
	case experiment.RuleMean:
		return s.Mean
	case experiment.RuleTolerance:
		return s.Mean - p.factor*s.SD
	}
	return s.Min
}

// best is the highest statistic that is still possible when the missing seeds
// are yet to come. It is exact for every rule: each is concave and symmetric
// in the seeds, so the missing ones are best when they are equal.
func (p *Problem) best(accuracies []float64) float64 {
	missing := len(p.Seeds) - len(accuracies)
	if missing <= 0 || p.Target.Rule == experiment.RuleWorst {
		return p.statistic(accuracies)
	}
	at := func(v float64) float64 {
		all := append([]float64{}, accuracies...)
		for range missing {
			all = append(all, v)
		}
		return p.statistic(all)
	}
	if p.Target.Rule == experiment.RuleMean {
		return at(1)
	}
	low, high := 0.0, 1.0
	for range 100 { // ternary search, to the last bits
		a, b := low+(high-low)/3, high-(high-low)/3
		if at(a) < at(b) {
			low = a
		} else {
			high = b
		}
	}
	return math.Max(at(low), at(1))
}

// judgeOwn judges a candidate by its own seeds.
func (p *Problem) judgeOwn(c *candidate) {
	c.own, c.reason = open, ""
	var acc []float64
	for _, n := range c.nets {
		switch {
		case n.failed:
			c.own, c.reason = unjudged, n.trouble
			return
		case n.trouble != "" && c.reason == "":
			c.reason = n.trouble
		}
		acc = append(acc, n.accuracy)
	}
	c.statistic = p.statistic(acc)
	switch {
	case c.reason != "":
		c.own = rejected
	case p.best(acc) < p.Target.Accuracy:
		c.own, c.reason = rejected, p.whyRejected(c)
	case len(c.nets) > 1 && c.nets[0].clear && c.nets[1].clear:
		c.own, c.reason = rejected, "its first two seeds clearly fail"
	case len(c.nets) < len(p.Seeds):
	case c.opening == nil:
		c.own = passed
	case c.opening.passed:
		c.own = certified
	default:
		c.own, c.reason = refuted, c.opening.reason
	}
}

// whyRejected says what a candidate's own seeds showed.
func (p *Problem) whyRejected(c *candidate) string {
	switch p.Target.Rule {
	case experiment.RuleMean:
		return fmt.Sprintf("the mean of %d seeds is %s", len(c.nets), text.Percent(c.statistic))
	case experiment.RuleTolerance:
		return fmt.Sprintf("mean - %.2f sd of %d seeds cannot reach the target", p.factor, len(c.nets))
	}
	worst := c.nets[0]
	for _, n := range c.nets {
		if n.accuracy < worst.accuracy {
			worst = n
		}
	}
	return fmt.Sprintf("seed %d reaches %s", worst.seed, text.Percent(worst.accuracy))
}
