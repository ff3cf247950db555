package stats

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLooks(t *testing.T) {
	for _, c := range []struct {
		steps       int
		first, last int // look, 0 for none
	}{
		{0, 0, 0}, {1, 0, 0}, {1000, 0, 0}, {1001, 1000, 1000}, {3999, 1000, 3000}, {4000, 1000, 3000}, {4001, 2000, 4000},
		{8000, 2000, 7000}, {10_500, 3000, 10_000}, {20_000, 5000, 19_000},
	} {
		first, last, n := 0, 0, 0
		for s := range c.steps + 2*LookEvery {
			if !IsLook(s, c.steps) {
				continue
			}
			if n++; first == 0 {
				first = s
			}
			last = s
		}
		if first != c.first || last != c.last || n != Looks(c.steps) {
			t.Errorf("%d steps: %d looks from %d to %d, Looks says %d; want %d to %d", c.steps, n, first, last, Looks(c.steps), c.first, c.last)
		}
	}
	for _, steps := range []int{-5, math.MaxInt} {
		if IsLook(-1000, steps) || Looks(steps) < 0 {
			t.Errorf("%d steps: looks %d", steps, Looks(steps))
		}
	}
}

func TestProjected(t *testing.T) {
	const confidence = 1 - 0.05/120
	for _, c := range []struct {
		correct, images, step, steps int
		target                       float64
		stops                        bool
	}{
		// 10 % wrong at a quarter: 1.77 % by the power, 1.52 % by the bound.
		{4500, 5000, 1000, 4000, 0.98, false},
		{4500, 5000, 1000, 4000, 0.984, false},
		{4500, 5000, 1000, 4000, 0.985, true},
		// The same share of fewer images says less.
		{450, 500, 1000, 4000, 0.985, false},
		{450, 500, 1000, 4000, 0.992, true},
		// Later, less can still be gained.
		{4500, 5000, 3000, 4000, 0.93, false},
		{4500, 5000, 3000, 4000, 0.945, true},
		// A network that knows nothing, and one without an error.
		{500, 5000, 1000, 4000, 0.84, false},
		{500, 5000, 1000, 4000, 0.85, true},
		{5000, 5000, 3000, 4000, 0.999999, false},
	} {
		highest, err := Projected(c.correct, c.images, c.step, c.steps, confidence)
		noError(t, err)
		if highest < c.target != c.stops {
			t.Errorf("%+v: it can reach %v", c, highest)
		}
		// At the bound, so many errors have just the chance that is left to one look.
		wrong, share := c.images-c.correct, math.Pow(float64(c.step)/float64(c.steps), ErrorExponent)
		if wrong > 0 {
			near(t, "chance at the bound", BinomialTail(wrong, c.images, (1-highest)/share), (1-confidence)/float64(Looks(c.steps)), 1e-9)
		}
	}
}

func TestProjectedRefuses(t *testing.T) {
	for _, c := range []struct {
		correct, images, step, steps int
		confidence                   float64
		want                         string
	}{
		{90, 100, 999, 4000, 0.95, "step 999 of 4000"},
		{90, 100, 1000, 4001, 0.95, "step 1000 of 4001"},
		{90, 100, 4000, 4000, 0.95, "step 4000 of 4000"},
		{90, 100, -1000, 4000, 0.95, "step -1000"},
		{101, 100, 1000, 4000, 0.95, "101 correct of 100"},
		{0, 0, 1000, 4000, 0.95, "0 correct of 0"},
		{90, 100, 1000, 4000, 1, "confidence is 1"},
		{90, 100, 1000, 4000, math.NaN(), "confidence is NaN"},
	} {
		if v, err := Projected(c.correct, c.images, c.step, c.steps, c.confidence); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, error %v", c, v, err)
		}
	}
}

// What could be reached lies above what was seen, rises with the correct
// answers and the confidence, and falls from look to look.
func TestProjectedIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		images := rapid.IntRange(1, 5000).Draw(t, "images")
		correct := rapid.IntRange(0, images).Draw(t, "correct")
		steps := rapid.IntRange(2001, 20_000).Draw(t, "steps")
		var looks []int
		for s := LookEvery; s < steps; s += LookEvery {
			if IsLook(s, steps) {
				looks = append(looks, s)
			}
		}
		confidence := rapid.Float64Range(0.5, 0.9999).Draw(t, "confidence")
		before := 1.0
		for _, s := range looks {
			v, err := Projected(correct, images, s, steps, confidence)
			if err != nil {
				t.Fatal(err)
			}
			if v > before || v < float64(correct)/float64(images) {
				t.Fatalf("step %d: %v, before %v, seen %d of %d", s, v, before, correct, images)
			}
			before = v
			surer, err := Projected(correct, images, s, steps, (1+confidence)/2)
			if err != nil || surer < v {
				t.Fatalf("surer %v, %v, error %v", surer, v, err)
			}
			if correct < images {
				if better, err := Projected(correct+1, images, s, steps, confidence); err != nil || better < v {
					t.Fatalf("one more correct: %v, was %v, error %v", better, v, err)
				}
			}
		}
	})
}

// From 1000 to 2000 steps an error may fall to 2^-1.25 of what it was, 0.42.
func TestFallsFaster(t *testing.T) {
	for _, c := range []struct {
		before float64
		step   int
		now    float64
		next   int
		want   bool
	}{
		{0.80, 1000, 0.91, 2000, false},
		{0.80, 1000, 0.92, 2000, true},
		{0.10, 1000, 0.65, 2000, true},  // it has just begun to learn
		{0.80, 1000, 0.70, 2000, false}, // worse
		{0.80, 0, 0.99, 2000, false},    // no look before
		{0.80, 2000, 0.99, 2000, false},
		{0.80, 1000, 1, 2000, false}, // nothing is left to stop
		{1, 1000, 0.5, 2000, false},
	} {
		if got := FallsFaster(c.before, c.step, c.now, c.next); got != c.want {
			t.Errorf("%v at %d, %v at %d: %v", c.before, c.step, c.now, c.next, got)
		}
	}
	near(t, "half of what guessing leaves", AboveChance(10), 0.55, 1e-12)
	near(t, "two classes", AboveChance(2), 0.75, 1e-12)
}
