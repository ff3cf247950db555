package train

import (
	"testing"

	"slimfit/pkg/result"
)

// Test images that training has seen are left out of the distinct ones,
// whether they were right or wrong.
func TestDistinct(t *testing.T) {
	r := result.Result{}
	r.SetOn(result.Test, result.Score([]int{0, 1, 1, 0}, []uint8{0, 0, 1, 1}, 2)) // 1 and 3 are wrong
	if got := distinct(&r, []bool{true, true, false, false}); *got != (result.Distinct{Test: 2, Correct: 1}) {
		t.Errorf("%+v", *got)
	}
	if got := distinct(&result.Result{}, []bool{true}); got != nil {
		t.Errorf("%+v of images that were not opened", *got)
	}
}
