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

// Shares of what is left of alpha that an opening may err.
const (
	HalfAlpha = 0.5
	// SpaceAlpha is that of a large space, where some openings fail before one
	// passes: they cost the later ones less.
	SpaceAlpha = 0.25
)

// Share is the part of what is left of alpha that each opening may err.
func (p *Problem) Share() float64 {
	if p.next {
		return SpaceAlpha
	}
	return HalfAlpha
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
	if p.asked <= 0 || p.next && c.opening != nil {
		return ""
	}
	alpha, sum, done := p.Target.OpeningAlpha(p.asked), 0, 0
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
			if why := p.short(correct, p.Data.Validation, p.Target.Under[i].Accuracy, p.asked); why != "" {
				return fmt.Sprintf("seed %d: accuracy under %s is %s", n.seed, p.Target.Under[i].Shift, why)
			}
		}
		for class, row := range n.result.Confusion.Validation {
			right, all := target.ClassImages(row, class)
			if why := p.short(right, all, p.Target.Floor(class), p.asked); why != "" {
				return fmt.Sprintf("seed %d: recall of class %s is %s", n.seed, text.Class(p.Target.Classes, class), why)
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

// Floors under shifts (target.under) are judged by scores.json beside each
// result, of the same weights: on the validation images as seen, on the test
// images by the lower bound at the opening's chance of error. That every network
// passes all parts of a target needs no correction over the parts: if one is
// truly below, its own test must err.

// underRule says it in the certificate; older ones count "test images", those that
// repeat others among them.
func underRule(images string) string {
	return "Every network's accuracy on shifted images reaches its floor: as seen on the validation images, and by its one-sided " +
		"Clopper-Pearson lower bound on the " + images + ", at the opening's chance of error. A shifted image comes from the image and its " +
		"number alone."
}

// under are a network's right answers under each shift that has a floor; nil where
// they are not known, or none has one.
func (p *Problem) under(r *result.Result, split result.Split) []int {
	if len(p.Target.Under) == 0 || p.Scores == nil || r == nil || r.Status != result.Done {
		return nil
	}
	shifted := p.shifted(r)
	return shifted.Correct(p.Target.Shifts(), split)
}

// shifted is what the network that is judged finds in shifted images.
func (p *Problem) shifted(r *result.Result) result.Shifted {
	scores := p.Scores(*r)
	return scores.Judged(p.Target.Precision == experiment.Int8)
}

// underCounted are those that bounds are of, and of how many test images.
func (p *Problem) underCounted(r *result.Result) (right []int, images int) {
	right, images = p.under(r, result.Test), p.Data.Test
	if right != nil && !p.underAll {
		shifted := p.shifted(r)
		return shifted.Counted(p.Target.Shifts(), r.Distinct, images)
	}
	return right, images
}

// Lacks says whether a trained network's floors under shifts cannot be judged on
// the split, by what is known of it.
func (p *Problem) Lacks(r *result.Result, split result.Split) bool {
	right := p.under(r, split)
	if split == result.Test && r.Correct.Test != nil {
		right, _ = p.underCounted(r)
	}
	return len(p.Target.Under) > 0 && r.Status == result.Done && right == nil
}

// underMissed says whether an accuracy under a shift is shown below its floor.
func (p *Problem) underMissed(r *result.Result) bool {
	for i, correct := range p.under(r, result.Validation) {
		if high, err := stats.UpperBound(correct, p.Data.Validation, p.clearConfidence()); err == nil && high < p.Target.Under[i].Accuracy {
			return true
		}
	}
	return false
}

// underBound names the first shift under which the accuracy is not shown to reach
// its floor on the test images: by its lower bound. "" if none.
func (p *Problem) underBound(r *result.Result, confidence float64) string {
	right, images := p.underCounted(r)
	for i, u := range p.Target.Under {
		low := 0.0
		if i < len(right) {
			low, _ = stats.LowerBound(right[i], images, confidence) // 0 where there is no bound
		}
		if low < u.Accuracy {
			return p.Target.Words(target.Trouble{Seed: r.Seed, Shift: u.Shift, Images: images, Recall: low, Floor: u.Accuracy}, recallText)
		}
	}
	return ""
}
