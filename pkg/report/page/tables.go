package page

import (
	"slices"

	"slimfit/pkg/report"
	"slimfit/pkg/report/render"
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
func newPageTable(t render.Table, row func(line int) int) pageTable {
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
	case "parameters", "weights", "MACs", "weight bytes", "activations", "activations with dense", "peak activations", "parameters trained",
		"ratio", "seconds", "seed":
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

func (p *page) tables(r *report.Report) {
	same := func(i int) int { return i }
	p.Results = newPageTable(render.Results(r), same)
	if r.Target == nil { // the page fills it in at the reader's threshold
		p.Results.Columns = append(p.Results.Columns, pageColumn{Head: "meets"})
		for i := range p.Results.Rows {
			p.Results.Rows[i].Cells = append(p.Results.Rows[i].Cells, render.None)
		}
	}
	p.Results.Columns[len(p.Results.Columns)-1].Term = "meets"
	seeds := max(1, len(r.Seeds))
	p.Trials = newPageTable(render.Trials(r), func(i int) int { return i / seeds })
	p.Footprint = newPageTable(render.Footprint(r), same)
	p.Pairs, p.Shifts, p.Sure = newPageSection(render.Differences(r)), newPageSection(render.Shifts(r)), newPageSection(render.Sure(r))
	if t := render.Beside(r); len(t.Rows) > 0 {
		p.Published = pageTableOf(t)
	}
	for _, t := range render.Certificate(r).Tables {
		p.Certificate = append(p.Certificate, newPageTable(t, nil))
	}
	if s := render.Machines(r); len(s.Tables) > 0 {
		p.Environment = pageTableOf(s.Tables[0])
	}
	lacking, cautions := render.Lacking(r), render.Cautions(r)
	for _, l := range append(slices.Clone(lacking.List), cautions.List...) {
		p.Problems = append(p.Problems, text.Plain(l))
	}
	switch {
	case len(lacking.List) == 0:
		p.Lacks, p.LacksTitle = "Warnings", "Warnings"
	case len(cautions.List) == 0:
		p.Lacks, p.LacksTitle = "Missing", "What is missing"
	default:
		p.Lacks, p.LacksTitle = "Missing", "What is missing, and warnings"
	}
}

// newPageSection takes over a section; nil where there is nothing in it.
func newPageSection(s render.Section) *pageSection {
	if len(s.Text)+len(s.Tables) == 0 {
		return nil
	}
	out := &pageSection{Text: s.Text}
	for _, t := range s.Tables {
		out.Tables = append(out.Tables, newPageTable(t, nil))
	}
	return out
}

func pageTableOf(t render.Table) *pageTable {
	out := newPageTable(t, nil)
	return &out
}
