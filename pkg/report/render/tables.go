package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// None stands where there is no figure.
const None = "–"

// nameColumns are the columns that tell the rows: the axes that vary, or the
// label where none does, and the ID where that is not enough.
func nameColumns(r *report.Report) (columns []Column, cells func(i int) []string) {
	axes := r.Varying()
	for _, a := range axes {
		columns = append(columns, Column{Head: text.Plain(a.Name), Right: a.Numeric()})
	}
	if len(axes) == 0 {
		columns = []Column{{Head: "configuration"}}
	}
	seen, twice := map[string]bool{}, false
	named := func(i int) []string {
		row := &r.Rows[i]
		if len(axes) == 0 {
			return []string{text.Plain(row.Label)}
		}
		var out []string
		for _, a := range axes {
			out = append(out, cmp.Or(text.Plain(row.Values[r.AxisIndex(a.Name)]), None))
		}
		return out
	}
	for i := range r.Rows {
		key := strings.Join(named(i), "\x00")
		twice = twice || seen[key]
		seen[key] = true
	}
	if !twice {
		return columns, named
	}
	return append(columns, Column{Head: "config"}), func(i int) []string { return append(named(i), text.Plain(r.Rows[i].ID)) }
}

func Results(r *report.Report) Table {
	names, cells := nameColumns(r)
	t := Table{Name: "results", Caption: "Accuracy in percent over seeds, and size"}
	k := r.CostIndex(r.Answer.Cost)
	t.Columns = append(names, Column{r.Costs[k].Head, true}, Column{"ratio", true})
	t.Columns = append(t.Columns, Column{"seeds done", true})
	for _, s := range result.Splits() {
		t.Columns = append(t.Columns, Column{string(s) + " mean", true}, Column{"sd", true}, Column{"min–max", true})
	}
	t.Columns = append(t.Columns, int8Columns(r)...)
	var balanced []report.Split
	for _, s := range result.Splits() {
		if r.Balanced() && slices.ContainsFunc(r.Rows, func(row report.Row) bool { return row.Balanced[s] != nil }) {
			balanced = append(balanced, s)
			t.Columns = append(t.Columns, Column{"balanced " + string(s) + r.InPrecision() + ", mean", true}, Column{"min–max", true})
		}
	}
	if r.Target != nil {
		t.Columns = append(t.Columns, Column{Head: "meets " + r.Target.Asked() + r.InPrecision()})
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		line := cells(i)
		line = append(line, text.Whole(row.Costs[k]), text.Times(row.Ratios[k]))
		line = append(line, countsText(row.Counts))
		line = append(append(line, scoreCells(row.Validation)...), scoreCells(row.Test)...)
		line = append(line, int8Cells(r, row)...)
		for _, s := range balanced {
			cells := scoreCells(row.Balanced[s])
			line = append(line, cells[0], cells[2])
		}
		if r.Target != nil {
			line = append(line, verdictCell(r, i))
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

func scoreCells(s *report.Score) []string {
	if s == nil {
		return []string{None, None, None}
	}
	sd := None
	if s.SD != nil {
		sd = text.Percentage(*s.SD)
	}
	return []string{text.Percentage(s.Mean), sd, text.Percentage(s.Min) + "–" + text.Percentage(s.Max)}
}

// countsText is "5/5", or "3/5 (1 failed, 1 diverged)".
func countsText(c report.Counts) string {
	s := fmt.Sprintf("%d/%d", c.Done, c.Planned)
	var odd []string
	if c.Failed > 0 {
		odd = append(odd, fmt.Sprintf("%d failed", c.Failed))
	}
	if c.Diverged > 0 {
		odd = append(odd, fmt.Sprintf("%d diverged", c.Diverged))
	}
	if c.Skipped > 0 {
		odd = append(odd, fmt.Sprintf("%d skipped", c.Skipped))
	}
	if len(odd) > 0 {
		s += " (" + strings.Join(odd, ", ") + ")"
	}
	return s
}

func verdictCell(r *report.Report, i int) string {
	row := &r.Rows[i]
	switch {
	case i == r.Answer.Pick:
		return "yes, the smallest"
	case row.Verdict == report.Meets:
		return "yes"
	case row.Verdict == report.Misses:
		return "no: " + text.Plain(row.Why)
	}
	return "undecided: " + text.Plain(row.Why)
}

// maxMatrix is the most configurations that a matrix of differences shows.
const maxMatrix = 16

// pairsTable is a matrix of the row's mean minus the column's, with a mark
// where it is real. It is left out where it would be too wide.
func pairsTable(r *report.Report) (Table, bool) {
	if len(r.Pairs.Rows) > maxMatrix {
		return Table{}, false
	}
	names, cells := nameColumns(r)
	t := Table{Name: "differences", Columns: append([]Column{{"", true}}, names...),
		Caption: "Difference of mean accuracies in points, row minus column; * marks a corrected p below 5 %"}
	for n := range r.Pairs.Rows {
		t.Columns = append(t.Columns, Column{fmt.Sprint(n + 1), true})
	}
	values := map[[2]int]string{}
	for _, p := range r.Pairs.Pairs {
		mark := " "
		if p.Holm < report.Significant {
			mark = "*"
		}
		values[[2]int{p.A, p.B}] = text.Points(p.Diff.Mean) + mark
		values[[2]int{p.B, p.A}] = text.Points(-p.Diff.Mean) + mark
	}
	for n, i := range r.Pairs.Rows {
		line := append([]string{fmt.Sprint(n + 1)}, cells(i)...)
		for _, j := range r.Pairs.Rows {
			line = append(line, values[[2]int{i, j}])
		}
		t.Rows = append(t.Rows, line)
	}
	return t, true
}

func Beside(r *report.Report) Table {
	names, cells := nameColumns(r)
	t := Table{Name: "published", Caption: "Test accuracy in percent and training time beside published figures", Columns: append(names,
		Column{Head: "source"}, Column{"published", true}, Column{"ours, mean", true}, Column{"sd", true}, Column{"min–max", true},
		Column{Head: "its place among our seeds"}, Column{"published s", true}, Column{"our s, median", true})}
	for i := range r.Rows {
		row := &r.Rows[i]
		p := row.Published
		if p == nil {
			continue
		}
		theirs, ours := None, None
		if p.Seconds != nil {
			theirs = fmt.Sprintf("%.0f", *p.Seconds)
		}
		if row.Seconds != nil {
			ours = fmt.Sprintf("%.0f", row.Seconds.Median)
		}
		line := append(cells(i), text.Plain(p.Source), text.Percentage(p.Accuracy))
		line = append(append(line, scoreCells(row.Test)...), p.Place, theirs, ours)
		t.Rows = append(t.Rows, line)
	}
	return t
}
