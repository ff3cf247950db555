package search

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
)

// WriteText writes a certificate for people; the JSON has every detail.
func WriteText(w io.Writer, c *result.Certificate) error {
	t := &text{}
	t.line("%s", c.Summary)
	t.line("")
	t.line("Experiment %s on %s (%s), %d validation and %d test images.", c.Experiment, c.Dataset.Name, short(c.Dataset.Digest), c.Dataset.Validation, c.Dataset.Test)
	t.line("Target: %s.", targetText(c.Target, len(c.Seeds)))
	if c.Winner != nil {
		t.winner(c)
	}
	if n := c.Nearest; n != nil {
		t.line("Nearest miss: %s (%s), %d %s: %s.", n.ConfigID, assignmentText(n.Assignment), n.Cost, c.Target.Cost, n.Reason)
	}
	t.openings(c)
	t.candidates(c)
	e := c.Effort
	t.line("")
	t.line("Trained: %d of the grid's %d trials, %d of its %d steps (%.1f %%), in %d rounds.", e.Trials, e.GridTrials, e.Steps, e.GridSteps, 100*e.Share, e.Rounds)
	if c.EarlyStop {
		t.line("Stopped early, as hopeless: %d of these trials.", e.Stopped)
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
	t.line("It rests on %d %s, whose SHA-256 are in the certificate; written by slimfit %s. Check it with `slimfit verify`.", len(c.Files), files, c.Slimfit)
	_, err := io.WriteString(w, t.String())
	return err
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
	if a.Stopping != "" {
		out = append(out, a.Stopping)
	}
	if a.Pairs > 0 {
		text := fmt.Sprintf("Of %d pairs of trained configurations of which one contains the other, the smaller one was better in %d", a.Pairs, a.Inverted)
		if a.Inverted > 0 {
			text += fmt.Sprintf(", by up to %.2f points", 100*a.Largest)
		}
		out = append(out, text+".")
	}
	return out
}

// text collects lines; writing into it cannot fail.
type text struct{ strings.Builder }

func (t *text) line(format string, args ...any) { fmt.Fprintf(&t.Builder, format+"\n", args...) }

func (t *text) list(title string, items []string) {
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
func (t *text) wrap(lead, sentence string) {
	column := 0
	for _, word := range strings.Fields(sentence) {
		switch {
		case column == 0:
			t.WriteString(lead)
			column = len(lead)
		case column+1+len(word) > lineWidth:
			t.WriteString("\n" + strings.Repeat(" ", len(lead)))
			column = len(lead)
		default:
			t.WriteString(" ")
			column++
		}
		t.WriteString(word)
		column += len(word)
	}
	t.WriteString("\n")
}

// table writes rows of cells in aligned columns.
func (t *text) table(rows [][]string) {
	w := tabwriter.NewWriter(&t.Builder, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, "  "+strings.Join(r, "\t"))
	}
	w.Flush()
}

func (t *text) winner(c *result.Certificate) {
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
	t.tested(w.Networks, w.Alpha, c)
}

// tested shows networks on the test images.
func (t *text) tested(networks []result.TestedNetwork, alpha float64, c *result.Certificate) {
	rows := [][]string{{"seed", "correct", "test accuracy", "at least, at " + plain(1-alpha), "interval, at " + plain(c.Target.Confidence)}}
	for _, n := range networks {
		rows = append(rows, []string{fmt.Sprint(n.Seed), fmt.Sprintf("%d of %d", n.Correct, c.Dataset.Test), percent(n.Accuracy),
			bound(n.Lower), percent(n.Interval[0]) + " to " + percent(n.Interval[1])})
	}
	t.table(rows)
}

func (t *text) openings(c *result.Certificate) {
	if len(c.Openings) == 0 {
		t.line("The test images were not opened.")
		return
	}
	t.line("\nTest images opened for %d of %d configurations; alpha spent %.5g of %.5g:", len(c.Openings), len(c.Candidates), c.Alpha.Spent, c.Alpha.Total)
	var rows [][]string
	for _, o := range c.Openings {
		verdict := "passes"
		if !o.Passed {
			verdict = "fails: " + o.Reason
		}
		rows = append(rows, []string{o.ConfigID, fmt.Sprintf("alpha %.5g", o.Alpha), "bound " + bound(o.Bound), verdict})
	}
	t.table(rows)
}

// candidates lists the configurations cheaper than the winner, or all.
func (t *text) candidates(c *result.Certificate) {
	rows := [][]string{{string(c.Target.Cost), "configuration", "seeds", "validation", "at most", "", "why"}}
	count := map[result.Finding]int{}
	for _, j := range c.Candidates {
		count[j.Finding]++
		if j.Finding == result.FoundWinner || j.Finding == result.FoundDearer {
			continue
		}
		rows = append(rows, []string{fmt.Sprint(j.Cost), j.ConfigID, fmt.Sprint(len(j.Networks)), accuracies(j), lowestUpper(j), string(j.Finding), j.Reason})
	}
	if len(rows) == 1 {
		t.line("\nThere is no cheaper configuration.")
		return
	}
	var parts []string
	for _, f := range []result.Finding{result.FoundRejected, result.FoundSkipped, result.FoundRefuted, result.FoundUnjudged, result.FoundOver, result.FoundDearer} {
		if count[f] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[f], strings.ReplaceAll(string(f), "_", " ")))
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
			low, high, any = min(low, n.Accuracy), max(high, n.Accuracy), true
		}
	}
	switch {
	case !any:
		return ""
	case low == high:
		return percent(low)
	}
	return percent(low) + " to " + percent(high)
}

// lowestUpper is the upper bound of a configuration's weakest network.
func lowestUpper(j result.Judged) string {
	low, any := 1.0, false
	for _, n := range j.Networks {
		if n.Status == result.Done || n.Status == result.StoppedEarly {
			low, any = min(low, n.Upper), true
		}
	}
	if !any {
		return ""
	}
	return bound(low)
}

func targetText(t result.Target, seeds int) string {
	text := fmt.Sprintf("at least %s with confidence %s, rule %s over %d seeds, cheapest by %s", plain(t.Accuracy), plain(t.Confidence), t.Rule, seeds, t.Cost)
	if t.Precision != "" {
		text += ", judged in " + t.Precision
	}
	for _, l := range t.Within {
		text += fmt.Sprintf(", %s at most %v", l.Cost, l.Limit)
	}
	if t.RecallAll > 0 {
		text += ", recall of every class at least " + plain(t.RecallAll)
	}
	for _, r := range t.Recall {
		text += fmt.Sprintf(", recall of class %d at least %s", r.Class, plain(r.Floor))
	}
	return text
}

func assignmentText(a map[string]any) string {
	var parts []string
	for k, v := range a {
		parts = append(parts, fmt.Sprintf("%s %v", k, v))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// short is the start of a digest, enough to tell two apart by eye.
func short(digest string) string { return digest[:min(12, len(digest))] }
