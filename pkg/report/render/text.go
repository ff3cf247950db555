package render

import (
	"bytes"
	"fmt"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/text"
)

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
