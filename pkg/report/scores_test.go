package report_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/report"
	"slimfit/pkg/report/figure"
	"slimfit/pkg/report/render"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
)

// Int8 networks are summed up beside the float32 ones; a target in int8 with floors
// judges them.
func TestShiftsInInt8(t *testing.T) {
	in := reporttest.Stressed(t)
	for i := range in.Results {
		q := reporttest.Worse(in.Results[i], 3, true)
		in.Int8 = append(in.Int8, q)
		judged := q.Judge(in.Results[i])
		found := reporttest.Scored(&judged, in.Experiment.Evaluate.Shifts)
		in.Scores[i].Int8 = &found.Shifted
	}
	target := *in.Experiment.Target
	target.Precision, target.Accuracy, target.Under = "int8", 0.5, []experiment.Under{{Shift: "noise 20", Accuracy: 0.5}}
	in.Experiment.Target = &target
	r := reporttest.Build(t, in, report.Options{})
	if r.Answer.Pick < 0 {
		t.Fatalf("no answer: %s", r.Answer.Sentence)
	}
	noise := r.Rows[r.Answer.Pick].Shift("noise 20")
	lost := 3 / float64(result.Validation.Images(r.Dataset))
	if float, int8 := noise.On[report.Validation], noise.Int8[report.Validation]; int8 == nil || math.Abs(float.Mean-int8.Mean-lost) > 1e-9 {
		t.Errorf("under noise: %+v, in int8 %+v, want %v less", float, int8, lost)
	}
	if s := render.Shifts(r); len(s.Tables) != 4 || s.Tables[2].Name != "shifts_in_int8" || len(s.Tables[2].Rows) != len(r.Rows) {
		t.Errorf("%d tables", len(s.Tables))
	}
	if svg, err := figure.SVG(r, figure.Shifts); err != nil || !strings.Contains(string(svg), "accuracy in int8") {
		t.Errorf("the figure does not draw int8 networks: %v", err)
	}
	for i := range in.Scores {
		in.Scores[i].Int8 = nil
	}
	if r := reporttest.Build(t, in, report.Options{}); r.Answer.Pick >= 0 {
		t.Error("int8 networks meet floors that only float32 networks were judged by")
	}
}

// Where int8 networks are judged, thresholds and answers are still those of float32
// ones, and say so.
func TestSureInInt8(t *testing.T) {
	in := reporttest.Quantized(t)
	target := *in.Experiment.Target
	target.Precision = experiment.Int8
	in.Experiment.Target = &target
	for i := range in.Results {
		in.Scores = append(in.Scores, reporttest.Scored(&in.Results[i], nil))
	}
	text := string(render.Text(reporttest.Build(t, in, report.Options{})))
	if !strings.Contains(text, "Giving only answers") || !strings.Contains(text, "All of this is of the float32 networks") {
		t.Error(text)
	}
}

func TestShifts(t *testing.T) {
	in := reporttest.Stressed(t)
	r := reporttest.Build(t, in, report.Options{})
	row := &r.Rows[r.Chosen()]
	if !reflect.DeepEqual(r.Shifts, []string{"noise 20", "blur 1"}) || len(row.Shifts) != 3 || row.Shifts[0].Shift != "" {
		t.Fatalf("shifts %v, of the row %+v", r.Shifts, row.Shifts)
	}
	for _, s := range result.Splits() {
		clean, noise, blur := row.Shift("").On[s], row.Shift("noise 20").On[s], row.Shift("blur 1").On[s]
		lost := 2 * float64(r.Dataset.Classes) / float64(s.Images(r.Dataset))
		if score := row.Score(s); math.Abs(clean.Mean-score.Mean) > 1e-9 || clean.Min != score.Min || clean.N != score.N {
			t.Errorf("%s, unshifted: %+v, want %+v", s, clean, score)
		}
		if math.Abs(clean.Mean-noise.Mean-lost) > 1e-9 || math.Abs(clean.Min-noise.Min-lost) > 1e-9 {
			t.Errorf("%s, noise: %+v of %+v, want %v less", s, noise, clean, lost)
		}
		if blur.Class != 7 || blur.Recall != 0 || clean.Class < 0 || clean.Recall <= 0.5 {
			t.Errorf("%s: worst class %+v, unshifted %+v", s, blur, clean)
		}
	}
	// Scores of other weights are not these networks', and results of which nobody
	// kept a confusion matrix have no worst class.
	for i := range in.Scores {
		in.Scores[i].Seed += 100
	}
	if r := reporttest.Build(t, in, report.Options{}); r.Rows[0].Shifts != nil || r.Sure != nil {
		t.Errorf("scores of other trials count: %+v, %+v", r.Rows[0].Shifts, r.Sure)
	}
	in = reporttest.Stressed(t)
	for i := range in.Results {
		in.Results[i].Confusion = result.Confusion{}
	}
	if s := reporttest.Build(t, in, report.Options{}).Rows[0].Shift("blur 1"); s == nil || s.On[report.Validation].Class != -1 {
		t.Errorf("without a matrix: %+v", s)
	}
}

