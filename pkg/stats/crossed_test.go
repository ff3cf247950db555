package stats

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// simulate draws the wrong images of m seeds whose true accuracies spread with
// sd around accuracy, on images that differ in difficulty, the same ones for
// every seed. All is probit-shaped.
func simulate(rng *rand.Rand, hard []float64, m int, accuracy, sd float64) Group {
	const imageSD = 3
	var g Group
	for range m {
		p := math.Min(accuracy+sd*rng.NormFloat64(), 0.9999)
		shift := distuv.UnitNormal.Quantile(p) * math.Sqrt(1+imageSD*imageSD)
		var wrong []int
		for i, h := range hard {
			if shift+imageSD*h+rng.NormFloat64() < 0 {
				wrong = append(wrong, i)
			}
		}
		g.Wrong = append(g.Wrong, wrong)
	}
	return g
}

func difficulties(rng *rand.Rand, n int) []float64 {
	hard := make([]float64, n)
	for i := range hard {
		hard[i] = rng.NormFloat64()
	}
	return hard
}

// Two equal recipes whose seeds differ by 0.2 points: McNemar on a seed of
// each errs in about a third of cases, the crossed bootstrap in 5 % or less.
func TestEqualRecipes(t *testing.T) {
	const images, trials = 10000, 300
	rng := rand.New(rand.NewPCG(1, 2))
	crossed, mcnemar := 0, 0
	for trial := range trials {
		hard := difficulties(rng, images)
		a, b := simulate(rng, hard, 5, 0.96, 0.002), simulate(rng, hard, 5, 0.96, 0.002)
		r, err := CrossedBootstrap([]Group{a, b}, images, 200, uint64(trial))
		noError(t, err)
		d, err := r.Difference(0, 1, 0.95)
		noError(t, err)
		if d.P < 0.05 {
			crossed++
		}
		if d.P < 0.05 != (d.Interval.Low > 0 || d.Interval.High < 0) {
			t.Fatalf("interval and p disagree: %+v", d)
		}
		p, err := McNemar(Discordant(a.Wrong[0], b.Wrong[0]))
		noError(t, err)
		if p < 0.05 {
			mcnemar++
		}
	}
	t.Logf("false differences: crossed bootstrap %d, McNemar %d, of %d", crossed, mcnemar, trials)
	if float64(crossed) > 0.08*trials {
		t.Errorf("crossed bootstrap errs in %d of %d", crossed, trials)
	}
	if float64(mcnemar) < 0.2*trials {
		t.Errorf("McNemar errs in %d of %d only: the simulation has no seed effect", mcnemar, trials)
	}
}

func TestRealDifference(t *testing.T) {
	const images = 10000
	rng := rand.New(rand.NewPCG(3, 4))
	hard := difficulties(rng, images)
	groups := []Group{simulate(rng, hard, 5, 0.975, 0.001), simulate(rng, hard, 5, 0.96, 0.001)}
	r, err := CrossedBootstrap(groups, images, 1000, 7)
	noError(t, err)
	d, err := r.Difference(0, 1, 0.95)
	noError(t, err)
	if d.P > 0.001 || d.Interval.Low < 0.005 || d.Interval.High > 0.025 || math.Abs(d.Mean-0.015) > 0.005 {
		t.Errorf("1.5 points apart: %+v", d)
	}
	back, err := r.Difference(1, 0, 0.95)
	noError(t, err)
	if math.Abs(back.Mean+d.Mean) > 1e-12 || math.Abs(back.P-d.P) > 1e-12 {
		t.Errorf("not symmetric: %+v and %+v", d, back)
	}
	again, err := CrossedBootstrap(groups, images, 1000, 7)
	noError(t, err)
	if !reflect.DeepEqual(r, again) {
		t.Error("the same seed gives another result")
	}
	same, err := r.Difference(0, 0, 0.95)
	noError(t, err)
	if same.P != 1 || same.Mean != 0 {
		t.Errorf("a group against itself: %+v", same)
	}
	if _, err := r.Difference(0, 2, 0.95); err == nil {
		t.Error("no error for a group that is not there")
	}
}

// Networks that are right on all images, by every seed, do not differ.
func TestNoDifference(t *testing.T) {
	perfect := Group{Name: "no errors", Wrong: make([][]int, 3)}
	r, err := CrossedBootstrap([]Group{perfect, perfect}, 100, 200, 1)
	noError(t, err)
	if d, err := r.Difference(0, 1, 0.95); err != nil || d.P != 1 || d.Mean != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

// By hand: two seeds of four images, one wrong and two wrong.
func TestEstimateMeanByHand(t *testing.T) {
	e, err := EstimateMean([][]int{{0}, {0, 1}}, 4)
	noError(t, err)
	near(t, "mean", e.Mean, 0.625, 1e-12)
	near(t, "SE over seeds", e.SeedSE, 0.125, 1e-12)                // sd 0.1768 / sqrt 2
	near(t, "SE over images", e.ImageSE, 0.23935677693908453, 1e-9) // shares 1, 0.5, 0, 0: sd 0.4787 / 2
	low, err := e.LowerOnImages(0.95)
	noError(t, err)
	near(t, "lower on images", low, 0.625-1.6448536269514722*0.23935677693908453, 1e-9)
	if _, err := EstimateMean([][]int{{0}}, 4); err == nil {
		t.Error("no error for one seed")
	}
}

// The formula and the bootstrap agree, but for the noise of single images that
// the few drawn seeds add to the bootstrap.
func TestEstimateMeanAgainstBootstrap(t *testing.T) {
	const images = 10000
	rng := rand.New(rand.NewPCG(5, 6))
	hard := difficulties(rng, images)
	g := simulate(rng, hard, 6, 0.96, 0.004)
	perfect := Group{Name: "no errors", Wrong: make([][]int, 2)}
	r, err := CrossedBootstrap([]Group{g, perfect}, images, 2000, 1)
	noError(t, err)
	d, err := r.Difference(0, 1, 0.9)
	noError(t, err)
	e, err := EstimateMean(g.Wrong, images)
	noError(t, err)
	if total := math.Hypot(e.SeedSE, e.ImageSE); math.Abs(total-d.SE) > 0.1*d.SE {
		t.Errorf("standard error %v, the bootstrap's is %v", total, d.SE)
	}
	low, err := e.Lower(0.95)
	noError(t, err)
	if low > e.Mean || low < e.Mean-3*d.SE {
		t.Errorf("lower bound %v of mean %v", low, e.Mean)
	}
}
