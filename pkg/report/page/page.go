// Package page writes a report as one HTML file that needs nothing else.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/report/figure"
	"slimfit/pkg/report/render"
	"slimfit/pkg/text"
)

//go:embed assets/*.html assets/*.css assets/*.js assets/*.LICENSE
var assets embed.FS

// pageScripts are the page's own scripts, in the order in which they build on
// each other. They run as one.
func pageScripts() []string {
	return []string{"page_judge.js", "page_state.js", "page_tip.js", "page_chart.js", "page_threshold.js", "page_front.js",
		"page_network.js", "page_table.js", "page_share.js", "page_start.js", "page_live.js"}
}

// page is what the template writes.
type page struct {
	Live        int // number of a page that a server sends; 0 for a file
	R           *report.Report
	Question    string // of R.Asked; what is required besides stands below the chart
	Required    string
	Policy      string
	Style       template.CSS
	Scripts     []template.JS
	Licences    string
	LeftOut     string
	Drawn       bool
	Still       template.URL // the accuracy figure, for readers without scripts
	Caption     string
	Targets     template.URL // the figure of a search with several targets
	TargetsSay  string
	Results     render.Table
	Trials      render.Table
	Footprint   render.Table
	Seeds       int // lines that a network has in Trials
	Mistakes    []pageMistake
	MistakesOf  string // the network, and by which images
	Pairs       render.Section
	Shifts      render.Section
	Sure        render.Section
	Published   render.Table
	Certificate []render.Table
	Environment render.Table
	Problems    []string
	Lacks       string // what Problems are: in the contents
	LacksTitle  string // and above them
	Data        pageData
}

// mostLines is how many lines the page's table of trials has.
const mostLines = 10_000

// HTML writes the report as one file that needs nothing else: no server, no
// network. All text is escaped by html/template; on top of it, the page's
// policy lets no script run but those that are written here, by their hash.
func HTML(r *report.Report) ([]byte, error) { return write(r, 0) }

// Live is HTML as pkg/serve sends it: the page asks its own server for what
// changes, and nobody else. number, from 1, tells it from earlier ones.
func Live(r *report.Report, number int) ([]byte, error) { return write(r, number) }

func write(r *report.Report, live int) ([]byte, error) {
	whole := r
	r = r.Shown(min(report.MostRows, max(1, mostLines/max(1, len(r.Seeds)))))
	p := page{Live: live, R: clean(r), Data: newData(r), LeftOut: render.LeftOut(r)}
	if err := p.load(); err != nil {
		return nil, err
	}
	at := strings.Index(p.R.Asked+"?", "?") + 1
	p.Question, p.Required = p.R.Asked[:min(at, len(p.R.Asked))], strings.TrimSpace(p.R.Asked[min(at, len(p.R.Asked)):])
	p.tables(r)
	p.mistakes(whole, r)
	for _, f := range figure.List(r) {
		if f.Name != figure.Accuracy && f.Name != figure.Targets {
			continue
		}
		svg, err := figure.SVG(r, f.Name)
		if err != nil {
			return nil, err
		}
		still := template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(svg))
		if f.Name == figure.Accuracy {
			p.Drawn, p.Caption, p.Still = true, f.Caption, still
		} else {
			p.Targets, p.TargetsSay = still, f.Caption
		}
	}
	r.Noun.All(&p)
	t, err := template.New("page.html").Funcs(template.FuncMap{"noun": r.Noun.Of, "slug": slug, "term": openTerm, "endterm": closeTerm,
		"code":  codeText,
		"plain": text.Plain, "headterm": headTerm, "lines": func(each int, t render.Table) pageTable { return pageTable{t, each} }}).ParseFS(assets, "assets/page.html")
	if err != nil {
		return nil, fmt.Errorf("read the page's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("write the page of %s: %w", r.Name, err)
	}
	return b.Bytes(), nil
}

// clean is a copy whose free text has no control or direction characters, and
// whose percent signs stay with their numbers.
func clean(r *report.Report) *report.Report {
	glue := func(s string) string { return strings.ReplaceAll(text.Plain(s), " %", "\u00a0%") }
	out := *r
	out.Name, out.About, out.Asked, out.Answer.Sentence = text.Plain(r.Name), glue(r.About), glue(r.Asked), glue(r.Answer.Sentence)
	out.Answer.More = nil
	for _, s := range r.Answer.More {
		out.Answer.More = append(out.Answer.More, glue(s))
	}
	out.Setup = nil
	for _, f := range r.Setup {
		out.Setup = append(out.Setup, report.Fact{Name: text.Plain(f.Name), Value: glue(f.Value)})
	}
	return &out
}

// load reads styles and scripts and writes the policy that names them.
func (p *page) load() error {
	read := func(name string) (string, error) {
		b, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return "", fmt.Errorf("read the page's parts: %w", err)
		}
		return string(b), nil
	}
	style, err := read("page.css")
	if err != nil {
		return err
	}
	p.Style = template.CSS(style)
	own := "\"use strict\";\n(() => {\n"
	for _, name := range pageScripts() {
		if name == "page_live.js" && p.Live == 0 {
			continue
		}
		s, err := read(name)
		if err != nil {
			return err
		}
		own += s
	}
	own += "})();\n"
	var hashes []string
	for _, name := range []string{"d3.min.js", "plot.min.js", ""} {
		s := own
		if name != "" {
			if s, err = read(name); err != nil {
				return err
			}
		}
		sum := sha256.Sum256([]byte(s))
		hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		p.Scripts = append(p.Scripts, template.JS(s))
	}
	p.Policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src " +
		strings.Join(hashes, " ")
	if p.Live > 0 {
		p.Policy += "; connect-src 'self'"
	}
	for _, name := range []string{"plot", "d3"} {
		s, err := read(name + ".LICENSE")
		if err != nil {
			return err
		}
		p.Licences += name + "\n\n" + s + "\n"
	}
	return nil
}

// slug is the definition's place in the page: "mean, sd" is mean-sd.
func slug(term string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(term), func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	}), "-")
}

// openTerm starts text whose definition shows on hover and focus.
func openTerm(term string) template.HTML {
	s := slug(term)
	return template.HTML(`<span class="term" tabindex="0" data-def="` + s + `" aria-describedby="def-` + s + `">`)
}

func closeTerm() template.HTML { return `</span>` }

// codeText escapes text and shows what stands between two backquotes as code.
func codeText(s string) template.HTML {
	parts := strings.Split(text.Plain(s), "`")
	if len(parts) != 3 {
		return template.HTML(template.HTMLEscapeString(text.Plain(s)))
	}
	for i := range parts {
		parts[i] = template.HTMLEscapeString(parts[i])
	}
	return template.HTML(parts[0] + "<code>" + parts[1] + "</code>" + parts[2])
}
