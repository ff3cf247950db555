package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/result"
)

// recipePlan is the small experiment with another learning rate: other config
// IDs, the same networks.
func recipePlan(t *testing.T, rate float64) Input {
	t.Helper()
	p := smallPlan()
	p.name, p.rate = "simulated-recipe", rate
	e := p.experiment(t)
	results, histories := p.run(e)
	return Input{Experiment: e, Results: results, Histories: histories}
}

func compareReports(t *testing.T, a, b Input) *Comparison {
	t.Helper()
	c, err := Compare(build(t, a, Options{}), build(t, b, Options{}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// better makes every network of the input right on every second image that it
// had wrong.
func better(in Input) Input {
	for i := range in.Results {
		r := &in.Results[i]
		if r.Status != result.Done {
			continue
		}
		for _, s := range []struct {
			wrong   *[][2]int
			correct *int
			acc     *float64
			images  int
		}{{&r.Wrong.Validation, r.Correct.Validation, r.Accuracy.Validation, r.Dataset.Validation}, {&r.Wrong.Test, r.Correct.Test, r.Accuracy.Test, r.Dataset.Test}} {
			var kept [][2]int
			for k, w := range *s.wrong {
				if k%2 == 0 {
					kept = append(kept, w)
				}
			}
			*s.wrong, *s.correct = kept, s.images-len(kept)
			*s.acc = float64(*s.correct) / float64(s.images)
		}
	}
	return in
}

func TestCompareGolden(t *testing.T) {
	c := compareReports(t, flawed(t), better(recipePlan(t, 1e-3)))
	golden(t, "compare.txt", c.Text())
	golden(t, "compare.md", c.Markdown())
	b, err := c.CSV()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.csv", b)
	if b, err = c.JSON(); err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.json", b)
}

func TestCompareRecipes(t *testing.T) {
	a, b := recipePlan(t, 1e-4), better(recipePlan(t, 1e-3))
	c := compareReports(t, a, b)
	if len(c.Pairs) != 6 || len(c.Unpaired[0])+len(c.Unpaired[1]) != 0 {
		t.Fatalf("%d pairs, unpaired %v", len(c.Pairs), c.UnpairedID)
	}
	if !slices.ContainsFunc(c.Differ, func(f Fact) bool { return f.Name == "train.learning_rate" && f.Value == "0.0001 | 0.001" }) {
		t.Errorf("what differs: %v", c.Differ)
	}
	for _, p := range c.Pairs {
		d := p.Test
		if p.IDs[0] == p.IDs[1] || p.Common != 3 || d.Method != byCrossed {
			t.Errorf("%s: IDs %v, %d common seeds, %s", p.Label, p.IDs, p.Common, d.Method)
		}
		if *d.Holm >= 0.05 || d.Interval.Low <= 0 || math.Abs(d.Mean-(d.Scores[1].Mean-d.Scores[0].Mean)) > 1e-9 {
			t.Errorf("%s: half the mistakes, but difference %v, interval %v, p %v", p.Label, d.Mean, d.Interval, *d.Holm)
		}
		for _, s := range d.Seeds {
			if s.Diff <= 0 || math.Abs(s.Diff-(s.Accuracies[1]-s.Accuracies[0])) > 1e-9 {
				t.Errorf("%s: seed %+v", p.Label, s)
			}
		}
	}
}

// An experiment against itself differs in nothing.
func TestCompareSame(t *testing.T) {
	c := compareReports(t, flawed(t), flawed(t))
	if len(c.Differ) != 0 || len(c.Pairs) != 6 {
		t.Errorf("%d pairs, differ in %v", len(c.Pairs), c.Differ)
	}
	for _, p := range c.Pairs {
		if p.Identical != p.Common || p.Common == 0 || p.Test.Mean != 0 || *p.Test.Holm != 1 {
			t.Errorf("%s: %d of %d identical, difference %v, p %v", p.Label, p.Identical, p.Common, p.Test.Mean, *p.Test.Holm)
		}
	}
	if !strings.Contains(string(c.Text()), "the same, bit for bit") {
		t.Error("the text does not say that weights are the same")
	}
}

func TestCompareMethods(t *testing.T) {
	a, b := recipePlan(t, 1e-4), better(recipePlan(t, 1e-3))
	e := *b.Experiment
	e.Data = models.Data{Name: "others", Digest: "01", Input: e.Data.Input, Classes: 10, Train: 100, Validation: 500, Test: 1000}
	b.Experiment = &e
	c := compareReports(t, a, b)
	if d := c.Pairs[0].Test; d.Method != byPairedT || d.P == nil || len(c.Warnings) != 2 {
		t.Errorf("other images: %s, p %v, warnings %v", d.Method, d.P, c.Warnings)
	}
	one := func(in Input) Input {
		e := *in.Experiment
		e.Seeds = e.Seeds[:1]
		in.Experiment = &e
		return in
	}
	c = compareReports(t, one(recipePlan(t, 1e-4)), one(better(recipePlan(t, 1e-3))))
	if d := c.Pairs[0].Test; d.Method != byMcNemar || d.P == nil || *d.P > 0.01 || d.Interval != nil {
		t.Errorf("one seed each: %+v", d)
	}
	if _, err := c.JSON(); err != nil {
		t.Error(err)
	}
}

func TestCompareNothingInCommon(t *testing.T) {
	b := recipePlan(t, 1e-4)
	e := *b.Experiment
	e.Configs = slices.Clone(e.Configs)
	for i := range e.Configs {
		e.Configs[i].Layers = append(slices.Clone(e.Configs[i].Layers), models.NewDense(7))
		e.Configs[i].ID += "x"
	}
	b.Experiment, b.Results = &e, nil
	c := compareReports(t, flawed(t), b)
	if len(c.Pairs) != 0 || len(c.Warnings) == 0 || len(c.Unpaired[0]) != 6 {
		t.Errorf("%d pairs, warnings %v", len(c.Pairs), c.Warnings)
	}
	if text := string(c.Text()); !strings.Contains(text, "nothing can be compared") {
		t.Errorf("the text: %s", text)
	}
}
