package report_test

import (
	"bytes"
	"strings"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/report/render"
	"slimfit/pkg/report/reporttest"
)

// A report that is cut down for the eye keeps what answers the question, and
// says what it left out.
func TestShown(t *testing.T) {
	r := reporttest.Build(t, reporttest.Many(t), report.Options{})
	s := r.Shown(50)
	if len(s.Rows) != 50 || s.LeftOut != 450 || r.LeftOut != 0 || len(r.Rows) != 500 {
		t.Fatalf("%d rows shown, %d left out", len(s.Rows), s.LeftOut)
	}
	if s.Rows[s.Answer.Pick].ID != r.Rows[r.Answer.Pick].ID || s.Rows[s.Baseline.Row].ID != r.Rows[r.Baseline.Row].ID {
		t.Error("the pick or the baseline is another network")
	}
	for k, i := range s.Front {
		if s.Rows[i].ID != r.Rows[r.Front[k]].ID {
			t.Errorf("the front's number %d is another network", k)
		}
	}
	drawn := 0
	for _, c := range s.Chart.Curves {
		for _, i := range c.Rows {
			drawn++
			if s.Chart.Curves[s.Rows[i].Curve].Label != c.Label {
				t.Errorf("%s is on the curve %s", s.Rows[i].Label, c.Label)
			}
		}
	}
	if drawn != 50 {
		t.Errorf("%d rows on curves, want 50", drawn)
	}
	if text := string(render.Text(r)); !strings.Contains(text, "Shown are 200 of 500 networks") {
		t.Error("the text does not say that networks are left out")
	}
	b, err := render.ConfigurationsCSV([]*report.Report{r})
	if err != nil || bytes.Count(b, []byte("\n")) != 501 {
		t.Errorf("%d lines of csv, error %v", bytes.Count(b, []byte("\n")), err)
	}
	if r.Shown(500) != r {
		t.Error("a report that fits is copied")
	}
}
