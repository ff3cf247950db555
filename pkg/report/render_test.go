package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/result"
)

func TestGolden(t *testing.T) {
	r := build(t, flawed(t), Options{})
	reports := []*Report{r}
	golden(t, "flawed.txt", r.Text())
	golden(t, "flawed.md", Markdown(reports, "figures"))
	golden(t, "flawed.tex", LaTeX(reports))
	trials, err := TrialsCSV(reports)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "flawed.csv", trials)
	configurations, err := ConfigurationsCSV(reports)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "flawed-configurations.csv", configurations)
	all, err := JSON(reports)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "flawed.json", all)
	golden(t, "unfinished.txt", build(t, unfinished(t), Options{}).Text())
	golden(t, "one.txt", build(t, onePlan(t), Options{}).Text())
	golden(t, "without-file.txt", build(t, withoutFile(t), Options{}).Text())
}

// The same results give the same bytes, in whatever order they are read.
func TestFilesAreReproducible(t *testing.T) {
	type written struct {
		name    string
		content []byte
	}
	write := func(shuffle bool) []written {
		in := flawed(t)
		if shuffle {
			rand.New(rand.NewPCG(1, 1)).Shuffle(len(in.Results), func(i, j int) { in.Results[i], in.Results[j] = in.Results[j], in.Results[i] })
		}
		var files []written
		for _, f := range Files([]*Report{build(t, in, Options{}), build(t, onePlan(t), Options{})}) {
			b, err := f.Make()
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, written{f.Name, b})
		}
		return files
	}
	a, b := write(false), write(true)
	if len(a) != len(b) {
		t.Fatalf("%d and %d files", len(a), len(b))
	}
	var names []string
	for i := range a {
		names = append(names, a[i].name)
		if a[i].name != b[i].name || !bytes.Equal(a[i].content, b[i].content) {
			t.Errorf("%s differs between two writes", a[i].name)
		}
	}
	for _, want := range []string{"report.md", "results.csv", "report.json", "tables.tex", "simulated-slices.html", "figures/simulated-slices-accuracy.svg", "figures/simulated-one-training.png"} {
		if !slices.Contains(names, want) {
			t.Errorf("no file %s among %v", want, names)
		}
	}
}

// All formats tell of the same trials.
func TestFormatsAgree(t *testing.T) {
	r := build(t, flawed(t), Options{})
	b, err := TrialsCSV([]*Report{r})
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
	all, err := JSON([]*Report{r})
	if err != nil {
		t.Fatal(err)
	}
	var back []Report
	if err := json.Unmarshal(all, &back); err != nil {
		t.Fatal(err)
	}
	if back[0].Counts != r.Counts || len(back[0].Rows) != len(r.Rows) || back[0].Answer.Pick != r.Answer.Pick {
		t.Errorf("json tells of %+v", back[0].Counts)
	}
	for _, text := range [][]byte{r.Text(), Markdown([]*Report{r}, ""), LaTeX([]*Report{r})} {
		for _, want := range []string{"95.87", "93.80–95.00", "diverged", "failed", "missing"} {
			if !bytes.Contains(text, []byte(want)) && !bytes.Contains(text, []byte(strings.ReplaceAll(want, "–", "--"))) {
				t.Errorf("%q is missing in:\n%.300s", want, text)
			}
		}
	}
}

func TestHostileText(t *testing.T) {
	const attack = "<img src=x>\x1b[31m|`$(rm)`\n# head\n\\input{x} [a](javascript:1) \u202e=1+1"
	in := flawed(t)
	e := *in.Experiment
	e.About = attack
	in.Experiment = &e
	in.Warnings = []string{attack}
	in.Results[4].Reason = "=cmd|' /C calc'!A0" + attack
	r := build(t, in, Options{})
	text := string(r.Text())
	if strings.ContainsAny(text, "\x1b\u202e") {
		t.Error("control characters reach the terminal")
	}
	md := string(Markdown([]*Report{r}, ""))
	if strings.Contains(md, "<img") || strings.Contains(md, "\n# head") || strings.Contains(md, "[a](") {
		t.Errorf("markup reaches the Markdown: %s", md)
	}
	b, err := TrialsCSV([]*Report{r})
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

func TestFigures(t *testing.T) {
	in := flawed(t)
	e := *in.Experiment
	e.Name = "simulated-<b>&"
	in.Experiment = &e
	r := build(t, in, Options{Split: Test})
	var names []string
	for _, f := range r.Figures() {
		names = append(names, f.Name)
		svg, err := r.SVG(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		text := svgText(t, svg)
		want := []string{"test accuracy (%)", "filters", "kernel 5", "kernel 1", "target 93 %", "published"}
		switch f.Name {
		case frontFigure:
			want[1] = "parameters (weights and biases)"
		case trainingFigure:
			want = []string{"training steps", "training loss (log scale)", "validation accuracy (%)"}
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s.svg does not say %q: %s", f.Name, w, text)
			}
		}
		b, err := r.PNG(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(b))
		if err != nil || picture.Bounds().Dx() < 1000 {
			t.Errorf("%s.png: %v, error %v", f.Name, picture.Bounds(), err)
		}
	}
	if want := []string{accuracyFigure, frontFigure, trainingFigure}; !slices.Equal(names, want) {
		t.Errorf("figures %v, want %v", names, want)
	}
	if got := build(t, unfinished(t), Options{}).Figures(); len(got) != 0 {
		t.Errorf("figures of nothing: %v", got)
	}
}

// svgText is the text of an SVG; the test fails where it is not well-formed.
func svgText(t *testing.T, svg []byte) string {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		if s, ok := token.(xml.CharData); ok {
			text.WriteString(strings.TrimSpace(string(s)) + "\n")
		}
	}
}

