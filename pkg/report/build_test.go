package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
)

func TestCounts(t *testing.T) {
	r := build(t, flawed(t), Options{})
	if want := (Counts{Planned: 18, Done: 15, Failed: 1, Diverged: 1, Missing: 1}); r.Counts != want {
		t.Errorf("counts %+v, want %+v", r.Counts, want)
	}
	sum := Counts{}
	for i := range r.Rows {
		sum.add(r.Rows[i].Counts)
	}
	if sum != r.Counts {
		t.Errorf("rows sum to %+v, the report says %+v", sum, r.Counts)
	}
	if len(r.Missing.Trials) != 1 || len(r.Missing.Failed) != 1 || len(r.Missing.Diverged) != 1 {
		t.Errorf("missing: %+v", r.Missing)
	}
}

// What failed or diverged is in no mean.
func TestScoresAreOfFinishedSeeds(t *testing.T) {
	in := flawed(t)
	r := build(t, in, Options{})
	for i := range r.Rows {
		sum, n, low := 0.0, 0, 1.0
		for _, res := range in.Results {
			if res.ConfigID == r.Rows[i].ID && res.Status == result.Done {
				sum, n, low = sum+*res.Accuracy.Test, n+1, min(low, *res.Accuracy.Test)
			}
		}
		s := r.Rows[i].Test
		if s.N != n || math.Abs(s.Mean-sum/float64(n)) > 1e-11 || s.Min != low {
			t.Errorf("%s: %+v, want n %d, mean %v, min %v", r.Rows[i].Label, s, n, sum/float64(n), low)
		}
	}
}

