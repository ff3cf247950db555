package render

import (
	"bytes"
	"fmt"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/text"
)

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
