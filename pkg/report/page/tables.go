package page

import (
	"slices"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/report/render"
	"slimfit/pkg/text"
)

// pageTable is a table whose lines know their configuration.
type pageTable struct {
	render.Table
	each int // lines of a configuration; 0: they are of no one
}

// Row is the line's configuration in Report.Rows; -1: none.
func (t pageTable) Row(line int) int {
	if t.each == 0 {
		return -1
	}
	return line / t.each
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
	if strings.HasPrefix(head, "meets") { // and what
		return "meets"
	}
	return ""
}

func (p *page) tables(r *report.Report) {
	p.Results = render.Results(r)
	if r.Target == nil { // the page fills it in at the reader's threshold
		p.Results.Columns = append(p.Results.Columns, render.Column{Head: "meets"})
		for i := range p.Results.Rows {
			p.Results.Rows[i] = append(p.Results.Rows[i], render.None)
		}
	}
	p.Trials, p.Seeds, p.Footprint, p.Published = render.Trials(r), max(1, len(r.Seeds)), render.Footprint(r), render.Beside(r)
	p.Pairs, p.Shifts, p.Sure, p.Certificate = render.Differences(r), render.Shifts(r), render.Sure(r), render.Certificate(r).Tables
	if s := render.Machines(r); len(s.Tables) > 0 {
		p.Environment = s.Tables[0]
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
