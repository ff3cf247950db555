package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
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
	sa, sb, err := twoSpreads(a, b)
	if err != nil {
		return SpreadRatio{}, err
	}
	f := sa.SD * sa.SD / (sb.SD * sb.SD)
	dist := distuv.F{D1: float64(sa.N - 1), D2: float64(sb.N - 1)}
	half := (1 - confidence) / 2
	below := dist.CDF(f)
	return SpreadRatio{Ratio: math.Sqrt(f), P: math.Min(1, 2*math.Min(below, 1-below)),
		Interval: Interval{math.Sqrt(f / dist.Quantile(1-half)), math.Sqrt(f / dist.Quantile(half))}}, nil
}

// CompareSpreadPaired compares the standard deviations of two samples whose
// values belong together pair by pair, such as equal seeds trained in two ways
// (Pitman, A note on normal correlation, 1939; Morgan 1939): the more the pairs
// rise and fall together, the closer it looks. It assumes pairs that are roughly
// bivariate normal, and needs three of them.
func CompareSpreadPaired(a, b []float64, confidence float64) (SpreadRatio, error) {
	if err := checkShare("confidence", confidence); err != nil {
		return SpreadRatio{}, err
	}
	if len(a) != len(b) || len(a) < 3 {
		return SpreadRatio{}, fmt.Errorf("compare paired spread: %d and %d values, need pairs, three or more", len(a), len(b))
	}
	sa, sb, err := twoSpreads(a, b)
	if err != nil {
		return SpreadRatio{}, err
	}
	r := stat.Correlation(a, b, nil)
	df := float64(sa.N - 2)
	t := distuv.StudentsT{Sigma: 1, Nu: df}
	// Equal spreads are sums and differences that do not correlate.
	f := sa.SD * sa.SD / (sb.SD * sb.SD)
	apart := 1 - r*r
	if apart < 1e-12 { // one sample is a multiple of the other
		ratio := math.Sqrt(f)
		p := 0.0
		if math.Abs(ratio-1) < 1e-12 {
			p = 1
		}
		return SpreadRatio{Ratio: ratio, Interval: Interval{ratio, ratio}, P: p}, nil
	}
	statistic := (f - 1) * math.Sqrt(df) / (2 * math.Sqrt(f*apart))
	q := t.Quantile(0.5 + confidence/2)
	k := 1 + 2*apart*q*q/df
	reach := math.Sqrt(k*k - 1)
	return SpreadRatio{Ratio: math.Sqrt(f), P: 2 * t.CDF(-math.Abs(statistic)),
		Interval: Interval{math.Sqrt(f * (k - reach)), math.Sqrt(f * (k + reach))}}, nil
}

func twoSpreads(a, b []float64) (sa, sb Summary, err error) {
	if sa, err = Summarize(a); err != nil {
		return sa, sb, err
	}
	if sb, err = Summarize(b); err != nil {
		return sa, sb, err
	}
	if sa.SD == 0 || sb.SD == 0 {
		err = fmt.Errorf("compare spread: a sample of %d and one of %d values, need two different values in each", sa.N, sb.N)
	}
	return sa, sb, err
}
