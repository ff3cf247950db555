package result

import (
	"reflect"
	"strings"
	"testing"

	"slimfit/models"
)

// Figures of folds are those of all images, fold after fold.
func TestPool(t *testing.T) {
	fold := func(images int, wrong ...[2]int) Result {
		labels, predicted := make([]uint8, images), make([]int, images)
		for i := range labels {
			labels[i] = uint8(i % 2)
			predicted[i] = i % 2
		}
		for _, w := range wrong {
			predicted[w[0]] = w[1]
		}
		r := Result{ConfigID: "c", Seed: 3, Status: Done, WeightsSHA: "w", Seconds: 2, Selected: 5, Warnings: []string{"odd"},
			Dataset: models.Data{Classes: 2, Validation: images}}
		r.SetOn(Validation, Score(predicted, labels, 2))
		return r
	}
	r := Pool([]Result{fold(5, [2]int{0, 1}), fold(4), fold(4, [2]int{1, 0}, [2]int{3, 0})})
	f := r.On(Validation)
	if *f.Correct != 10 || !reflect.DeepEqual(f.Wrong, [][2]int{{0, 1}, {10, 0}, {12, 0}}) || !reflect.DeepEqual(f.Confusion,
		[][]int{{6, 1}, {2, 4}}) {
		t.Errorf("%d right, wrong %v, confusion %v", *f.Correct, f.Wrong, f.Confusion)
	}
	if doubts := f.Check(13, 2, Whole); len(doubts) > 0 {
		t.Error(doubts)
	}
	if r.Seconds != 6 || r.WeightsSHA != "" || r.Selected != 0 || len(r.Warnings) != 1 || r.Status != Done || r.Seed != 3 {
		t.Errorf("%+v", r)
	}
	broken := fold(4)
	broken.Status, broken.Reason = Diverged, "loss is NaN at step 7"
	broken.SetOn(Validation, Figures{})
	for at := range 2 {
		parts := []Result{fold(5), fold(4)}
		parts[at] = broken
		r := Pool(parts)
		if r.Status != Diverged || !strings.HasPrefix(r.Reason, []string{"fold 1 of 2: loss", "fold 2 of 2: loss"}[at]) ||
			r.Correct.Validation != nil || r.Confusion.Validation != nil {
			t.Errorf("fold %d diverged: %+v", at+1, r)
		}
	}
}
