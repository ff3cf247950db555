package report

import (
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

func TestVerdicts(t *testing.T) {
	done := func(v ...float64) []Trial {
		var out []Trial
		for i, a := range v {
			out = append(out, Trial{Seed: int64(i), Status: result.Done,
				By: result.By[*Measured]{Validation: &Measured{Accuracy: a, Images: 1_000_000}}})
		}
		return out
	}
	lost := func(trials []Trial, s result.Status) []Trial {
		return append(trials, Trial{Seed: 9, Status: s})
	}
	ten := done(0.96, 0.962, 0.961, 0.963, 0.96, 0.964, 0.961, 0.962, 0.96, 0.963)
	for _, c := range []struct {
		name   string
		rule   string
		trials []Trial
		want   Verdict
		why    string
	}{
		{"all reach it", experiment.RuleWorst, done(0.95, 0.96), Meets, "worst seed 95.00 %"},
		{"one below", experiment.RuleWorst, done(0.9499, 0.99), Misses, "worst seed 94.99 %"},
		{"just below shows on which side", experiment.RuleWorst, done(0.949999, 0.99), Misses, "worst seed 94.9999 %"},
		{"one missing", experiment.RuleWorst, lost(done(0.96), Absent), Undecided, "1 of 2 seeds lacking"},
		{"one failed", experiment.RuleWorst, lost(done(0.96), result.Failed), Undecided, "1 of 2 seeds lacking"},
		{"one diverged", experiment.RuleWorst, lost(done(0.96), result.Diverged), Misses, "seed 9 diverged"},
		{"below decides although one is missing", experiment.RuleWorst, lost(done(0.94), Absent), Misses, "worst seed 94.00 %"},
		{"mean above", experiment.RuleMean, done(0.94, 0.97), Meets, "mean 95.50 %"},
		{"mean below", experiment.RuleMean, done(0.94, 0.95), Misses, "mean 94.50 %"},
		{"mean waits for all", experiment.RuleMean, lost(done(0.94), Absent), Undecided, "1 of 2 seeds lacking"},
		{"tolerance needs ten", experiment.RuleTolerance, done(0.99, 0.99), Undecided, "the tolerance rule needs 10 seeds"},
		// k for 10 runs at 95/95 is 2.911, sd 0.001430: 0.9616 - 0.00416.
		{"tolerance of ten", experiment.RuleTolerance, ten, Meets, "tolerance bound 95.74 %"},
		{"nothing finished", experiment.RuleWorst, lost(nil, Absent), Undecided, "1 of 1 seed lacking"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &filled{&planned{Report: &Report{Split: Validation, Costs: costs(),
				Target: &Target{Accuracy: 0.95, Confidence: 0.95, Rule: c.rule, Seeds: 99, Cost: footprint.Parameters,
					asked: experiment.Target{Confidence: 0.95}}}, judges: map[string]*target.Judge{}}}
			row := Row{Trials: c.trials}
			r.judge(&row)
			if row.Verdict != c.want || row.Why != c.why {
				t.Errorf("%s (%s), want %s (%s)", row.Verdict, row.Why, c.want, c.why)
			}
		})
	}
}

func TestRecallFloor(t *testing.T) {
	confusion := [][]int{{90, 10}, {2, 98}}
	trial := Trial{Status: result.Done, By: result.By[*Measured]{Validation: &Measured{Accuracy: 0.94, Images: 200}},
		confusion: map[Split][][]int{Validation: confusion}}
	for floor, want := range map[float64]Verdict{0.9: Meets, 0.91: Misses} {
		asked := experiment.Target{Confidence: 0.95, Rule: experiment.RuleWorst, Recall: []experiment.Recall{{Class: 0, Floor: floor}}}
		r := &filled{&planned{Report: &Report{Split: Validation, Costs: costs(),
			Target: &Target{Accuracy: 0.9, Confidence: 0.95, Rule: experiment.RuleWorst, Seeds: 1,
				Recall: []Fact{{"class 0", "x"}}, asked: asked}}, judges: map[string]*target.Judge{}}}
		row := Row{Trials: []Trial{trial}}
		r.judge(&row)
		if row.Verdict != want {
			t.Errorf("floor %v: %s (%s), want %s", floor, row.Verdict, row.Why, want)
		}
	}
}
