package report_test

import (
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

// What results say of their files is shown, and a target may look at it.
func TestMeasured(t *testing.T) {
	p := reporttest.SmallPlan()
	e := p.Experiment(t)
	results, histories := p.Run(e)
	plain, err := report.Build(report.Input{Experiment: e, Results: results, Histories: histories}, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if rows := render.Files(plain).Rows; len(rows) != 0 || len(plain.Costs) != len(footprint.Costs()) {
		t.Errorf("nobody measured: %d rows, %d costs", len(rows), len(plain.Costs))
	}
	bytes := map[string]int{}
	for i, c := range e.Configs {
		bytes[c.ID] = 90_000 - 1000*i // dearer the fewer filters
	}
	for i := range results {
		results[i].Footprint.Measured = &footprint.Measured{TFLite: 4 * bytes[results[i].ConfigID], TFLiteInt8: bytes[results[i].ConfigID],
			NPZ: 7, Arena: 8, ArenaFloat: 32}
	}
	e.Target = &experiment.Target{Accuracy: 0.5, Confidence: 0.95, Seeds: 3, Cost: footprint.TFLiteInt8Bytes, Rule: experiment.RuleWorst,
		Within: []experiment.Budget{{Cost: footprint.TFLiteBytes, Limit: 4 * 86_500}}}
	r, err := report.Build(report.Input{Experiment: e, Results: results, Histories: histories}, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table := render.Files(r)
	if len(table.Rows) != len(e.Configs) || len(table.Columns) != len(table.Rows[0]) || !slices.Contains(table.Rows[0], "360,000") &&
		!slices.Contains(table.Rows[0], "360000") {
		t.Errorf("table %+v", table)
	}
	cheapest := e.Configs[len(e.Configs)-1].ID
	if got := r.Rows[r.Answer.Pick].ID; got != cheapest {
		t.Errorf("picked %s, the fewest bytes has %s", got, cheapest)
	}
	over := 0
	for _, row := range r.Rows {
		if len(row.OverBudget) > 0 {
			over++
			if !strings.Contains(row.OverBudget[0], "TFLite bytes") {
				t.Errorf("over budget: %q", row.OverBudget)
			}
		}
	}
	if over != 4 { // 90,000, 89,000, 88,000 and 87,000
		t.Errorf("%d networks are over the budget, want 4", over)
	}
	if b := r.Baseline; b.Costs[r.CostIndex(footprint.TFLiteInt8Bytes)] != float64(bytes[r.Rows[b.Row].ID]) {
		t.Errorf("baseline %+v", b)
	}
}

// A search measures what it does not train; its certificate says what it found.
func TestMeasuredByACertificate(t *testing.T) {
	p := reporttest.SmallPlan()
	e := p.Experiment(t)
	e.Target = &experiment.Target{Accuracy: 0.5, Confidence: 0.95, Seeds: 3, Cost: footprint.TFLiteInt8Bytes, Rule: experiment.RuleWorst}
	c := &result.Certificate{Target: result.Target{Accuracy: 0.5, Rule: "worst", Cost: footprint.TFLiteInt8Bytes}}
	for i, config := range e.Configs {
		c.Candidates = append(c.Candidates, result.Judged{ConfigID: config.ID, Finding: result.FoundSkipped,
			Measured: &footprint.Measured{TFLiteInt8: 1000 + i}})
	}
	r, err := report.Build(report.Input{Experiment: e, Certificate: c}, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	k := r.CostIndex(footprint.TFLiteInt8Bytes)
	for i, row := range r.Rows {
		if row.Costs[k] != float64(1000+i) || row.Ratios[k] == 0 {
			t.Errorf("%s: %v bytes, ratio %v", row.ID, row.Costs[k], row.Ratios[k])
		}
	}
}
