package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/report/reporttest"
)

func TestGolden(t *testing.T) {
	r := reporttest.Build(t, reporttest.Flawed(t), report.Options{})
	reports := []*report.Report{r}
	reporttest.Golden(t, "flawed.txt", Text(r))
	reporttest.Golden(t, "flawed.md", Markdown(reports, "figures"))
	reporttest.Golden(t, "flawed.tex", LaTeX(reports))
	trials, err := TrialsCSV(reports)
	if err != nil {
		t.Fatal(err)
	}
	reporttest.Golden(t, "flawed.csv", trials)
	configurations, err := ConfigurationsCSV(reports)
	if err != nil {
		t.Fatal(err)
	}
	reporttest.Golden(t, "flawed-configurations.csv", configurations)
	all, err := JSON(reports)
	if err != nil {
		t.Fatal(err)
	}
	reporttest.Golden(t, "flawed.json", all)
	reporttest.Golden(t, "unfinished.txt", Text(reporttest.Build(t, reporttest.Unfinished(t), report.Options{})))
	reporttest.Golden(t, "one.txt", Text(reporttest.Build(t, reporttest.One(t), report.Options{})))
	reporttest.Golden(t, "without-file.txt", Text(reporttest.Build(t, reporttest.WithoutFile(t), report.Options{})))
}

// All formats tell of the same trials.
func TestFormatsAgree(t *testing.T) {
	r := reporttest.Build(t, reporttest.Flawed(t), report.Options{})
	b, err := TrialsCSV([]*report.Report{r})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1+r.Counts.Planned {
		t.Errorf("%d csv lines, want a head and %d", len(lines), r.Counts.Planned)
	}
	all, err := JSON([]*report.Report{r})
	if err != nil {
		t.Fatal(err)
	}
	var back []report.Report
	if err := json.Unmarshal(all, &back); err != nil {
		t.Fatal(err)
	}
	if back[0].Counts != r.Counts || len(back[0].Rows) != len(r.Rows) || back[0].Answer.Pick != r.Answer.Pick {
		t.Errorf("json tells of %+v", back[0].Counts)
	}
	for _, text := range [][]byte{Text(r), Markdown([]*report.Report{r}, ""), LaTeX([]*report.Report{r})} {
		for _, want := range []string{"95.87", "93.80–95.00", "diverged", "failed", "missing"} {
			if !bytes.Contains(text, []byte(want)) && !bytes.Contains(text, []byte(strings.ReplaceAll(want, "–", "--"))) {
				t.Errorf("%q is missing in:\n%.300s", want, text)
			}
		}
	}
}

func TestHostileText(t *testing.T) {
	const attack = "<img src=x>\x1b[31m|`$(rm)`\n# head\n\\input{x} [a](javascript:1) \u202e=1+1"
	in := reporttest.Flawed(t)
	e := *in.Experiment
	e.About = attack
	in.Experiment = &e
	in.Warnings = []string{attack}
	in.Results[4].Reason = "=cmd|' /C calc'!A0" + attack
	r := reporttest.Build(t, in, report.Options{})
	text := string(Text(r))
	if strings.ContainsAny(text, "\x1b\u202e") {
		t.Error("control characters reach the terminal")
	}
	md := string(Markdown([]*report.Report{r}, ""))
	if strings.Contains(md, "<img") || strings.Contains(md, "\n# head") || strings.Contains(md, "[a](") {
		t.Errorf("markup reaches the Markdown: %s", md)
	}
	b, err := TrialsCSV([]*report.Report{r})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), ",=cmd") || strings.Contains(string(b), "\"=cmd") {
		t.Error("a formula reaches the CSV")
	}
	if got := latex(attack); strings.Contains(got, `\input`) {
		t.Errorf("a command reaches the LaTeX: %s", got)
	}
}

// A term that two reports use with different numbers is defined for each.
func TestDefinitionsOfSeveral(t *testing.T) {
	var reports []*report.Report
	for i, name := range []string{"first", "second", "third"} {
		p := reporttest.SmallPlan()
		p.Name, p.Seeds = name, []int{2, 2, 3}[i]
		e := p.Experiment(t)
		results, histories := p.Run(e)
		reports = append(reports, reporttest.Build(t, report.Input{Experiment: e, Results: results, Histories: histories}, report.Options{}))
	}
	text := string(Markdown(reports, ""))
	at := strings.Index(text, "## Definitions")
	for _, want := range []string{"\n- **meets (first, second)**: Every one of 2", "\n- **meets (third)**: Every one of 3",
		"\n- **parameters**: "} {
		if n := strings.Count(text[at:], want); n != 1 {
			t.Errorf("%q is %d times in the definitions, want once:\n%s", want, n, text[at:])
		}
	}
}

