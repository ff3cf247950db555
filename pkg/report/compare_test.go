package report_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/report"
	"slimfit/pkg/report/render"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
)

func TestCompareRecipes(t *testing.T) {
	a, b := reporttest.Recipe(t, 1e-4), reporttest.Better(reporttest.Recipe(t, 1e-3))
	c := reporttest.Compare(t, a, b)
	if len(c.Pairs) != 6 || len(c.Unpaired[0])+len(c.Unpaired[1]) != 0 {
		t.Fatalf("%d pairs, unpaired %v", len(c.Pairs), c.UnpairedID)
	}
	if !slices.ContainsFunc(c.Differ, func(f report.Fact) bool { return f.Name == "train.learning_rate" && f.Value == "0.0001 | 0.001" }) {
		t.Errorf("what differs: %v", c.Differ)
	}
	for _, p := range c.Pairs {
		d := p.Test
		if p.IDs[0] == p.IDs[1] || p.Common != 3 || d.Method != report.ByCrossed {
			t.Errorf("%s: IDs %v, %d common seeds, %s", p.Label, p.IDs, p.Common, d.Method)
		}
		if *d.P >= 0.05 || d.Interval.Low <= 0 || math.Abs(d.Mean-(d.Scores[1].Mean-d.Scores[0].Mean)) > 1e-9 {
			t.Errorf("%s: half the mistakes, but difference %v, interval %v, p %v", p.Label, d.Mean, d.Interval, *d.P)
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
	c := reporttest.Compare(t, reporttest.Flawed(t), reporttest.Flawed(t))
	if len(c.Differ) != 0 || len(c.Pairs) != 6 {
		t.Errorf("%d pairs, differ in %v", len(c.Pairs), c.Differ)
	}
	for _, p := range c.Pairs {
		if p.Identical != p.Common || p.Common == 0 || p.Test.Mean != 0 || *p.Test.Holm != 1 {
			t.Errorf("%s: %d of %d identical, difference %v, p %v", p.Label, p.Identical, p.Common, p.Test.Mean, *p.Test.Holm)
		}
	}
	if !strings.Contains(written(t, c), "the same, bit for bit") {
		t.Error("the text does not say that weights are the same")
	}
}

func TestCompareMethods(t *testing.T) {
	a, b := reporttest.Recipe(t, 1e-4), reporttest.Better(reporttest.Recipe(t, 1e-3))
	e := *b.Experiment
	e.Data = models.Data{Name: "others", Digest: "01", Input: e.Data.Input, Classes: 10, Train: 100, Validation: 500, Test: 1000}
	b.Experiment = &e
	c := reporttest.Compare(t, a, b)
	if d := c.Pairs[0].Test; d.Method != report.ByPairedT || d.P == nil || len(c.Warnings) != 2 {
		t.Errorf("other images: %s, p %v, warnings %v", d.Method, d.P, c.Warnings)
	}
	// Two seeds that happen to differ by as much show no spread, and no difference.
	for i, in := range []report.Input{a, b} {
		for k := range in.Results {
			if f := in.Results[k].On(report.Test); f.Correct != nil {
				n := 900 + 10*i + int(in.Results[k].Seed)
				in.Results[k].SetOn(report.Test, result.Figures{Correct: &n, Accuracy: new(float64(n) / 1000)})
			}
		}
	}
	if d := reporttest.Compare(t, a, b).Pairs[0].Test; d.P != nil || d.Interval != nil || d.Mean != 0.01 {
		t.Errorf("equal differences: %v, p %v", d.Mean, d.P)
	}
	one := func(in report.Input) report.Input {
		e := *in.Experiment
		e.Seeds = e.Seeds[:1]
		in.Experiment = &e
		return in
	}
	c = reporttest.Compare(t, one(reporttest.Recipe(t, 1e-4)), one(reporttest.Better(reporttest.Recipe(t, 1e-3))))
	if d := c.Pairs[0].Test; d.Method != report.ByMcNemar || d.P == nil || *d.P > 0.01 || d.Interval != nil {
		t.Errorf("one seed each: %+v", d)
	}
	if _, err := render.Comparison(c, "json"); err != nil {
		t.Error(err)
	}
}

func TestCompareNothingInCommon(t *testing.T) {
	b := reporttest.Recipe(t, 1e-4)
	e := *b.Experiment
	e.Configs = slices.Clone(e.Configs)
	for i := range e.Configs {
		e.Configs[i].Layers = append(slices.Clone(e.Configs[i].Layers), models.NewDense(7))
		e.Configs[i].ID += "x"
	}
	b.Experiment, b.Results = &e, nil
	c := reporttest.Compare(t, reporttest.Flawed(t), b)
	if len(c.Pairs) != 0 || len(c.Warnings) == 0 || len(c.Unpaired[0]) != 6 {
		t.Errorf("%d pairs, warnings %v", len(c.Pairs), c.Warnings)
	}
	if text := written(t, c); !strings.Contains(text, "nothing can be compared") {
		t.Errorf("the text: %s", text)
	}
}

// written is the comparison as text.
func written(t *testing.T, c *report.Comparison) string {
	t.Helper()
	b, err := render.Comparison(c, "text")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
