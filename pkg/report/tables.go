package report

import (
	"fmt"
	"strings"

	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// none stands where there is no figure.
const none = "–"

// nameColumns are the columns that tell the rows: the axes that vary, or the
// label where none does, and the ID where that is not enough.
func (r *Report) nameColumns() (columns []Column, cells func(i int) []string) {
	axes := r.varying()
	for _, a := range axes {
		columns = append(columns, Column{Head: text.Plain(a.Name), Right: numeric(a.Values)})
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
			v := text.Plain(row.Values[r.axisIndex(a.Name)])
			if v == "" {
				v = none
			}
			out = append(out, v)
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

func (r *Report) resultsTable() Table {
	names, cells := r.nameColumns()
	t := Table{Name: "results", Caption: "Accuracy in percent over seeds, and size"}
	k := r.costIndex(r.cost())
	t.Columns = append(names, Column{r.Costs[k].Head, true}, Column{"ratio", true})
	t.Columns = append(t.Columns, Column{"seeds done", true})
	for _, s := range result.Splits() {
		t.Columns = append(t.Columns, Column{string(s) + " mean", true}, Column{"sd", true}, Column{"min–max", true})
	}
	t.Columns = append(t.Columns, r.int8Columns()...)
	if r.Target != nil {
		t.Columns = append(t.Columns, Column{Head: "meets " + text.Threshold(r.Target.Accuracy) + r.inPrecision()})
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		line := cells(i)
		line = append(line, text.Whole(row.Costs[k]), text.Times(row.Ratios[k]))
		line = append(line, row.Counts.short())
		line = append(append(line, scoreCells(row.Validation)...), scoreCells(row.Test)...)
		line = append(line, r.int8Cells(row)...)
		if r.Target != nil {
			line = append(line, r.verdictCell(i))
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

func scoreCells(s *Score) []string {
	if s == nil {
		return []string{none, none, none}
	}
	sd := none
	if s.SD != nil {
		sd = text.Percentage(*s.SD)
	}
	return []string{text.Percentage(s.Mean), sd, text.Percentage(s.Min) + "–" + text.Percentage(s.Max)}
}

// short is "5/5", or "3/5 (1 failed, 1 diverged)".
func (c Counts) short() string {
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

func (r *Report) verdictCell(i int) string {
	row := &r.Rows[i]
	switch {
	case i == r.Answer.Pick:
		return "yes, the smallest"
	case row.Verdict == Meets:
		return "yes"
	case row.Verdict == Misses:
		return "no: " + text.Plain(row.Why)
	}
	return "undecided: " + text.Plain(row.Why)
}

func (r *Report) footprintTable() Table {
	names, cells := r.nameColumns()
	t := Table{Name: "footprint", Caption: "Footprint of each network under every convention", Columns: conventions(names)}
	add := func(line []string, f *footprint.Footprint) {
		for _, v := range counted(f) {
			line = append(line, text.Whole(v))
		}
		t.Rows = append(t.Rows, line)
	}
	if r.Baseline.Row < 0 {
		line := make([]string, len(names))
		line[0] = text.Plain(r.Baseline.Name)
		add(line, &r.Baseline.footprint)
	}
	for i := range r.Rows {
		add(cells(i), &r.Rows[i].Footprint)
	}
	return t
}

// ratiosTable is footprintTable against the baseline.
func (r *Report) ratiosTable() Table {
	names, cells := r.nameColumns()
	t := Table{Name: "ratios", Caption: "How many times less than " + text.Plain(r.Baseline.Name) + ", under every convention", Columns: conventions(names)}
	base := counted(&r.Baseline.footprint)
	for i := range r.Rows {
		line := cells(i)
		for k, v := range counted(&r.Rows[i].Footprint) {
			line = append(line, text.Ratio(base[k]/max(v, 1)))
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

// conventions are the columns of footprintTable after those that name a row.
func conventions(names []Column) []Column {
	for _, h := range []string{"parameters", "weights", "MACs", "weight bytes", "activations", "activations with dense", "peak activations"} {
		names = append(names, Column{h, true})
	}
	return names
}

func counted(f *footprint.Footprint) []float64 {
	return []float64{float64(f.Parameters), float64(f.Weights), float64(f.MACs), float64(f.WeightBytes),
		float64(f.Activations.Paper), float64(f.Activations.All), float64(f.Peak)}
}

// maxSeedColumns is how many seeds get a column of their own.
const maxSeedColumns = 10

func (r *Report) seedsTable() Table {
	names, cells := r.nameColumns()
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
		add := func(images string, cell func(*Trial) string) {
			var values []string
			for j := range row.Trials {
				values = append(values, cell(&row.Trials[j]))
			}
			if !wide {
				values = []string{strings.Join(values, " ")}
			}
			line := append(append(cells(i), images), values...)
			time := none
			if row.Seconds != nil {
				time = fmt.Sprintf("%.1f", row.Seconds.Median)
			}
			t.Rows = append(t.Rows, append(line, time))
		}
		for _, s := range result.Splits() {
			if row.Score(s) == nil && (s == Validation || row.Score(Validation) != nil) {
				continue // a row with no score at all gets one line, of the last split
			}
			add(string(s), func(t *Trial) string { return t.cell(s) })
		}
		for _, s := range result.Splits() {
			if row.Int8.Score(s) != nil {
				add("int8 "+string(s), func(t *Trial) string { return t.int8Cell(s) })
			}
		}
	}
	return t
}

// int8Cell is cell of the trial's int8 network.
func (t *Trial) int8Cell(s Split) string {
	if m := t.Int8.On(s); m != nil {
		return text.Percentage(m.Accuracy)
	}
	if t.Status == result.Done {
		return none
	}
	return string(t.Status)
}

// cell is the trial's accuracy in percent, or what kept it from having one.
func (t *Trial) cell(s Split) string {
	switch m := t.On(s); {
	case m != nil:
		return text.Percentage(m.Accuracy)
	case t.Status == result.Done:
		return none
	}
	return string(t.Status)
}

// maxMatrix is the most configurations that a matrix of differences shows.
const maxMatrix = 16

// pairsTable is a matrix of the row's mean minus the column's, with a mark
// where it is real. It is left out where it would be too wide.
func (r *Report) pairsTable() (Table, bool) {
	if len(r.Pairs.Rows) > maxMatrix {
		return Table{}, false
	}
	names, cells := r.nameColumns()
	t := Table{Name: "differences", Columns: append([]Column{{"", true}}, names...),
		Caption: "Difference of mean accuracies in points, row minus column; * marks a corrected p below 5 %"}
	for n := range r.Pairs.Rows {
		t.Columns = append(t.Columns, Column{fmt.Sprint(n + 1), true})
	}
	values := map[[2]int]string{}
	for _, p := range r.Pairs.Pairs {
		mark := " "
		if p.Holm < significant {
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

func (r *Report) publishedTable() Table {
	names, cells := r.nameColumns()
	t := Table{Name: "published", Caption: "Test accuracy in percent and training time beside published figures", Columns: append(names,
		Column{Head: "source"}, Column{"published", true}, Column{"ours, mean", true}, Column{"sd", true}, Column{"min–max", true},
		Column{Head: "its place among our seeds"}, Column{"published s", true}, Column{"our s, median", true})}
	for i := range r.Rows {
		row := &r.Rows[i]
		p := row.Published
		if p == nil {
			continue
		}
		theirs, ours := none, none
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
