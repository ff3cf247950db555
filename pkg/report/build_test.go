package report_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/report"
	"slimfit/pkg/report/render"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
)

func TestCounts(t *testing.T) {
	r := reporttest.Build(t, reporttest.Flawed(t), report.Options{})
	if want := (report.Counts{Planned: 18, Done: 15, Failed: 1, Diverged: 1, Missing: 1}); r.Counts != want {
		t.Errorf("counts %+v, want %+v", r.Counts, want)
	}
	sum := report.Counts{}
	for i := range r.Rows {
		c := r.Rows[i].Counts
		sum.Planned, sum.Done, sum.Failed = sum.Planned+c.Planned, sum.Done+c.Done, sum.Failed+c.Failed
		sum.Diverged, sum.Missing, sum.Skipped = sum.Diverged+c.Diverged, sum.Missing+c.Missing, sum.Skipped+c.Skipped
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
	in := reporttest.Flawed(t)
	r := reporttest.Build(t, in, report.Options{})
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

func TestBudget(t *testing.T) {
	in := reporttest.Flawed(t)
	free := reporttest.Build(t, in, report.Options{})
	target := *in.Experiment.Target
	target.Within = []experiment.Budget{{Cost: footprint.MACs, Limit: 80_000}}
	in.Experiment.Target = &target
	tight := reporttest.Build(t, in, report.Options{})
	pick := free.Rows[free.Answer.Pick]
	if pick.Costs[free.CostIndex(footprint.MACs)] <= 80_000 {
		t.Fatalf("the fixture's pick is within the budget: %v", pick.Costs)
	}
	for i := range tight.Rows {
		over := tight.Rows[i].Costs[tight.CostIndex(footprint.MACs)] > 80_000
		if over != (len(tight.Rows[i].OverBudget) > 0) || over && tight.Rows[i].Verdict != report.Misses {
			t.Errorf("%s: over budget %v, verdict %s", tight.Rows[i].Label, tight.Rows[i].OverBudget, tight.Rows[i].Verdict)
		}
	}
	if tight.Answer.Pick == free.Answer.Pick {
		t.Error("the pick breaks the budget")
	}
}

// The pick is the cheapest row that meets the target; the front has no beaten row.
func TestPickAndFront(t *testing.T) {
	p := reporttest.SlicesPlan()
	e := p.Experiment(t)
	results, _ := p.Run(e)
	for _, accuracy := range []float64{0.93, 0.94, 0.95, 0.96, 0.999} {
		target := *e.Target
		target.Accuracy = accuracy
		e.Target = &target
		r := reporttest.Build(t, report.Input{Experiment: e, Results: results}, report.Options{})
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
				if b.Costs[0] <= a.Costs[0] && b.Validation.Mean >= a.Validation.Mean &&
					(b.Costs[0] < a.Costs[0] || b.Validation.Mean > a.Validation.Mean) {
					t.Errorf("%s is on the front, %s beats it", a.Label, b.Label)
				}
			}
		}
	}
}

// A pick that the test images do not bear out is called so.
func TestPickThatMissesOnTest(t *testing.T) {
	in := reporttest.Flawed(t)
	for i := range in.Results {
		if r := &in.Results[i]; r.Status == result.Done {
			r.SetOn(report.Test, result.Figures{Accuracy: new(0.92), Correct: new(920)})
		}
	}
	r := reporttest.Build(t, in, report.Options{})
	if r.Answer.Pick < 0 || !strings.Contains(strings.Join(r.Answer.More, " "), "So it misses the target there (worst seed 92.00 %)") {
		t.Errorf("pick %d: %v", r.Answer.Pick, r.Answer.More)
	}
}

