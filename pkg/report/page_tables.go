package report

import (
	"fmt"

	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// pageTable is a Table whose heads know their definitions and whose lines know
// their configuration.
type pageTable struct {
	Name    string
	Caption string
	Columns []pageColumn
	Rows    []pageLine
}

type pageColumn struct {
	Head  string
	Right bool
	Term  string // slug of the definition; "" without one
}

type pageLine struct {
	Row   int // in Report.Rows; -1: of no one configuration
	Cells []string
}

// newPageTable takes over a table; row says which configuration a line is of.
func newPageTable(t Table, row func(line int) int) pageTable {
	out := pageTable{Name: t.Name, Caption: t.Caption}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, pageColumn{c.Head, c.Right, headTerm(c.Head)})
	}
	for i, cells := range t.Rows {
		line := pageLine{Row: -1}
		if row != nil {
			line.Row = row(i)
		}
		for _, c := range cells {
			line.Cells = append(line.Cells, text.Plain(c))
		}
		out.Rows = append(out.Rows, line)
	}
	return out
}

// headTerm is the definition that explains a table head.
func headTerm(head string) string {
	switch head {
	case "parameters", "weights", "MACs", "weight bytes", "activations", "activations with dense", "peak activations", "ratio", "seconds", "seed":
		return slug(head)
	case "validation mean", "validation %":
		return "validation"
	case "test mean", "test %", "ours, mean":
		return "test"
	case "int8 validation mean", "int8 test mean", "int8 validation %", "int8 test %", "int8 seeds", "less float32":
		return "int8"
	case "seconds, median", "our s, median":
		return "seconds"
	case "sd", "min–max":
		return "mean-sd-min-max"
	case "seeds done", "status":
		return "done"
	case "95 % interval":
		return "interval-of-one-network"
	case "published":
		return "published"
	}
	return ""
}

func (p *page) tables(r *Report) {
	same := func(i int) int { return i }
	p.Results = newPageTable(r.resultsTable(), same)
	if r.Target == nil { // the page fills it in at the reader's threshold
		p.Results.Columns = append(p.Results.Columns, pageColumn{Head: "meets"})
		for i := range p.Results.Rows {
			p.Results.Rows[i].Cells = append(p.Results.Rows[i].Cells, none)
		}
	}
	p.Results.Columns[len(p.Results.Columns)-1].Term = "meets"
	seeds := max(1, len(r.Seeds))
	p.Trials = newPageTable(r.trialsTable(), func(i int) int { return i / seeds })
	p.Footprint = newPageTable(r.footprintTable(), same)
	if s := r.pairsSection(); len(s.Text) > 0 {
		p.Pairs = &pageSection{Text: s.Text}
		for _, t := range s.Tables {
			p.Pairs.Tables = append(p.Pairs.Tables, newPageTable(t, nil))
		}
	}
	if t := r.publishedTable(); len(t.Rows) > 0 {
		p.Published = pageTableOf(t)
	}
	for _, t := range r.evidenceSection().Tables {
		p.Certificate = append(p.Certificate, newPageTable(t, nil))
	}
	if s := r.environmentSection(); len(s.Tables) > 0 {
		p.Environment = pageTableOf(s.Tables[0])
	}
	for _, s := range []Section{r.missingSection(), r.warningsSection()} {
		for _, l := range s.List {
			p.Problems = append(p.Problems, text.Plain(l))
		}
	}
}

func pageTableOf(t Table) *pageTable {
	out := newPageTable(t, nil)
	return &out
}

// trialsTable has one line a planned trial, the seeds of a row together.
func (r *Report) trialsTable() Table {
	names, cells := r.nameColumns()
	t := Table{Name: "trials", Caption: "Every trial", Columns: append(names, Column{"seed", true}, Column{Head: "status"},
		Column{"validation %", true}, Column{"95 % interval", true}, Column{"test %", true}, Column{"95 % interval", true})}
	int8 := r.int8Splits()
	for _, s := range int8 {
		t.Columns = append(t.Columns, Column{"int8 " + string(s) + " %", true})
	}
	t.Columns = append(t.Columns, Column{"steps", true}, Column{"seconds", true}, Column{Head: "reason"})
	for i := range r.Rows {
		for j := range r.Rows[i].Trials {
			trial := &r.Rows[i].Trials[j]
			line := append(cells(i), fmt.Sprint(trial.Seed), string(trial.Status))
			for _, s := range result.Splits() {
				if m := trial.On(s); m != nil {
					line = append(line, text.Percentage(m.Accuracy), intervalText(m.Interval))
				} else {
					line = append(line, none, none)
				}
			}
			for _, s := range int8 {
				if m := trial.Int8.On(s); m != nil {
					line = append(line, text.Percentage(m.Accuracy))
				} else {
					line = append(line, none)
				}
			}
			if trial.Status == missing || trial.Status == skipped {
				line = append(line, none, none, "")
			} else {
				line = append(line, text.Whole(float64(trial.Steps)), fmt.Sprintf("%.1f", trial.Seconds), trial.Reason)
			}
			t.Rows = append(t.Rows, line)
		}
	}
	return t
}

func intervalText(i *stats.Interval) string {
	if i == nil {
		return none
	}
	return text.Percentage(i.Low) + "–" + text.Percentage(i.High)
}
