package report_test

import (
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/report"
	"slimfit/pkg/report/render"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
)

// A network that always answers the class of most images is the answer to a low
// target: every line of the report that says so says what it is worth.
func TestGuessingIsNamed(t *testing.T) {
	in := reporttest.Flawed(t)
	in.Experiment.Target = &experiment.Target{Accuracy: 0.9, Confidence: 0.95, Cost: "parameters", Rule: "worst"}
	in.Classes = []string{"ok", "scratch", "a,b", "3", "4", "5", "6", "7", "8", "9"}
	for i := range in.Results {
		r := &in.Results[i]
		for _, s := range result.Splits() {
			n := s.Images(r.Dataset)
			labels, answers := make([]uint8, n), make([]int, n)
			for k := range n / 20 { // one in twenty is no ok
				labels[k] = uint8(1 + k%2)
			}
			r.SetOn(s, result.Score(answers, labels, r.Dataset.Classes))
		}
	}
	r := reporttest.Build(t, in, report.Options{})
	if r.Answer.Pick < 0 {
		t.Fatal(r.Answer.Sentence)
	}
	for _, want := range []string{"Always answering ok is right on 95.00 % of the validation images.",
		`it does no better than always answering ok (95.00 %) and never answers scratch and "a,b", which its accuracy does not show`,
		"target: {recall: {all: 0.5}}", "class", `scratch`, "100.00"} {
		got := strings.Join(strings.Fields(string(render.Text(r))), " ")
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, render.Text(r))
		}
	}
	md := string(render.Markdown([]*report.Report{r}, ""))
	if !strings.Contains(md, "| scratch | ") || !strings.Contains(md, "| 0.00 | 0.00 | ok (100.00 %) |") {
		t.Errorf("no recall of scratch in:\n%s", md)
	}
	if !strings.Contains(md, "| 3 | 0 | – | – | – |") {
		t.Errorf("a recall of a class without images in:\n%s", md)
	}
	if len(r.Warnings) == 0 || !strings.Contains(r.Warnings[0].Text+r.Warnings[len(r.Warnings)-1].Text, "always answering ok") {
		t.Errorf("warnings %+v", r.Warnings)
	}
}