func TestVerdicts(t *testing.T) {
	done := func(v ...float64) []Trial {
		var out []Trial
		for i, a := range v {
			out = append(out, Trial{Seed: int64(i), Status: result.Done, Validation: &Measured{Accuracy: a, Images: 1_000_000}})
		}
		return out
	}
	lost := func(trials []Trial, s result.Status) []Trial { return append(trials, Trial{Seed: 9, Status: s}) }
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
		{"one missing", experiment.RuleWorst, lost(done(0.96), missing), Undecided, "1 of 2 seeds lacking"},
		{"one failed", experiment.RuleWorst, lost(done(0.96), result.Failed), Undecided, "1 of 2 seeds lacking"},
		{"one diverged", experiment.RuleWorst, lost(done(0.96), result.Diverged), Misses, "seed 9 diverged"},
		{"below decides although one is missing", experiment.RuleWorst, lost(done(0.94), missing), Misses, "worst seed 94.00 %"},
		{"mean above", experiment.RuleMean, done(0.94, 0.97), Meets, "mean 95.50 %"},
		{"mean below", experiment.RuleMean, done(0.94, 0.95), Misses, "mean 94.50 %"},
		{"mean waits for all", experiment.RuleMean, lost(done(0.94), missing), Undecided, "1 of 2 seeds lacking"},
		{"tolerance needs ten", experiment.RuleTolerance, done(0.99, 0.99), Undecided, "the tolerance rule needs 10 seeds"},
		// k for 10 runs at 95/95 is 2.911, sd 0.001430: 0.9616 - 0.00416.
		{"tolerance of ten", experiment.RuleTolerance, ten, Meets, "tolerance bound 95.74 %"},
		{"nothing finished", experiment.RuleWorst, lost(nil, missing), Undecided, "1 of 1 seed lacking"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Report{Split: Validation, Costs: costs(), Target: &Target{Accuracy: 0.95, Confidence: 0.95, Rule: c.rule, Seeds: 99, Cost: footprint.Parameters,
				asked: experiment.Target{Confidence: 0.95}}}
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
	trial := Trial{Status: result.Done, Validation: &Measured{Accuracy: 0.94, Images: 200}, confusion: map[Split][][]int{Validation: confusion}}
	for floor, want := range map[float64]Verdict{0.9: Meets, 0.91: Misses} {
		asked := experiment.Target{Confidence: 0.95, Rule: experiment.RuleWorst, Recall: []experiment.Recall{{Class: 0, Floor: floor}}}
		r := &Report{Split: Validation, Costs: costs(), Target: &Target{Accuracy: 0.9, Confidence: 0.95, Rule: experiment.RuleWorst, Seeds: 1,
			Recall: []Fact{{"class 0", "x"}}, asked: asked}}
		row := Row{Trials: []Trial{trial}}
		r.judge(&row)
		if row.Verdict != want {
			t.Errorf("floor %v: %s (%s), want %s", floor, row.Verdict, row.Why, want)
		}
	}
}

func TestBudget(t *testing.T) {
	in := flawed(t)
	free := build(t, in, Options{})
	target := *in.Experiment.Target
	target.Within = []experiment.Budget{{Cost: footprint.MACs, Limit: 80_000}}
	in.Experiment.Target = &target
	tight := build(t, in, Options{})
	pick := free.Rows[free.Answer.Pick]
	if pick.Costs[free.costIndex(footprint.MACs)] <= 80_000 {
		t.Fatalf("the fixture's pick is within the budget: %v", pick.Costs)
	}
	for i := range tight.Rows {
		over := tight.Rows[i].Costs[tight.costIndex(footprint.MACs)] > 80_000
		if over != (len(tight.Rows[i].OverBudget) > 0) || over && tight.Rows[i].Verdict != Misses {
			t.Errorf("%s: over budget %v, verdict %s", tight.Rows[i].Label, tight.Rows[i].OverBudget, tight.Rows[i].Verdict)
		}
	}
	if tight.Answer.Pick == free.Answer.Pick {
		t.Error("the pick breaks the budget")
	}
}

// The pick is the cheapest row that meets the target; the front has no beaten row.
func TestPickAndFront(t *testing.T) {
	p := slicesPlan()
	e := p.experiment(t)
	results, _ := p.run(e)
	for _, accuracy := range []float64{0.93, 0.94, 0.95, 0.96, 0.999} {
		target := *e.Target
		target.Accuracy = accuracy
		e.Target = &target
		r := build(t, Input{Experiment: e, Results: results}, Options{})
		want := -1
		for i := range r.Rows {
			if r.Rows[i].Validation.Min >= accuracy && (want < 0 || r.Rows[i].Footprint.Parameters < r.Rows[want].Footprint.Parameters) {
				want = i
			}
		}
		if r.Answer.Pick != want {
			t.Errorf("at %v: pick %d, want %d", accuracy, r.Answer.Pick, want)
		}
		for _, i := range r.Front {
			for j := range r.Rows {
				a, b := &r.Rows[i], &r.Rows[j]
				if b.Costs[0] <= a.Costs[0] && b.Validation.Mean >= a.Validation.Mean && (b.Costs[0] < a.Costs[0] || b.Validation.Mean > a.Validation.Mean) {
					t.Errorf("%s is on the front, %s beats it", a.Label, b.Label)
				}
			}
		}
	}
}

// A pick that the test images do not bear out is called so.
func TestPickThatMissesOnTest(t *testing.T) {
	in := flawed(t)
	for i := range in.Results {
		if r := &in.Results[i]; r.Status == result.Done {
			r.SetOn(Test, result.Figures{Accuracy: new(0.92), Correct: new(920)})
		}
	}
	r := build(t, in, Options{})
	if r.Answer.Pick < 0 || !strings.Contains(strings.Join(r.Answer.More, " "), "So it misses the target there (worst seed 92.00 %)") {
		t.Errorf("pick %d: %v", r.Answer.Pick, r.Answer.More)
	}
}

func TestSplit(t *testing.T) {
	in := flawed(t)
	if r := build(t, in, Options{}); r.Split != Validation {
		t.Errorf("with a target the split is %s", r.Split)
	}
	if r := build(t, in, Options{Split: Test}); r.Split != Test || !strings.Contains(strings.Join(r.Answer.More, " "), "flatters") {
		t.Errorf("chosen on test without a word about it: %v", r.Answer.More)
	}
	if r := build(t, onePlan(t), Options{}); r.Split != Test {
		t.Errorf("without a target the split is %s", r.Split)
	}
	for i := range in.Results {
		in.Results[i].Accuracy.Test = nil
	}
	if _, err := Build(in, Options{Split: Test}); err == nil {
		t.Error("no error for a split that no result has")
	}
	if _, err := Build(in, Options{Split: "train"}); err == nil {
		t.Error("no error for an unknown split")
	}
}

func TestNothingIsLostSilently(t *testing.T) {
	in := flawed(t)
	stray := in.Results[0]
	stray.Seed = 77
	other := in.Results[1]
	other.Status = "running"
	in.Results = append(slices.Clone(in.Results), stray)
	in.Results[1] = other
	r := build(t, in, Options{})
	text := string(r.Text())
	for _, want := range []string{"left out of this report", "seed-77", `status "running"`, "bfloat16 was asked for"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text does not say %q", want)
		}
	}
	if r.Counts.Missing != 2 {
		t.Errorf("%d missing, want 2", r.Counts.Missing)
	}
}

// The same trial of another experiment stands in, and the report says so.
func TestOthers(t *testing.T) {
	in := flawed(t)
	full := smallPlan()
	all, _ := full.run(in.Experiment)
	lost := all[11]
	lost.Experiment = "elsewhere"
	in.Others = []result.Result{lost}
	r := build(t, in, Options{})
	if r.Counts.Missing != 0 {
		t.Errorf("%d missing, want 0", r.Counts.Missing)
	}
	if !strings.Contains(string(r.Text()), "Taken from experiment elsewhere") {
		t.Error("the text does not say where the trial is from")
	}
}