func TestSure(t *testing.T) {
	r := reporttest.Build(t, reporttest.Stressed(t), report.Options{})
	s, row := r.Sure, &r.Rows[r.Chosen()]
	if s == nil || s.Class != -1 || s.Thresholds != nil || s.Seeds != row.Counts.Done || s.ID != row.ID {
		t.Fatalf("%+v", s)
	}
	for _, split := range result.Splits() {
		all := s.Answered[0].On[split]
		if n := split.Images(r.Dataset) * s.Seeds; all.Held != 0 || all.Right+all.Wrong != n ||
			math.Abs(float64(all.Right)/float64(n)-row.Score(split).Mean) > 1e-9 || s.Answered[0].Score != 0 {
			t.Errorf("%s, all answers: %+v", split, all)
		}
		last := s.Answered[len(s.Answered)-1].On[split]
		if last.Wrong != 0 || last.Held == 0 || len(s.Answered) > 3 { // wrong answers are unsure, see Scored
			t.Errorf("%s, the surest: %+v", split, last)
		}
	}
}

// Of two classes, thresholds speak of the rarer one, whatever its number.
func TestThresholds(t *testing.T) {
	for class := range 2 {
		in := reporttest.Stressed(t)
		in.Experiment.Data.Classes = 2
		for i := range in.Results {
			r := &in.Results[i]
			r.Dataset.Classes = 2
			n := r.Dataset.Validation
			*r.Correct.Validation, *r.Accuracy.Validation, r.Wrong.Validation = n-5, float64(n-5)/float64(n), nil
			// 20 of the rare class: 17 found, 3 missed; 2 false alarms, surer than what was missed
			tally, confusion := result.Tally{{-9, n - 22, 3}, {2, 0, 2}, {7, 17, 0}}, [][]int{{n - 22, 2}, {3, 17}}
			if class == 0 {
				tally, confusion = result.Tally{{-8, 17, 0}, {-3, 0, 2}, {8, n - 22, 3}}, [][]int{{17, 3}, {2, n - 22}}
			}
			r.Confusion = result.Confusion{Validation: confusion}
			r.Accuracy.Test, r.Correct.Test, r.Wrong.Test = nil, nil, nil
			in.Scores[i].Sure, in.Scores[i].Shifts = map[result.Split]result.Tally{result.Validation: tally}, nil
		}
		r := reporttest.Build(t, in, report.Options{})
		s, seeds, n := r.Sure, r.Sure.Seeds, in.Experiment.Data.Validation
		if s.Class != class || len(s.Thresholds) == 0 {
			t.Fatalf("%+v", s)
		}
		for _, c := range s.Thresholds {
			want := report.Alarm{Found: 17, Missed: 3, False: 2, Quiet: n - 22}
			switch {
			case c.Score > 0.84:
				want = report.Alarm{Missed: 20, Quiet: n - 20}
			case c.Score > 0.63:
				want = report.Alarm{Found: 17, Missed: 3, Quiet: n - 20}
			case c.Score < 0.1:
				want = report.Alarm{Found: 20, False: n - 20}
			}
			got := c.On[report.Validation]
			all := report.Alarm{Found: want.Found * seeds, Missed: want.Missed * seeds, False: want.False * seeds, Quiet: want.Quiet * seeds}
			if got != all || len(c.On) != 1 {
				t.Errorf("class %d at %v: %+v of %d seeds, want %+v", class, c.Score, got, seeds, want)
			}
		}
		if last := s.Answered[len(s.Answered)-1].On[report.Validation]; last.Wrong != 3*seeds || last.Held == 0 {
			t.Errorf("class %d: surest %+v", class, last)
		}
	}
}
