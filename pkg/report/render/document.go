// Package render writes reports: as sections of text, facts, figures and tables
// in the order of reading, and these as text, Markdown and LaTeX; and every
// figure as CSV and JSON. It computes nothing that the document does not say.
package render

import (
	"bytes"
	"fmt"
	"strings"

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

// textWidth is where paragraphs break; tables are as wide as they are.
const textWidth = 100

// Text writes the report for a terminal.
func Text(r *report.Report) []byte { return Part{r.Name, Sections(r)}.Text() }

// Text writes the part for a terminal.
func (p Part) Text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n%s\n", text.Plain(p.Title), strings.Repeat("=", text.Width(text.Plain(p.Title))))
	writeText(&b, p.Sections)
	return b.Bytes()
}

func writeText(b *bytes.Buffer, document []Section) {
	for _, s := range document {
		if len(s.Text)+len(s.Facts)+len(s.Tables)+len(s.List) == 0 {
			continue // figures only
		}
		b.WriteByte('\n')
		if s.Title != "" {
			fmt.Fprintf(b, "%s\n%s\n", text.Plain(s.Title), strings.Repeat("-", text.Width(text.Plain(s.Title))))
		}
		for _, p := range s.Text {
			b.WriteString(text.Wrap(text.Plain(p), textWidth, "", ""))
		}
		textFacts(b, s.Facts)
		for i, t := range s.Tables {
			if i > 0 || len(s.Text)+len(s.Facts) > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(text.Wrap(t.Caption+":", textWidth, "", ""))
			t.cells().Text(b)
		}
		for _, l := range s.List {
			b.WriteString(text.Wrap(text.Plain(strings.ReplaceAll(l, "`", "")), textWidth, "- ", "  "))
		}
	}
}

func textFacts(b *bytes.Buffer, facts []report.Fact) {
	width := 0
	for _, f := range facts {
		width = max(width, text.Width(text.Plain(f.Name)))
	}
	for _, f := range facts {
		name := text.Plain(f.Name)
		b.WriteString(text.Wrap(text.Plain(strings.ReplaceAll(f.Value, "`", "")), textWidth, name+strings.Repeat(" ", width-text.Width(name)+2),
			strings.Repeat(" ", width+2)))
	}
}

// LaTeX writes the tables of the reports, each a table environment that needs
// no package. Labels are tab:<experiment>-<table>.
func LaTeX(reports []*report.Report) []byte {
	var b bytes.Buffer
	for _, r := range reports {
		fmt.Fprintf(&b, "%% %s: tables made by slimfit report; \\input this file.\n", text.Plain(r.Name))
		for _, s := range Sections(r) {
			for _, t := range s.Tables {
				latexTable(&b, FileName(r.Name), t)
			}
		}
	}
	return b.Bytes()
}

func latexTable(b *bytes.Buffer, name string, t Table) {
	fmt.Fprintf(b, "\n\\begin{table}\n\\centering\\small\n\\caption{%s}\n\\label{tab:%s-%s}\n\\begin{tabular}{", latex(t.Caption), name,
		t.Name)
	for _, c := range t.Columns {
		if c.Right {
			b.WriteByte('r')
		} else {
			b.WriteByte('l')
		}
	}
	b.WriteString("}\n\\hline\n")
	heads := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		heads[i] = c.Head
	}
	latexRow(b, heads)
	b.WriteString("\\hline\n")
	for _, row := range t.Rows {
		latexRow(b, row)
	}
	b.WriteString("\\hline\n\\end{tabular}\n\\end{table}\n")
}

func latexRow(b *bytes.Buffer, cells []string) {
	for i, c := range cells {
		if i > 0 {
			b.WriteString(" & ")
		}
		b.WriteString(latex(strings.TrimSpace(text.Plain(c))))
	}
	b.WriteString(" \\\\\n")
}

// latex escapes TeX's special characters and writes our own signs as commands.
func latex(s string) string {
	return strings.NewReplacer(
		`\`, `\textbackslash{}`, `{`, `\{`, `}`, `\}`, `$`, `\$`, `&`, `\&`, `#`, `\#`, `%`, `\%`, `_`, `\_`,
		`^`, `\textasciicircum{}`, `~`, `\textasciitilde{}`, `<`, `\textless{}`, `>`, `\textgreater{}`, `|`, `\textbar{}`,
		"×", `$\times$`, "–", "--", `"`, "''",
	).Replace(s)
}
