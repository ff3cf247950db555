package yamlkeys

import "testing"

func TestDidYouMean(t *testing.T) {
	known := []string{"kernel", "filters", "stride", "steps", "epochs"}
	for word, want := range map[string]string{"kernal": "kernel", "kernle": "kernel", "KERNEL": "kernel", "stepz": "steps", "step": "steps",
		"strid": "stride", "batch": "", "x": "", "": ""} {
		got := DidYouMean(word, known, "%s")
		if want != "" {
			want = " (did you mean " + want + "?)"
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"ca", "abc", 3}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
