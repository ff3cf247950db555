package page

import (
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/report"
	"slimfit/pkg/report/reporttest"
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
