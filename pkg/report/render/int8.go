package render

import (
	"fmt"
	"slices"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

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