func TestPublished(t *testing.T) {
	rows, err := ReadPublished(strings.NewReader("# from a paper\nkernel,filters,accuracy,seconds,source\n5,2,0.9738,108,Table IV\n1,2,0.9428,,Table VI\n"), "paper.csv")
	if err != nil {
		t.Fatal(err)
	}
	in := flawed(t)
	in.Published = rows
	r := build(t, in, Options{})
	i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.Label == "kernel 5, filters 2" })
	if p := r.Rows[i].Published; p == nil || p.Accuracy != 0.9738 || *p.Seconds != 108 || p.Source != "Table IV" || p.Place != "above all of 3 seeds" {
		t.Errorf("published %+v", p)
	}
	for text, want := range map[string]string{
		"":                                      "paper.csv:1: no header line",
		"kernel,filters\n5,2\n":                 "paper.csv:1: no column `accuracy`",
		"kernel,accuracy\n5,97.38\n":            "paper.csv:2: accuracy \"97.38\": want a fraction",
		"kernel,accuracy\n5,0.9,1\n":            "paper.csv: record on line 2: wrong number of fields",
		"kernel,accuracy,seconds\n5,0.9,soon\n": "paper.csv:2: seconds \"soon\": want a number",
	} {
		if _, err := ReadPublished(strings.NewReader(text), "paper.csv"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"kernel,accuracy\n5,0.97\n":                     "line 2: fits 3 configurations",
		"kernel,accuracy\n7,0.97\n":                     "line 2: fits 0 configurations",
		"colour,accuracy\n5,0.97\n":                     "line 2: fits 0 configurations",
		"kernel,filters,accuracy\n5,2,0.97\n5,2,0.96\n": "line 3: a second figure",
	} {
		rows, err := ReadPublished(strings.NewReader(text), "paper.csv")
		if err != nil {
			t.Fatal(err)
		}
		in.Published = rows
		if _, err := Build(in, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
	in.Published = []PublishedRow{{Line: 2, Where: map[string]string{"experiment": "another"}, Figure: Published{Accuracy: 0.5}}}
	if _, err := Build(in, Options{}); err != nil {
		t.Errorf("a figure of another experiment: %v", err)
	}
}

func FuzzReadPublished(f *testing.F) {
	f.Add("kernel,filters,accuracy,seconds,source\n5,2,0.9738,108,Table IV\n")
	f.Add("accuracy\n\"0.5\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := ReadPublished(strings.NewReader(text), "fuzz.csv")
		if err != nil {
			return
		}
		for _, r := range rows {
			if !(r.Figure.Accuracy >= 0 && r.Figure.Accuracy <= 1) || r.Figure.Seconds != nil && !(*r.Figure.Seconds >= 0) {
				t.Errorf("%+v", r)
			}
		}
	})
}

// A search's report: what it left out is no gap, and its answer is the answer.
func TestCertificate(t *testing.T) {
	in := flawed(t)
	r := build(t, in, Options{})
	pick := r.Rows[r.Answer.Pick]
	accuracy := 0.94
	c := &result.Certificate{Experiment: "simulated-slices", Verdict: result.Certified, Summary: pick.ID + " is the cheapest of 6 configurations.",
		Target: result.Target{Accuracy: 0.93, Confidence: 0.95, Rule: "worst", Cost: "parameters"},
		Winner: &result.Winner{ConfigID: pick.ID}, Promises: []string{"Each of these 3 trained networks is right on at least 93 %."},
		Openings:   []result.Opening{{ConfigID: pick.ID, Alpha: 0.05, Passed: true, Networks: []result.TestedNetwork{{Seed: 0, Correct: 954, Accuracy: 0.954, Lower: 0.94}}}},
		Candidates: []result.Judged{{ConfigID: pick.ID, Cost: 51646, Finding: result.FoundWinner, Statistic: &accuracy}}}
	for _, row := range r.Rows {
		if row.ID != pick.ID {
			c.Candidates = append(c.Candidates, result.Judged{ConfigID: row.ID, Cost: row.Footprint.Parameters, Finding: result.FoundSkipped, Reason: "networks at least as large fail"})
		}
	}
	in.Certificate = c
	s := build(t, in, Options{})
	if s.Counts.Missing != 0 || s.Counts.Skipped != 1 || len(s.Missing.Trials) != 0 {
		t.Errorf("counts %+v, missing %v", s.Counts, s.Missing.Trials)
	}
	if s.Answer.Pick != r.Answer.Pick || !strings.HasPrefix(s.Answer.Sentence, "kernel 5, filters 2 (c5x2") {
		t.Errorf("answer %d: %s", s.Answer.Pick, s.Answer.Sentence)
	}
	text := string(s.Text())
	for _, want := range []string{"Certificate", "Each of these 3 trained networks", "skipped by the search", "1 trial left out by the search", "95.40"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text does not say %q", want)
		}
	}
	// Refuted on the test images: whatever its validation accuracy, not the answer.
	i := slices.IndexFunc(c.Candidates, func(j result.Judged) bool { return j.ConfigID == s.Rows[1].ID })
	c.Candidates[i].Finding = result.FoundRefuted
	if s = build(t, in, Options{}); s.Rows[1].Verdict != Misses || s.Rows[1].Why != "refuted on the test images" {
		t.Errorf("a refuted network: %s (%s)", s.Rows[1].Verdict, s.Rows[1].Why)
	}
	c.Target.Accuracy = 0.5
	if s = build(t, in, Options{}); s.Counts.Missing != 1 || s.Evidence.Answers {
		t.Error("a certificate of another target answers")
	}
}

