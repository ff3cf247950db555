package stats

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.9g, want %.9g", what, got, want)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Reference values in this file: scipy 1.17.1 and statsmodels 0.15.0.
var accuracies = []float64{0.9581, 0.9604, 0.9612, 0.9598, 0.9620, 0.9607, 0.9590, 0.9615, 0.9601, 0.9610}

func TestSummarize(t *testing.T) {
	s, err := Summarize(accuracies)
	noError(t, err)
	near(t, "mean", s.Mean, 0.96038, 1e-12)
	near(t, "sd", s.SD, 0.0011811482172492788, 1e-12)
	if s.N != 10 || s.Min != 0.9581 || s.Max != 0.9620 {
		t.Errorf("got %+v", s)
	}
	i, err := TInterval(accuracies, 0.95)
	noError(t, err)
	near(t, "t interval, low", i.Low, 0.9595350574658159, 1e-10)
	near(t, "t interval, high", i.High, 0.9612249425341843, 1e-10)
	one, err := Summarize([]float64{0.5})
	noError(t, err)
	if one != (Summary{N: 1, Mean: 0.5, Min: 0.5, Max: 0.5}) {
		t.Errorf("one value: %+v", one)
	}
}

func TestClopperPearson(t *testing.T) {
	for _, c := range []struct {
		k, n                        int
		confidence                  float64
		low, high, oneLow, oneUpper float64
	}{
		{9581, 10000, 0.95, 0.95398737, 0.96194305, 0.95465402, 0.96134646},
		{0, 10, 0.95, 0, 0.30849711, 0, 0.25886555},
		{10, 10, 0.95, 0.69150289, 1, 0.74113445, 1},
		{1, 10, 0.95, 0.00252858, 0.44501612, 0.00511620, 0.39416330},
		{4776, 5000, 0.95, 0.94909450, 0.96076659, 0.95008687, 0.95991393},
	} {
		i, err := ClopperPearson(c.k, c.n, c.confidence)
		noError(t, err)
		low, err := LowerBound(c.k, c.n, c.confidence)
		noError(t, err)
		up, err := UpperBound(c.k, c.n, c.confidence)
		noError(t, err)
		near(t, "low", i.Low, c.low, 1e-8)
		near(t, "high", i.High, c.high, 1e-8)
		near(t, "lower bound", low, c.oneLow, 1e-8)
		near(t, "upper bound", up, c.oneUpper, 1e-8)
	}
}

// To claim 95 % on 10,000 images: 95.37 % for one network, 95.62 % for the
// best of 24 (Bonferroni); on 5,000 images 95.52 %.
func TestCorrectNeeded(t *testing.T) {
	for _, c := range []struct {
		claim      float64
		n          int
		confidence float64
		want       int
		ok         bool
	}{
		{0.95, 10000, 0.95, 9537, true}, {0.95, 10000, 1 - 0.05/24, 9562, true},
		{0.98, 10000, 0.95, 9824, true}, {0.99, 10000, 0.95, 9917, true},
		{0.95, 5000, 0.95, 4776, true}, {0.95, 59, 0.95, 59, true}, {0.95, 58, 0.95, 59, false},
	} {
		k, ok, err := CorrectNeeded(c.claim, c.n, c.confidence)
		noError(t, err)
		if k != c.want || ok != c.ok {
			t.Errorf("claim %v on %d images: %d, %v; want %d, %v", c.claim, c.n, k, ok, c.want, c.ok)
		}
	}
}

// 95/95 and 90/95 factors as printed in tables of Hahn and Meeker.
func TestToleranceFactor(t *testing.T) {
	for _, c := range []struct {
		n        int
		coverage float64
		want     float64
	}{
		{3, 0.95, 7.656}, {5, 0.95, 4.203}, {10, 0.95, 2.911}, {20, 0.95, 2.396}, {30, 0.95, 2.220}, {100, 0.95, 1.927},
		{5, 0.90, 3.407}, {10, 0.90, 2.355}, {20, 0.90, 1.926}, {30, 0.90, 1.777},
	} {
		k, err := ToleranceFactor(c.n, c.coverage, 0.95)
		noError(t, err)
		near(t, "tolerance factor", k, c.want, 5.1e-4)
	}
	previous := math.Inf(1)
	for n := 2; n <= maxToleranceRuns; n++ { // falls with n, towards the normal quantile
		k, err := ToleranceFactor(n, 0.95, 0.95)
		noError(t, err)
		if k < 1.6449 || k >= previous {
			t.Errorf("n = %d: k = %v after %v", n, k, previous)
		}
		previous = k
	}
}

func TestMinimumOfRuns(t *testing.T) {
	for _, c := range []struct {
		n    int
		want float64
	}{{5, 0.226}, {10, 0.401}, {20, 0.642}, {59, 0.9515}} {
		got, err := MinimumConfidence(c.n, 0.95)
		noError(t, err)
		near(t, "confidence of the minimum", got, c.want, 5e-4)
	}
	for _, c := range []struct {
		coverage, confidence float64
		want                 int
	}{{0.95, 0.95, 59}, {0.9, 0.95, 29}, {0.9, 0.9, 22}, {0.5, 0.75, 2}} {
		got, err := RunsNeeded(c.coverage, c.confidence)
		noError(t, err)
		if got != c.want {
			t.Errorf("runs for %v/%v: %d, want %d", c.coverage, c.confidence, got, c.want)
		}
	}
}

