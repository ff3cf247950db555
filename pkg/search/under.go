package search

import (
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/target"
)

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
	scores := p.Scores(*r)
	return scores.Correct(p.Target.Shifts(), split)
}

// underCounted are those that bounds are of, and of how many test images.
func (p *Problem) underCounted(r *result.Result) (right []int, images int) {
	right, images = p.under(r, result.Test), p.Data.Test
	if right != nil && !p.underAll {
		scores := p.Scores(*r)
		return scores.Counted(p.Target.Shifts(), r.Distinct, images)
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