// A report that is cut down for the eye keeps what answers the question, and
// says what it left out.
func TestShown(t *testing.T) {
	r := build(t, manyPlan(t), Options{})
	s := r.shown(50)
	if len(s.Rows) != 50 || s.LeftOut != 450 || r.LeftOut != 0 || len(r.Rows) != 500 {
		t.Fatalf("%d rows shown, %d left out", len(s.Rows), s.LeftOut)
	}
	if s.Rows[s.Answer.Pick].ID != r.Rows[r.Answer.Pick].ID || s.Rows[s.Baseline.Row].ID != r.Rows[r.Baseline.Row].ID {
		t.Error("the pick or the baseline is another network")
	}
	for k, i := range s.Front {
		if s.Rows[i].ID != r.Rows[r.Front[k]].ID {
			t.Errorf("the front's number %d is another network", k)
		}
	}
	drawn := 0
	for _, c := range s.Chart.Curves {
		for _, i := range c.Rows {
			drawn++
			if s.Chart.Curves[s.Rows[i].Curve].Label != c.Label {
				t.Errorf("%s is on the curve %s", s.Rows[i].Label, c.Label)
			}
		}
	}
	if drawn != 50 {
		t.Errorf("%d rows on curves, want 50", drawn)
	}
	if text := string(r.Text()); !strings.Contains(text, "Shown are 200 of 500 networks") {
		t.Error("the text does not say that networks are left out")
	}
	b, err := ConfigurationsCSV([]*Report{r})
	if err != nil || bytes.Count(b, []byte("\n")) != 501 {
		t.Errorf("%d lines of csv, error %v", bytes.Count(b, []byte("\n")), err)
	}
	if r.shown(500) != r {
		t.Error("a report that fits is copied")
	}
}

// The libraries are the ones that assets/SOURCES.md names, and cannot end the
// script element that they stand in.
func TestVendoredLibraries(t *testing.T) {
	sources, err := os.ReadFile("assets/SOURCES.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plot.min.js", "d3.min.js"} {
		b, err := assets.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(b)); !bytes.Contains(sources, []byte(sum)) {
			t.Errorf("%s has the SHA-256 %s, which SOURCES.md does not name", name, sum)
		}
		if bytes.Contains(bytes.ToLower(b), []byte("</script")) || bytes.Contains(b, []byte("<!--")) {
			t.Errorf("%s cannot stand in a script element", name)
		}
	}
}
