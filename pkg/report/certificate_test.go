package report_test

import (
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/report/render"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// A search's report: what it left out is no gap, and its answer is the answer.
func TestCertificate(t *testing.T) {
	in := reporttest.Flawed(t)
	r := reporttest.Build(t, in, report.Options{})
	pick := r.Rows[r.Answer.Pick]
	accuracy := 0.94
	c := &result.Certificate{Experiment: "simulated-slices", Seeds: []int64{0, 1, 2}, Verdict: result.Certified, Summary: pick.ID +
		" is the cheapest of 6 configurations.",
		Target: result.Target{Accuracy: 0.93, Confidence: 0.95, Rule: "worst", Cost: "parameters"},
		Winner: &result.Winner{ConfigID: pick.ID}, Promises: []string{"Each of these 3 trained networks is right on at least 93 %."},
		Openings:   []result.Opening{{ConfigID: pick.ID, Alpha: 0.05, Passed: true, Networks: []result.TestedNetwork{{Seed: 0, Correct: 954, Accuracy: 0.954, Lower: 0.94}}}},
		Candidates: []result.Judged{{ConfigID: pick.ID, Cost: 51646, Finding: result.FoundWinner, Statistic: &accuracy}}}
	for _, row := range r.Rows {
		if row.ID != pick.ID {
			c.Candidates = append(c.Candidates, result.Judged{ConfigID: row.ID, Cost: row.Footprint.Parameters, Finding: result.FoundSkipped,
				Reason: "networks at least as large fail"})
		}
	}
	in.Certificate = c
	s := reporttest.Build(t, in, report.Options{})
	if s.Counts.Missing != 0 || s.Counts.Skipped != 1 || len(s.Missing.Trials) != 0 {
		t.Errorf("counts %+v, missing %v", s.Counts, s.Missing.Trials)
	}
	if s.Answer.Pick != r.Answer.Pick || !strings.HasPrefix(s.Answer.Sentence, "kernel 5, filters 2 (c5x2") {
		t.Errorf("answer %d: %s", s.Answer.Pick, s.Answer.Sentence)
	}
	text := string(render.Text(s))
	for _, want := range []string{"Certificate", "Each of these 3 trained networks", "skipped by the search",
		"1 trial left out by the search", "95.40"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text does not say %q", want)
		}
	}
	// Refuted on the test images: whatever its validation accuracy, not the answer.
	i := slices.IndexFunc(c.Candidates, func(j result.Judged) bool { return j.ConfigID == s.Rows[1].ID })
	c.Candidates[i].Finding = result.FoundRefuted
	if s = reporttest.Build(t, in, report.Options{}); s.Rows[1].Verdict != report.Misses || s.Rows[1].Why != "refuted on the test images" {
		t.Errorf("a refuted network: %s (%s)", s.Rows[1].Verdict, s.Rows[1].Why)
	}
	c.Target.Accuracy = 0.5
	if s = reporttest.Build(t, in, report.Options{}); s.Counts.Missing != 1 || s.Evidence.Answers {
		t.Error("a certificate of another target answers")
	}
}

// A certificate by balanced accuracy shows that, and no accuracy that the bound
// beside it is not of.
func TestBalancedCertificate(t *testing.T) {
	in := reporttest.Flawed(t)
	id := in.Results[0].ConfigID
	in.Certificate = &result.Certificate{Seeds: []int64{0, 1, 2}, Summary: "None.",
		Target: result.Target{Accuracy: 0.6, Metric: target.BalancedAccuracy, Confidence: 0.95, Rule: "worst", Cost: "parameters"},
		Openings: []result.Opening{{ConfigID: id, Networks: []result.TestedNetwork{
			{Accuracy: 0.954, Balanced: new(0.612), Lower: 0.58}}}},
		Candidates: []result.Judged{{ConfigID: id, Networks: []result.ScreenedNetwork{
			{Status: result.Done, Accuracy: 0.954, Balanced: new(0.634)}}}}}
	text := string(render.Text(reporttest.Build(t, in, report.Options{})))
	_, text, _ = strings.Cut(text, "\nCertificate\n")
	text, _, _ = strings.Cut(text, "\nDefinitions\n")
	for _, want := range []string{"60 % balanced accuracy with 95 % confidence", "balanced test %", "61.20", "balanced validation %",
		"63.40"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "95.40") {
		t.Errorf("an accuracy in:\n%s", text)
	}
}

// A certificate of two seeds does not answer what was asked of three.
func TestCertificateOfOtherSeeds(t *testing.T) {
	for _, seeds := range [][]int64{{0, 1}, {0, 1, 3}, {0, 1, 2}} {
		in := reporttest.Flawed(t)
		in.Certificate = &result.Certificate{Seeds: seeds, Verdict: result.Unmet, Summary: "None.",
			Target: result.Target{Accuracy: 0.93, Confidence: 0.95, Rule: "worst", Cost: "parameters"}}
		r := reporttest.Build(t, in, report.Options{})
		if want := len(seeds) == 3 && seeds[2] == 2; r.Evidence.Answers != want {
			t.Errorf("of the seeds %v: it answers: %v", seeds, r.Evidence.Answers)
		}
	}
}

// A smaller network whose seeds all pass on validation, and that the search did not
// show: the certificate's choice stays the answer, in every text.
func TestCertificateNotShown(t *testing.T) {
	in := reporttest.Quantized(t)
	r := reporttest.Build(t, in, report.Options{})
	smaller, asked := r.Rows[r.Answer.Pick], in.Experiment.Target
	i := slices.IndexFunc(r.Rows, func(row report.Row) bool {
		return row.Verdict == report.Meets && row.Footprint.Parameters > smaller.Footprint.Parameters
	})
	if i < 0 {
		t.Fatal("one network alone passes on validation")
	}
	in.Certificate = &result.Certificate{Seeds: r.Seeds, Verdict: result.Certified, Summary: r.Rows[i].ID + " is the cheapest.",
		Target:     result.Target{Accuracy: asked.Accuracy, Confidence: asked.Confidence, Rule: r.Target.Rule, Cost: r.Target.Cost},
		Winner:     &result.Winner{ConfigID: r.Rows[i].ID},
		Candidates: []result.Judged{{ConfigID: smaller.ID, Finding: result.FoundNotShown}, {ConfigID: r.Rows[i].ID, Finding: result.FoundWinner}}}
	for _, want := range []string{"not shown by the search", "not shown on the test images"} {
		s := reporttest.Build(t, in, report.Options{})
		if got := s.Rows[r.Answer.Pick]; got.Verdict != report.Misses || got.Why != want || s.Answer.Pick != i {
			t.Errorf("%s, not shown: %s (%s), the answer is %d", got.ID, got.Verdict, got.Why, s.Answer.Pick)
		}
		for _, written := range [][]byte{render.Text(s), render.Markdown([]*report.Report{s}, "")} {
			if !strings.Contains(string(written), want) || !strings.Contains(string(written), s.Evidence.Summary) {
				t.Errorf("text or Markdown does not say %q:\n%.2000s", want, written)
			}
		}
		in.Certificate.Openings = []result.Opening{{ConfigID: smaller.ID, Alpha: 0.01}}
	}
}
