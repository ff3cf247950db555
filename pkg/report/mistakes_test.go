package report_test

import (
	"reflect"
	"slices"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
)

// The images that most seeds get wrong come first, with what most of them say.
func TestWorst(t *testing.T) {
	of := func(id string, status result.Status, wrong ...[2]int) result.Result {
		return result.Result{ConfigID: id, Status: status, Wrong: result.Wrong{Validation: wrong}}
	}
	results := []result.Result{of("a", result.Done, [2]int{3, 7}, [2]int{5, 1}), of("a", result.Done, [2]int{3, 2}, [2]int{9, 4}),
		of("a", result.Done, [2]int{3, 7}, [2]int{9, 2}),
		of("b", result.Done, [2]int{1, 1}), of("a", result.Failed, [2]int{5, 1})}
	results[2].Wrong.Validation = append(results[2].Wrong.Validation, [2]int{5, 1})
	want := []report.Mistake{{Image: 3, True: -1, Predicted: 7, Seeds: 3}, {Image: 5, True: -1, Predicted: 1, Seeds: 2},
		{Image: 9, True: -1, Predicted: 2, Seeds: 2}}
	same := func(a, b report.Mistake) bool { return reflect.DeepEqual(a, b) }
	if got := report.Worst(results, nil, "a", report.Validation, 3); !slices.EqualFunc(got, want, same) {
		t.Errorf("%+v, want %+v", got, want)
	}
	// With what scores.json keeps: the surest of equals first, means over the seeds that give the answer.
	of9 := result.Mistake{Image: 9, File: "cat/9.png", True: 1, Predicted: 2, Score: 0.75, TrueScore: 0.25}
	of3, other := result.Mistake{Image: 3, File: "cat/3.png", True: 2, Predicted: 7, Score: 0.5, TrueScore: 0.25}, of9
	again := of3
	again.Score, again.TrueScore, other.Predicted, other.Score = 1, 0, 4, 1
	keep := func(id string, m ...result.Mistake) result.Scores {
		return result.Scores{ConfigID: id, Mistakes: map[report.Split][]result.Mistake{report.Validation: m}}
	}
	scores := []result.Scores{keep("a", of3), keep("a", other), keep("a", again, of9), keep("b", result.Mistake{Image: 3, True: 9})}
	want = []report.Mistake{{Image: 3, File: "cat/3.png", True: 2, Predicted: 7, Seeds: 3, Score: 0.75, TrueScore: 0.125, Scored: 2},
		{Image: 9, File: "cat/9.png", True: 1, Predicted: 2, Seeds: 2, Score: 0.75, TrueScore: 0.25, Scored: 1}, want[1]}
	if got := report.Worst(results, scores, "a", report.Validation, 3); !slices.EqualFunc(got, want, same) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := report.Worst(results, nil, "none", report.Test, 20); len(got) != 0 {
		t.Errorf("nobody's mistakes: %+v", got)
	}
}

// What a reader looks at first is the pick, else the nearest miss.
func TestChosen(t *testing.T) {
	in := reporttest.Flawed(t)
	r := reporttest.Build(t, in, report.Options{})
	if r.Chosen() != r.Answer.Pick {
		t.Errorf("chosen %d, pick %d", r.Chosen(), r.Answer.Pick)
	}
	target := *in.Experiment.Target
	target.Accuracy = 0.999
	in.Experiment.Target = &target
	r = reporttest.Build(t, in, report.Options{})
	for i := range r.Rows {
		if s := r.Rows[i].Validation; s != nil && s.Min > r.Rows[r.Chosen()].Validation.Min && r.Rows[i].Counts.Diverged == 0 {
			t.Errorf("%s is nearer than %s", r.Rows[i].Label, r.Rows[r.Chosen()].Label)
		}
	}
	if got := reporttest.Build(t, reporttest.Unfinished(t), report.Options{}).Chosen(); got != -1 {
		t.Errorf("nothing has finished, and row %d is chosen", got)
	}
}