func TestAndersonDarling(t *testing.T) {
	for _, c := range []struct {
		values       []float64
		statistic, p float64
	}{
		{accuracies, 0.19201848976699232, 0.859295479061149},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 50}, 2.0176206677268063, 1.2919687614387927e-05},
		// Weights of 11 men, Shapiro and Wilk 1965.
		{[]float64{148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236}, 0.946771879598888, 0.010454024005147656},
	} {
		got, err := AndersonDarling(c.values)
		noError(t, err)
		near(t, "A squared", got.Statistic, c.statistic, 1e-9)
		near(t, "p", got.P, c.p, 1e-9)
	}
}

func TestMcNemar(t *testing.T) {
	for _, c := range []struct {
		a, b int
		want float64
	}{{5, 15, 0.04138946533203125}, {0, 0, 1}, {33, 14, 0.007942726509483574}, {3, 3, 1}, {1, 0, 1}} {
		got, err := McNemar(c.a, c.b)
		noError(t, err)
		near(t, "p", got, c.want, 1e-12)
	}
	a, b := Discordant([]int{1, 4, 9, 12}, []int{2, 4, 12, 13, 14})
	if a != 2 || b != 3 {
		t.Errorf("discordant: %d, %d; want 2, 3", a, b)
	}
}

func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		near(t, "adjusted p", got[i], want, 1e-12)
	}
}

func TestBadArguments(t *testing.T) {
	nan := math.NaN()
	first := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"no values":         first(Summarize(nil)),
		"NaN":               first(Summarize([]float64{1, nan})),
		"one value":         first(TInterval([]float64{1}, 0.95)),
		"confidence 1":      first(ClopperPearson(1, 2, 1)),
		"confidence NaN":    first(LowerBound(1, 2, nan)),
		"more than all":     first(UpperBound(3, 2, 0.9)),
		"no images":         first(ClopperPearson(0, 0, 0.9)),
		"coverage 0":        first(ToleranceFactor(5, 0, 0.9)),
		"one run":           first(ToleranceFactor(1, 0.9, 0.9)),
		"no runs":           first(MinimumConfidence(0, 0.9)),
		"seven values":      first(AndersonDarling(accuracies[:7])),
		"equal values":      first(AndersonDarling(make([]float64, 9))),
		"negative count":    first(McNemar(-1, 2)),
		"one seed":          first(CrossedBootstrap([]Group{{"a", [][]int{{1}}}}, 10, 500, 1)),
		"image out of":      first(CrossedBootstrap([]Group{{"a", [][]int{{1}, {10}}}}, 10, 500, 1)),
		"too few replicate": first(CrossedBootstrap(nil, 10, 5, 1)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBoundsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20000).Draw(t, "n")
		k := rapid.IntRange(0, n).Draw(t, "k")
		c := rapid.Float64Range(0.5, 0.9999).Draw(t, "confidence")
		two, err := ClopperPearson(k, n, c)
		if err != nil {
			t.Fatal(err)
		}
		low, _ := LowerBound(k, n, c)
		up, _ := UpperBound(k, n, c)
		p := float64(k) / float64(n)
		if !(0 <= two.Low && two.Low <= low && low <= p && p <= up && up <= two.High && two.High <= 1) {
			t.Fatalf("%d/%d at %v: %+v, one-sided %v and %v", k, n, c, two, low, up)
		}
		// The definition: at the bound, k or more correct have chance 1 - c.
		if k > 0 && math.Abs(BinomialTail(k, n, low)-(1-c)) > 1e-6 {
			t.Fatalf("tail at the lower bound %v, want %v", BinomialTail(k, n, low), 1-c)
		}
		mirrored, _ := UpperBound(n-k, n, c)
		if math.Abs(mirrored-(1-low)) > 1e-9 {
			t.Fatalf("upper bound of the wrong ones %v, want %v", mirrored, 1-low)
		}
	})
}

func TestHolmProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 30).Draw(t, "p")
		adjusted := Holm(p)
		for i := range p {
			if adjusted[i] < p[i] || adjusted[i] > math.Min(1, p[i]*float64(len(p))) {
				t.Fatalf("%v becomes %v of %d", p[i], adjusted[i], len(p))
			}
			for j := range p {
				if p[i] < p[j] && adjusted[i] > adjusted[j] {
					t.Fatalf("order changed: %v", adjusted)
				}
			}
		}
	})
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{6148, 530, 554, 550, 535}, 550}, {[]float64{4, 1, 3, 2}, 2.5}} {
		before := slices.Clone(c.values)
		if got := Median(c.values); got != c.want || !slices.Equal(before, c.values) {
			t.Errorf("median of %v: %g, want %g; left %v", before, got, c.want, c.values)
		}
	}
}
