package render

import (
	"bytes"
	"fmt"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// Comparison writes two reports side by side as text, markdown, csv or json.
func Comparison(c *report.Comparison, format string) ([]byte, error) {
	w := comparison{c}
	switch format {
	case "json":
		return indented(c, true)
	case "csv":
		return w.csv()
	}
	part := Part{text.Plain(c.Names[0]) + " and " + text.Plain(c.Names[1]), w.sections()}
	if format == "markdown" {
		var b bytes.Buffer
		part.markdown(&b)
		return b.Bytes(), nil
	}
	return part.Text(), nil
}

// comparison is a comparison being written.
type comparison struct{ *report.Comparison }

// sections is the comparison in reading order.
func (c comparison) sections() []Section {
	names := [2]string{text.Plain(c.Names[0]), text.Plain(c.Names[1])}
	if names[0] == names[1] {
		names = [2]string{names[0] + " (first)", names[1] + " (second)"}
	}
	facts := []report.Fact{}
	for i, name := range names {
		facts = append(facts, report.Fact{Name: name, Value: fmt.Sprintf("%s. %s", c.Counts[i], c.Answers[i])})
	}
	sections := []Section{{Text: nonEmpty(append([]string{c.common()}, c.Warnings...)), Facts: facts}}
	if len(c.Differ) > 0 {
		sections = append(sections, Section{Title: "What differs", Text: []string{"First | second:"}, Facts: c.Differ})
	}
	for _, s := range result.Splits() {
		if t := c.table(s, names); len(t.Rows) > 0 {
			sections = append(sections, Section{Title: strings.ToUpper(string(s[:1])) + string(s[1:]) + " accuracy", Tables: []Table{t},
				Text: []string{c.summary(s)}})
		}
	}
	if list := c.unpaired(names); len(list) > 0 {
		sections = append(sections, Section{Title: "Without a partner", List: list})
	}
	return append(sections, Section{Title: "Definitions", Facts: c.notes()})
}

// common says how much there is to compare, and what is the same to the bit.
func (c comparison) common() string {
	common, same := 0, 0
	for _, p := range c.Pairs {
		common += p.Common
		same += p.Identical
	}
	s := fmt.Sprintf("%s with %s that both have trained.", text.Count(len(c.Pairs), "network"), text.Count(common, "seed"))
	if same > 0 {
		s += fmt.Sprintf(" The weights of %s are the same, bit for bit.", text.Count(same, "trial"))
	}
	return s
}

func (c comparison) summary(s report.Split) string {
	better, worse, judged := 0, 0, 0
	for i := range c.Pairs {
		d := c.Pairs[i].On(s)
		if d == nil || d.Holm == nil {
			continue
		}
		judged++
		switch {
		case *d.Holm >= report.Significant:
		case d.Mean > 0:
			better++
		default:
			worse++
		}
	}
	return fmt.Sprintf("Of %s, the second is better in %d and worse in %d (corrected p below 5 %%); the others may be chance.",
		text.Count(judged, "pair"), better, worse)
}

func (c comparison) table(s report.Split, names [2]string) Table {
	t := Table{Name: "differences-" + string(s), Caption: "Mean " + string(s) +
		" accuracies in percent, and their difference in points (second minus first)",
		Columns: []Column{{Head: "network"}, {names[0], true}, {names[1], true}, {"difference", true}, {"95 % interval", true}, {"p, corrected", true},
			{"common seeds", true}, {"least to largest", true}, {"seconds", true}}}
	for i := range c.Pairs {
		p := &c.Pairs[i]
		d := p.On(s)
		if d == nil {
			continue
		}
		interval, corrected, spread, time := None, None, None, None
		if d.Interval != nil {
			interval = text.Points(d.Interval.Low) + " to " + text.Points(d.Interval.High)
		}
		if d.Holm != nil {
			corrected = probability(*d.Holm)
		}
		if len(d.Seeds) > 0 {
			low, high := d.Seeds[0].Diff, d.Seeds[0].Diff
			for _, x := range d.Seeds {
				low, high = min(low, x.Diff), max(high, x.Diff)
			}
			spread = text.Points(low) + " to " + text.Points(high)
		}
		if p.Seconds[0] != nil && p.Seconds[1] != nil {
			time = fmt.Sprintf("%.1f | %.1f", *p.Seconds[0], *p.Seconds[1])
		}
		t.Rows = append(t.Rows, []string{text.Plain(p.Label), scoreText(&d.Scores[0]), scoreText(&d.Scores[1]), text.Points(d.Mean), interval,
			corrected,
			fmt.Sprint(len(d.Seeds)), spread, time})
	}
	return t
}

// scoreText is the mean and the number of seeds that it is of.
func scoreText(s *report.Score) string { return fmt.Sprintf("%s (n %d)", text.Percentage(s.Mean), s.N) }

func probability(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

func (c comparison) unpaired(names [2]string) []string {
	var out []string
	for side, rows := range c.Unpaired {
		for i, r := range rows {
			if i == maxNamed {
				out = append(out, fmt.Sprintf("and %d more, only in %s", len(rows)-i, names[side]))
				break
			}
			out = append(out, fmt.Sprintf("%s (%s), only in %s", text.Plain(r.Label), text.Plain(r.ID), names[side]))
		}
	}
	return out
}

func (c comparison) notes() []report.Fact {
	facts := []report.Fact{
		{Name: "pairs", Value: "The same configuration; where recipe or data differ, the same network with the same matrix values, or the only one of its kind on both sides."},
		{Name: "difference", Value: "Of the mean accuracies over the seeds that are done, second minus first, in percentage points."},
		{Name: "least to largest", Value: "Of the differences of single seeds that both have done."},
		{Name: "p, corrected", Value: "Two-sided chance of so large a difference where there is none, Holm-corrected for the number of pairs."},
	}
	used := map[string]bool{}
	for i := range c.Pairs {
		for _, s := range result.Splits() {
			if d := c.Pairs[i].On(s); d != nil {
				used[d.Method] = true
			}
		}
	}
	for _, m := range []struct{ method, text string }{
		{report.ByCrossed, fmt.Sprintf("Interval and p: %s (%d draws; Owen 2007). Both judge the same images, and another seed gives another network.", report.ByCrossed, c.Replicates)},
		{report.ByPairedT, "Interval and p where images or their lists differ: " + report.ByPairedT + "; it sees the spread over seeds only."},
		{report.ByMcNemar, "p of single networks: " + report.ByMcNemar + ", on the same images; it says nothing of other seeds."},
	} {
		if used[m.method] {
			facts = append(facts, report.Fact{Name: "method", Value: m.text})
		}
	}
	return facts
}

// csv writes one line a pair and split, and one a seed that both have done.
// Accuracies and differences are fractions.
func (c comparison) csv() ([]byte, error) {
	lines := [][]string{{"network", "config_id_1", "config_id_2", "images", "seed", "accuracy_1", "accuracy_2", "n_1", "n_2", "difference",
		"low", "high", "p", "p_corrected", "method"}}
	for i := range c.Pairs {
		p := &c.Pairs[i]
		for _, s := range result.Splits() {
			d := p.On(s)
			if d == nil {
				continue
			}
			head := []string{text.SheetCell(p.Label), text.SheetCell(p.IDs[0]), text.SheetCell(p.IDs[1]), string(s)}
			line := append(append([]string{}, head...), "all", text.Number(d.Scores[0].Mean), text.Number(d.Scores[1].Mean),
				fmt.Sprint(d.Scores[0].N), fmt.Sprint(d.Scores[1].N), text.Number(d.Mean), "", "", "", "", d.Method)
			if d.Interval != nil {
				line[10], line[11] = text.Number(d.Interval.Low), text.Number(d.Interval.High)
			}
			if d.P != nil {
				line[12] = text.Number(*d.P)
			}
			if d.Holm != nil {
				line[13] = text.Number(*d.Holm)
			}
			lines = append(lines, line)
			for _, x := range d.Seeds {
				lines = append(lines, append(append([]string{}, head...), fmt.Sprint(x.Seed), text.Number(x.Accuracies[0]),
					text.Number(x.Accuracies[1]), "1", "1", text.Number(x.Diff), "", "", "", "", ""))
			}
		}
	}
	return writeCSV(lines)
}
