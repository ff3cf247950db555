package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

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
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	out, highest := make([]float64, len(p)), 0.0
	for rank, i := range order {
		highest = math.Max(highest, math.Min(1, p[i]*float64(len(p)-rank)))
		out[i] = highest
	}
	return out
}
