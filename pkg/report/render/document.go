// Package render writes reports: as sections of text, facts, figures and tables
// in the order of reading, and these as text, Markdown and LaTeX; and every
// figure as CSV and JSON. It computes nothing that the document does not say.
package render

import (
	"slimfit/pkg/report"
	"slimfit/pkg/report/figure"
	"slimfit/pkg/text"
)

// Section is one part of a document in the order of reading. Text, Markdown and
// LaTeX are three ways to write a list of them.
type Section struct {
	Title   string
	Text    []string // paragraphs
	Facts   []report.Fact
	Figures []figure.Figure
	Tables  []Table
	List    []string
}

// Part is a part of a document that is not the report of one experiment.
type Part struct {
	Title    string
	Sections []Section
}

// Table is a table of a document.
type Table struct {
	Name    string // short, for labels
	Caption string
	Columns []Column
	Rows    [][]string
}

// Column is a table's column.
type Column struct {
	Head  string
	Right bool // numbers stand to the right
}

// cells is the table without its caption, to be written.
func (t Table) cells() text.Table {
	out := text.Table{Rows: t.Rows, Document: true}
	for _, c := range t.Columns {
		out.Head, out.Words = append(out.Head, c.Head), append(out.Words, !c.Right)
	}
	return out
}
