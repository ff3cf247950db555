package claims

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/footprint"
	"slimfit/pkg/report"
	"slimfit/pkg/report/render"
	"slimfit/pkg/result"
)

const testImages = 2000

// fixture is a report of simulated results: nothing in it was trained. Each
// filter count has five seeds around the given accuracy.
func fixture(t *testing.T, accuracies map[int]float64, sd map[int]float64) *report.Report {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 5))
	data := models.Data{Name: "simulated", Digest: "00", Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Train: 100, Validation: 100,
		Test: testImages}
	var results []result.Result
	for _, filters := range []int{2, 4, 8, 16} {
		accuracy, ok := accuracies[filters]
		if !ok {
			continue
		}
		config := models.Config{Data: data, Recipe: models.DefaultRecipe(),
			Layers: []models.Layer{models.NewConv(5, filters), models.NewMaxPool(2), models.NewDense(16)}}
		f, err := footprint.Of(config.Spec())
		if err != nil {
			t.Fatal(err)
		}
		for seed := range 5 {
			r := result.Result{Experiment: "slices", ConfigID: config.ID(), Assignment: map[string]any{"filters": float64(filters)},
				Model: config.Spec().FullLayers(),
				Train: config.Recipe, Dataset: data, Seed: int64(seed), Status: result.Done, Steps: 10, Footprint: f}
			correct := int(testImages * (accuracy + sd[filters]*(float64(seed)-2)/2))
			value := float64(correct) / testImages
			r.Accuracy.Test, r.Correct.Test, r.Wrong.Test = &value, &correct, [][2]int{}
			for _, i := range rng.Perm(testImages)[:testImages-correct] {
				r.Wrong.Test = append(r.Wrong.Test, [2]int{i, 1})
			}
			results = append(results, r)
		}
	}
	r, err := report.Build(report.Input{Results: results}, report.Options{Split: report.Test})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func judgeOne(t *testing.T, r *report.Report, claim string) (Judged, error) {
	t.Helper()
	f, err := Read([]byte("claims:\n  - claim: c\n"+claim), "claims.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Judge(f, []*report.Report{r}, "claims.yaml")
	if err != nil {
		return Judged{}, err
	}
	return all[0].Claims[0], nil
}

func cells(filters ...int) string {
	var parts []string
	for _, n := range filters {
		parts = append(parts, fmt.Sprintf("{experiment: slices, filters: %d}", n))
	}
	return "    cells: [" + strings.Join(parts, ", ") + "]\n"
}

func than(filters ...int) string { return strings.Replace(cells(filters...), "cells:", "than:", 1) }

func TestVerdicts(t *testing.T) {
	small, wide := 0.002, 0.02
	r := fixture(t, map[int]float64{2: 0.90, 4: 0.94, 8: 0.9405, 16: 0.97}, map[int]float64{2: small, 4: small, 8: wide, 16: small})
	for _, c := range []struct {
		claim string
		want  Verdict
		says  string
	}{
		{"    check: falls\n" + cells(16, 4, 2), Holds, "2 of 2 steps down are beyond what seeds and images explain; from first to last -7.00 points, p below 0.001"},
		{"    check: falls\n" + cells(2, 4, 16), Fails, "2 steps up"},
		{"    check: falls\n" + cells(8, 4), Undecided, "+0.05 points, p 0."},
		{"    check: falls\n" + cells(4, 8), Undecided, "-0.05 points, p 0."},
		{"    check: reaches\n    accuracy: 0.93\n" + cells(4), Holds, "5 of 5 seeds"},
		{"    check: reaches\n    accuracy: 0.93\n" + cells(2), Fails, "0 of 5 seeds"},
		{"    check: reaches\n    accuracy: 0.94\n" + cells(8), Undecided, "bounds of the mean"},
		{"    check: reaches\n    accuracy: 0.92\n" + cells(2, 16), Partly, "bounds of the mean"},
		{"    check: below\n    accuracy: 0.93\n" + cells(2), Holds, "0 of 5 seeds"},
		{"    check: below\n    accuracy: 0.93\n" + cells(4), Fails, "5 of 5 seeds"},
		{"    check: fits\n    accuracy: 0.97\n" + cells(16), Holds, "97.00 % fits"},
		{"    check: fits\n    accuracy: 0.95\n" + cells(16), Fails, "95.00 % does not fit"},
		{"    check: falls\n" + cells(16, 8, 4), Undecided, "1 of 2 steps down are beyond what seeds and images explain; all the means fall"},
		{"    check: falls\n" + cells(16, 4, 8), Undecided, "; 1 mean step up;"},
		{"    check: gains\n" + cells(16, 4) + than(4, 2), Holds, "2 of 2 are above beyond what seeds and images explain; +3.00 to +4.00 points."},
		{"    check: gains\n" + cells(16, 2) + than(4, 4), Fails, "1 of 2"},
		{"    check: gains\n" + cells(8) + than(4), Undecided, "+0.05 points"},
		{"    check: every\n    accuracy: 0.968\n" + cells(16), Holds, "0 of 5 seeds below"},
		{"    check: every\n    accuracy: 0.968\n" + cells(8), Fails, "5 of 5 seeds below"},
		{"    check: every\n    accuracy: 0.94\n" + cells(16, 8), Partly, "2 of 5 seeds below"},
		{"    check: bound\n    accuracy: 0.95\n    least: 0.94\n" + cells(2), Holds, "1,900 of 2,000 images right: at least 94.12 %"},
		{"    check: bound\n    accuracy: 0.95\n    least: 0.942\n" + cells(2), Fails, "Clopper-Pearson"},
		{"    check: ratio\n    cost: parameters\n    times: 8\n" + cells(2), Holds, "has 50,778, slices, filters 2 6,510: 7.8 times"},
		{"    check: ratio\n    cost: parameters\n    times: 7.80\n" + cells(2), Holds, "7.8"},
		{"    check: ratio\n    cost: parameters\n    times: 7.7\n" + cells(2), Fails, "7.8"},
		{"    check: same\n    margin: 0.01\n" + cells(4, 4), Holds, "the margin is 1.00."},
		{"    check: same\n    margin: 0.001\n" + cells(4, 8), Undecided, "p of no difference"},
		{"    check: same\n    margin: 0.01\n" + cells(2, 4), Fails, "-4.00 points"},
		{"    check: spread\n    margin: 1.01\n" + cells(2, 4), Holds, "ratio of 1.00"},
		{"    check: spread\n    margin: 2\n" + cells(8, 4), Fails, "The second lacks 99 % of the first one's variance"},
	} {
		j, err := judgeOne(t, r, c.claim)
		if err != nil || j.Verdict != c.want || !strings.Contains(j.Finding, c.says) {
			t.Errorf("%s got %q, %q, %v; want %q, %q", c.claim, j.Verdict, j.Finding, err, c.want, c.says)
		}
	}
}

// A printed figure is no more exact than its digits.
func TestFitsRoundsAsPrinted(t *testing.T) {
	r := fixture(t, map[int]float64{4: 0.9400}, map[int]float64{4: 0.0005}) // one more training: 0.9388 to 0.9412
	for printed, want := range map[string]Verdict{"0.938": Fails, "0.9385": Fails, "0.939": Holds, "0.9415": Fails, "0.94": Holds,
		"0.942": Fails} {
		j, err := judgeOne(t, r, "    check: fits\n    accuracy: "+printed+"\n"+cells(4))
		if err != nil || j.Verdict != want {
			t.Errorf("%s: %s, %s, %v; want %s", printed, j.Verdict, j.Finding, err, want)
		}
	}
}

func TestWithoutResults(t *testing.T) {
	r := fixture(t, map[int]float64{2: 0.90, 4: 0.94}, map[int]float64{2: 0.002, 4: 0.002})
	j, err := judgeOne(t, r, "    check: reaches\n    accuracy: 0.9\n    cells: [{experiment: other, kernel: 3}]\n")
	if err != nil || j.Verdict != Untested || !strings.Contains(j.Finding, "{experiment: other, kernel: 3}") {
		t.Errorf("another experiment: %+v, %v", j, err)
	}
	if _, err := judgeOne(t, r, "    check: reaches\n    accuracy: 0.9\n"+cells(3)); err == nil ||
		!strings.Contains(err.Error(), "claims.yaml:2: cell {experiment: slices, filters: 3} fits 0 configurations") {
		t.Errorf("an unknown cell: %v", err)
	}
	if _, err := judgeOne(t, r, "    check: reaches\n    accuracy: 0.9\n    cells: [{experiment: slices}]\n"); err == nil ||
		!strings.Contains(err.Error(), "fits 2 configurations") {
		t.Errorf("an ambiguous cell: %v", err)
	}
}

func TestReadRefuses(t *testing.T) {
	cell := "    cells: [{experiment: a}]\n"
	for text, want := range map[string]string{
		"":                                      "f.yaml: the file is empty; want `claims:` or `questions:`",
		"claims: []\n":                          "claims: want at least 1 item",
		"clams: []\n":                           `f.yaml:1:1: unknown key "clams" (did you mean "claims"?)`,
		"- a\n":                                 "f.yaml:1:1: want a mapping of keys such as title, questions and claims, got a list",
		"claims: [a\n":                          "f.yaml:2: not YAML: did not find expected ',' or ']'",
		"title: t\nabout: 5\n":                  "f.yaml:2:8: about: want a list, each text, got 5",
		"claims: {a: b}\n":                      "f.yaml:1:9: claims: want a list",
		"title: t\ntitle: u\n":                  `f.yaml:2:1: key "title" is given twice, first in line 1`,
		"claims:\n  - claim: c\n    least: y\n": "f.yaml:3:12: claims[0].least: want a number",
		"claims:\n  - claim: c\n    cells: 5\n": "f.yaml:3:12: claims[0].cells: want a list of mappings",
		"claims:\n  - claim: c\n    ours: 5\n":  "f.yaml:3:11: claims[0].ours: want true or false",
		"claims:\n  - {claim: [c], check: {a: b}}\n": "f.yaml:2:13: claims[0].claim: want text, got a list\nf.yaml:2:25: claims[0].check: want one of",
		"claims:\n  - 5\n":                           "f.yaml:2:5: claims[0]: want a mapping, got 5",
		"claims:\n  - {chek: same}":                  `unknown key "chek"`,
		"claims:\n  - check: same\n":                 "f.yaml:2:5: claims[0].claim is missing",
		"claims:\n  - claim: c\n    check: rises\n" +
			cell: `f.yaml:3:12: claims[0].check: want one of below, bound`,
		"claims:\n  - claim: c\n    check: falls\n" +
			cell: "falls takes 2 cells or more, not 1",
		"claims:\n  - claim: c\n    check: same\n" +
			cell: "same takes 2 cells, not 1",
		"claims:\n  - claim: c\n    check: reaches\n" + cell: "needs an `accuracy:`",
		"claims:\n  - claim: c\n    check: reaches\n    accuracy: 95\n" +
			cell: "it is a fraction: write 0.95 for 95 %",
		"claims:\n  - claim: c\n    check: reaches\n    accuracy: high\n" +
			cell: `claims[0].accuracy: want published or a number in [0, 1], got "high"`,
		"claims:\n  - claim: c\n    check: reaches\n    accuracy: .nan\n" +
			cell: "want published or a number in [0, 1], got .nan",
		"claims:\n  - claim: c\n    check: fits\n    accuracy: 0.9\n    cells: [{kernel: 5}]\n": "names no experiment",
		"claims:\n  - claim: c\n    check: fits\n    accuracy: 0.9\n":                           "claims[0].cells is missing",
		"claims:\n  - claim: c\n    check: gains\n" +
			cell: "takes a partner for each",
		"claims:\n  - claim: c\n    check: below\n    accuracy: 0.9\n    than: [{experiment: b}]\n" + cell: "the others none",
		"claims:\n  - claim: c\n    check: ranking\n    accuracy: published\n" +
			cell: "ranking takes 2 cells or more",
		"claims:\n  - claim: c\n    check: ranking\n    accuracy: 0.9\n    cells: [{experiment: a}, {experiment: b}]\n": "needs `accuracy: published`",
		"claims:\n  - claim: c\n    check: reaches\n    accuracy: published\n" + cell:                                   "of its own",
		"claims:\n  - claim: c\n    check: bound\n    accuracy: 0.9\n" + cell:                                           "bound takes a fraction",
		"claims:\n  - claim: c\n    check: same\n    cells: [{experiment: a}, {experiment: b}]\n":                       "same and spread need one",
		"claims:\n  - claim: c\n    check: spread\n    margin: 1\n    cells: [{experiment: a}, {experiment: b}]\n":      "a factor above 1",
		"claims:\n  - claim: c\n    check: same\n    margin: .nan\n    cells: [{experiment: a}, {experiment: b}]\n":     "claims[0].margin: want a number above 0, got .nan",
		"claims:\n  - claim: c\n    check: ratio\n    cost: weights\n" +
			cell: "needs `cost:` and `times:`",
		"claims:\n  - claim: c\n    check: ratio\n    cost: money\n    times: 3\n" +
			cell: `f.yaml:4:11: claims[0].cost: want one of parameters, weights`,
		"claims:\n  - claim: c\n    check: ratio\n    cost: weights\n    times: many\n" +
			cell: `f.yaml:5:12: claims[0].times: want a number above 0, got "many"`,
		"questions:\n  - 7\n":                                        "f.yaml:2:5: questions[0]: want a mapping, got 7",
		"questions:\n  - {answer: yes}\n":                            "f.yaml:2:5: questions[0].question is missing",
		"questions:\n  - {question: q}\n":                            "questions[0].claims is missing",
		"questions:\n  - question: q\n    claims:\n      - {a: b}\n": `f.yaml:4:10: unknown key "a"`,
	} {
		if _, err := Read([]byte(text), "f.yaml"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("claims:\n  - claim: c\n    check: fits\n    accuracy: 0.986\n    cells: [{experiment: a, kernel: [3, 3]}]\n"))
	f.Add([]byte("about: [x]\nclaims:\n  - {claim: c, check: falls, cells: [{experiment: a}, {experiment: b, n: 1.5}]}\n"))
	f.Add([]byte("questions:\n  - question: q\n    claims: [{claim: c, ours: true, check: gains, cells: [{experiment: a}], than: " +
		"[{experiment: b}]}]\n"))
	f.Add([]byte("claims:\n  - {claim: c, check: ratio, cost: weights, times: 19.5, cells: [{experiment: a}]}\n  - {claim: d, check: " +
		"same, margin: 0.1, cells: [{experiment: a}, {experiment: b}]}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Read(b, "f.yaml")
		if err != nil {
			return
		}
		for _, q := range file.Questions {
			for _, c := range q.Claims {
				if c.Text == "" || len(c.Cells) == 0 || !(c.Accuracy.Value >= 0 && c.Accuracy.Value <= 1) || c.Accuracy.Rounding < 0 ||
					c.Than != nil && len(c.Than) != len(c.Cells) {
					t.Fatalf("accepted %+v", c)
				}
			}
		}
	})
}

// Hostile text stays text in the document.
func TestSectionsEscape(t *testing.T) {
	hostile := "<script>| *x*"
	a := []Answered{{Question: hostile, Answer: hostile, Claims: []Judged{{Claim: hostile, Source: hostile, Verdict: Holds, Finding: hostile,
		Check: Bound, Note: hostile}}}}
	md := string(render.Markdown(nil, "", render.Part{Title: "t", Sections: Sections([]string{hostile}, a)}))
	if strings.Contains(md, "<script>") || strings.Count(md, `&lt;script&gt;`) != 10 || strings.Contains(md, "*x*") {
		t.Error(md)
	}
}
