package search

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// Noun is what a certificate's data set holds.
func Noun(c *result.Certificate) text.Noun {
	return text.NounOf(c.Dataset.Kind, slices.Concat(c.Classes, []string{c.Experiment, c.Dataset.Name})...)
}

// WriteText writes a certificate for people; the JSON has every detail.
func WriteText(w io.Writer, c *result.Certificate) error {
	t := &sheet{}
	t.line("%s", c.Summary)
	t.line("")
	t.line("Experiment %s on %s (%s), %d validation and %d test images.", c.Experiment, c.Dataset.Name, short(c.Dataset.Digest),
		c.Dataset.Validation, c.Dataset.Test)
	t.line("Target: %s.", targetText(c))
	if g := c.Largest; g != nil {
		t.line("Always answering %s is right on %s of the validation images.", text.Class(namesIn(c), g.Class), text.Percent(g.Share))
	}
	if c.Winner != nil {
		t.winner(c)
	}
	t.front(c)
	if n := c.Nearest; n != nil {
		t.line("Nearest miss: %s (%s), %d %s: %s.%s", n.ConfigID, assignmentText(n.Assignment), n.Cost, c.Target.Cost, n.Reason, wayOut(c))
	}
	t.openings(c)
	t.candidates(c)
	e := c.Effort
	t.line("")
	t.line("Trained: %d of the grid's %d trials, %d of its %d steps (%.1f %%), in %d rounds.", e.Trials, e.GridTrials, e.Steps, e.GridSteps,
		100*e.Share, e.Rounds)
	if c.EarlyStop {
		t.line("Stopped early, by projections: %d of these trials.", e.Stopped)
	}
	t.list("What it assumes", assumptionLines(c))
	t.list("What this promises", c.Promises)
	t.list("How it was decided", c.Rules)
	t.list("Warnings", c.Warnings)
	t.line("")
	files := "result files"
	if c.Target.Precision != "" {
		files = "files, result.json and " + c.Target.Precision + ".json of each trial"
	}
	t.line("It rests on %d %s, whose SHA-256 are in %s; written by slimfit %s. Check it with `slimfit verify`.", len(c.Files), files,
		map[bool]string{false: "the certificate", true: result.ObservedName}[c.Evidence == target.Observed], c.Slimfit)
	_, err := io.WriteString(w, Noun(c).Of(t.String()))
	return err
}

// wayOut is what may help where nothing in a space passes.
func wayOut(c *result.Certificate) string {
	if c.Space == nil {
		return ""
	}
	return fmt.Sprintf(" What may help: more training steps, ranges beyond %[2]d %[1]s, or a lower target.", c.Target.Cost, c.Space.Dearest)
}

func assumptionLines(c *result.Certificate) []string {
	a := c.Assumption
	var out []string
	if c.Exact {
		out = []string{"Nothing: no configuration was skipped for what larger ones showed."}
	} else {
		out = []string{a.Text, fmt.Sprintf("%d configurations rest on it. %d against which it speaks were trained all the same, and failed. "+
			"%d clearly failing networks contain one that reached the target, and skip nothing.", a.Skipped, a.Checked, len(a.Contradicted))}
	}
	if c.Space != nil {
		out = []string{a.Text, sampledText(a)}
	}
	if a.Stopping != "" {
		out = append(out, a.Stopping)
	}
	if a.Pairs > 0 {
		pairs := fmt.Sprintf("Of %d pairs of trained configurations of which one contains the other, the smaller one was better in %d", a.Pairs,
			a.Inverted)
		if a.Inverted > 0 {
			pairs += fmt.Sprintf(", by up to %.2f points", 100*a.Largest)
		}
		out = append(out, pairs+".")
	}
	return out
}

// sampledText says how the model's failures turned out that were trained.
func sampledText(a result.Assumption) string {
	if a.Audited == 0 {
		return "Audited: none, as the model gives up no configuration below the answer."
	}
	return fmt.Sprintf("Audited: %d of the configurations that the model gives up, drawn at random, were trained with one seed: %d reached "+
		"the target. Of the others at most %.0f %% would, by that.", a.Audited, a.Surprises, 100*a.SurprisesAtMost)
}

// sheet collects lines; writing into it cannot fail.
type sheet struct{ strings.Builder }

func (t *sheet) line(format string, args ...any) { fmt.Fprintf(&t.Builder, format+"\n", args...) }

func (t *sheet) list(title string, items []string) {
	if len(items) == 0 {
		return
	}
	t.line("\n%s", title)
	for _, i := range items {
		t.wrap("  - ", i)
	}
}

// lineWidth is where long sentences are broken.
const lineWidth = 100

