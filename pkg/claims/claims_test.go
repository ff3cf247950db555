package claims

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/footprint"
	"slimfit/pkg/report"
	"slimfit/pkg/result"
)

const testImages = 2000

// fixture is a report of simulated results: nothing in it was trained. Each
// filter count has five seeds around the given accuracy.
func fixture(t *testing.T, accuracies map[int]float64, sd map[int]float64) *report.Report {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 5))
	data := models.Data{Name: "simulated", Digest: "00", Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Train: 100, Validation: 100, Test: testImages}
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
			r := result.Result{Experiment: "slices", ConfigID: config.ID(), Assignment: map[string]any{"filters": float64(filters)}, Model: config.Spec().FullLayers(),
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
	return all[0], nil
}

func cells(filters ...int) string {
	var parts []string
	for _, n := range filters {
		parts = append(parts, fmt.Sprintf("{experiment: slices, filters: %d}", n))
	}
	return "    cells: [" + strings.Join(parts, ", ") + "]\n"
}

func TestVerdicts(t *testing.T) {
	small, wide := 0.002, 0.02
	r := fixture(t, map[int]float64{2: 0.90, 4: 0.94, 8: 0.9405, 16: 0.97}, map[int]float64{2: small, 4: small, 8: wide, 16: small})
	for _, c := range []struct {
		claim string
		want  Verdict
		says  string
	}{
		{"    check: falls\n" + cells(16, 4, 2), Holds, "2 of 2 steps down"},
		{"    check: falls\n" + cells(2, 4, 16), Fails, "2 steps up"},
		{"    check: falls\n" + cells(8, 4), Undecided, "all the means fall"},
		{"    check: falls\n" + cells(4, 8), Undecided, "no fall at all in 1 step"},
		{"    check: reaches\n    accuracy: 0.93\n" + cells(4), Holds, "5 of 5 seeds"},
		{"    check: reaches\n    accuracy: 0.93\n" + cells(2), Fails, "0 of 5 seeds"},
		{"    check: reaches\n    accuracy: 0.94\n" + cells(8), Undecided, "bounds of the mean"},
		{"    check: reaches\n    accuracy: 0.92\n" + cells(2, 16), Partly, "bounds of the mean"},
		{"    check: below\n    accuracy: 0.93\n" + cells(2), Holds, "0 of 5 seeds"},
		{"    check: below\n    accuracy: 0.93\n" + cells(4), Fails, "5 of 5 seeds"},
		{"    check: fits\n    accuracy: 0.97\n" + cells(16), Holds, "97.00 % fits"},
		{"    check: fits\n    accuracy: 0.95\n" + cells(16), Fails, "95.00 % does not fit"},
		{"    check: same\n" + cells(4, 8), Holds, "No difference was shown"},
		{"    check: same\n" + cells(2, 4), Fails, "-4.00 points"},
		{"    check: spread\n" + cells(2, 4), Holds, "ratio of 1.00"},
		{"    check: spread\n" + cells(8, 4), Fails, "ratio of 10.0"},
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
	for printed, want := range map[string]Verdict{"0.938": Fails, "0.9385": Fails, "0.939": Holds, "0.9415": Fails, "0.94": Holds, "0.942": Fails} {
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
	if _, err := judgeOne(t, r, "    check: reaches\n    accuracy: 0.9\n"+cells(3)); err == nil || !strings.Contains(err.Error(), "claims.yaml:2: cell {experiment: slices, filters: 3} fits 0 configurations") {
		t.Errorf("an unknown cell: %v", err)
	}
	if _, err := judgeOne(t, r, "    check: reaches\n    accuracy: 0.9\n    cells: [{experiment: slices}]\n"); err == nil || !strings.Contains(err.Error(), "fits 2 configurations") {
		t.Errorf("an ambiguous cell: %v", err)
	}
}

func TestReadRefuses(t *testing.T) {
	cell := "    cells: [{experiment: a}]\n"
	for text, want := range map[string]string{
		"":                           "f.yaml:1: empty",
		"claims: []\n":               "no `claims:`",
		"clams: []\n":                "field clams not found",
		"claims:\n  - 5\n":           "f.yaml:2: a claim is a mapping",
		"claims:\n  - {chek: same}":  `unknown key "chek"`,
		"claims:\n  - check: same\n": "no `claim:`",
		"claims:\n  - claim: c\n    check: rises\n" + cell:                                      `check "rises": want one of`,
		"claims:\n  - claim: c\n    check: falls\n" + cell:                                      "two cells or more",
		"claims:\n  - claim: c\n    check: same\n" + cell:                                       "compares two cells, not 1",
		"claims:\n  - claim: c\n    check: reaches\n" + cell:                                    "needs an `accuracy:`",
		"claims:\n  - claim: c\n    check: reaches\n    accuracy: 95\n" + cell:                  "want a fraction",
		"claims:\n  - claim: c\n    check: reaches\n    accuracy: high\n" + cell:                `accuracy "high"`,
		"claims:\n  - claim: c\n    check: reaches\n    accuracy: .nan\n" + cell:                "want a fraction",
		"claims:\n  - claim: c\n    check: fits\n    accuracy: 0.9\n    cells: [{kernel: 5}]\n": "names no experiment",
		"claims:\n  - claim: c\n    check: fits\n    accuracy: 0.9\n":                           "no `cells:`",
	} {
		if _, err := Read([]byte(text), "f.yaml"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("claims:\n  - claim: c\n    check: fits\n    accuracy: 0.986\n    cells: [{experiment: a, kernel: [3, 3]}]\n"))
	f.Add([]byte("about: [x]\nclaims:\n  - {claim: c, check: falls, cells: [{experiment: a}, {experiment: b, n: 1.5}]}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Read(b, "f.yaml")
		if err != nil {
			return
		}
		for _, c := range file.Claims {
			if c.Text == "" || len(c.Cells) == 0 || !(c.Accuracy >= 0 && c.Accuracy <= 1) || c.Rounding < 0 {
				t.Fatalf("accepted %+v", c)
			}
		}
	})
}

// Hostile text stays text in the document.
func TestSectionsEscape(t *testing.T) {
	j := []Judged{{Claim: "<script>| *x*", Verdict: Holds, Finding: "y.", Check: Same}}
	md := string(report.Markdown(nil, "", report.Part{Title: "t", Sections: Sections(nil, j)}))
	if strings.Contains(md, "<script>") || !strings.Contains(md, `&lt;script&gt;\| \*x\*`) {
		t.Error(md)
	}
}
