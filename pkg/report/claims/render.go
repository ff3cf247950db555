package claims

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/report"
	"slimfit/pkg/report/render"
	"slimfit/pkg/text"
)

// Sections writes judged claims for reading: the answers in short, a table of
// verdicts, then each question with its claims and the figures behind them.
func Sections(about []string, all []Answered) []render.Section {
	out := []render.Section{{Text: slices.Clone(about)}}
	var short []report.Fact
	for _, a := range all {
		if a.Answer != "" {
			short = append(short, report.Fact{Name: a.Question, Value: a.Answer})
		}
	}
	if len(short) > 0 {
		out = append(out, render.Section{Title: "In short", Facts: short})
	}
	out = append(out, render.Section{Title: "Verdicts", Text: tallies(all), Tables: []render.Table{verdicts(all)}})
	for _, a := range all {
		out = append(out, a.section())
	}
	return append(out, render.Section{Title: "How claims are judged", List: rules()})
}

// tallies counts verdicts: of the source's claims, and of those made here.
func tallies(all []Answered) []string {
	counts := map[bool]map[Verdict]int{false: {}, true: {}}
	sum := map[bool]int{}
	for _, a := range all {
		for _, j := range a.Claims {
			counts[j.Ours][j.Verdict]++
			sum[j.Ours]++
		}
	}
	var out []string
	for _, ours := range []bool{false, true} {
		if sum[ours] == 0 {
			continue
		}
		var parts []string
		for _, v := range []Verdict{Holds, Fails, Partly, Undecided, Untested} {
			if n := counts[ours][v]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", v, n))
			}
		}
		what := text.Count(sum[ours], "claim")
		if ours {
			what += " of our own, made to test something"
		}
		out = append(out, "Verdicts on "+what+": "+strings.Join(parts, ", ")+".")
	}
	return out
}

func verdicts(all []Answered) render.Table {
	t := render.Table{Name: "claims", Caption: "Claims and what the results make of them",
		Columns: []render.Column{{Head: "claim"}, {Head: "source"}, {Head: "verdict"}}}
	for _, a := range all {
		for _, j := range a.Claims {
			t.Rows = append(t.Rows, []string{j.Claim, j.source(), string(j.Verdict)})
		}
	}
	return t
}

func (j Judged) source() string {
	switch {
	case !j.Ours:
		return j.Source
	case j.Source == "":
		return "ours"
	}
	return "ours: " + j.Source
}

func (a Answered) section() render.Section {
	s := render.Section{Title: cmp.Or(a.Question, "Findings"), Text: nonEmpty(a.Answer)}
	t := render.Table{Name: "findings", Caption: "Findings", Columns: []render.Column{{Head: "", Right: true}, {Head: "claim"},
		{Head: "verdict"}, {Head: "finding"}}}
	var split report.Split
	for i, j := range a.Claims {
		t.Rows = append(t.Rows, []string{strconv.Itoa(i + 1), j.Claim, string(j.Verdict), j.Finding})
		if j.Split != "" {
			split = j.Split
		}
		if j.Note != "" {
			s.List = append(s.List, fmt.Sprintf("On %d: %s", i+1, j.Note))
		}
	}
	s.Tables = []render.Table{t}
	if cells := a.cells(split); len(cells.Rows) > 0 {
		s.Tables = append(s.Tables, cells)
	}
	return s
}

// cells is what the claims rest on, claim by claim; where partners are, each
// follows its cell.
func (a Answered) cells(split report.Split) render.Table {
	t := render.Table{Name: "cells", Caption: fmt.Sprintf("What they rest on: accuracy on the %s images in percent", split),
		Columns: []render.Column{
			{Head: "of claim", Right: true}, {Head: "experiment"}, {Head: "configuration"}, {Head: "seeds", Right: true}, {Head: "mean", Right: true},
			{Head: "sd", Right: true}, {Head: "min–max", Right: true}, {Head: "finding"}}}
	at := map[string]int{} // cells that several claims rest on stand there once
	for i, j := range a.Claims {
		if j.Verdict == Untested || j.Check == Ratio || j.Check == Bound || j.Check == Ranking {
			continue // not by trainings, or by those of a whole experiment, whose tables follow
		}
		said := len(j.Cells)+len(j.Than) <= fewCells // in the claim's finding
		add := func(c Cell) {
			line := c.line(said)
			key := strings.Join(line, "\x00")
			if k, ok := at[key]; ok && said {
				t.Rows[k][0] += ", " + strconv.Itoa(i+1)
				return
			}
			at[key] = len(t.Rows)
			t.Rows = append(t.Rows, append([]string{strconv.Itoa(i + 1)}, line...))
		}
		for k, c := range j.Cells {
			add(c)
			if k < len(j.Than) {
				add(j.Than[k])
			}
		}
	}
	return t
}

// line is the cell's part of a row; its finding is left out where the claim's
// has it.
func (c Cell) line(said bool) []string {
	sd, finding := "–", c.Says
	if c.Summary.N > 1 {
		sd = text.Percentage(c.Summary.SD)
	}
	if said {
		finding = ""
	}
	return []string{c.Experiment, c.Label, strconv.Itoa(c.Summary.N), text.Percentage(c.Summary.Mean), sd,
		text.Percentage(c.Summary.Min) + "–" + text.Percentage(c.Summary.Max), finding}
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func rules() []string {
	return []string{
		"falls, gains, ranking: each mean lies above the one that it is held against, beyond what seeds and images explain: a crossed " +
			"bootstrap over both, the variances of seeds and images each by its own quantile (Banerjee 1960), " +
			"p Holm-corrected over the claim's comparisons, below 5 %. It fails where a mean lies below beyond that; else " +
			"it is not decided. From first to last is a comparison of its own.",
		"The matrices of all pairs further down are corrected for all their pairs, so that they mark fewer differences than the claims, " +
			"which ask for few.",
		"Seeds are drawn for each network by itself. Equal seeds see the same order of images; where that makes networks rise and fall " +
			"together, a comparison of pairs of seeds would show more than is said here.",
		"reaches, below: the one-sided 95 % bound of the mean over seeds and images is on that side of the accuracy; it fails where the " +
			"other bound is on the other side. every: no seed is below it.",
		"fits: the published accuracy lies in the 95 % interval for one more training (Student's prediction interval over our seeds, on the " +
			"same images); \"as rounded\", where only a figure that rounds to the printed one does. A wide interval fits much.",
		"same, spread: the 95 % interval of the difference of the means, or of the ratio of the standard deviations over seeds, lies within " +
			"a margin; it fails where it lies outside of it.",
		"bound: Clopper-Pearson's one-sided bound for one network, from its printed accuracy. ratio: counted from the layers.",
		"Each claim is judged by itself: of twenty true ones, one may be called failed by chance.",
	}
}

// JSON writes the answered questions, one line's indent two spaces.
func JSON(all []Answered) ([]byte, error) {
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write claims: %w", err)
	}
	return append(b, '\n'), nil
}

func pText(p float64) string {
	if p < 0.001 {
		return "below 0.001"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}

// cellText is {experiment: a, kernel: 5}, in a fixed order.
func cellText(where map[string]string) string {
	var parts []string
	for k, v := range where {
		if k != "experiment" {
			parts = append(parts, k+": "+v)
		}
	}
	slices.Sort(parts)
	return "{" + strings.Join(append([]string{"experiment: " + where["experiment"]}, parts...), ", ") + "}"
}
