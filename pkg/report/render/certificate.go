package render

import (
	"fmt"
	"slices"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

func Certificate(r *report.Report) Section {
	e := r.Evidence
	if e == nil {
		return Section{}
	}
	s := Section{Title: "Certificate", Text: append([]string{e.Summary}, e.Notes...), Facts: e.Facts, List: e.Rules}
	metric := map[bool]string{true: "balanced "}[e.Certificate.Target.Metric != ""]
	for _, t := range []Table{openingsTable(r, e.Certificate, metric), candidatesTable(r, e.Certificate, metric)} {
		if len(t.Rows) > 0 {
			s.Tables = append(s.Tables, t)
		}
	}
	return s
}

// openingsTable shows every look at the test images.
func openingsTable(r *report.Report, c *result.Certificate, metric string) Table {
	t := Table{Name: "openings", Caption: "Networks judged on the test images", Columns: []Column{{Head: "configuration"}, {"seed", true},
		{"correct", true}, {metric + "test %", true}, {"at least %", true}, {"alpha", true}, {Head: "passes"}}}
	for _, o := range c.Openings {
		passes := "yes"
		if !o.Passed {
			passes = "no: " + text.Plain(o.Reason)
		}
		for _, n := range o.Networks {
			t.Rows = append(t.Rows, []string{r.RowLabel(o.ConfigID), fmt.Sprint(n.Seed), text.Whole(float64(n.Correct)),
				text.Percentage(result.JudgedShare(n.Accuracy, n.Balanced)), text.Percentage(n.Lower), fmt.Sprintf("%.4g", o.Alpha), passes})
		}
	}
	return t
}

// candidatesTable lists the cheaper configurations and why each is not the
// answer; where there is no winner, all of them.
func candidatesTable(r *report.Report, c *result.Certificate, metric string) Table {
	t := Table{Name: "candidates", Caption: "Every cheaper configuration, cheapest first",
		Columns: []Column{{Head: "configuration"}, {string(c.Target.Cost), true},
			{"seeds", true}, {metric + "validation %", true}, {Head: "finding"}, {Head: "why"}}}
	if c.Winner == nil {
		t.Caption = "Every configuration, cheapest first"
	}
	for _, j := range c.Candidates {
		if j.Finding == result.FoundDearer {
			continue
		}
		low, high, n := 1.0, 0.0, 0
		for _, s := range j.Networks {
			if v := result.JudgedShare(s.Accuracy, s.Balanced); s.Status == result.Done {
				low, high, n = min(low, v), max(high, v), n+1
			}
		}
		spread := None
		switch {
		case n == 1:
			spread = text.Percentage(low)
		case n > 1:
			spread = text.Percentage(low) + "–" + text.Percentage(high)
		}
		t.Rows = append(t.Rows, []string{r.RowLabel(j.ConfigID), text.Whole(float64(j.Cost)), fmt.Sprint(len(j.Networks)), spread,
			strings.ReplaceAll(string(j.Finding), "_", " "), text.Plain(j.Reason)})
	}
	return t
}

// int8Columns and int8Cells are the int8 part of the table of results.
func int8Columns(r *report.Report) []Column {
	splits := r.Int8Splits()
	if len(splits) == 0 {
		return nil
	}
	columns := []Column{{"int8 seeds", true}}
	for _, s := range splits {
		columns = append(columns, Column{"int8 " + string(s) + " mean", true}, Column{"less float32", true})
	}
	return columns
}

func int8Cells(r *report.Report, row *report.Row) []string {
	splits := r.Int8Splits()
	if len(splits) == 0 {
		return nil
	}
	n := 0
	for i := range row.Trials {
		if row.Trials[i].Int8 != nil {
			n++
		}
	}
	cells := []string{fmt.Sprintf("%d/%d", n, row.Counts.Planned)}
	for _, s := range splits {
		cells = append(cells, scoreCells(row.Int8.Score(s))[0], int8Less(row, s))
	}
	return cells
}

// int8Less is what quantizing changed, in points, over the seeds that are
// quantized: their mean beside that of all seeds would compare other networks.
func int8Less(r *report.Row, s report.Split) string {
	sum, n := 0.0, 0
	for i := range r.Trials {
		t := &r.Trials[i]
		if q, f := t.Int8.On(s), t.On(s); q != nil && f != nil {
			sum += q.Accuracy - f.Accuracy
			n++
		}
	}
	if n == 0 {
		return None
	}
	return text.Points(sum / float64(n))
}

// hasInt8 says whether a report has int8 figures: then CSV files have fields for
// them.
func hasInt8(reports []*report.Report) bool {
	return slices.ContainsFunc(reports, func(r *report.Report) bool { return len(r.Int8Splits()) > 0 })
}

func int8Fields(q *report.Int8) []string {
	var fields []string
	for _, s := range result.Splits() {
		fields = append(fields, measuredCells(q.On(s))...)
	}
	if q == nil {
		return append(fields, "")
	}
	return append(fields, fmt.Sprint(q.Bytes))
}

func int8ScoreFields(q *report.Int8Score) []string {
	fields := append(scoreFields(q.Score(report.Validation)), scoreFields(q.Score(report.Test))...)
	if q == nil {
		return append(fields, "")
	}
	return append(fields, fmt.Sprint(q.Bytes[1]))
}
