package page

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"

	"slimfit/pkg/report"
	"slimfit/pkg/text"
)

// pageMistake is a picture that the chosen network gets wrong.
type pageMistake struct {
	Picture         template.URL // "": none
	True, Predicted string
	Scores          string // "" where they are not known
	Seeds           string
	Image           string // its file, or its number
}

// mistakes shows what the chosen network gets wrong;
// shown has the rows of the page.
func (p *page) mistakes(r, shown *report.Report) {
	p.Data.Mistaken = -1
	if len(r.Mistakes) == 0 {
		return
	}
	p.Data.Mistaken = slices.IndexFunc(shown.Rows, func(row report.Row) bool { return row.ID == r.Rows[r.Chosen()].ID })
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
		if m.File != "" {
			out.Image = text.Plain(m.File)
		}
		if m.Scored > 0 {
			out.Scores = fmt.Sprintf("score %.2f, of %s %.2f", m.Score, text.ShortenMiddle(out.True, 24), m.TrueScore)
		}
		if m.Picture != nil {
			out.Picture = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(m.Picture))
		}
		p.Mistakes = append(p.Mistakes, out)
	}
}
