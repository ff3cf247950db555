package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// PredictionInterval is Student's two-sided interval for one more run of the
// same kind: mean -+ t sd sqrt(1 + 1/n). It assumes independent values that
// are roughly normal, and needs two of them.
func PredictionInterval(values []float64, confidence float64) (Interval, error) {
	return studentInterval("prediction interval", values, confidence, func(n float64) float64 { return 1 + 1/n })
}

// SpreadRatio compares two standard deviations.
type SpreadRatio struct {
	Ratio    float64  `json:"ratio"`    // first over second
	Interval Interval `json:"interval"` // two-sided
	P        float64  `json:"p"`        // two-sided, of equal spreads
}

// CompareSpread is the classical F comparison of the standard deviations of
// two independent samples. It leans on normal values, more than a comparison
// of means does, and needs two different values in each sample.
func CompareSpread(a, b []float64, confidence float64) (SpreadRatio, error) {
	if err := checkShare("confidence", confidence); err != nil {
		return SpreadRatio{}, err
	}
	sa, err := Summarize(a)
	if err != nil {
		return SpreadRatio{}, err
	}
	sb, err := Summarize(b)
	if err != nil {
		return SpreadRatio{}, err
	}
	if sa.SD == 0 || sb.SD == 0 {
		return SpreadRatio{}, fmt.Errorf("compare spread: a sample of %d and one of %d values, need two different values in each", sa.N, sb.N)
	}
	f := sa.SD * sa.SD / (sb.SD * sb.SD)
	dist := distuv.F{D1: float64(sa.N - 1), D2: float64(sb.N - 1)}
	half := (1 - confidence) / 2
	below := dist.CDF(f)
	return SpreadRatio{Ratio: math.Sqrt(f), P: math.Min(1, 2*math.Min(below, 1-below)),
		Interval: Interval{math.Sqrt(f / dist.Quantile(1-half)), math.Sqrt(f / dist.Quantile(half))}}, nil
}
