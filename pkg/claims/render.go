package claims

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/report"
)

// Sections writes judged claims for reading: a table of verdicts, then each
// claim with its figures.
func Sections(about []string, all []Judged) []report.Section {
	count := map[Verdict]int{}
	table := report.Table{Name: "claims", Caption: "Claims and what the results make of them",
		Columns: []report.Column{{Head: "claim"}, {Head: "source"}, {Head: "verdict"}, {Head: "finding"}}}
	for _, j := range all {
		count[j.Verdict]++
		table.Rows = append(table.Rows, []string{j.Claim, j.Source, string(j.Verdict), j.Finding})
	}
	var parts []string
	for _, v := range []Verdict{Holds, Fails, Partly, Undecided, Untested} {
		if count[v] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", v, count[v]))
		}
	}
	out := []report.Section{{Text: append(slices.Clone(about), "Verdicts on "+plural(len(all), "claim")+": "+strings.Join(parts, ", ")+"."), Tables: []report.Table{table}}}
	for _, j := range all {
		if j.Verdict != Untested { // the table says what is missing
			out = append(out, j.section())
		}
	}
	return append(out, report.Section{Title: "How claims are judged", List: rules()})
}

func (j Judged) section() report.Section {
	s := report.Section{Title: strings.TrimSuffix(j.Claim, ".")}
	text := strings.ToUpper(string(j.Verdict[:1])) + string(j.Verdict[1:]) + ". " + capital(j.Finding)
	if j.Source != "" {
		text += " Source of the claim: " + strings.TrimSuffix(j.Source, ".") + "."
	}
	s.Text = []string{text}
	if j.Note != "" {
		s.Text = append(s.Text, j.Note)
	}
	t := report.Table{Name: "claim", Caption: fmt.Sprintf("Accuracy on the %s images in percent", j.Split), Columns: []report.Column{
		{Head: "experiment"}, {Head: "configuration"}, {Head: "seeds", Right: true}, {Head: "mean", Right: true},
		{Head: "sd", Right: true}, {Head: "min–max", Right: true}, {Head: "finding"}}}
	for _, c := range j.Cells {
		if c.Summary == nil {
			continue
		}
		sd := "–"
		if c.Summary.N > 1 {
			sd = percentage(c.Summary.SD)
		}
		t.Rows = append(t.Rows, []string{c.Experiment, c.Label, strconv.Itoa(c.Summary.N), percentage(c.Summary.Mean), sd,
			percentage(c.Summary.Min) + "–" + percentage(c.Summary.Max), c.Says})
	}
	if len(t.Rows) > 0 {
		s.Tables = []report.Table{t}
	}
	return s
}

func rules() []string {
	return []string{
		"falls: the mean of each configuration lies above the next one's, beyond what seeds and images explain: a crossed bootstrap over both, p Holm-corrected over the claim's steps, below 5 %. It fails where a mean rises beyond that; else it is not decided.",
		"reaches, below: the one-sided 95 % bound of the mean over seeds and images is on that side of the accuracy; it fails where the other bound is on the other side.",
		"fits: the published accuracy lies in the 95 % interval for one more training (Student's prediction interval over our seeds, on the same images), as exactly as it is printed: 98.6 stands for 98.55 to 98.65.",
		"same: no difference of the means beyond what seeds and images explain. spread: no difference of the standard deviations over seeds (F test).",
		"Each claim is judged by itself: of twenty true ones, one may be called failed by chance.",
	}
}

// JSON writes the judged claims, one line's indent two spaces.
func JSON(all []Judged) ([]byte, error) {
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write claims: %w", err)
	}
	return append(b, '\n'), nil
}

func percentage(v float64) string { return strconv.FormatFloat(100*v, 'f', 2, 64) }
func percent(v float64) string    { return percentage(v) + " %" }

// points is a difference in percentage points, with its sign.
func points(v float64) string { return fmt.Sprintf("%+.2f", 100*v) }

func pText(p float64) string {
	if p < 0.001 {
		return "below 0.001"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// valueText is a matrix value as a person writes it.
func valueText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	if b, err := json.Marshal(v); err == nil {
		return string(b)
	}
	return fmt.Sprint(v)
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
