package render

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/text"
)

// Markdown writes the reports as one document in GitHub's flavour, with the
// definitions of all at its end. Figures are linked as <figures>/<name>.svg;
// with "" they are left out. front comes before them.
func Markdown(reports []*report.Report, figures string, front ...Part) []byte {
	var b bytes.Buffer
	for _, p := range front {
		p.markdown(&b)
		b.WriteByte('\n')
	}
	for i, r := range reports {
		if i > 0 {
			b.WriteByte('\n')
		}
		document := slices.DeleteFunc(Sections(r), func(s Section) bool { return s.Title == definitionsTitle })
		for j := range document {
			if figures == "" {
				document[j].Figures = nil
			}
			for k := range document[j].Figures {
				document[j].Figures[k].Name = figures + "/" + FigureFile(reports, r, document[j].Figures[k].Name)
			}
		}
		Part{r.Name, document}.markdown(&b)
	}
	if len(reports) > 1 {
		b.WriteString("\n# For all of them\n")
	}
	writeMarkdown(&b, []Section{definitions(reports)})
	return b.Bytes()
}

// definitions are those of all reports. Of several they are sorted, and a term
// that is not the same in all names the experiments.
func definitions(reports []*report.Report) Section {
	if len(reports) == 1 {
		return definitionsSection(reports[0])
	}
	s := Section{Title: definitionsTitle}
	names, meanings := map[report.Fact][]string{}, map[string]int{}
	for _, r := range reports {
		for _, f := range definitionsSection(r).Facts {
			if names[f] == nil {
				s.Facts = append(s.Facts, f)
				meanings[f.Name]++
			}
			names[f] = append(names[f], r.Name)
		}
	}
	slices.SortStableFunc(s.Facts, func(a, b report.Fact) int { return strings.Compare(a.Name, b.Name) })
	for i, f := range s.Facts {
		if meanings[f.Name] > 1 {
			s.Facts[i].Name = f.Name + " (" + strings.Join(names[f], ", ") + ")"
		}
	}
	return s
}

// FigureFile tells the figures of several reports in one folder apart.
func FigureFile(reports []*report.Report, r *report.Report, name string) string {
	if len(reports) == 1 {
		return name
	}
	return FileName(r.Name) + "-" + name
}

// FileName keeps what is safe in every file system; experiment names are.
func FileName(s string) string {
	s = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' {
			return c
		}
		return '-'
	}, s)
	if s == "" {
		return "experiment"
	}
	return s[:min(len(s), 64)]
}

func (p Part) markdown(b *bytes.Buffer) {
	fmt.Fprintf(b, "# %s\n", text.Markdown(text.Plain(p.Title)))
	writeMarkdown(b, p.Sections)
}

func writeMarkdown(b *bytes.Buffer, document []Section) {
	for _, s := range document {
		if s.Title != "" {
			fmt.Fprintf(b, "\n## %s\n", text.Markdown(text.Plain(s.Title)))
		}
		for _, p := range s.Text {
			line := text.Markdown(text.Plain(p))
			for _, label := range []string{"Asked:", "Answer:"} {
				if rest, ok := strings.CutPrefix(line, label); ok {
					line = "**" + label + "**" + rest
				}
			}
			fmt.Fprintf(b, "\n%s\n", line)
		}
		for i, f := range s.Facts {
			if i == 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(b, "- **%s**: %s\n", text.Markdown(text.Plain(f.Name)), text.MarkdownCode(text.Plain(f.Value)))
		}
		for _, f := range s.Figures {
			fmt.Fprintf(b, "\n![%s](%s.svg)\n\n*%s*\n", text.Markdown(f.Caption), f.Name, text.Markdown(f.Caption))
		}
		for _, t := range s.Tables {
			fmt.Fprintf(b, "\n%s:\n\n", text.Markdown(t.Caption))
			t.cells().Markdown(b)
		}
		for i, l := range s.List {
			if i == 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(b, "- %s\n", text.MarkdownCode(text.Plain(l)))
		}
	}
}