// A floor that the validation images bear out and the test images do not is a miss
// there, though the accuracy is reached.
func TestFloorMissedOnTest(t *testing.T) {
	in := reporttest.SmallPlan().Input(t)
	goal := *in.Experiment.Target
	goal.RecallAll = 0.6
	in.Experiment.Target = &goal
	for i := range in.Results {
		labels, answers := make([]uint8, 1000), make([]int, 1000)
		for k := range labels {
			if labels[k], answers[k] = uint8(k%10), k%10; k%20 == 0 {
				answers[k] = 1
			}
		}
		in.Results[i].SetOn(report.Test, result.Score(answers, labels, 10))
	}
	r := reporttest.Build(t, in, report.Options{})
	for _, want := range []string{"So it misses the target there (seed 0: recall of class #0 is 50.00 %, the floor 60 %)",
		"No other network of the grid reaches it there"} {
		if got := strings.Join(r.Answer.More, " "); r.Answer.Pick < 0 || !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	// None passes a floor on the validation images: the nearest says what it lacks.
	goal.RecallAll = 1
	r = reporttest.Build(t, in, report.Options{})
	if !strings.Contains(r.Answer.Sentence, "recall of class #") {
		t.Errorf("%s", r.Answer.Sentence)
	}
}

func TestSplit(t *testing.T) {
	in := reporttest.Flawed(t)
	if r := reporttest.Build(t, in, report.Options{}); r.Split != report.Validation {
		t.Errorf("with a target the split is %s", r.Split)
	}
	if r := reporttest.Build(t, in, report.Options{Split: report.Test}); r.Split != report.Test ||
		!strings.Contains(strings.Join(r.Answer.More, " "), "flatters") {
		t.Errorf("chosen on test without a word about it: %v", r.Answer.More)
	}
	if r := reporttest.Build(t, reporttest.One(t), report.Options{}); r.Split != report.Test {
		t.Errorf("without a target the split is %s", r.Split)
	}
	for i := range in.Results {
		in.Results[i].Accuracy.Test = nil
	}
	if _, err := report.Build(in, report.Options{Split: report.Test}); err == nil {
		t.Error("no error for a split that no result has")
	}
	if _, err := report.Build(in, report.Options{Split: "train"}); err == nil {
		t.Error("no error for an unknown split")
	}
}

func TestNothingIsLostSilently(t *testing.T) {
	in := reporttest.Flawed(t)
	stray := in.Results[0]
	stray.Seed = 77
	other := in.Results[1]
	other.Status = "running"
	in.Results = append(slices.Clone(in.Results), stray)
	in.Results[1] = other
	r := reporttest.Build(t, in, report.Options{})
	text := string(render.Text(r))
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
	in := reporttest.Flawed(t)
	full := reporttest.SmallPlan()
	all, _ := full.Run(in.Experiment)
	lost := all[11]
	lost.Experiment = "elsewhere"
	in.Others = []result.Result{lost}
	r := reporttest.Build(t, in, report.Options{})
	if r.Counts.Missing != 0 {
		t.Errorf("%d missing, want 0", r.Counts.Missing)
	}
	if !strings.Contains(string(render.Text(r)), "Taken from experiment elsewhere") {
		t.Error("the text does not say where the trial is from")
	}
}

func TestWithoutExperimentFile(t *testing.T) {
	with, without := reporttest.Build(t, reporttest.Flawed(t), report.Options{Split: report.Test}),
		reporttest.Build(t, reporttest.WithoutFile(t), report.Options{})
	if without.Planned || without.Target != nil || without.Counts.Planned != 18 {
		t.Errorf("planned %v, target %v, counts %+v", without.Planned, without.Target, without.Counts)
	}
	for i := range with.Rows {
		j := slices.IndexFunc(without.Rows, func(r report.Row) bool { return r.ID == with.Rows[i].ID })
		if j < 0 {
			t.Fatalf("%s is missing", with.Rows[i].ID)
		}
		if a, b := with.Rows[i], without.Rows[j]; a.Test.Mean != b.Test.Mean || a.Counts.Done != b.Counts.Done {
			t.Errorf("%s: %v and %v", a.Label, a.Test, b.Test)
		}
	}
	if _, err := report.Build(report.Input{}, report.Options{}); err == nil {
		t.Error("no error for nothing at all")
	}
}

func TestImpossibleResults(t *testing.T) {
	for name, spoil := range map[string]func(*result.Result){
		"accuracy in percent":   func(r *result.Result) { *r.Accuracy.Test = 96 },
		"not a number":          func(r *result.Result) { *r.Accuracy.Validation = math.NaN() },
		"more correct than all": func(r *result.Result) { *r.Correct.Test = 1001 },
	} {
		in := reporttest.Flawed(t)
		spoil(&in.Results[0])
		if _, err := report.Build(in, report.Options{}); err == nil || !strings.Contains(err.Error(), in.Results[0].ConfigID) {
			t.Errorf("%s: error %v, want one that names the trial", name, err)
		}
	}
}

func TestPairs(t *testing.T) {
	p := reporttest.SlicesPlan()
	e := p.Experiment(t)
	results, _ := p.Run(e)
	r := reporttest.Build(t, report.Input{Experiment: e, Results: results}, report.Options{Split: report.Test})
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
	in := reporttest.Flawed(t)
	r := reporttest.Build(t, in, report.Options{})
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
	if c := reporttest.Build(t, in, report.Options{}).Chart; c.X != "macs" || !c.Cost || c.Slice != "kernel" {
		t.Errorf("chart over MACs: %+v", c)
	}
	if c := reporttest.Build(t, reporttest.Many(t), report.Options{}).Chart; !c.Cost || c.Lines && len(c.Curves) > 12 {
		t.Errorf("chart of three axes: cost %v, %d curves, lines %v", c.Cost, len(c.Curves), c.Lines)
	}
}

// A network that diverged with every seed misses the target; it is no answer
// that is still to come.
func TestAllDiverged(t *testing.T) {
	p := reporttest.SmallPlan()
	e := p.Experiment(t)
	results, _ := p.Run(e)
	for i := range results {
		r := &results[i]
		*r = result.Result{Experiment: r.Experiment, ConfigID: r.ConfigID, Assignment: r.Assignment, Model: r.Model, Train: r.Train,
			Dataset: r.Dataset,
			Seed:    r.Seed, Status: result.Diverged, Reason: "the loss is NaN at step 7", Footprint: r.Footprint}
	}
	r := reporttest.Build(t, report.Input{Experiment: e, Results: results}, report.Options{})
	if want := fmt.Sprintf("None of %d networks meets the target", len(e.Configs)); !strings.HasPrefix(r.Answer.Sentence, want) {
		t.Errorf("%q, want %q", r.Answer.Sentence, want)
	}
	for i := range results {
		if results[i].ConfigID == results[0].ConfigID {
			results[i].Status = result.Failed // what it would read is not known
		}
	}
	if r = reporttest.Build(t, report.Input{Experiment: e, Results: results}, report.Options{}); !strings.HasPrefix(r.Answer.Sentence,
		"No network is known to meet the target") {
		t.Errorf("one network failed: %q", r.Answer.Sentence)
	}
	e.Target = nil
	if r = reporttest.Build(t, report.Input{Experiment: e, Results: results}, report.Options{}); !strings.HasPrefix(r.Answer.Sentence,
		"No answer: none of ") {
		t.Errorf("without a target: %q", r.Answer.Sentence)
	}
	if r = reporttest.Build(t, report.Input{Experiment: e, Results: results[1:]}, report.Options{}); !strings.HasPrefix(r.Answer.Sentence,
		"No answer yet") {
		t.Errorf("one missing: %q", r.Answer.Sentence)
	}
}

// How the images were read is told among what was done; it is no warning.
func TestNotesOfTheData(t *testing.T) {
	in := reporttest.Flawed(t)
	for i := range in.Results {
		in.Results[i].Notes = []string{"the 60 pictures are taken as grey", "3 pictures\nare turned"}
	}
	before := len(reporttest.Build(t, reporttest.Flawed(t), report.Options{}).Warnings)
	r := reporttest.Build(t, in, report.Options{})
	want := report.Fact{Name: "How they were read", Value: "the 60 pictures are taken as grey; 3 pictures are turned"}
	if !slices.Contains(r.Setup, want) || len(r.Warnings) != before {
		t.Errorf("set-up %v, %d warnings, want %d", r.Setup, len(r.Warnings), before)
	}
}
