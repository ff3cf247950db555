package render

import (
	"fmt"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

func Certificate(r *report.Report) Section {
	e := r.Evidence
	if e == nil {
		return Section{}
	}
	s := Section{Title: "Certificate", Text: append([]string{e.Summary}, e.Notes...), Facts: e.Facts, List: e.Rules}
	for _, t := range []Table{openingsTable(r, e.Certificate), candidatesTable(r, e.Certificate)} {
		if len(t.Rows) > 0 {
			s.Tables = append(s.Tables, t)
		}
	}
	return s
}

// openingsTable shows every look at the test images.
func openingsTable(r *report.Report, c *result.Certificate) Table {
	t := Table{Name: "openings", Caption: "Networks judged on the test images", Columns: []Column{{Head: "configuration"}, {"seed", true},
		{"correct", true}, {"test %", true}, {"at least %", true}, {"alpha", true}, {Head: "passes"}}}
	for _, o := range c.Openings {
		passes := "yes"
		if !o.Passed {
			passes = "no: " + text.Plain(o.Reason)
		}
		for _, n := range o.Networks {
			t.Rows = append(t.Rows, []string{r.RowLabel(o.ConfigID), fmt.Sprint(n.Seed), text.Whole(float64(n.Correct)),
				text.Percentage(n.Accuracy), text.Percentage(n.Lower), fmt.Sprintf("%.4g", o.Alpha), passes})
		}
	}
	return t
}

// candidatesTable lists the cheaper configurations and why each is not the
// answer; where there is no winner, all of them.
func candidatesTable(r *report.Report, c *result.Certificate) Table {
	t := Table{Name: "candidates", Caption: "Every cheaper configuration, cheapest first",
		Columns: []Column{{Head: "configuration"}, {string(c.Target.Cost), true},
			{"seeds", true}, {"validation %", true}, {Head: "finding"}, {Head: "why"}}}
	if c.Winner == nil {
		t.Caption = "Every configuration, cheapest first"
	}
	for _, j := range c.Candidates {
		if j.Finding == result.FoundDearer {
			continue
		}
		low, high, n := 1.0, 0.0, 0
		for _, s := range j.Networks {
			if s.Status == result.Done {
				low, high, n = min(low, s.Accuracy), max(high, s.Accuracy), n+1
			}
		}
		spread := None
		switch {
		case n == 1:
			spread = text.Percentage(low)
		case n > 1:
			spread = text.Percentage(low) + "–" + text.Percentage(high)
		}
		t.Rows = append(t.Rows, []string{r.RowLabel(j.ConfigID), text.Whole(float64(j.Cost)), fmt.Sprint(len(j.Networks)), spread,
			strings.ReplaceAll(string(j.Finding), "_", " "), text.Plain(j.Reason)})
	}
	return t
}
