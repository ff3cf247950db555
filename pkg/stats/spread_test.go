package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestPredictionInterval(t *testing.T) {
	// By hand: mean 3, sd 1.5811, t(4, 0.975) 2.7764, sqrt(1.2).
	i, err := PredictionInterval([]float64{1, 2, 3, 4, 5}, 0.95)
	if err != nil || math.Abs(i.Low-(3-4.80886)) > 1e-4 || math.Abs(i.High-(3+4.80886)) > 1e-4 {
		t.Errorf("got %v, %v", i, err)
	}
	for _, bad := range [][]float64{nil, {1}, {1, math.NaN()}} {
		if _, err := PredictionInterval(bad, 0.95); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

func TestCompareSpread(t *testing.T) {
	// Equal samples: ratio 1, p 1; F(4, 4) at 0.975 is 9.6045.
	a := []float64{1, 2, 3, 4, 5}
	r, err := CompareSpread(a, a, 0.95)
	if err != nil || r.Ratio != 1 || math.Abs(r.P-1) > 1e-9 || math.Abs(r.Interval.High-math.Sqrt(9.6045)) > 1e-3 {
		t.Errorf("got %+v, %v", r, err)
	}
	wide := []float64{10, 20, 30, 40, 50}
	if r, err = CompareSpread(wide, a, 0.95); err != nil || math.Abs(r.Ratio-10) > 1e-9 || r.P > 0.001 || r.Interval.Low < 1 {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, bad := range [][]float64{nil, {1}, {2, 2, 2}} {
		if _, err := CompareSpread(bad, a, 0.95); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

func TestCompareSpreadProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(0, 10000), 2, 20) // right of 10,000 images
		a, b := shares(counts.Draw(t, "a")), shares(counts.Draw(t, "b"))
		ab, errA := CompareSpread(a, b, 0.9)
		ba, errB := CompareSpread(b, a, 0.9)
		if errA != nil || errB != nil {
			t.Skip("no spread")
		}
		if math.Abs(ab.Ratio*ba.Ratio-1) > 1e-9 || math.Abs(ab.P-ba.P) > 1e-6 {
			t.Fatalf("%+v and %+v are not each other's inverse", ab, ba)
		}
		if ab.Interval.Low > ab.Ratio || ab.Interval.High < ab.Ratio {
			t.Fatalf("the ratio is outside its interval: %+v", ab)
		}
		if outside := ab.Interval.Low > 1 || ab.Interval.High < 1; outside && ab.P > 0.1+1e-9 {
			t.Fatalf("interval and p disagree: %+v", ab)
		}
	})
}

func shares(counts []int) []float64 {
	out := make([]float64, len(counts))
	for i, n := range counts {
		out[i] = float64(n) / 10000
	}
	return out
}

func TestCompareSpreadPaired(t *testing.T) {
	a := []float64{-4, -2, 0, 2, 4}
	b := []float64{-1, -2, 0, 1, 2}
	r, err := CompareSpreadPaired(a, b, 0.95)
	if err != nil || math.Abs(r.Ratio-2) > 1e-12 {
		t.Fatalf("got %+v, %v", r, err)
	}
	// r of the pairs is 18/20 = 0.9: t = 3 sqrt(3) / (2 sqrt(4 * 0.19)) = 2.980, p (3 df) 0.0586.
	if math.Abs(r.P-0.0586) > 5e-4 {
		t.Errorf("p %g, want 0.0586", r.P)
	}
	// K = 1 + 2 * 0.19 * 3.1824^2 / 3 = 2.2829; 4 (K -+ sqrt(K^2-1)) = 0.9225, 17.341.
	if math.Abs(r.Interval.Low-math.Sqrt(0.9225)) > 2e-3 || math.Abs(r.Interval.High-math.Sqrt(17.341)) > 2e-3 {
		t.Errorf("interval %v", r.Interval)
	}
	if r, err := CompareSpreadPaired(a, a, 0.95); err != nil || r.Ratio != 1 || r.P != 1 || r.Interval != (Interval{1, 1}) {
		t.Errorf("a sample with itself: %+v, %v", r, err)
	}
	for _, bad := range [][2][]float64{{a, a[:4]}, {a[:2], b[:2]}, {a, {1, 1, 1, 1, 1}}, {{1, 2, math.NaN()}, {1, 2, 3}}} {
		if _, err := CompareSpreadPaired(bad[0], bad[1], 0.95); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

func TestCompareSpreadPairedProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 20).Draw(t, "n")
		counts := rapid.SliceOfN(rapid.IntRange(0, 10000), n, n)
		a, b := shares(counts.Draw(t, "a")), shares(counts.Draw(t, "b"))
		ab, errA := CompareSpreadPaired(a, b, 0.9)
		ba, errB := CompareSpreadPaired(b, a, 0.9)
		if errA != nil || errB != nil {
			t.Skip("no spread")
		}
		if math.Abs(ab.Ratio*ba.Ratio-1) > 1e-9 || math.Abs(ab.P-ba.P) > 1e-6 || math.Abs(ab.Interval.Low*ba.Interval.High-1) > 1e-6 {
			t.Fatalf("%+v and %+v are not each other's inverse", ab, ba)
		}
		if outside := ab.Interval.Low > 1+1e-9 || ab.Interval.High < 1-1e-9; outside != (ab.P < 0.1) && math.Abs(ab.P-0.1) > 1e-9 {
			t.Fatalf("interval and p disagree: %+v", ab)
		}
	})
}
