package figure

import (
	"math"
	"testing"

	"slimfit/pkg/text"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct{ low, high float64 }{{0, 1}, {92.3, 97.1}, {99.91, 99.95}, {0, 1e6}, {5, 5.0001}} {
		n := len(niceTicks{text.Number}.Ticks(c.low, c.high))
		if n < 3 || n > 11 {
			t.Errorf("%d ticks from %v to %v", n, c.low, c.high)
		}
	}
	for _, c := range []struct{ low, high float64 }{{50e3, 900e3}, {5, 5e6}, {0.1, 2}, {90, 110}, {5100, 14_400}, {50e3, 210e3},
		{200e3, 810e3}} {
		labels, last := 0, math.Inf(-1)
		for _, tick := range (costTicks{}).Ticks(c.low, c.high) {
			if tick.Label != "" {
				labels++
				if at := math.Log(tick.Value/c.low) / math.Log(c.high/c.low); at-last < labelRoom && c.high/c.low > 2 {
					t.Errorf("from %v to %v label %s stands on the one before", c.low, c.high, tick.Label)
				} else {
					last = at
				}
			}
			if tick.Value < c.low*0.99 || tick.Value > c.high*1.01 {
				t.Errorf("tick %v outside %v to %v", tick.Value, c.low, c.high)
			}
		}
		if labels < 2 || labels > 10 {
			t.Errorf("%d labels from %v to %v", labels, c.low, c.high)
		}
	}
	if got := (niceTicks{text.Number}).Ticks(3, 3); len(got) != 0 {
		t.Errorf("ticks of an empty range: %v", got)
	}
}
