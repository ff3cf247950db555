package report

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// quantizedInput is the small experiment with int8 figures of the networks of
// kernel 5: each tells some images more wrong than its float32 network, the
// test images only those with 8 filters.
func quantizedInput(t testing.TB) Input {
	t.Helper()
	p := smallPlan()
	e := p.experiment(t)
	results, histories := p.run(e)
	in := Input{Experiment: e, Results: results, Histories: histories}
	for i, r := range results {
		if r.Assignment["kernel"] == 5.0 {
			in.Int8 = append(in.Int8, worse(r, 2+i%3, r.Assignment["filters"] == 8.0))
		}
	}
	return in
}

// worse are int8 figures with n more wrong images of class 0.
func worse(r result.Result, n int, test bool) result.Int8 {
	q := result.Int8{ConfigID: r.ConfigID, Seed: r.Seed, WeightsSHA: r.WeightsSHA, Bytes: 16_000 + 16*n, SHA256: strings.Repeat("ab", 32)}
	split := func(correct *int, confusion [][]int, images int) (*float64, *int, [][]int) {
		right := *correct - n
		accuracy := float64(right) / float64(images)
		m := addMatrix(nil, confusion)
		m[0][0], m[0][1] = m[0][0]-n, m[0][1]+n
		return &accuracy, &right, m
	}
	q.Accuracy.Validation, q.Correct.Validation, q.Confusion.Validation = split(r.Correct.Validation, r.Confusion.Validation, r.Dataset.Validation)
	if test {
		q.Accuracy.Test, q.Correct.Test, q.Confusion.Test = split(r.Correct.Test, r.Confusion.Test, r.Dataset.Test)
	}
	return q
}

// Every format shows what is there, and nothing where there is nothing.
func TestInt8Golden(t *testing.T) {
	in := quantizedInput(t)
	r := build(t, in, Options{})
	golden(t, "int8.txt", r.Text())
	byConfig, err := ConfigurationsCSV([]*Report{r})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "int8-configurations.csv", byConfig)
	trials, err := TrialsCSV([]*Report{r})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(trials))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	head := strings.Join(lines[0], ",")
	if !strings.HasSuffix(head, ",int8_validation,int8_validation_correct,int8_validation_images,int8_validation_low,int8_validation_high,int8_test,int8_test_correct,int8_test_images,int8_test_low,int8_test_high,int8_bytes") {
		t.Errorf("head %s", head)
	}
	body, err := JSON([]*Report{r})
	if err != nil {
		t.Fatal(err)
	}
	var back []struct {
		Rows []struct {
			Int8   *Int8Score `json:"int8"`
			Trials []struct {
				Int8 *Int8 `json:"int8"`
			} `json:"trials"`
		} `json:"configurations"`
	}
	if err := json.Unmarshal(body, &back); err != nil {
		t.Fatal(err)
	}
	if row := back[0].Rows[0]; row.Int8.Validation.N != 3 || row.Int8.Test != nil || row.Int8.Bytes != [2]int{16_032, 16_064} || row.Trials[0].Int8.Bytes != 16_032 {
		t.Errorf("JSON %+v", row.Int8)
	}
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for format, text := range map[string]string{"HTML": string(page), "Markdown": string(Markdown([]*Report{r}, "")), "LaTeX": string(LaTeX([]*Report{r}))} {
		for _, want := range []string{"int8 validation mean", "int8 test mean"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not show %q", format, want)
			}
		}
	}
	in.Int8 = nil
	if text := string(build(t, in, Options{}).Text()); strings.Contains(text, "int8") {
		t.Error("nothing was quantized, and the report speaks of int8")
	}
}

// One quantized seed of three is no mean of three: the table says how many
// there are, and compares with the same seeds.
func TestInt8OfSomeSeeds(t *testing.T) {
	in := quantizedInput(t)
	best := slices.MaxFunc(in.Results[:3], func(a, b result.Result) int { return *a.Correct.Validation - *b.Correct.Validation })
	in.Int8 = []result.Int8{worse(best, 2, true)}
	r := build(t, in, Options{})
	table := r.resultsTable()
	at := slices.IndexFunc(table.Columns, func(c Column) bool { return c.Head == "int8 seeds" })
	row := table.Rows[slices.IndexFunc(r.Rows, func(row Row) bool { return row.ID == best.ConfigID })]
	less := text.Points(-2 / float64(best.Dataset.Validation))
	if at < 0 || row[at] != "1/3" || row[at+2] != less {
		t.Errorf("%v: want 1/3 seeds, %s points less", row, less)
	}
}

