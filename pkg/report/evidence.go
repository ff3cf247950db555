package report

import (
	"fmt"
	"slices"
	"strings"

	"slimfit/pkg/result"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// Evidence is a search's certificate as a report shows it.
type Evidence struct {
	Summary string   `json:"summary"` // one sentence
	Notes   []string `json:"notes"`   // what it promises, and its warnings
	Facts   []Fact   `json:"facts"`
	Rules   []string `json:"rules"`
	// Answers is false where the certificate is for another target than the
	// experiment now has: then it is shown, and answers nothing.
	Answers bool           `json:"answers"`
	Verdict result.Verdict `json:"verdict"`

	Certificate *result.Certificate   `json:"-"` // what it is taken from
	Targets     []*result.Certificate `json:"-"` // of all targets that it answers, rising
}

// certify takes a certificate over. It answers the report's question where it
// is of the same target.
func (r *planned) certify(c *result.Certificate) {
	if c == nil {
		return
	}
	e := &Evidence{Certificate: c, Summary: r.named(c.Summary), Rules: c.Rules, Verdict: c.Verdict}
	e.Answers = r.Target != nil && c.Target.Accuracy == r.Target.Accuracy && c.Target.Rule == r.Target.Rule &&
		c.Target.Metric == r.Target.Metric && c.Target.Cost == r.Target.Cost && c.Target.Precision == r.Target.Precision &&
		c.Target.Device == r.Target.asked.Device &&
		c.Target.Confidence == r.Target.Confidence && slices.Equal(c.Seeds, r.Seeds[:min(r.Target.Seeds, len(r.Seeds))])
	if !e.Answers {
		r.warn("The certificate is of another target, or of other seeds, than the experiment file has now: it is shown, but is not the answer.")
	}
	e.Notes = append(e.Notes, c.Promises...)
	for _, w := range c.Warnings {
		e.Notes = append(e.Notes, "Warning: "+w)
	}
	if !c.Exact {
		e.Notes = append(e.Notes, "Assumed: "+c.Assumption.Text)
	}
	opened := func(id string) bool {
		return slices.ContainsFunc(c.Openings, func(o result.Opening) bool { return o.ConfigID == id })
	}
	for _, j := range c.Candidates {
		if e.Answers {
			r.because[j.ConfigID] = findingWords(j.Finding)
			switch j.Finding {
			case result.FoundRefuted, result.FoundNotShown, result.FoundUnopened:
				r.refused[j.ConfigID] = findingWords(j.Finding)
			}
			if opened(j.ConfigID) && j.Finding == result.FoundNotShown {
				r.refused[j.ConfigID] = "not shown on the test images"
			}
		}
	}
	e.Facts = []Fact{
		{"Verdict", string(c.Verdict)},
		{"Target", fmt.Sprintf("%s %s with %s confidence, rule %s, cheapest by %s", text.Threshold(c.Target.Accuracy),
			(&target.Target{Metric: c.Target.Metric}).MetricName(), text.Threshold(c.Target.Confidence), c.Target.Rule, c.Target.Cost)},
		{"Trained", fmt.Sprintf("%d of the grid's %s, %.1f %% of its steps", c.Effort.Trials, text.Count(c.Effort.GridTrials, "trial"), 100*c.Effort.Share)},
		{"Chance of error", fmt.Sprintf("%s of %s spent, on %s of the test images", text.Threshold(c.Alpha.Spent), text.Threshold(c.Alpha.Total), text.Count(len(c.Openings), "opening"))},
		{"Rests on", text.Count(len(c.Files), "result file") + ", whose SHA-256 are in it; `slimfit verify` checks them all"},
	}
	if c.Target.Precision != "" {
		e.Facts[1].Value += ", judged in " + c.Target.Precision
		e.Facts[4].Value = text.Count(len(c.Files), "file") + " (result.json and int8.json), whose SHA-256 are in it; `slimfit verify` " +
			"checks them all"
	}
	e.Targets = c.Targets()
	r.Evidence = e
}

// findingWords says why a configuration was left out; "" for the winner.
func findingWords(f result.Finding) string {
	words, ok := map[result.Finding]string{result.FoundWinner: "", result.FoundRejected: "rejected by the search",
		result.FoundRefuted: "refuted on the test images", result.FoundSkipped: "skipped by the search",
		result.FoundNotShown: "not shown by the search", result.FoundUnopened: "test images were not opened for it",
		result.FoundDearer: "not needed: dearer than the answer", result.FoundOver: "over budget"}[f]
	if !ok {
		return "not judged by the search"
	}
	return words
}

// named puts labels for the config IDs that a sentence starts with.
func (r *planned) named(sentence string) string {
	id, rest, ok := strings.Cut(sentence, " ")
	if i := r.RowOf(id); ok && i >= 0 && r.Rows[i].Label != id {
		return fmt.Sprintf("%s (%s) %s", r.Rows[i].Label, id, rest)
	}
	return sentence
}

// certified takes the answer from the certificate.
func (r *decided) certified() {
	r.Answer.Sentence = r.Evidence.Summary
	winner := r.Evidence.Certificate.Winner
	if winner == nil {
		return
	}
	i := r.RowOf(winner.ConfigID)
	if i < 0 {
		return
	}
	row, k := &r.Rows[i], r.CostIndex(r.Target.Cost)
	r.Answer.Pick = i
	r.guessed(row)
	if s := r.fewer(row, k); s != "" {
		r.Answer.Sentence += " That is " + strings.TrimPrefix(s, ", ") + "."
	}
	if k := r.Dataset.Folds; k > 0 {
		r.Answer.More = append(r.Answer.More, pooled(k))
	}
	if test := r.JudgedScore(row, Test); test != nil {
		r.Answer.More = append(r.Answer.More, "On the test images, opened for it once it was chosen, "+spread(test)+".")
	}
	r.Answer.More = append(r.Answer.More, "A search found it, so not every network was trained; the certificate says what was left out "+
		"and why.")
}

// certifiedBy says whether the certificate rests on networks of the seed that no
// experiment file has.
func (e *Evidence) certifiedBy(seed int64) bool {
	return e != nil && slices.Contains(e.Certificate.FreshSeeds, seed)
}
