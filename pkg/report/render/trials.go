package render

import (
	"fmt"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// Trials has one line a planned trial, the seeds of a row together.
func Trials(r *report.Report) Table {
	names, cells := nameColumns(r)
	t := Table{Name: "trials", Caption: "Every trial", Columns: append(names, Column{"seed", true}, Column{Head: "status"},
		Column{"validation %", true}, Column{"95 % interval", true}, Column{"test %", true}, Column{"95 % interval", true})}
	int8 := r.Int8Splits()
	for _, s := range int8 {
		t.Columns = append(t.Columns, Column{"int8 " + string(s) + " %", true})
	}
	t.Columns = append(t.Columns, Column{"steps", true}, Column{"seconds", true}, Column{Head: "reason"})
	for i := range r.Rows {
		for j := range r.Rows[i].Trials {
			trial := &r.Rows[i].Trials[j]
			line := append(cells(i), fmt.Sprint(trial.Seed), string(trial.Status))
			for _, s := range result.Splits() {
				line = append(line, accuracyText(trial.On(s)), intervalText(trial.On(s)))
			}
			for _, s := range int8 {
				line = append(line, accuracyText(trial.Int8.On(s)))
			}
			if trial.Status == report.Absent || trial.Status == report.Skipped {
				line = append(line, None, None, "")
			} else {
				line = append(line, text.Whole(float64(trial.Steps)), fmt.Sprintf("%.1f", trial.Seconds), trial.Reason)
			}
			t.Rows = append(t.Rows, line)
		}
	}
	return t
}

func accuracyText(m *report.Measured) string {
	if m == nil {
		return None
	}
	return text.Percentage(m.Accuracy)
}

func intervalText(m *report.Measured) string {
	if m == nil || m.Interval == nil {
		return None
	}
	return text.Percentage(m.Interval.Low) + "–" + text.Percentage(m.Interval.High)
}

// maxSeedColumns is how many seeds get a column of their own.
const maxSeedColumns = 10

func seedsTable(r *report.Report) Table {
	names, cells := nameColumns(r)
	t := Table{Name: "seeds", Caption: "Accuracy of every seed in percent", Columns: append(names, Column{Head: "images"})}
	wide := len(r.Seeds) <= maxSeedColumns
	for _, s := range r.Seeds {
		if wide {
			t.Columns = append(t.Columns, Column{fmt.Sprintf("seed %d", s), true})
		}
	}
	if !wide {
		t.Columns = append(t.Columns, Column{Head: "accuracies, by seed"})
	}
	t.Columns = append(t.Columns, Column{"seconds, median", true})
	for i := range r.Rows {
		row := &r.Rows[i]
		add := func(images string, cell func(*report.Trial) string) {
			var values []string
			for j := range row.Trials {
				values = append(values, cell(&row.Trials[j]))
			}
			if !wide {
				values = []string{strings.Join(values, " ")}
			}
			line := append(append(cells(i), images), values...)
			time := None
			if row.Seconds != nil {
				time = fmt.Sprintf("%.1f", row.Seconds.Median)
			}
			t.Rows = append(t.Rows, append(line, time))
		}
		for _, s := range result.Splits() {
			if row.Score(s) == nil && (s == report.Validation || row.Score(report.Validation) != nil) {
				continue // a row with no score at all gets one line, of the last split
			}
			add(string(s), func(t *report.Trial) string { return trialCell(t, t.On(s)) })
		}
		for _, s := range result.Splits() {
			if row.Int8.Score(s) != nil {
				add("int8 "+string(s), func(t *report.Trial) string { return trialCell(t, t.Int8.On(s)) })
			}
		}
	}
	return t
}

// trialCell is an accuracy of the trial in percent, or what kept it from having one.
func trialCell(t *report.Trial, m *report.Measured) string {
	if m == nil && t.Status != result.Done {
		return string(t.Status)
	}
	return accuracyText(m)
}
