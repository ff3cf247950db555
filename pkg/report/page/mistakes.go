package page

import (
	"encoding/base64"
	"fmt"
	"html/template"

	"slimfit/pkg/report"
	"slimfit/pkg/text"
)

// pageMistake is a picture that the chosen network gets wrong.
type pageMistake struct {
	Picture         template.URL // "": none
	True, Predicted string
	Seeds           string
	Image           string
}

// mistakes shows what the chosen network gets wrong.
func (p *page) mistakes(r *report.Report) {
	if len(r.Mistakes) == 0 {
		return
	}
	row := &r.Rows[r.Chosen()]
	p.MistakesOf = fmt.Sprintf("Of the %s images, those that most seeds of %s get wrong", r.Split, row.Label)
	if r.JudgesInt8() {
		p.MistakesOf += ", as float32 networks"
	}
	done := 0
	if s := row.Score(r.Split); s != nil {
		done = s.N
	}
	for _, m := range r.Mistakes {
		out := pageMistake{True: text.Plain(text.Class(r.Classes, m.True)), Predicted: text.Plain(text.Class(r.Classes, m.Predicted)),
			Seeds: fmt.Sprintf("%d of %s", m.Seeds, text.Count(done, "seed")),
			Image: "image " + text.Thousands(m.Image)}
		if m.Picture != nil {
			out.Picture = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(m.Picture))
		}
		p.Mistakes = append(p.Mistakes, out)
	}
}
