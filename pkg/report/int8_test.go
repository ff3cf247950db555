package report_test

import (
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/report"
	"slimfit/pkg/report/page"
	"slimfit/pkg/report/render"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// One quantized seed of three is no mean of three: the table says how many
// there are, and compares with the same seeds.
func TestInt8OfSomeSeeds(t *testing.T) {
	in := reporttest.Quantized(t)
	best := slices.MaxFunc(in.Results[:3], func(a, b result.Result) int { return *a.Correct.Validation - *b.Correct.Validation })
	in.Int8 = []result.Int8{reporttest.Worse(best, 2, true)}
	r := reporttest.Build(t, in, report.Options{})
	table := render.Results(r)
	at := slices.IndexFunc(table.Columns, func(c render.Column) bool { return c.Head == "int8 seeds" })
	row := table.Rows[slices.IndexFunc(r.Rows, func(row report.Row) bool { return row.ID == best.ConfigID })]
	less := text.Points(-2 / float64(best.Dataset.Validation))
	if at < 0 || row[at] != "1/3" || row[at+2] != less {
		t.Errorf("%v: want 1/3 seeds, %s points less", row, less)
	}
}

// A target in int8 is met, or not, by the int8 networks.
func TestInt8Target(t *testing.T) {
	in := reporttest.Quantized(t)
	plain := reporttest.Build(t, in, report.Options{})
	pick := &plain.Rows[plain.Answer.Pick]
	for i := range in.Int8 { // so many wrong that the float32 pick is none
		if in.Int8[i].ConfigID == pick.ID {
			for _, r := range in.Results {
				if r.Key() == in.Int8[i].Key() {
					in.Int8[i] = reporttest.Worse(r, 40, false)
				}
			}
		}
	}
	target := *in.Experiment.Target
	target.Precision = experiment.Int8
	in.Experiment.Target = &target
	r := reporttest.Build(t, in, report.Options{})
	row := r.Rows[plain.Answer.Pick]
	if row.ID != pick.ID || row.Verdict != report.Misses {
		t.Errorf("%s: %s %s, though its int8 networks miss the target", row.ID, row.Verdict, row.Why)
	}
	if r.Answer.Pick < 0 || r.Rows[r.Answer.Pick].Verdict != report.Meets || !strings.Contains(r.Answer.Sentence, "93 % in int8") ||
		!strings.Contains(r.Asked, "in int8") {
		t.Errorf("%s\n%s", r.Asked, r.Answer.Sentence)
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Int8 == nil && (row.Verdict != report.Undecided || row.Why != "3 of 3 seeds without int8 figures on the "+
			"validation images") {
			t.Errorf("%s, not quantized: %s %s", row.ID, row.Verdict, row.Why)
		}
	}
	for _, f := range r.Front {
		if r.Rows[f].Int8 == nil {
			t.Errorf("%s is on the front of int8 networks", r.Rows[f].ID)
		}
	}
	if _, err := page.HTML(r); err != nil {
		t.Error(err)
	}
	// A recall floor looks at the int8 networks too: they confuse class 0.
	target.RecallAll = 0.9
	if row := reporttest.Build(t, in, report.Options{}).Rows[plain.Answer.Pick]; !strings.Contains(row.Why, "class #0") {
		t.Errorf("with a recall floor: %s", row.Why)
	}
}

func TestInt8LeftOut(t *testing.T) {
	in := reporttest.Quantized(t)
	in.Int8[0].WeightsSHA = strings.Repeat("0", 64)
	in.Int8[1] = result.Int8{ConfigID: in.Int8[1].ConfigID, Seed: in.Int8[1].Seed, WeightsSHA: in.Int8[1].WeightsSHA, Reason: "sums overflow"}
	r := reporttest.Build(t, in, report.Options{})
	text := string(render.Text(r))
	if r.Rows[0].Int8.Validation.N != 1 || !strings.Contains(text, "int8.json is of other weights") ||
		!strings.Contains(text, "It has no int8 form: sums overflow") {
		t.Errorf("%d seeds\n%s", r.Rows[0].Int8.Validation.N, text)
	}
}

// The certificate of a search in int8 answers a target in int8 only, and says
// what it judged.
func TestInt8Certificate(t *testing.T) {
	in := reporttest.Quantized(t)
	in.Certificate = &result.Certificate{Seeds: []int64{0, 1, 2}, Verdict: result.Unmet, Summary: "None.", Files: make([]result.File, 4),
		Target: result.Target{Accuracy: 0.93, Confidence: 0.95, Rule: "worst", Cost: "parameters", Precision: "int8"}}
	r := reporttest.Build(t, in, report.Options{})
	if r.Evidence.Answers || !strings.Contains(r.Evidence.Facts[1].Value, "judged in int8") ||
		!strings.Contains(r.Evidence.Facts[4].Value, "4 files (result.json and int8.json)") {
		t.Errorf("%+v", r.Evidence)
	}
	target := *in.Experiment.Target
	target.Precision = experiment.Int8
	in.Experiment.Target = &target
	if r := reporttest.Build(t, in, report.Options{}); !r.Evidence.Answers {
		t.Error("it is of the same target, and does not answer")
	}
}
