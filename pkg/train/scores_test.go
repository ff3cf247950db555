package train

import (
	"fmt"
	"slices"
	"testing"

	"slimfit/pkg/result"
)

// Scores count every image once, as Results does, and shifts are judged on images
// that are shifted as package shift says.
func TestScores(t *testing.T) {
	set := barSet()
	size, half := set.Data.Input.Elements(), set.Test.N()/2 // every second test image repeats another
	copy(set.Test.Pixels[half*size:], set.Test.Pixels[:half*size])
	copy(set.Test.Labels[half:], set.Test.Labels[:half])
	for i := range set.Validation.N() {
		set.ValidationFiles = append(set.ValidationFiles, fmt.Sprintf("bars/%d.png", i))
	}
	tr := start(t, set, recipe(200), net(1, 4), net(1, 2))
	advance(t, tr, 200)
	results, err := tr.Results(true)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := tr.Scores(true, []string{"noise 100", "shift 4", "brightness 0"})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range scores {
		if doubt := s.Check(func(split result.Split) int { return split.Images(set.Data) }, 3); doubt != "" {
			t.Errorf("network %d: %s", i, doubt)
		}
		d := results[i].Distinct
		right, images := s.Counted([]string{"brightness 0", "noise 100"}, d, set.Test.N())
		if images != d.Test || d.Test > half || right[0] != d.Correct || 2*right[1] > d.Test+right[0] || right[1] < 0 {
			t.Errorf("network %d finds %v of %d distinct test images, %+v", i, right, images, d)
		}
		for _, split := range result.Splits() {
			right := 0
			for _, b := range s.Sure[split] {
				right += b[1]
			}
			f, found := results[i].On(split), [3]int{}
			if n := len(s.Mistakes[split]); n != min(result.MostMistakes, len(f.Wrong)) {
				t.Errorf("network %d, %s: %d mistakes are kept of %d", i, split, n, len(f.Wrong))
			}
			for _, m := range s.Mistakes[split] {
				if !slices.Contains(f.Wrong, [2]int{m.Image, m.Predicted}) || !(m.Score >= m.TrueScore) || m.Score <= 0.3 ||
					split == result.Validation && m.File != set.ValidationFiles[m.Image] {
					t.Errorf("network %d, %s: no mistake of it: %+v", i, split, m)
				}
			}
			for k, name := range []string{"noise 100", "shift 4", "brightness 0"} {
				for class, n := range s.Shifts[name][split] {
					found[k] += n
					if name == "brightness 0" && n != f.Confusion[class][class] {
						t.Errorf("network %d, %s: unchanged images find %d of class %d, not %d", i, split, n, class, f.Confusion[class][class])
					}
				}
			}
			if right != *f.Correct || found[2] != *f.Correct || found[0] >= *f.Correct || found[1] >= *f.Correct*3/4 {
				t.Errorf("network %d, %s: %d right, found %v, want %d", i, split, right, found, *f.Correct)
			}
		}
	}
	closed, err := tr.Scores(false, nil)
	if err != nil || closed[0].Sure[result.Test] != nil || closed[0].Sure[result.Validation] == nil || closed[0].Shifts == nil {
		t.Errorf("test images closed: %+v, %v", closed[0], err)
	}
	if _, err := tr.Scores(false, []string{"fog 3"}); err == nil {
		t.Error("fog is a shift")
	}
}
