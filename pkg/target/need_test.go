package target

import (
	"strings"
	"testing"
)

// What 129 images can show at the first opening, by tables of the binomial
// distribution.
func TestNeed(t *testing.T) {
	for _, c := range []struct {
		images int
		share  float64
		right  int
		least  int
		says   string
	}{
		{129, 0.9, 123, 36, "with 129 test images the first opening (alpha 0.025) needs 123 right for 90 %; above 97.1 % nothing can be certified"},
		{129, 0.98, 130, 183, "cannot show 98 %, even with all of them right; above 97.1 %"},
		{368, 0.99, 368, 368, "needs 368 right for 99 %"},
		{367, 0.99, 368, 368, "cannot show 99 %"},
		{10, 1, 11, 0, "cannot show 100 %"},
	} {
		n, err := NewNeed(c.images, c.share, 0.025)
		if err != nil || n.Right != c.right || n.Least != c.least || !strings.Contains(n.String(), c.says) ||
			n.Possible() != (c.right <= c.images) {
			t.Errorf("%d images, %v: %+v, %v\n%s", c.images, c.share, n, err, n)
		}
	}
	for _, bad := range []struct {
		images int
		alpha  float64
	}{{0, 0.025}, {10, 0}, {10, 1}} {
		if _, err := NewNeed(bad.images, 0.9, bad.alpha); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
	g := Target{Accuracy: 0.9, Rule: Tolerance, RecallAll: 0.5, Recall: []Recall{{1, 0.9}}}
	all, err := g.Needs(100, []int{60, 30, 0}, []string{"good", "bad", "none"}, 0.02)
	if err != nil || len(all) != 3 || all[0].Alpha != 0.01 || all[2].Class != "bad" || all[2].Possible() || all[2].Share != 0.9 {
		t.Errorf("%+v, %v", all, err)
	}
	for rule, want := range map[string]string{Worst: "confidence of 14 % only; 59 seeds", Mean: "4.3 standard errors",
		Tolerance: "standard deviations over seeds"} {
		if got := (&Target{Rule: rule, Confidence: 0.95}).SeedsShow(3, 0.025); !strings.Contains(got, want) {
			t.Errorf("%s: %s", rule, got)
		}
	}
	if got := (&Target{Rule: Worst, Confidence: 0.95}).SeedsShow(59, 0.025); !strings.HasSuffix(got, "with a confidence of 95 %") {
		t.Error(got)
	}
}
