package stats

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is a closed interval of a figure.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Summary describes one figure over several runs.
type Summary struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"` // sample standard deviation (n - 1); 0 where N is 1: unknown, not small
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
}

// Summarize describes the values. It fails without any, and on one that is not
// a finite number.
func Summarize(values []float64) (Summary, error) {
	if len(values) == 0 {
		return Summary{}, fmt.Errorf("summarize: no values")
	}
	s := Summary{N: len(values), Min: values[0], Max: values[0]}
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Summary{}, fmt.Errorf("summarize: %v is not a finite number", v)
		}
		s.Min, s.Max = math.Min(s.Min, v), math.Max(s.Max, v)
	}
	if s.Min == s.Max { // keeps rounding out of the mean of equal values
		s.Mean = s.Min
		return s, nil
	}
	s.Mean, s.SD = stat.MeanStdDev(values, nil)
	return s, nil
}

// Round keeps twelve significant digits: processors differ in the last bits of a
// sum, what is reported and compared should not.
func Round(v float64) float64 {
	out, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
	if err != nil {
		return v // an infinity or a NaN stays what it is
	}
	return out
}

// Median is the middle of the values, between the two middle ones where they are
// even in number; 0 without any.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// TInterval is Student's two-sided interval for the mean over runs. It assumes
// independent values that are roughly normal, and needs two of them.
func TInterval(values []float64, confidence float64) (Interval, error) {
	return studentInterval("t interval", values, confidence, func(n float64) float64 { return 1 / n })
}

// studentInterval is mean -+ t sd sqrt(variance(n)), variance in units of that
// of one run.
func studentInterval(what string, values []float64, confidence float64, variance func(n float64) float64) (Interval, error) {
	s, err := Summarize(values)
	if err != nil {
		return Interval{}, err
	}
	if err := checkShare("confidence", confidence); err != nil {
		return Interval{}, err
	}
	if s.N < 2 {
		return Interval{}, fmt.Errorf("%s: one value has no spread; need at least two", what)
	}
	n := float64(s.N)
	t := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.5 + confidence/2)
	half := t * s.SD * math.Sqrt(variance(n))
	return Interval{s.Mean - half, s.Mean + half}, nil
}

// checkShare refuses a number outside (0, 1).
func checkShare(name string, v float64) error {
	if !(v > 0 && v < 1) {
		return fmt.Errorf("%s is %v, need a number between 0 and 1", name, v)
	}
	return nil
}
