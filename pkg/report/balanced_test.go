package report_test

import (
	"bytes"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/report"
	"slimfit/pkg/report/page"
	"slimfit/pkg/report/render"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// By balanced accuracy networks that guess the largest class miss a target that
// their accuracy reaches; answer, scores, table and page are of that metric.
func TestBalancedAccuracy(t *testing.T) {
	in := reporttest.Flawed(t)
	in.Experiment.Target = &experiment.Target{Accuracy: 0.6, Metric: target.BalancedAccuracy, Confidence: 0.95,
		Cost: "parameters", Rule: "worst"}
	guessing := in.Results[0].ConfigID
	for i := range in.Results {
		r := &in.Results[i]
		for _, s := range result.Splits() {
			labels, answers := make([]uint8, s.Images(r.Dataset)), make([]int, s.Images(r.Dataset))
			for k := range len(labels) / 20 {
				if labels[k] = uint8(1 + k%9); r.ConfigID != guessing && k%2 == 0 {
					answers[k] = int(labels[k])
				}
			}
			r.SetOn(s, result.Score(answers, labels, r.Dataset.Classes))
		}
	}
	r := reporttest.Build(t, in, report.Options{})
	row := r.Rows[r.RowOf(guessing)]
	if s := r.JudgedScore(&row, report.Validation); s == nil || s.Mean != 0.1 || row.Validation.Mean != 0.95 || s.WorstBound == nil ||
		*s.WorstBound >= 0.1 || row.Verdict != report.Misses {
		t.Errorf("the one that guesses: %+v, %s", s, row.Verdict)
	}
	if m := r.JudgedOn(&row.Trials[0], report.Validation); m.Accuracy != 0.1 || !(m.Interval.Low < 0.1 && 0.1 < m.Interval.High) {
		t.Errorf("its first seed: %+v", m)
	}
	got := strings.Join(strings.Fields(string(render.Text(r))), " ")
	for _, want := range []string{"still reaches 60 % balanced accuracy on the images",
		"the target of 60 % balanced accuracy on the validation",
		"balanced validation, mean", "meets 60 % balanced accuracy", "The balanced accuracy is the mean over classes of recalls",
		"60 % balanced accuracy; a network meets it where every seed reaches it"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, render.Text(r))
		}
	}
	in.Experiment.Target.Accuracy = 0.5
	r = reporttest.Build(t, in, report.Options{})
	if r.Answer.Pick < 0 || r.Rows[r.Answer.Pick].ID == guessing || !strings.Contains(r.Answer.Sentence, "reach 50 % balanced accuracy") {
		t.Errorf("%d: %s", r.Answer.Pick, r.Answer.Sentence)
	}
	html, err := page.HTML(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"metric":"balanced"`, `"rules":[{"key":"worst"`} {
		if !bytes.Contains(html, []byte(want)) {
			t.Errorf("the page's data have no %s", want)
		}
	}
	if bytes.Contains(html, []byte(`{"key":"mean"`)) {
		t.Error("the page offers the rule mean for a balanced accuracy")
	}
}
