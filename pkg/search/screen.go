package search

import (
	"fmt"
	"math"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// The validation images are asked for what the first opening will ask of the
// test images, so that alpha is not spent on what can hardly pass there.

// Observed says whether the validation images alone decide.
func (p *Problem) Observed() bool { return p.Target.Evidence == target.Observed }

// FirstNeed is what the first opening asks of the accuracy.
func (p *Problem) FirstNeed() (target.Need, error) {
	return target.NewNeed(p.Data.Test, p.Target.Accuracy, p.Target.OpeningAlpha(p.FirstAlpha))
}

// needed is the fewest right of n test images that show the share.
func (p *Problem) needed(share float64, n int, alpha float64) int {
	key := need{share, alpha, n}
	right, ok := p.needs[key]
	if !ok {
		found, err := target.NewNeed(n, share, alpha)
		if right = found.Right; err != nil {
			right = n + 1 // no image: nothing can be shown
		}
		if p.needs == nil {
			p.needs = map[need]int{}
		}
		p.needs[key] = right
	}
	return right
}

type need struct {
	share, alpha float64
	images       int
}

// leastChance is the chance to pass the first opening that is worth its alpha:
// of a network that is as often right on the test images as on the validation
// images.
const (
	leastChance   = 0.25
	leastQuantile = 0.674 // of a normal distribution, at 1 - leastChance
)

// believed is how many right answers of a network are taken for its own. The
// cheapest that pass are those of many that were lucky. In a large space, once some
// failed on the test images, what lies above the model counts in part, as much as the accuracies' spread about the
// model has to do with the networks and not with the validation images.
func (p *Problem) believed(c *candidate, correct int) int {
	if !p.large() || p.field.model == nil {
		return correct
	}
	expected := p.field.model.predict(c.place)
	if above := p.logit(float64(correct)/float64(p.Data.Validation)) - expected; above > 0 {
		share := 1 / (1 + math.Exp(-expected-above*p.field.kept))
		return min(correct, int(math.Round(share*float64(p.Data.Validation))))
	}
	return correct
}

// large says whether a search chooses among so many that some pass by luck.
func (p *Problem) large() bool { return p.field != nil && p.Count() > ModelAbove }

// leastChance is that of one network. A large space is full of configurations
// that just pass: there all networks together must have an even chance, or
// openings would use up alpha.
func (p *Problem) leastChance() float64 {
	if p.large() && p.Target.Rule == experiment.RuleWorst {
		return math.Pow(0.5, 1/float64(len(p.Seeds)))
	}
	return leastChance
}

// short says what right answers to so many validation images lack of a fair
// chance to show the share on as large a part of the test images; "" for nothing.
func (p *Problem) short(right, all int, share, alpha float64) string {
	if share <= 0 || all < 1 {
		return ""
	}
	n, seen := max(1, (all*p.Data.Test+p.Data.Validation/2)/p.Data.Validation), float64(right)/float64(all)
	need := p.needed(share, n, alpha)
	if chance := stats.BinomialTail(need, n, seen); chance < p.leastChance() {
		return fmt.Sprintf("%s, which shows %s with a chance of %.0f %% only: it takes %d of %d test images right", text.Percent(seen),
			text.Threshold(share), 100*chance, need, n)
	}
	return ""
}

// shortBalanced is short for a balanced accuracy: it foresees the bound on test
// images that show of each class what the validation images do.
func (p *Problem) shortBalanced(confusion [][]int, alpha float64) string {
	var n target.Network
	spread, classes := 0.0, float64(len(confusion))
	for class, row := range confusion {
		right, all := target.ClassImages(row, class)
		recall := float64(right) / math.Max(1, float64(all))
		images := max(1, (all*p.Data.Test+p.Data.Validation/2)/p.Data.Validation)
		spread += recall * (1 - recall) / float64(images)
		expected := make([]int, len(confusion)+1)
		expected[class] = int(math.Round(recall * float64(images)))
		expected[len(confusion)] = images - expected[class]
		n.Confusion = append(n.Confusion, expected)
	}
	low, err := p.Target.Lower(n, 1-alpha)
	if low += leastQuantile * math.Sqrt(spread) / classes; err != nil || low >= p.Target.Accuracy {
		return ""
	}
	share, _ := p.Target.Share(target.Network{Confusion: confusion})
	return fmt.Sprintf("%s, of which so few test images can hardly show %s: their bound may become %s", text.Percent(share), p.Target.Asked(),
		bound(low))
}

// tooFew says why a candidate that reaches the target on the validation images
// can hardly show it on the test images; "" where it may.
func (p *Problem) tooFew(c *candidate) string {
	if p.FirstAlpha <= 0 {
		return ""
	}
	alpha, sum, done := p.Target.OpeningAlpha(p.FirstAlpha), 0, 0
	for _, n := range c.nets {
		if n.failed || n.result.Status != result.Done {
			continue
		}
		sum, done = sum+n.correct, done+1
		if p.Target.Balanced() {
			if why := p.shortBalanced(n.result.Confusion.Validation, alpha); why != "" {
				return fmt.Sprintf("seed %d reaches %s", n.seed, why)
			}
		} else if p.Target.Rule == experiment.RuleWorst {
			if why := p.short(p.believed(c, n.correct), p.Data.Validation, p.Target.Accuracy, alpha); why != "" {
				return fmt.Sprintf("seed %d reaches %s", n.seed, why)
			}
		}
		for i, correct := range p.under(n.result, result.Validation) {
			if why := p.short(correct, p.Data.Validation, p.Target.Under[i].Accuracy, p.FirstAlpha); why != "" {
				return fmt.Sprintf("seed %d: accuracy under %s is %s", n.seed, p.Target.Under[i].Shift, why)
			}
		}
		for class, row := range n.result.Confusion.Validation {
			right, all := target.ClassImages(row, class)
			if why := p.short(right, all, p.Target.Floor(class), p.FirstAlpha); why != "" {
				return fmt.Sprintf("seed %d: recall of class %d is %s", n.seed, class, why)
			}
		}
	}
	if p.Target.Rule == experiment.RuleWorst || done < len(p.Seeds) {
		return ""
	}
	if why := p.short(sum/done, p.Data.Validation, p.Target.Accuracy, alpha); why != "" {
		return "the mean is " + why
	}
	if low := p.foreseen(c, alpha); low < p.Target.Accuracy {
		return fmt.Sprintf("seeds that spread like these can hardly show it: their bound on the test images may become %s", bound(low))
	}
	return ""
}

// foreseen is what the rule's bound on the test images may become with a chance
// of leastChance, if they showed what the validation images do, and each of them
// were as hard for every network.
func (p *Problem) foreseen(c *candidate, alpha float64) float64 {
	var acc []float64
	for _, n := range c.nets {
		acc = append(acc, n.accuracy)
	}
	s, err := stats.Summarize(acc)
	if err != nil {
		return 0
	}
	e := stats.MeanEstimate{Mean: s.Mean, SeedSE: s.SD / math.Sqrt(float64(s.N)), Seeds: s.N,
		ImageSE: math.Sqrt(s.Mean * (1 - s.Mean) / float64(p.Data.Test))}
	low, err := e.LowerOfSeeds(1 - alpha)
	if p.Target.Rule == experiment.RuleTolerance {
		low, err = p.toleranceBound(e, s.SD, alpha)
	}
	if err != nil {
		return 0
	}
	return low + leastQuantile*math.Hypot(e.SeedSE, e.ImageSE)
}

// toleranceBound takes half an opening's alpha for the spread over seeds and
// half for the images.
func (p *Problem) toleranceBound(e stats.MeanEstimate, sd, half float64) (float64, error) {
	k, err := stats.ToleranceFactor(e.Seeds, target.Coverage, 1-half)
	if err != nil {
		return 0, err
	}
	low, err := e.LowerOnImages(1 - half)
	return low - k*sd, err
}

// finding says what the networks of a rejected candidate show: that it fails,
// that it was stopped before that, or neither.
func (p *Problem) finding(c *candidate) result.Finding {
	if p.older || c.broken != nil {
		return result.FoundRejected
	}
	fail, stopped := 0, 0
	for _, n := range c.nets {
		switch {
		case n.result.Status == result.Diverged || n.floorMissed:
			return result.FoundRejected
		case n.result.Status == result.StoppedEarly:
			stopped++
		case n.clear:
			fail++
		}
	}
	switch {
	case fail > 0 && (p.Target.Rule == experiment.RuleWorst || fail == len(c.nets)):
		return result.FoundRejected
	case stopped > 0:
		return result.FoundStopped
	}
	return result.FoundNotShown
}

// recallMissed says whether the recall of a class is shown below its floor.
func (p *Problem) recallMissed(confusion [][]int) bool {
	for class, row := range confusion {
		right, all := target.ClassImages(row, class)
		floor := p.Target.Floor(class)
		if floor == 0 || all == 0 {
			continue
		}
		if high, err := stats.UpperBound(right, all, p.clearConfidence()); err == nil && high < floor {
			return true
		}
	}
	return false
}