func TestWithoutExperimentFile(t *testing.T) {
	with, without := build(t, flawed(t), Options{Split: Test}), build(t, withoutFile(t), Options{})
	if without.Planned || without.Target != nil || without.Counts.Planned != 18 {
		t.Errorf("planned %v, target %v, counts %+v", without.Planned, without.Target, without.Counts)
	}
	for i := range with.Rows {
		j := slices.IndexFunc(without.Rows, func(r Row) bool { return r.ID == with.Rows[i].ID })
		if j < 0 {
			t.Fatalf("%s is missing", with.Rows[i].ID)
		}
		if a, b := with.Rows[i], without.Rows[j]; a.Test.Mean != b.Test.Mean || a.Counts.Done != b.Counts.Done {
			t.Errorf("%s: %v and %v", a.Label, a.Test, b.Test)
		}
	}
	if _, err := Build(Input{}, Options{}); err == nil {
		t.Error("no error for nothing at all")
	}
}

func TestImpossibleResults(t *testing.T) {
	for name, spoil := range map[string]func(*result.Result){
		"accuracy in percent":   func(r *result.Result) { *r.Accuracy.Test = 96 },
		"not a number":          func(r *result.Result) { *r.Accuracy.Validation = math.NaN() },
		"more correct than all": func(r *result.Result) { *r.Correct.Test = 1001 },
	} {
		in := flawed(t)
		spoil(&in.Results[0])
		if _, err := Build(in, Options{}); err == nil || !strings.Contains(err.Error(), in.Results[0].ConfigID) {
			t.Errorf("%s: error %v, want one that names the trial", name, err)
		}
	}
}

func TestPairs(t *testing.T) {
	p := slicesPlan()
	e := p.experiment(t)
	results, _ := p.run(e)
	r := build(t, Input{Experiment: e, Results: results}, Options{Split: Test})
	if len(r.Pairs.Pairs) != 105 {
		t.Fatalf("%d pairs, want 105", len(r.Pairs.Pairs))
	}
	for _, q := range r.Pairs.Pairs {
		a, b := &r.Rows[q.A], &r.Rows[q.B]
		if math.Abs(q.Diff.Mean-(a.Test.Mean-b.Test.Mean)) > 1e-9 {
			t.Errorf("%s and %s: difference %v, means %v and %v", a.Label, b.Label, q.Diff.Mean, a.Test.Mean, b.Test.Mean)
		}
		far := a.Values[0] == "5" && b.Values[0] == "1" // 2 points apart in truth
		if far && q.Holm >= 0.05 {
			t.Errorf("%s and %s: corrected p %v", a.Label, b.Label, q.Holm)
		}
	}
}

func TestChart(t *testing.T) {
	in := flawed(t)
	r := build(t, in, Options{})
	if c := r.Chart; c.X != "filters" || c.Cost || !c.Log || c.Slice != "kernel" || len(c.Curves) != 2 || !c.Lines {
		t.Errorf("chart %+v", c)
	}
	for _, c := range r.Chart.Curves {
		var xs []float64
		for _, i := range c.Rows {
			xs = append(xs, *r.Rows[i].X)
		}
		if !slices.IsSorted(xs) {
			t.Errorf("curve %s: x %v", c.Label, xs)
		}
	}
	in.Experiment.Report = experiment.Report{X: "macs", Scale: "log"}
	if c := build(t, in, Options{}).Chart; c.X != "macs" || !c.Cost || c.Slice != "kernel" {
		t.Errorf("chart over MACs: %+v", c)
	}
	if c := build(t, manyPlan(t), Options{}).Chart; !c.Cost || c.Lines && len(c.Curves) > maxCurves {
		t.Errorf("chart of three axes: cost %v, %d curves, lines %v", c.Cost, len(c.Curves), c.Lines)
	}
}

// A network that diverged with every seed misses the target; it is no answer
// that is still to come.
func TestAllDiverged(t *testing.T) {
	p := smallPlan()
	e := p.experiment(t)
	results, _ := p.run(e)
	for i := range results {
		r := &results[i]
		*r = result.Result{Experiment: r.Experiment, ConfigID: r.ConfigID, Assignment: r.Assignment, Model: r.Model, Train: r.Train, Dataset: r.Dataset,
			Seed: r.Seed, Status: result.Diverged, Reason: "the loss is NaN at step 7", Footprint: r.Footprint}
	}
	r := build(t, Input{Experiment: e, Results: results}, Options{})
	if want := fmt.Sprintf("None of %d networks meets the target", len(e.Configs)); !strings.HasPrefix(r.Answer.Sentence, want) {
		t.Errorf("%q, want %q", r.Answer.Sentence, want)
	}
	for i := range results {
		if results[i].ConfigID == results[0].ConfigID {
			results[i].Status = result.Failed // what it would read is not known
		}
	}
	if r = build(t, Input{Experiment: e, Results: results}, Options{}); !strings.HasPrefix(r.Answer.Sentence, "No network is known to meet the target") {
		t.Errorf("one network failed: %q", r.Answer.Sentence)
	}
	e.Target = nil
	if r = build(t, Input{Experiment: e, Results: results}, Options{}); !strings.HasPrefix(r.Answer.Sentence, "No answer: none of ") {
		t.Errorf("without a target: %q", r.Answer.Sentence)
	}
	if r = build(t, Input{Experiment: e, Results: results[1:]}, Options{}); !strings.HasPrefix(r.Answer.Sentence, "No answer yet") {
		t.Errorf("one missing: %q", r.Answer.Sentence)
	}
}
