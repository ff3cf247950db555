package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// ToleranceFactor is the one-sided normal tolerance factor k: with the given
// confidence, at least the share coverage of future runs lies above
// mean - k*sd of these n runs. It comes from the noncentral t distribution
// (Hahn and Meeker, Statistical Intervals, 1991, section 4.6) and assumes
// normal runs on the same images.
func ToleranceFactor(n int, coverage, confidence float64) (float64, error) {
	if err := checkShare("coverage", coverage); err != nil {
		return 0, err
	}
	if err := checkShare("confidence", confidence); err != nil {
		return 0, err
	}
	if n < 2 || n > maxToleranceRuns {
		return 0, fmt.Errorf("tolerance factor: %d runs, need 2 to %d", n, maxToleranceRuns)
	}
	root := math.Sqrt(float64(n))
	z := distuv.UnitNormal.Quantile(coverage)
	t := distuv.NoncentralT{Nu: float64(n - 1), Mu: root * z}.Quantile(confidence)
	if math.IsNaN(t) {
		return 0, fmt.Errorf("tolerance factor: no solution for %d runs, coverage %v, confidence %v", n, coverage, confidence)
	}
	return t / root, nil
}

// maxToleranceRuns keeps the noncentral t in the range where its series holds.
const maxToleranceRuns = 500

// MinimumConfidence is the confidence with which the smallest of n runs bounds
// at least the share coverage of future runs, whatever their distribution
// (Wilks 1941): 1 - coverage^n.
func MinimumConfidence(n int, coverage float64) (float64, error) {
	if n < 1 {
		return 0, fmt.Errorf("minimum of %d runs: need at least one", n)
	}
	if err := checkShare("coverage", coverage); err != nil {
		return 0, err
	}
	return 1 - math.Pow(coverage, float64(n)), nil
}

// RunsNeeded is the fewest runs whose minimum bounds the share coverage of
// future runs with the confidence.
func RunsNeeded(coverage, confidence float64) (int, error) {
	if err := checkShare("coverage", coverage); err != nil {
		return 0, err
	}
	if err := checkShare("confidence", confidence); err != nil {
		return 0, err
	}
	return int(math.Ceil(math.Log1p(-confidence)/math.Log(coverage) - 1e-9)), nil
}
