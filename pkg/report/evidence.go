package report

import (
	"fmt"
	"slices"
	"strings"

	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// Evidence is a search's certificate as a report shows it.
type Evidence struct {
	Summary string   `json:"summary"` // one sentence
	Notes   []string `json:"notes"`   // what it promises, and its warnings
	Facts   []Fact   `json:"facts"`
	Tables  []Table  `json:"-"`
	Rules   []string `json:"rules"`
	// Answers is false where the certificate is for another target than the
	// experiment now has: then it is shown, and answers nothing.
	Answers bool           `json:"answers"`
	Verdict result.Verdict `json:"verdict"`
	winner  string
	because map[string]string // config ID to why it was left out
	refuted map[string]bool   // passed on validation, failed on the test images
}

func (e *Evidence) answers() bool { return e != nil && e.Answers }

// finding says why the search left the configuration out; "" where it did not.
func (e *Evidence) finding(id string) string {
	if !e.answers() {
		return ""
	}
	return e.because[id]
}

// certify takes a certificate over. It answers the report's question where it
// is of the same target.
func (r *Report) certify(c *result.Certificate) {
	if c == nil {
		return
	}
	e := &Evidence{Summary: r.named(c.Summary), Rules: c.Rules, Verdict: c.Verdict, because: map[string]string{}, refuted: map[string]bool{}}
	e.Answers = r.Target != nil && c.Target.Accuracy == r.Target.Accuracy && c.Target.Rule == r.Target.Rule && c.Target.Cost == r.Target.Cost && c.Target.Precision == r.Target.Precision
	if !e.Answers {
		r.warn("The certificate is of another target than the experiment file has now: it is shown, but is not the answer.")
	}
	e.Notes = append(e.Notes, c.Promises...)
	for _, w := range c.Warnings {
		e.Notes = append(e.Notes, "Warning: "+w)
	}
	if !c.Exact {
		e.Notes = append(e.Notes, "Assumed: "+c.Assumption.Text)
	}
	if c.Winner != nil {
		e.winner = c.Winner.ConfigID
	}
	for _, j := range c.Candidates {
		e.because[j.ConfigID] = findingWords(j.Finding)
		e.refuted[j.ConfigID] = j.Finding == result.FoundRefuted
	}
	e.Facts = []Fact{
		{"Verdict", string(c.Verdict)},
		{"Target", fmt.Sprintf("%s accuracy with %s confidence, rule %s, cheapest by %s", text.Threshold(c.Target.Accuracy), text.Threshold(c.Target.Confidence), c.Target.Rule, c.Target.Cost)},
		{"Trained", fmt.Sprintf("%d of the grid's %s, %.1f %% of its steps", c.Effort.Trials, text.Count(c.Effort.GridTrials, "trial"), 100*c.Effort.Share)},
		{"Chance of error", fmt.Sprintf("%s of %s spent, on %s of the test images", text.Threshold(c.Alpha.Spent), text.Threshold(c.Alpha.Total), text.Count(len(c.Openings), "opening"))},
		{"Rests on", text.Count(len(c.Files), "result file") + ", whose SHA-256 are in it; `slimfit verify` checks them all"},
	}
	if c.Target.Precision != "" {
		e.Facts[1].Value += ", judged in " + c.Target.Precision
		e.Facts[4].Value = text.Count(len(c.Files), "file") + " (result.json and int8.json), whose SHA-256 are in it; `slimfit verify` checks them all"
	}
	e.Tables = []Table{r.openingsTable(c), r.candidatesTable(c)}
	r.Evidence = e
}

// findingWords says why a configuration was left out; "" for the winner.
func findingWords(f result.Finding) string {
	switch f {
	case result.FoundWinner:
		return ""
	case result.FoundRejected:
		return "rejected by the search"
	case result.FoundRefuted:
		return "refuted on the test images"
	case result.FoundSkipped:
		return "skipped by the search"
	case result.FoundDearer:
		return "not needed: dearer than the answer"
	case result.FoundOver:
		return "over budget"
	}
	return "not judged by the search"
}

// openingsTable shows every look at the test images.
func (r *Report) openingsTable(c *result.Certificate) Table {
	t := Table{Name: "openings", Caption: "Networks judged on the test images", Columns: []Column{{Head: "configuration"}, {"seed", true},
		{"correct", true}, {"test %", true}, {"at least %", true}, {"alpha", true}, {Head: "passes"}}}
	for _, o := range c.Openings {
		passes := "yes"
		if !o.Passed {
			passes = "no: " + text.Plain(o.Reason)
		}
		for _, n := range o.Networks {
			t.Rows = append(t.Rows, []string{r.rowLabel(o.ConfigID), fmt.Sprint(n.Seed), text.Whole(float64(n.Correct)), text.Percentage(n.Accuracy), text.Percentage(n.Lower), fmt.Sprintf("%.4g", o.Alpha), passes})
		}
	}
	return t
}

// candidatesTable lists the cheaper configurations and why each is not the
// answer; where there is no winner, all of them.
func (r *Report) candidatesTable(c *result.Certificate) Table {
	t := Table{Name: "candidates", Caption: "Every cheaper configuration, cheapest first", Columns: []Column{{Head: "configuration"}, {string(c.Target.Cost), true},
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
		spread := none
		switch {
		case n == 1:
			spread = text.Percentage(low)
		case n > 1:
			spread = text.Percentage(low) + "–" + text.Percentage(high)
		}
		t.Rows = append(t.Rows, []string{r.rowLabel(j.ConfigID), text.Whole(float64(j.Cost)), fmt.Sprint(len(j.Networks)), spread, strings.ReplaceAll(string(j.Finding), "_", " "), text.Plain(j.Reason)})
	}
	return t
}

// refuted says whether the search's answer rests on this configuration having
// failed on the test images.
func (r *Report) refuted(row *Row) bool { return r.Evidence.answers() && r.Evidence.refuted[row.ID] }

func (r *Report) rowOf(id string) int {
	return slices.IndexFunc(r.Rows, func(row Row) bool { return row.ID == id })
}

func (r *Report) rowLabel(id string) string {
	if i := r.rowOf(id); i >= 0 {
		return r.Rows[i].Label
	}
	return text.Plain(id)
}

// named puts labels for the config IDs that a sentence starts with.
func (r *Report) named(sentence string) string {
	id, rest, ok := strings.Cut(sentence, " ")
	if i := r.rowOf(id); ok && i >= 0 && r.Rows[i].Label != id {
		return fmt.Sprintf("%s (%s) %s", r.Rows[i].Label, id, rest)
	}
	return sentence
}

// certified takes the answer from the certificate.
func (r *Report) certified() {
	r.Answer.Sentence = r.Evidence.Summary
	i := r.rowOf(r.Evidence.winner)
	if i < 0 {
		return
	}
	row, k := &r.Rows[i], r.costIndex(r.Target.Cost)
	r.Answer.Pick = i
	if s := r.fewer(row, k); s != "" {
		r.Answer.Sentence = strings.TrimSuffix(r.Answer.Sentence, ".") + s + "."
	}
	if test := r.judgedScore(row, Test); test != nil {
		r.Answer.More = append(r.Answer.More, "On the test images, opened for it once it was chosen, "+spread(test)+".")
	}
	r.Answer.More = append(r.Answer.More, "A search found it, so not every network was trained; the certificate says what was left out and why.")
}
