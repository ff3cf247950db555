package search

import (
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// made is a problem of few images, and results with as many right answers, of
// the same images for each seed.
func made(t *testing.T, goal experiment.Target, seeds, validation, test int, right func(i int) (validation, test int)) (*Problem, *world) {
	t.Helper()
	all := small()[:8]
	for i := range all {
		all[i].Data.Validation, all[i].Data.Test = validation, test
		all[i].ID = all[i].Config.ID()
	}
	p := problem(all, seeds, goal, Options{Exact: true})
	w := newWorld(p, nil, 0, 0)
	for i, c := range p.Candidates {
		val, tested := right(i)
		for s := range int64(200) {
			r := &result.Result{ConfigID: c.ID, Seed: s, Status: result.Done}
			r.Correct.Validation, r.Correct.Test = &val, &tested
			for k := range test - tested {
				r.Wrong.Test = append(r.Wrong.Test, [2]int{k, 0})
			}
			w.Results[r.Key()] = r
		}
	}
	return p, w
}

// With 129 test images alpha is not spent on networks that can hardly pass, and
// what neither meets nor fails the target is called so.
func TestScreeningAsksForWhatTheTestAsksFor(t *testing.T) {
	right := []int{107, 109, 110, 112, 114, 115, 118, 120} // 83 to 93 % of 129
	same := func(i int) (int, int) { return right[i], right[i] }
	p, w := made(t, aim(0.82), 1, 129, 129, same)
	c := certificate(t, p, w)
	if c.Verdict != result.Certified || c.Winner.Networks[0].Correct != 118 || c.Screening.Right != 115 {
		t.Errorf("%s; %d openings, screening %+v", c.Summary, len(c.Openings), c.Screening)
	}
	for _, o := range c.Openings { // what has a chance of one in four: 112 of 129
		if o.Networks[0].Correct < 112 {
			t.Errorf("opened with %d right", o.Networks[0].Correct)
		}
	}
	for _, j := range c.Candidates[:3] {
		if j.Finding != result.FoundNotShown || !strings.Contains(j.Reason, "it takes 115 of 129 test images right") {
			t.Errorf("%s is %s: %s", j.ConfigID, j.Finding, j.Reason)
		}
	}
	p, w = made(t, aim(0.93), 1, 129, 129, same)
	c = certificate(t, p, w)
	if c.Verdict != result.NotShown || !strings.Contains(c.Summary, "neither shown to meet it nor to fail (too few images)") ||
		len(c.Openings) != 0 || *c.Cheaper != (result.Cheaper{Trained: 8}) {
		t.Errorf("verdict %s: %s; %+v", c.Verdict, c.Summary, c.Cheaper)
	}
	p, w = made(t, aim(0.99), 1, 5000, 10000, func(int) (int, int) { return 4500, 9000 })
	if c = certificate(t, p, w); c.Verdict != result.Unmet || !strings.Contains(c.Summary, "was shown to meet 99 %: 8 fail.") {
		t.Errorf("verdict %s: %s", c.Verdict, c.Summary)
	}
	// Opened, and neither: the test images show 88 %, which may be above 85 % or below.
	p, w = made(t, aim(0.85), 1, 129, 129, func(int) (int, int) { return 125, 113 })
	if c = certificate(t, p, w); c.Verdict != result.Exploratory || c.Candidates[0].Finding != result.FoundNotShown {
		t.Errorf("verdict %s, finding %s", c.Verdict, c.Candidates[0].Finding)
	}
}

// Where every image is right, a mean has no variance at all: its bound is exact
// all the same.
func TestMeansOfFewImages(t *testing.T) {
	for _, rule := range []string{experiment.RuleMean, experiment.RuleTolerance} {
		goal := aim(0.95)
		goal.Rule = rule
		p, w := made(t, goal, 10, 40, 40, func(int) (int, int) { return 40, 40 })
		if c := certificate(t, p, w); c.Winner != nil {
			t.Errorf("%s: %s", rule, c.Summary)
		}
	}
}

// What is observed claims nothing: no chance of error is spent, the validation
// images decide.
func TestObserved(t *testing.T) {
	goal := aim(0.9)
	goal.Evidence = target.Observed
	p, w := made(t, goal, 2, 50, 40, func(i int) (int, int) { return 43 + i, 30 })
	c := certificate(t, p, w)
	if c.Verdict != result.Observed || c.Winner.ConfigID != p.Candidates[2].ID || c.Alpha != (result.Alpha{}) || c.Screening != nil ||
		len(c.Winner.Networks) != 2 || c.Winner.Networks[0].Correct != 30 {
		t.Errorf("%s: %+v", c.Verdict, c.Winner)
	}
	var b strings.Builder
	if err := WriteText(&b, c); err != nil || strings.Contains(strings.ToLower(b.String()), "certif") {
		t.Errorf("%v: %s", err, b.String())
	}
	p, w = made(t, goal, 2, 50, 0, func(int) (int, int) { return 45, 0 })
	if c := certificate(t, p, w); c.Verdict != result.Observed || len(c.Openings) != 0 || len(c.Winner.Networks) != 0 {
		t.Errorf("without test images: %s, %+v", c.Verdict, c.Winner)
	}
}
