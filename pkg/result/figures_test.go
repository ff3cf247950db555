package result

import (
	"reflect"
	"strings"
	"testing"

	"slimfit/models"
)

func TestScore(t *testing.T) {
	f := Score([]int32{0, 1, 1, 2, 0}, []uint8{0, 1, 2, 2, 2}, 3)
	want := Figures{new(0.6), new(3), [][2]int{{2, 1}, {4, 0}}, [][]int{{1, 0, 0}, {0, 1, 0}, {1, 1, 1}}, nil}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("got %+v, want %+v", f, want)
	}
	if doubts := f.Check(5, 3, Whole); doubts != nil {
		t.Errorf("doubts: %v", doubts)
	}
	if f := Score([]int{}, nil, 2); *f.Accuracy != 0 || f.Wrong == nil || len(f.Confusion) != 2 {
		t.Errorf("no images: %+v", f)
	}
}

// What is set on a split is read from there, and only there.
func TestOn(t *testing.T) {
	f := Score([]int{0, 1}, []uint8{0, 0}, 2)
	for _, s := range Splits() {
		var r Result
		var q Int8
		r.SetOn(s, f)
		q.SetOn(s, f)
		for _, other := range Splits() {
			want := Figures{}
			if other == s {
				want = f
			}
			if !reflect.DeepEqual(r.On(other), want) || !reflect.DeepEqual(q.On(other), want) {
				t.Errorf("set on %s: on %s are %+v and %+v", s, other, r.On(other), q.On(other))
			}
		}
	}
	if d := (models.Data{Validation: 3, Test: 4}); Validation.Images(d) != 3 || Test.Images(d) != 4 {
		t.Error("images of a split")
	}
}

func TestCheck(t *testing.T) {
	good := func() Figures { return Score([]int{0, 1, 1, 2, 0}, []uint8{0, 1, 2, 2, 2}, 3) }
	for _, c := range []struct {
		name        string
		change      func(*Figures)
		kept, whole string
	}{
		{"nothing", func(*Figures) {}, "", ""},
		{"none of it", func(f *Figures) { *f = Figures{} }, "", ""},
		{"no lists", func(f *Figures) { f.Wrong, f.Confusion = nil, nil }, "", "is missing"},
		{"no count", func(f *Figures) { f.Correct = nil }, "do not add up to 5", "is missing"},
		{"accuracy", func(f *Figures) { f.Accuracy = new(0.8) }, "accuracy 0.8 is not 3 of 5", "accuracy 0.8 is not 3 of 5"},
		{"a cut accuracy", func(f *Figures) { f.Accuracy = new(0.60000001) }, "", "is not 3 of 5"},
		{"above one", func(f *Figures) { f.Accuracy = new(1.5) }, "not a fraction", "is not 3 of 5"},
		{"too many", func(f *Figures) { f.Correct = new(6) }, "6 of 5", "is not 6 of 5"},
		{"a shorter list", func(f *Figures) { f.Wrong = f.Wrong[1:] }, "do not add up to 5", "1 wrong images listed"},
		{"order", func(f *Figures) { f.Wrong[0], f.Wrong[1] = f.Wrong[1], f.Wrong[0] }, "", "entry 1 of the wrong images"},
		{"range", func(f *Figures) { f.Wrong[0][1] = 3 }, "", "entry 0 of the wrong images"},
		{"answers", func(f *Figures) { f.Wrong[0][1] = 0 }, "", "disagree on answers"},
		{"rows", func(f *Figures) { f.Confusion = f.Confusion[1:] }, "", "has 2 rows"},
		{"columns", func(f *Figures) { f.Confusion[1] = nil }, "", "row 1 of the confusion matrix has 0 columns"},
		{"matrix", func(f *Figures) { f.Confusion[1][1]++ }, "", "counts 4 of 6"},
	} {
		f := good()
		c.change(&f)
		for how, want := range []string{c.kept, c.whole} {
			got := strings.Join(f.Check(5, 3, Strictness(how)), "; ")
			if (want == "") != (got == "") || !strings.Contains(got, want) {
				t.Errorf("%s, strictness %d: %q, want %q", c.name, how, got, want)
			}
		}
	}
}

func TestParseKey(t *testing.T) {
	k := Key{"c5x2-p4-d128-1a2b3c4d", 12}
	if got, err := ParseKey(k.String()); err != nil || got != k {
		t.Errorf("%v, %v", got, err)
	}
	for _, s := range []string{"", "c5-1a2b3c4d", "c5-1a2b3c4d/seed-", "c5-1a2b3c4d/seed-x", "c5-1a2b3c4d/seed-01", "c5-1a2b3c4d/seed-+1",
		"seed-1",
		"c5/seed-1", "../c5-1a2b3c4d/seed-1", "c5-1a2b3c4d/seed-1/"} {
		if k, err := ParseKey(s); err == nil || !strings.Contains(err.Error(), "want <config-id>/seed-<n>") {
			t.Errorf("%q: %v, %v", s, k, err)
		}
	}
}

// Test images that repeat others are left out of what bounds are of, whether
// they were right or wrong.
func TestLeaveOut(t *testing.T) {
	labels := []uint8{0, 0, 1, 1, 1}
	f := Score([]int{0, 1, 1, 0, 0}, labels, 2) // 1, 3 and 4 are wrong
	f.LeaveOut(make([]bool, 5), labels)
	if f.Distinct != nil {
		t.Errorf("%+v of images that repeat nothing", f.Distinct)
	}
	f.LeaveOut([]bool{true, true, false, false, false}, labels)
	var r Result
	r.SetOn(Test, f)
	if d := r.Distinct; d == nil || d.Test != 3 || d.Correct != 1 {
		t.Fatalf("%+v", d)
	}
	counted, n := r.On(Test).Counted(5)
	if n != 3 || *counted.Correct != 1 || !reflect.DeepEqual(counted.Wrong, [][2]int{{1, 0}, {2, 0}}) ||
		!reflect.DeepEqual(counted.Confusion, [][]int{{0, 0}, {2, 1}}) {
		t.Errorf("%d images: %+v", n, counted)
	}
	if doubts := r.On(Test).Check(5, 2, Whole); len(doubts) > 0 {
		t.Error(doubts)
	}
	r.Distinct.Correct++
	if doubts := r.On(Test).Check(5, 2, Whole); len(doubts) == 0 {
		t.Error("one more right than there are went unnoticed")
	}
	r.SetOn(Test, Figures{})
	if r.Distinct != nil {
		t.Error("closed test images left figures behind")
	}
}