// A target in int8 is met, or not, by the int8 networks.
func TestInt8Target(t *testing.T) {
	in := quantizedInput(t)
	plain := build(t, in, Options{})
	pick := &plain.Rows[plain.Answer.Pick]
	for i := range in.Int8 { // so many wrong that the float32 pick is none
		if in.Int8[i].ConfigID == pick.ID {
			for _, r := range in.Results {
				if r.Key() == in.Int8[i].Key() {
					in.Int8[i] = worse(r, 40, false)
				}
			}
		}
	}
	target := *in.Experiment.Target
	target.Precision = experiment.Int8
	in.Experiment.Target = &target
	r := build(t, in, Options{})
	row := r.Rows[plain.Answer.Pick]
	if row.ID != pick.ID || row.Verdict != Misses {
		t.Errorf("%s: %s %s, though its int8 networks miss the target", row.ID, row.Verdict, row.Why)
	}
	if r.Answer.Pick < 0 || r.Rows[r.Answer.Pick].Verdict != Meets || !strings.Contains(r.Answer.Sentence, "93 % in int8") || !strings.Contains(r.Asked, "in int8") {
		t.Errorf("%s\n%s", r.Asked, r.Answer.Sentence)
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Int8 == nil && (row.Verdict != Undecided || row.Why != "3 of 3 seeds without int8 figures on the validation images") {
			t.Errorf("%s, not quantized: %s %s", row.ID, row.Verdict, row.Why)
		}
	}
	for _, f := range r.Front {
		if r.Rows[f].Int8 == nil {
			t.Errorf("%s is on the front of int8 networks", r.Rows[f].ID)
		}
	}
	if _, err := r.HTML(); err != nil {
		t.Error(err)
	}
	// A recall floor looks at the int8 networks too: they confuse class 0.
	target.RecallAll = 0.9
	if row := build(t, in, Options{}).Rows[plain.Answer.Pick]; !strings.Contains(row.Why, "class 0") {
		t.Errorf("with a recall floor: %s", row.Why)
	}
}

func TestInt8LeftOut(t *testing.T) {
	in := quantizedInput(t)
	in.Int8[0].WeightsSHA = strings.Repeat("0", 64)
	in.Int8[1] = result.Int8{ConfigID: in.Int8[1].ConfigID, Seed: in.Int8[1].Seed, WeightsSHA: in.Int8[1].WeightsSHA, Reason: "sums overflow"}
	r := build(t, in, Options{})
	text := string(r.Text())
	if r.Rows[0].Int8.Validation.N != 1 || !strings.Contains(text, "int8.json is of other weights") || !strings.Contains(text, "It has no int8 form: sums overflow") {
		t.Errorf("%d seeds\n%s", r.Rows[0].Int8.Validation.N, text)
	}
}

// The certificate of a search in int8 answers a target in int8 only, and says
// what it judged.
func TestInt8Certificate(t *testing.T) {
	in := quantizedInput(t)
	in.Certificate = &result.Certificate{Verdict: result.Unmet, Summary: "None.", Files: make([]result.File, 4),
		Target: result.Target{Accuracy: 0.93, Confidence: 0.95, Rule: "worst", Cost: "parameters", Precision: "int8"}}
	r := build(t, in, Options{})
	if r.Evidence.Answers || !strings.Contains(r.Evidence.Facts[1].Value, "judged in int8") || !strings.Contains(r.Evidence.Facts[4].Value, "4 files (result.json and int8.json)") {
		t.Errorf("%+v", r.Evidence)
	}
	target := *in.Experiment.Target
	target.Precision = experiment.Int8
	in.Experiment.Target = &target
	if r := build(t, in, Options{}); !r.Evidence.Answers {
		t.Error("it is of the same target, and does not answer")
	}
}

// The page of a target in int8 draws and judges the int8 networks, and says so.
func TestInt8Page(t *testing.T) {
	in := quantizedInput(t)
	target := *in.Experiment.Target
	target.Precision = experiment.Int8
	in.Experiment.Target = &target
	r := build(t, in, Options{})
	p := open(t, browser(t), r, desktop)
	pick := &r.Rows[r.Answer.Pick]
	card := p.text("#pick")
	if !strings.Contains(card, pick.Label) || !strings.Contains(card, "int8 validation, mean"+text.Percentage(pick.Int8.Validation.Mean)+" %") {
		t.Errorf("the card says %q, want the int8 mean of %s", card, pick.Label)
	}
	if chart := p.text("#chart"); !strings.Contains(chart, "int8 validation accuracy (%)") {
		t.Errorf("the chart says %q", chart)
	}
	p.fits(desktop)
	p.shoot("int8")
}
