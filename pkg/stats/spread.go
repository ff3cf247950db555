package stats

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
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

// Discordant counts the images that exactly one of two networks gets wrong,
// from the sorted indices of each one's wrong images: onlyA is wrong in a
// alone, onlyB in b alone.
func Discordant(a, b []int) (onlyA, onlyB int) {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case j == len(b) || i < len(a) && a[i] < b[j]:
			onlyA++
			i++
		case i == len(a) || b[j] < a[i]:
			onlyB++
			j++
		default:
			i++
			j++
		}
	}
	return onlyA, onlyB
}

// McNemar is the exact two-sided p-value of McNemar's test from the counts of
// images that only one of two networks gets wrong. It compares two fixed
// networks; two configurations differ by seed too and need CrossedBootstrap.
func McNemar(onlyA, onlyB int) (float64, error) {
	if onlyA < 0 || onlyB < 0 {
		return 0, fmt.Errorf("mcnemar: counts %d and %d, need 0 or more", onlyA, onlyB)
	}
	n, k := onlyA+onlyB, max(onlyA, onlyB)
	if n == 0 {
		return 1, nil
	}
	// P(X >= k) of a fair coin, both sides.
	return math.Min(1, 2*mathext.RegIncBeta(float64(k), float64(n-k+1), 0.5)), nil
}

// Holm adjusts p-values for the number of hypotheses tested (Holm 1979): those
// at or below alpha are rejected with a family-wise error of at most alpha,
// whatever their dependence. The order of the input is kept.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out, highest := make([]float64, len(p)), 0.0
	for rank, i := range order {
		highest = math.Max(highest, math.Min(1, p[i]*float64(len(p)-rank)))
		out[i] = highest
	}
	return out
}
