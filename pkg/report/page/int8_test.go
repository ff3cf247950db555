package page

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/report"
	"slimfit/pkg/report/figure"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// The page of a target in int8 draws and judges the int8 networks, and says so.
func TestInt8Page(t *testing.T) {
	in := reporttest.Quantized(t)
	target := *in.Experiment.Target
	target.Precision = experiment.Int8
	in.Experiment.Target = &target
	r := reporttest.Build(t, in, report.Options{})
	p := open(t, browser(t), r, desktop)
	pick := &r.Rows[r.Answer.Pick]
	card := p.text("#pick")
	if !strings.Contains(card, pick.Label) ||
		!strings.Contains(card, "int8 validation, mean"+text.Percentage(pick.Int8.Validation.Mean)+" %") {
		t.Errorf("the card says %q, want the int8 mean of %s", card, pick.Label)
	}
	if chart := p.text("#chart"); !strings.Contains(chart, "int8 validation accuracy (%)") {
		t.Errorf("the chart says %q", chart)
	}
	p.fits(desktop)
	p.shoot("int8")
}

// Before anything is quantized, chart and figures show the float32 networks and
// say so, and none of them meets the target.
func TestUnquantizedPage(t *testing.T) {
	in := reporttest.Quantized(t)
	target := *in.Experiment.Target
	target.Precision, in.Int8 = experiment.Int8, nil
	in.Experiment.Target = &target
	r := reporttest.Build(t, in, report.Options{})
	want := "float32; the target is in int8: slimfit quantize " + r.Name
	p := open(t, browser(t), r, desktop)
	if n := js[int](p, `document.querySelectorAll("#chart .points path, #chart .points circle").length`); n != len(r.Rows) {
		t.Errorf("%d marks of %d networks", n, len(r.Rows))
	}
	if p.text("#pick-name") != "none" || !strings.Contains(p.text("#pick"), "0 of "+text.Thousands(len(r.Rows))+" networks meet it") ||
		!strings.Contains(p.text("#stand-in"), want) || !strings.Contains(p.text("#chart"), "float32 validation accuracy (%)") {
		t.Errorf("the card says %q under %q, the chart %q", p.text("#pick"), p.text("#stand-in"), p.text("#chart"))
	}
	p.fits(desktop)
	for _, f := range figure.List(r)[:2] {
		svg, err := figure.SVG(r, f.Name)
		if err != nil || !strings.Contains(string(svg), want) || !strings.Contains(string(svg), "validation accuracy in float32 (%)") ||
			!strings.Contains(f.Caption, "the target is in int8") {
			t.Errorf("%s.svg (%v) does not say that it draws float32; its caption is %q", f.Name, err, f.Caption)
		}
	}
}

// The card names what a search certified, not a smaller network that passes on the
// validation images and was not shown on the test images.
func TestCertifiedCard(t *testing.T) {
	in := reporttest.Quantized(t)
	r := reporttest.Build(t, in, report.Options{})
	plain := &r.Rows[r.Answer.Pick]
	dearer := slices.IndexFunc(r.Rows, func(row report.Row) bool {
		return row.Verdict == report.Meets && row.Footprint.Parameters > plain.Footprint.Parameters
	})
	if dearer < 0 {
		t.Fatal("one network alone passes")
	}
	winner, asked := r.Rows[dearer], in.Experiment.Target
	in.Certificate = &result.Certificate{Seeds: r.Seeds, Verdict: result.Certified, Summary: winner.ID + " is the cheapest.",
		Target: result.Target{Accuracy: asked.Accuracy, Confidence: asked.Confidence, Rule: r.Target.Rule, Cost: r.Target.Cost},
		Winner: &result.Winner{ConfigID: winner.ID}, Openings: []result.Opening{{ConfigID: plain.ID}, {ConfigID: winner.ID, Passed: true}},
		Candidates: []result.Judged{{ConfigID: plain.ID, Finding: result.FoundNotShown}, {ConfigID: winner.ID, Finding: result.FoundWinner}}}
	p := open(t, browser(t), reporttest.Build(t, in, report.Options{}), desktop)
	if got := p.text("#pick-name"); got != winner.Label || !strings.Contains(p.text("#pick"), "This is what the search certified") {
		t.Errorf("the card names %q, the certificate %q", got, winner.Label)
	}
	if tip := js[string](p, fmt.Sprintf(`document.querySelector('#chart .mark[data-row="%d"]').dataset.tip`, r.Answer.Pick)); !strings.Contains(tip,
		"not shown on the test images") {
		t.Errorf("the refused network's mark says %q", tip)
	}
}

// The page's tables have the int8 figures where there are some.
func TestInt8Tables(t *testing.T) {
	b, err := HTML(reporttest.Build(t, reporttest.Quantized(t), report.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"int8 validation mean", "int8 test mean"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}
