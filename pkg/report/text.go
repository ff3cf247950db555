package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"
)

// textWidth is where paragraphs break; tables are as wide as they are.
const textWidth = 100

// Text writes the report for a terminal.
func (r *Report) Text() []byte { return Part{r.Name, r.Document()}.Text() }

// Text writes the part for a terminal.
func (p Part) Text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n%s\n", plain(p.Title), strings.Repeat("=", runewidth.StringWidth(plain(p.Title))))
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
			fmt.Fprintf(b, "%s\n%s\n", plain(s.Title), strings.Repeat("-", runewidth.StringWidth(plain(s.Title))))
		}
		for _, p := range s.Text {
			b.WriteString(wrap(plain(p), "", ""))
		}
		textFacts(b, s.Facts)
		for i, t := range s.Tables {
			if i > 0 || len(s.Text)+len(s.Facts) > 0 {
				b.WriteByte('\n')
			}
			textTable(b, t)
		}
		for _, l := range s.List {
			b.WriteString(wrap(plain(strings.ReplaceAll(l, "`", "")), "- ", "  "))
		}
	}
}

func textFacts(b *bytes.Buffer, facts []Fact) {
	width := 0
	for _, f := range facts {
		width = max(width, runewidth.StringWidth(plain(f.Name)))
	}
	for _, f := range facts {
		name := plain(f.Name)
		b.WriteString(wrap(plain(strings.ReplaceAll(f.Value, "`", "")), runewidth.FillRight(name, width)+"  ", strings.Repeat(" ", width+2)))
	}
}

// textTable pads the columns; the caption stands above.
func textTable(b *bytes.Buffer, t Table) {
	b.WriteString(wrap(t.Caption+":", "", ""))
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = runewidth.StringWidth(c.Head)
	}
	for _, row := range t.Rows {
		for i, cell := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(plain(cell)))
		}
	}
	line := func(cells func(i int) string) {
		var out strings.Builder
		for i, c := range t.Columns {
			if i > 0 {
				out.WriteString("  ")
			}
			if c.Right {
				out.WriteString(runewidth.FillLeft(cells(i), widths[i]))
			} else {
				out.WriteString(runewidth.FillRight(cells(i), widths[i]))
			}
		}
		b.WriteString(strings.TrimRight(out.String(), " ") + "\n")
	}
	line(func(i int) string { return t.Columns[i].Head })
	line(func(i int) string { return strings.Repeat("-", widths[i]) })
	for _, row := range t.Rows {
		line(func(i int) string { return plain(row[i]) })
	}
}

// wrap breaks a paragraph at spaces, but never before a percent sign: the first
// line stands after first, the others after rest.
func wrap(s, first, rest string) string {
	var out strings.Builder
	line, empty := first, true
	for _, word := range words(s) {
		if !empty && runewidth.StringWidth(line)+1+runewidth.StringWidth(word) > textWidth {
			out.WriteString(strings.TrimRight(line, " ") + "\n")
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	out.WriteString(strings.TrimRight(line, " ") + "\n")
	return out.String()
}

func words(s string) []string {
	var out []string
	for _, w := range strings.Fields(s) {
		if n := len(out); n > 0 && w[0] == '%' {
			out[n-1] += " " + w
			continue
		}
		out = append(out, w)
	}
	return out
}