// wrap breaks a sentence into lines; those after the first are indented as far
// as the lead of the first.
func (t *sheet) wrap(lead, sentence string) {
	t.WriteString(text.Wrap(sentence, lineWidth, lead, strings.Repeat(" ", len(lead))))
}

// table writes rows of cells in aligned columns.
func (t *sheet) table(rows [][]string) {
	var b strings.Builder
	text.Table{Head: rows[0], Rows: rows[1:], Left: len(rows[0])}.Text(&b) // a builder takes everything
	for line := range strings.Lines(b.String()) {
		t.WriteString("  " + line)
	}
}

func (t *sheet) winner(c *result.Certificate) {
	w := c.Winner
	t.line("\nWinner: %s (%s)", w.ConfigID, assignmentText(w.Assignment))
	var rows [][]string
	for _, cost := range footprint.Costs() {
		rows = append(rows, []string{fmt.Sprint(w.Footprint.Get(cost)), cost.Unit()})
	}
	for _, cost := range footprint.MeasuredCosts() {
		if w.Footprint.Has(cost) {
			rows = append(rows, []string{fmt.Sprint(w.Footprint.Get(cost)), cost.Unit()})
		}
	}
	t.table(rows)
	if len(w.Networks) > 0 {
		t.tested(w.Networks, cmp.Or(w.Alpha, 1-c.Target.Confidence), c)
	}
}

// tested shows networks on the test images.
func (t *sheet) tested(networks []result.TestedNetwork, alpha float64, c *result.Certificate) {
	head := "test accuracy"
	if c.Target.Metric != "" {
		head = "balanced accuracy"
	}
	rows := [][]string{{"seed", "correct", head, "at least, at " + text.Threshold(1-alpha), "interval, at " +
		text.Threshold(c.Target.Confidence)}}
	bytes := slices.ContainsFunc(networks, func(n result.TestedNetwork) bool { return n.Int8Bytes > 0 })
	if bytes {
		rows[0] = append(rows[0], "bytes of its int8 file")
	}
	for _, n := range networks {
		correct := fmt.Sprintf("%d of %d", n.Correct, c.Dataset.Test)
		if d := n.Distinct; d != nil {
			correct += fmt.Sprintf(", %d of %d distinct", d.Correct, d.Test)
		}
		rows = append(rows, []string{fmt.Sprint(n.Seed), correct, text.Percent(result.JudgedShare(n.Accuracy, n.Balanced)),
			bound(n.Lower), text.Percent(n.Interval[0]) + " to " + text.Percent(n.Interval[1])})
		if bytes {
			rows[len(rows)-1] = append(rows[len(rows)-1], fmt.Sprint(n.Int8Bytes))
		}
	}
	t.table(rows)
}

func (t *sheet) openings(c *result.Certificate) {
	if len(c.Openings) == 0 {
		t.line("The test images were not opened.")
		return
	}
	if c.Evidence == target.Observed {
		t.line("\nThe test images were opened for this network alone, once it was chosen.")
		return
	}
	t.line("\nTest images opened for %d of %d configurations; alpha spent %.5g of %.5g:", len(c.Openings), len(c.Candidates), c.Alpha.Spent,
		c.Alpha.Total)
	var rows [][]string
	notShown := map[string]bool{}
	for _, j := range c.Candidates {
		notShown[j.ConfigID] = j.Finding == result.FoundNotShown
	}
	for _, o := range c.Openings {
		verdict := "passes"
		switch {
		case notShown[o.ConfigID]:
			verdict = "not shown: " + o.Reason
		case !o.Passed:
			verdict = "fails: " + o.Reason
		}
		rows = append(rows, []string{o.ConfigID, fmt.Sprintf("alpha %.5g", o.Alpha), "bound " + bound(o.Bound), verdict})
	}
	t.table(rows)
}

// candidates lists the configurations cheaper than the winner, or all.
func (t *sheet) candidates(c *result.Certificate) {
	head := "at most"
	if c.StopAbove > 0 { // of stopped ones it is no bound
		head = "at most, or projected"
	}
	rows := [][]string{{string(c.Target.Cost), "configuration", "seeds", "validation", head, "", "why"}}
	say := func(f result.Finding) string {
		if c.Evidence == "" { // older findings are told less apart
			return strings.ReplaceAll(string(f), "_", " ")
		}
		return f.Words()
	}
	count := map[result.Finding]int{}
	for _, j := range c.Candidates {
		count[j.Finding]++
		if j.Finding == result.FoundWinner || j.Finding == result.FoundDearer {
			continue
		}
		rows = append(rows, []string{fmt.Sprint(j.Cost), j.ConfigID, fmt.Sprint(len(j.Networks)), accuracies(j), lowestUpper(j),
			say(j.Finding), j.Reason})
	}
	if len(rows) == 1 {
		t.line("\nThere is no cheaper configuration.")
		return
	}
	var parts []string
	for _, f := range []result.Finding{result.FoundRejected, result.FoundRefuted, result.FoundNotShown, result.FoundStopped,
		result.FoundSkipped, result.FoundUnopened, result.FoundUnjudged, result.FoundOver, result.FoundDearer} {
		if count[f] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", say(f), count[f]))
		}
	}
	t.line("\nThe other configurations: %s.", strings.Join(parts, ", "))
	t.table(rows)
}

