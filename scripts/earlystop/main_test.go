package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/result"
)

// curve is a finished trial with the accuracies at 1,000 to 4,000 steps.
func curve(t *testing.T, seed int64, at ...float64) trial {
	t.Helper()
	r := result.Result{ConfigID: "c5x2-0123abcd", Seed: seed, Train: models.DefaultRecipe()}
	r.Dataset = models.Data{Validation: 5000, Classes: 10}
	r.Train.Steps = 4000
	r.Accuracy.Validation = &at[len(at)-1]
	points := []result.Point{{Step: 500, Loss: 1}}
	for i := range at {
		points = append(points, result.Point{Step: 1000 * (i + 1), Loss: 1, Validation: &at[i]})
	}
	got, err := newTrial(r, points, 0.999)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newTrial(r, points[:2], 0.999); err == nil || !strings.Contains(err.Error(), "1 of the 3 steps") {
		t.Errorf("a short history: %v", err)
	}
	return got
}

func TestJudge(t *testing.T) {
	slow := curve(t, 0, 0.40, 0.55, 0.62, 0.66)   // can reach 90 % by the rule
	fast := curve(t, 1, 0.90, 0.93, 0.945, 0.955) // 98.5 %
	leap := curve(t, 2, 0.60, 0.70, 0.75, 0.93)   // in the end steeper than the rule allows for
	late := curve(t, 3, 0.40, 0.80, 0.90, 0.93)   // it has just begun, and falls fast
	for _, c := range []struct {
		all     []trial
		targets []float64
		wrong   int
		want    []string
	}{
		{[]trial{slow, fast}, []float64{0.8, 0.95, 0.9999}, 0, []string{"| 80 % | 1 | 1 | 12.5 % | 0 | 66.00 % |", "| 95 % | 1 | 1 | 25.0 % | 0 | 66.00 % |",
			"| 99.99 % | 2 | 2 | 62.5 % | 0 | 95.50 % |", "There is no target at all"}},
		{[]trial{fast, leap}, []float64{0.92, 0.95}, 1, []string{"| 92 % | 0 | 1 | 25.0 % | 1 | 93.00 % |", "| 95 % | 1 | 1 | 37.5 % | 0 | 93.00 % |",
			"c5x2-0123abcd/seed-2 ends with 93.00 %, and would be stopped for targets in the 9.02"}},
		{[]trial{late}, []float64{0.92, 0.95}, 0, []string{"| 92 % | 0 | 0 |", "| 95 % | 1 | 0 |"}},
		{[]trial{leap}, []float64{0.5}, 0, []string{"| 50 % | 0 | 0 | 0.0 % | 0 | none |", "ends with 93.00 %"}},
	} {
		var out bytes.Buffer
		err := judge(&out, c.all, c.targets)
		if (err != nil) != (c.wrong > 0) || err != nil && !strings.HasPrefix(err.Error(), fmt.Sprint(c.wrong)) {
			t.Errorf("%v: error %v, want %d wrong stops", c.targets, err, c.wrong)
		}
		for _, w := range c.want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%v: no %q in\n%s", c.targets, w, out.String())
			}
		}
	}
	var out bytes.Buffer
	if slopes(&out, []trial{late}); !strings.Contains(out.String(), "2 of 3 above 1.25") {
		t.Error(out.String())
	}
}

func TestRunRefuses(t *testing.T) {
	for _, args := range [][]string{{}, {"-confidence", "1", "x"}, {"-targets", "high", "x"}, {t.TempDir()}} {
		if err := run(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
