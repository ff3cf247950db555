package stats

import (
	"fmt"
	"math"
	"slices"

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

// Normality is the outcome of an Anderson-Darling test.
type Normality struct {
	Statistic float64 `json:"statistic"` // A squared
	P         float64 `json:"p"`         // small: the values are not normal
}

// minNormality is the fewest values for which the p-value's formula was fitted.
const minNormality = 8

// AndersonDarling tests whether the values come from a normal distribution of
// unknown mean and variance. The p-value is the approximation of D'Agostino
// and Stephens, Goodness-of-Fit Techniques (1986), table 4.9. It needs eight
// values that are not all equal. A large p does not show normality: with ten
// values only gross departures are seen.
func AndersonDarling(values []float64) (Normality, error) {
	s, err := Summarize(values)
	if err != nil {
		return Normality{}, err
	}
	if s.N < minNormality {
		return Normality{}, fmt.Errorf("normality: %d values, need at least %d", s.N, minNormality)
	}
	if s.SD == 0 {
		return Normality{}, fmt.Errorf("normality: all %d values are equal", s.N)
	}
	sorted := slices.Sorted(slices.Values(values))
	n, sum := s.N, 0.0
	for i := range sorted {
		below := (sorted[i] - s.Mean) / s.SD
		above := (s.Mean - sorted[n-1-i]) / s.SD
		sum += float64(2*i+1) * (logCDF(below) + logCDF(above))
	}
	a := -float64(n) - sum/float64(n)
	return Normality{Statistic: a, P: andersonDarlingP(a, n)}, nil
}

func andersonDarlingP(a float64, n int) float64 {
	f := float64(n)
	a *= 1 + 0.75/f + 2.25/(f*f)
	switch {
	case a < 0.2:
		return 1 - math.Exp(-13.436+101.14*a-223.73*a*a)
	case a < 0.34:
		return 1 - math.Exp(-8.318+42.796*a-59.938*a*a)
	case a < 0.6:
		return math.Exp(0.9177 - 4.279*a - 1.38*a*a)
	case a < 13: // beyond, the fitted parabola would rise again
		return math.Exp(1.2937 - 5.709*a + 0.0186*a*a)
	}
	return 0
}

// logCDF is the logarithm of the standard normal CDF, from a series where the
// CDF itself underflows (Abramowitz and Stegun 26.2.12).
func logCDF(z float64) float64 {
	if z > -30 {
		return math.Log(distuv.UnitNormal.CDF(z))
	}
	return -z*z/2 - math.Log(-z*math.Sqrt(2*math.Pi))
}
