package report_test

import (
	"strings"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// The report's last word follows from the histories and the grid.
func TestWhatComesNext(t *testing.T) {
	curve := func(loss func(step int) float64) []result.Point {
		var points []result.Point
		for step := 10; step <= 1000; step += 10 {
			points = append(points, result.Point{Step: step, Loss: loss(step)})
		}
		return points
	}
	for _, c := range []struct {
		target float64
		loss   func(step int) float64
		want   string // in the answer
		next   bool
	}{
		{0.9999, func(step int) float64 { return 1000 / float64(step) }, "still fell, by 22 % over the last fifth of its steps", false},
		{0.9999, func(int) float64 { return 0.01 }, "overfits: its training loss is 0.01", false},
		{0.2, func(int) float64 { return 1 }, "The smallest of the grid won", true},
	} {
		in := reporttest.Quantized(t)
		in.Experiment.Target.Accuracy = c.target
		for k := range in.Histories {
			in.Histories[k] = curve(c.loss)
		}
		r := reporttest.Build(t, in, report.Options{})
		if got := strings.Join(r.Answer.More, " "); !strings.Contains(got, c.want) {
			t.Errorf("target %v: no %q in %q", c.target, c.want, got)
		}
		if want := "slimfit export " + r.Name + "/" + r.Rows[r.Chosen()].ID; strings.HasPrefix(r.Answer.Next, want) != c.next {
			t.Errorf("target %v: next %q", c.target, r.Answer.Next)
		}
	}
}

// A target in int8 that nobody has quantized for says how to.
func TestQuantizeComesNext(t *testing.T) {
	in := reporttest.Quantized(t)
	in.Experiment.Target.Precision = "int8"
	in.Int8 = nil
	r := reporttest.Build(t, in, report.Options{})
	if r.Answer.Next != "slimfit quantize "+r.Name || !strings.Contains(r.NextPlace(), "run folder, lies") {
		t.Errorf("next %q, %s", r.Answer.Next, r.NextPlace())
	}
}

// A search that named no network says how to ask again.
func TestFlagsAfterASearch(t *testing.T) {
	bound := 0.94
	miss := &result.NearestMiss{Statistic: 0.9574}
	for name, c := range map[string]struct {
		cert result.Certificate
		want string
	}{
		"a winner":       {result.Certificate{Verdict: result.Certified, Winner: &result.Winner{}}, ""},
		"failed trials":  {result.Certificate{Verdict: result.Incomplete, Nearest: miss}, "--retry-failed"},
		"no alpha":       {result.Certificate{Verdict: result.Exploratory}, "--set=target.evidence=observed"},
		"too few images": {result.Certificate{Verdict: result.NotShown, Nearest: &result.NearestMiss{TestBound: &bound}}, "--set=target.evidence=observed"},
		"left out": {result.Certificate{Verdict: result.NotShown, Nearest: miss, Target: result.Target{Accuracy: 0.97},
			Cheaper: &result.Cheaper{Skipped: 1}}, "--exact"},
		"all trained": {result.Certificate{Verdict: result.Unmet, Nearest: miss, Target: result.Target{Accuracy: 0.97},
			Cheaper: &result.Cheaper{Trained: 9}}, "--set=target.accuracy=0.95"},
		"reached, too few images": {result.Certificate{Verdict: result.NotShown, Nearest: miss, Target: result.Target{Accuracy: 0.95},
			Cheaper: &result.Cheaper{Trained: 9}}, "--set=target.evidence=observed"},
		"a floor": {result.Certificate{Verdict: result.NotShown, Target: result.Target{Accuracy: 0.95}, Cheaper: &result.Cheaper{Trained: 9},
			Nearest: &result.NearestMiss{Statistic: 0.9574, Reason: "seed 0: recall of class dent is 40.000 %, the floor 60 %"}}, ""},
		"nothing trained": {result.Certificate{Verdict: result.Unmet}, ""},
		"seeds to come": {result.Certificate{Verdict: result.NotShown, Target: result.Target{Rule: target.Tolerance},
			Nearest: &result.NearestMiss{TestBound: &bound, Statistic: 0.95}, Cheaper: &result.Cheaper{}}, "--set=target.accuracy=0.94"},
	} {
		if got := strings.Join(report.FlagsAfter(&c.cert), " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