// accuracies is the range over a configuration's networks, of stopped ones at
// their last step.
func accuracies(j result.Judged) string {
	low, high, any := 1.0, 0.0, false
	for _, n := range j.Networks {
		if n.Status == result.Done || n.Status == result.StoppedEarly {
			v := result.JudgedShare(n.Accuracy, n.Balanced)
			low, high, any = min(low, v), max(high, v), true
		}
	}
	switch {
	case !any:
		return ""
	case low == high:
		return text.Percent(low)
	}
	return text.Percent(low) + " to " + text.Percent(high)
}

// lowestUpper is the upper bound of a configuration's weakest network, or what
// is projected of it.
func lowestUpper(j result.Judged) string {
	words, low := "", 2.0
	for _, n := range j.Networks {
		if (n.Status == result.Done || n.Status == result.StoppedEarly) && n.Upper < low {
			low, words = n.Upper, bound(n.Upper)
			if n.Status == result.StoppedEarly {
				words = "projected " + words
			}
		}
	}
	return words
}

func targetText(c *result.Certificate) string {
	t := c.Target
	asked := (&target.Target{Accuracy: t.Accuracy, Metric: t.Metric}).Asked()
	line := fmt.Sprintf("at least %s with confidence %s, rule %s over %d seeds, cheapest by %s", asked,
		text.Threshold(t.Confidence), t.Rule, len(c.Seeds), t.Cost)
	if c.Evidence == target.Observed {
		line = fmt.Sprintf("at least %s, as observed on the validation images, rule %s over %d seeds, cheapest by %s", asked,
			t.Rule, len(c.Seeds), t.Cost)
	}
	if t.Precision != "" {
		line += ", judged in " + t.Precision
	}
	for _, l := range t.Within {
		line += fmt.Sprintf(", %s at most %s", l.Cost, text.Number(l.Limit))
	}
	if t.RecallAll > 0 {
		line += ", recall of every class at least " + text.Threshold(t.RecallAll)
	}
	for _, r := range t.Recall {
		line += fmt.Sprintf(", recall of class %s at least %s", text.Class(namesIn(c), r.Class), text.Threshold(r.Floor))
	}
	for _, u := range t.Under {
		line += fmt.Sprintf(", accuracy under %s at least %s", u.Shift, text.Threshold(u.Accuracy))
	}
	return line
}

// namesIn are the names of a certificate's classes. Those of format 1 had
// numbers.
func namesIn(c *result.Certificate) []string {
	if c.Format > 1 {
		return c.Classes
	}
	names := make([]string, min(max(c.Dataset.Classes, 0), mostClasses))
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names
}

func assignmentText(a map[string]any) string {
	var parts []string
	for k, v := range a {
		parts = append(parts, k+" "+experiment.FormatValue(v))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// short is the start of a digest, enough to tell two apart by eye.
func short(digest string) string { return digest[:min(12, len(digest))] }

// WriteBrief writes what a person at a terminal wants to know of a certificate:
// its figures, and the verdict last. WriteText has the method and the promises.
func WriteBrief(w io.Writer, c *result.Certificate) error {
	t := &sheet{}
	t.candidates(c)
	t.openings(c)
	if c.Winner != nil {
		t.winner(c)
	}
	e := c.Effort
	if e.Stopped > 0 {
		t.line("\nStopped early, by projections: %d of these trials.", e.Stopped)
	}
	t.line("\nTrained: %d of the grid's %d trials, %.1f %% of its steps.", e.Trials, e.GridTrials, 100*e.Share)
	if c.Space != nil {
		t.line("%s", sampledText(c.Assumption))
	}
	t.list("What this promises", c.Promises)
	for _, warning := range c.Warnings {
		t.WriteString(text.Wrap("Warning: "+warning, lineWidth, "", "  "))
	}
	t.line("")
	if n := c.Nearest; n != nil {
		t.WriteString(text.Wrap("Nearest miss: "+n.ConfigID+" ("+assignmentText(n.Assignment)+"): "+n.Reason+"."+wayOut(c), lineWidth, "", "  "))
	}
	t.front(c)
	t.line("Target: %s.", targetText(c))
	t.line("%s", c.Summary)
	_, err := io.WriteString(w, Noun(c).Of(t.String()))
	return err
}
