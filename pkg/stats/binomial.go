package stats

import (
	"fmt"
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
