package target

import (
	"math"
	"math/rand/v2"
	"testing"

	"slimfit/pkg/stats"
)

// The bounds of a balanced accuracy are the means of the classes' own, at their
// parts of the chance of error, and lie on both sides of it.
func TestBalancedBounds(t *testing.T) {
	goal := &Target{Metric: BalancedAccuracy}
	n := Network{Correct: 89, Images: 100, Confusion: [][]int{{81, 9}, {2, 8}}}
	low, err := goal.Lower(n, 0.95)
	a, _ := stats.LowerBound(81, 90, 0.975)
	b, _ := stats.LowerBound(8, 10, 0.975)
	if err != nil || low != (a+b)/2 {
		t.Errorf("lower bound %v, %v, want %v", low, err, (a+b)/2)
	}
	high, err := goal.Upper(n, 0.95)
	c, _ := stats.UpperBound(81, 90, 0.975)
	d, _ := stats.UpperBound(8, 10, 0.975)
	if err != nil || high != (c+d)/2 || !(low < 0.85 && 0.85 < high) {
		t.Errorf("upper bound %v, %v, want %v", high, err, (c+d)/2)
	}
	if i, err := goal.Interval(n, 0.9); err != nil || math.Abs(i.Low-low)+math.Abs(i.High-high) > 1e-9 {
		t.Errorf("interval %v, %v, want %v to %v", i, err, low, high)
	}
	for _, bad := range []Network{{Correct: 9, Images: 10}, {Correct: 10, Images: 10, Confusion: [][]int{{10, 0}, {0, 0}}}} {
		if _, err := goal.Lower(bad, 0.95); err == nil {
			t.Errorf("%+v has a bound", bad)
		}
		if share, ok := goal.Share(bad); ok {
			t.Errorf("%+v has the balanced accuracy %v", bad, share)
		}
	}
	plain := &Target{}
	if got, err := plain.Lower(Network{Correct: 9, Images: 10}, 0.95); err != nil {
		t.Error(err)
	} else if want, _ := stats.LowerBound(9, 10, 0.95); got != want {
		t.Errorf("of an accuracy %v, want %v", got, want)
	}
	for _, rule := range []string{Mean, Tolerance} {
		if _, err := NewJudge(&Target{Metric: BalancedAccuracy, Rule: rule, Confidence: 0.95}, 10); err == nil {
			t.Errorf("rule %s judges a balanced accuracy", rule)
		}
	}
}

// A network whose true balanced accuracy is just below the target is certified in
// at most the stated share of test sets, however unequal the classes are.
func TestBalancedErrsAsStated(t *testing.T) {
	const sets, alpha = 4000, 0.05
	worst := 0.0
	for _, c := range []struct {
		images []int
		recall []float64
	}{
		{[]int{500, 500}, []float64{0.9, 0.9}},
		{[]int{950, 50}, []float64{0.99, 0.61}},
		{[]int{120, 9}, []float64{0.95, 0.75}},
		{[]int{400, 60, 40, 20, 10}, []float64{0.99, 0.9, 0.6, 0.8, 0.71}},
		{[]int{2000, 3}, []float64{0.6, 0.999}},
	} {
		mean := 0.0
		for _, r := range c.recall {
			mean += r / float64(len(c.recall))
		}
		goal := &Target{Metric: BalancedAccuracy, Accuracy: mean + 1e-9}
		rng := rand.New(rand.NewPCG(7, uint64(len(c.images))))
		wrong := 0
		for range sets {
			n := Network{}
			for class, images := range c.images {
				row := make([]int, len(c.images))
				for range images {
					if rng.Float64() < c.recall[class] {
						row[class]++
					} else {
						row[(class+1)%len(row)]++
					}
				}
				n.Confusion = append(n.Confusion, row)
			}
			low, err := goal.Lower(n, 1-alpha)
			if err != nil {
				t.Fatal(err)
			}
			if low >= goal.Accuracy {
				wrong++
			}
		}
		rate := float64(wrong) / sets
		worst = max(worst, rate)
		t.Logf("%v images, recalls %v: %.2f %% certified falsely, %.0f %% stated", c.images, c.recall, 100*rate, 100*alpha)
		if rate > alpha+2.6*math.Sqrt(alpha*(1-alpha)/sets) {
			t.Errorf("%v images: %.2f %% false", c.images, 100*rate)
		}
	}
	if worst == 0 {
		t.Error("no bound ever errs: the test puts it to no test")
	}
}

// What test images of unequal classes can show of a balanced accuracy.
func TestBalancedNeed(t *testing.T) {
	goal := &Target{Metric: BalancedAccuracy, Accuracy: 0.85, Rule: Worst}
	all, err := goal.Needs(129, []int{100, 29}, []string{"good", "bad"}, 0.025)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	n := all[0]
	if n.Images != 129 || n.Classes != 2 || !n.Possible() || n.Recall < 0.9 || n.Recall > 1 || n.Least != 54 {
		t.Errorf("%+v: %s", n, n)
	}
	right := []int{int(math.Ceil(n.Recall * 100)), int(math.Ceil(n.Recall * 29))}
	low, err := goal.Lower(Network{Confusion: [][]int{{right[0], 100 - right[0]}, {29 - right[1], right[1]}}}, 0.975)
	if err != nil || low < 0.85 {
		t.Errorf("recalls of %v show %v, %v", n.Recall, low, err)
	}
	if all, err = goal.Needs(129, []int{120, 9}, nil, 0.025); err != nil || all[0].Possible() {
		t.Errorf("nine images of a class: %s, %v", all[0], err)
	}
	if _, err = goal.Needs(129, []int{129, 0}, nil, 0.025); err == nil {
		t.Error("a class without images shows a balanced accuracy")
	}
}
