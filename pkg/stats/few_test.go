package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// twoMeans draws the estimates of the means of two groups of m and n seeds, whose
// sd are a and b, on images that add a variance that is known.
func twoMeans(rng *rand.Rand, m, n int, a, b, images float64) (diff float64, parts []part) {
	draw := func(n int, sd float64) (mean, ofMean float64) {
		x := make([]float64, n)
		for i := range x {
			x[i] = sd * rng.NormFloat64()
		}
		mean, v := stat.MeanVariance(x, nil)
		return mean, v / float64(n)
	}
	meanA, varA := draw(m, a)
	meanB, varB := draw(n, b)
	parts = []part{{varA, float64(m - 1)}, {varB, float64(n - 1)}, {images, maxDF}}
	return meanA - meanB + math.Sqrt(images)*rng.NormFloat64(), parts
}

// satterthwaite is what halfWidth is instead of.
func satterthwaite(alpha float64, parts []part) float64 {
	total, v, least := 0.0, 0.0, math.Inf(1)
	for _, p := range parts {
		total, v, least = total+p.variance, v+p.variance*p.variance/p.df, min(least, p.df)
	}
	df := math.Min(math.Max(total*total/v, least), maxDF)
	return quantile(df, alpha) * -math.Sqrt(total)
}

// From two to ten seeds, however the variance divides over seeds and images, no
// more differences are found where there is none than stated. Satterthwaite's
// degrees of freedom find up to four times as many: the kinds do tell.
func TestFewSeedsKeepTheirError(t *testing.T) {
	const draws = 2000
	worst := map[float64]float64{}
	for _, c := range []struct{ m, n int }{{2, 2}, {3, 3}, {3, 5}, {4, 4}, {5, 5}, {2, 10}, {7, 7}, {10, 10}} {
		for _, b := range []float64{1, 0.25} {
			for _, images := range []float64{0.05, 0.2, 1} {
				rng := rand.New(rand.NewPCG(uint64(100*c.m+c.n), uint64(1000*b+100*images)))
				missed, before := map[float64]int{}, map[float64]int{}
				seeds := 1/float64(c.m) + b*b/float64(c.n)
				for range draws {
					diff, parts := twoMeans(rng, c.m, c.n, 1, b, images*seeds)
					for _, p := range []float64{0.05, 0.01} {
						if math.Abs(diff) > halfWidth(p/2, parts) {
							missed[p]++
						}
						if c.m == 2 && math.Abs(diff) > satterthwaite(p/2, parts) {
							before[p]++
						}
					}
				}
				for p, k := range missed {
					rate, slack := float64(k)/draws, 3*math.Sqrt(p*(1-p)/draws)
					if worst[p] = math.Max(worst[p], float64(before[p])/draws); rate > p+slack {
						t.Errorf("%d and %d seeds, sd 1 and %v, images %v: %.2f %% below p %v", c.m, c.n, b, images, 100*rate, p)
					}
				}
			}
		}
	}
	t.Logf("with Satterthwaite's degrees of freedom %.1f %% below p 0.05, %.1f %% below p 0.01", 100*worst[0.05], 100*worst[0.01])
	if worst[0.05] < 0.07 || worst[0.01] < 0.025 {
		t.Error("the kinds put nothing to the test")
	}
}

// The whole way, images and bootstrap included: three seeds that spread much
// against five that do not.
func TestFewSeedsOfNetworks(t *testing.T) {
	const images, trials = 2000, 400
	rng, found, below := rand.New(rand.NewPCG(8, 9)), 0, 0
	for trial := range trials {
		hard := difficulties(rng, images)
		a, b := simulate(rng, hard, 3, 0.95, 0.012), simulate(rng, hard, 5, 0.95, 0.003)
		r, err := CrossedBootstrap([]Group{a, b}, images, 200, uint64(trial))
		noError(t, err)
		d, err := r.Difference(0, 1, 0.95)
		noError(t, err)
		if d.P < 0.05 {
			found++
		}
		e, err := EstimateMean(a.Wrong, images)
		noError(t, err)
		low, err := e.LowerByParts(0.95)
		noError(t, err)
		if low > 0.95 {
			below++
		}
	}
	t.Logf("%d of %d differences found, %d means bounded too high", found, trials, below)
	if found > trials*6/100 || below > trials*7/100 {
		t.Errorf("%d of %d differences found where there is none, %d of their means bounded too high", found, trials, below)
	}
}

// The p-value is where the interval ends at no difference, and quantiles hold far
// out.
func TestHalfWidth(t *testing.T) {
	for _, df := range []float64{1, 2, 4, 9} {
		for _, alpha := range []float64{0.3, 0.01, 1e-6, 1e-12} {
			near(t, fmt.Sprintf("t of %v at %v", df, alpha), distuv.StudentsT{Sigma: 1, Nu: df}.CDF(quantile(df, alpha))/alpha, 1, 1e-6)
		}
	}
	near(t, "one part is Student's", halfWidth(0.025, []part{{4, 2}}), 2*4.302652729696142, 1e-6)
	near(t, "two parts", halfWidth(0.025, []part{{4, 2}, {1, maxDF}}), math.Hypot(2*4.302652729696142, 1.959963984540054), 1e-6)
}