// Shifts, and what scores are good for, stand in text and Markdown.
func TestStressedGolden(t *testing.T) {
	r := reporttest.Build(t, reporttest.Stressed(t), report.Options{})
	reporttest.Golden(t, "stressed.txt", Text(r))
	document := string(Markdown([]*report.Report{r}, "figures"))
	for _, want := range []string{"](figures/shifts.svg)", "On shifted images", "What errors cost", "| noise 20 |"} {
		if !strings.Contains(document, want) {
			t.Errorf("the Markdown document has no %q", want)
		}
	}
}

// Every format shows what is there, and nothing where there is nothing.
func TestInt8Golden(t *testing.T) {
	in := reporttest.Quantized(t)
	r := reporttest.Build(t, in, report.Options{})
	reporttest.Golden(t, "int8.txt", Text(r))
	byConfig, err := ConfigurationsCSV([]*report.Report{r})
	if err != nil {
		t.Fatal(err)
	}
	reporttest.Golden(t, "int8-configurations.csv", byConfig)
	trials, err := TrialsCSV([]*report.Report{r})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(trials))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	head := strings.Join(lines[0], ",")
	figures := func(split string) string {
		return strings.ReplaceAll(",int8_X,int8_X_correct,int8_X_images,int8_X_low,int8_X_high", "X", split)
	}
	if !strings.HasSuffix(head, figures("validation")+figures("test")+",int8_bytes") {
		t.Errorf("head %s", head)
	}
	body, err := JSON([]*report.Report{r})
	if err != nil {
		t.Fatal(err)
	}
	var back []struct {
		Rows []struct {
			Int8   *report.Int8Score `json:"int8"`
			Trials []struct {
				Int8 *report.Int8 `json:"int8"`
			} `json:"trials"`
		} `json:"configurations"`
	}
	if err := json.Unmarshal(body, &back); err != nil {
		t.Fatal(err)
	}
	if row := back[0].Rows[0]; row.Int8.Validation.N != 3 || row.Int8.Test != nil || row.Int8.Bytes != [2]int{16_032, 16_064} ||
		row.Trials[0].Int8.Bytes != 16_032 {
		t.Errorf("JSON %+v", row.Int8)
	}
	for format, text := range map[string]string{"Markdown": string(Markdown([]*report.Report{r}, "")),
		"LaTeX": string(LaTeX([]*report.Report{r}))} {
		for _, want := range []string{"int8 validation mean", "int8 test mean"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not show %q", format, want)
			}
		}
	}
	in.Int8 = nil
	if text := string(Text(reporttest.Build(t, in, report.Options{}))); strings.Contains(text, "int8") {
		t.Error("nothing was quantized, and the report speaks of int8")
	}
}

func TestCompareGolden(t *testing.T) {
	c := reporttest.Compare(t, reporttest.Flawed(t), reporttest.Better(reporttest.Recipe(t, 1e-3)))
	for format, name := range map[string]string{"text": "compare.txt", "markdown": "compare.md", "csv": "compare.csv",
		"json": "compare.json"} {
		b, err := Comparison(c, format)
		if err != nil {
			t.Fatal(err)
		}
		reporttest.Golden(t, name, b)
	}
}

func TestMain(m *testing.M) { reporttest.Main(m) }

// With batch normalisation a network has more parameters in training than
// deployed: both are shown.
func TestParametersTrained(t *testing.T) {
	r := reporttest.Build(t, reporttest.One(t), report.Options{})
	if last := Footprint(r).Columns; last[len(last)-1].Head != "peak activations" {
		t.Errorf("columns %v", last)
	}
	r.Rows[0].Footprint.ParametersTrained = 12345
	f := Footprint(r)
	if row := f.Rows[len(f.Rows)-1]; f.Columns[len(f.Columns)-1].Head != "parameters trained" || row[len(row)-1] != "12,345" {
		t.Errorf("%v: %v", f.Columns, row)
	}
}
