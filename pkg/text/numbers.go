// Package text writes numbers, words and tables, the same everywhere.
package text

import (
	"fmt"
	"math"
	"strconv"

	"slimfit/pkg/stats"
)

// Thousands writes 3274634 as 3,274,634.
func Thousands(n int) string { return grouped(strconv.Itoa(n)) }

// Whole is Thousands of v, rounded to a whole number.
func Whole(v float64) string { return grouped(strconv.FormatFloat(math.Round(v), 'f', 0, 64)) }

// grouped puts a comma before each three digits of a whole number.
func grouped(s string) string {
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Number writes v with as many digits as it takes to read the same number back.
func Number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Percent writes a fraction as 98.76 %.
func Percent[F float32 | float64](v F) string { return fmt.Sprintf("%.2f %%", 100*v) }

// Percentage is a fraction in percent with two decimals, without the sign: one
// of 10,000 images is 0.01.
func Percentage(v float64) string { return strconv.FormatFloat(100*v, 'f', 2, 64) }

// PercentageAgainst is Percentage with as many more decimals as it takes to see
// on which side of the limit, a fraction too, v lies.
func PercentageAgainst(v, limit float64) string {
	for digits := 2; digits < 8; digits++ {
		s := strconv.FormatFloat(100*v, 'f', digits, 64)
		if shown, err := strconv.ParseFloat(s, 64); err == nil && (shown < 100*limit) == (v < limit) {
			return s
		}
	}
	return strconv.FormatFloat(100*v, 'g', -1, 64)
}

// Threshold is a fraction in percent as a person wrote it, with as many
// decimals as it needs: 95 %, 99.5 %.
func Threshold(v float64) string { return Number(stats.Round(100*v)) + " %" }

// Points is a difference of two fractions in percentage points, with its sign;
// what rounds to nothing is +0.00.
func Points(v float64) string {
	s := fmt.Sprintf("%+.2f", 100*v)
	if s == "-0.00" {
		return "+0.00"
	}
	return s
}

// Times is a ratio: 234×, 19.5×, 1.00×.
func Times(v float64) string {
	switch {
	case v >= 100:
		return Whole(v) + "×"
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64) + "×"
	}
	return strconv.FormatFloat(v, 'f', 2, 64) + "×"
}

// Ratio is a ratio as papers print it: 1,234, 235.9, 19.52.
func Ratio(v float64) string {
	switch {
	case v >= 1000:
		return Whole(v)
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// Duration is a time with three digits, down to microseconds.
func Duration(seconds float64) string {
	switch {
	case seconds >= 100:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds >= 1:
		return fmt.Sprintf("%.3g s", seconds)
	case seconds >= 1e-3:
		return fmt.Sprintf("%.3g ms", 1e3*seconds)
	}
	return fmt.Sprintf("%.3g µs", 1e6*seconds)
}

// Seconds is a long time for reading: 0.42 s, 98 s, 12 min 5 s, 3 h 20 min.
func Seconds(v float64) string {
	switch {
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64) + " s"
	case v < 120:
		return strconv.FormatFloat(v, 'f', 0, 64) + " s"
	case v < 7200:
		return fmt.Sprintf("%d min %d s", int(v)/60, int(v)%60)
	}
	return fmt.Sprintf("%d h %d min", int(v)/3600, int(v)%3600/60)
}

// Roughly writes a time with the precision that an estimate has.
func Roughly(seconds float64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%d s", max(1, int(seconds+0.5)))
	case seconds < 7200:
		return fmt.Sprintf("%d min", int(seconds/60+0.5))
	}
	return fmt.Sprintf("%.1f h", seconds/3600)
}
