package target

import "testing"

func TestGuess(t *testing.T) {
	names := []string{"ok", "scratch", "dent"}
	for _, c := range []struct {
		confusion [][]int
		want      string
	}{
		{nil, ""},
		{[][]int{{36, 0, 0}, {1, 0, 0}, {1, 0, 0}}, "does no better than always answering ok (94.74 %) and never answers scratch and dent"},
		{[][]int{{30, 3, 3}, {1, 1, 0}, {0, 0, 1}}, "does no better than always answering ok (92.31 %)"},
		{[][]int{{36, 0, 0}, {1, 1, 0}, {0, 1, 0}}, "never answers dent"},
		{[][]int{{36, 0, 0}, {1, 1, 0}, {0, 0, 1}}, ""},
		{[][]int{{36, 0, 0}, {1, 1, 0}, {0, 0, 0}}, ""}, // no image shows a dent
	} {
		if got := GuessOf(c.confusion).Words(names); got != c.want {
			t.Errorf("%v: %q, want %q", c.confusion, got, c.want)
		}
	}
}
