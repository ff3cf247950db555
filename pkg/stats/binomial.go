package stats

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// ClopperPearson is the exact two-sided interval for a share of which correct
// of n independent images were seen (Clopper and Pearson 1934). It speaks of
// one fixed network, chosen before these images were looked at, and says
// nothing of another seed.
func ClopperPearson(correct, n int, confidence float64) (Interval, error) {
	if err := checkCounts(correct, n, confidence); err != nil {
		return Interval{}, err
	}
	alpha := 1 - confidence
	return Interval{lower(correct, n, alpha/2), upper(correct, n, alpha/2)}, nil
}

// LowerBound is the one-sided Clopper-Pearson bound: with the given confidence
// the true share is at least this.
func LowerBound(correct, n int, confidence float64) (float64, error) {
	if err := checkCounts(correct, n, confidence); err != nil {
		return 0, err
	}
	return lower(correct, n, 1-confidence), nil
}

// UpperBound is the one-sided Clopper-Pearson bound from above.
func UpperBound(correct, n int, confidence float64) (float64, error) {
	if err := checkCounts(correct, n, confidence); err != nil {
		return 0, err
	}
	return upper(correct, n, 1-confidence), nil
}

// CorrectNeeded is the fewest correct answers of n whose LowerBound is at
// least claim, and whether n images can show the claim at all.
func CorrectNeeded(claim float64, n int, confidence float64) (int, bool, error) {
	if err := checkCounts(0, n, confidence); err != nil {
		return 0, false, err
	}
	if err := checkShare("claim", claim); err != nil {
		return 0, false, err
	}
	k := sort.Search(n+1, func(k int) bool { return lower(k, n, 1-confidence) >= claim })
	return k, k <= n, nil
}

// BinomialTail is the chance of at least k correct of n images at a true share p.
func BinomialTail(k, n int, p float64) float64 {
	switch {
	case k <= 0:
		return 1
	case k > n:
		return 0
	case p <= 0:
		return 0
	case p >= 1:
		return 1
	}
	return mathext.RegIncBeta(float64(k), float64(n-k+1), p)
}

func lower(k, n int, alpha float64) float64 {
	if k == 0 {
		return 0
	}
	return distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(alpha)
}

func upper(k, n int, alpha float64) float64 {
	if k == n {
		return 1
	}
	return distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - alpha)
}

func checkCounts(correct, n int, confidence float64) error {
	if n < 1 || correct < 0 || correct > n {
		return fmt.Errorf("%d correct of %d images: need 0 to n of at least one image", correct, n)
	}
	return checkShare("confidence", confidence)
}

// LookEvery is how many steps lie between two looks at a trial in training:
// its validation accuracy is measured there, after the last step, and, of short
// trainings, between (package train).
const LookEvery = 1000

// IsLook says whether a training of steps steps may be stopped early after
// step: at a multiple of LookEvery, not in the first quarter, not at the end.
func IsLook(step, steps int) bool {
	return step > 0 && step%LookEvery == 0 && step < steps && step >= (steps+3)/4
}

// Looks counts the steps that IsLook accepts.
func Looks(steps int) int {
	first := max(1, (steps+4*LookEvery-1)/(4*LookEvery)) // in units of LookEvery
	return max(0, (steps-1)/LookEvery-first+1)
}

// ErrorExponent bounds how fast errors fall: from a look to the end at most as
// that power of the steps. Learning curves fall about as a power of the steps,
// mostly with half of this; BenchmarkEarlyStop in pkg/search measures the exponents
// of a finished run. The largest of 1,080 of experiments/search/grid-120.yaml
// was 1.22, and 9 were above 1.
const ErrorExponent = 1.25

// AboveChance is the accuracy below which no training is stopped: where a network
// has not learned half of what guessing among the classes leaves, it may have just
// begun, and then errors fall faster than by ErrorExponent.
func AboveChance(classes int) float64 { return (1 + 1/float64(max(classes, 1))) / 2 }

// FallsFaster says whether the error fell faster from one look to the next than
// ErrorExponent allows for.
func FallsFaster(before float64, step int, now float64, next int) bool {
	return step > 0 && next > step && now < 1 &&
		math.Log((1-before)/(1-now)) > ErrorExponent*math.Log(float64(next)/float64(step))
}

// Projected bounds from above the accuracy that a network with correct of
// images at a look will have after all steps, if its error falls no faster than
// ErrorExponent says: error(steps) >= error(step) * (step/steps)^1.25. Error is
// taken as its one-sided lower Clopper-Pearson bound; with the given confidence
// the bounds of all looks at one training hold together (Bonferroni). It fails
// where step is no look, and for counts and confidences out of range.
func Projected(correct, images, step, steps int, confidence float64) (float64, error) {
	if !IsLook(step, steps) {
		return 0, fmt.Errorf("project an accuracy: step %d of %d is none at which a training may be stopped", step, steps)
	}
	if err := checkCounts(correct, images, confidence); err != nil {
		return 0, fmt.Errorf("project an accuracy: %w", err)
	}
	alpha := (1 - confidence) / float64(Looks(steps))
	return 1 - lower(images-correct, images, alpha)*math.Pow(float64(step)/float64(steps), ErrorExponent), nil
}
