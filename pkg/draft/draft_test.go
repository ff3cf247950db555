package draft

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// folder draws pictures: n of each class, of the sizes in turn, lightened by i.
func folder(t *testing.T, classes map[string]int, tint uint8, sizes ...image.Point) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "Own Parts")
	at := 0
	for class, n := range classes {
		if err := os.MkdirAll(filepath.Join(root, class), 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			at++
			m := image.NewNRGBA(image.Rectangle{Max: sizes[i%len(sizes)]})
			for y := range m.Rect.Dy() {
				for x := range m.Rect.Dx() {
					v := uint8(at*7 + x*y + at/37*x)
					m.SetNRGBA(x, y, color.NRGBA{max(v, tint), v, v, 255})
				}
			}
			f, err := os.Create(filepath.Join(root, class, fmt.Sprint(i)+".png"))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, m); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	return root
}

func draftText(t *testing.T, dir, kind string) (*Draft, string) {
	t.Helper()
	d, err := Of(dir, kind, filepath.Join(t.TempDir(), "own.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.Text()
	if err != nil {
		t.Fatal(err)
	}
	return d, string(b)
}

// Sizes that differ, two shapes, one class in ten, a tint that says nothing.
func TestOf(t *testing.T) {
	dir := folder(t, map[string]int{"ok": 500, "dent": 40}, 40, image.Pt(40, 80), image.Pt(41, 80), image.Pt(80, 80))
	if err := os.WriteFile(filepath.Join(dir, "ok", "broken.png"), []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	d, text := draftText(t, dir, "")
	for _, want := range []string{"name: own-parts ", "resize: [64, 32]", "fit: pad", "channels: grey", `"dent": 0.`, "skip_unreadable: true", "test: 108",
		"batch: 32",
		"filters: 2*$width", "540 pictures of 80 to 80 pixels high and 40 to 80 wide, in the middle 80x41"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if len(d.Floors) != 1 || d.Floors[0].Name != "dent" || d.Floors[0].Of != 8 || !(d.Floors[0].Least > 0.1 && d.Floors[0].Least < 1) {
		t.Errorf("floors %+v", d.Floors)
	}
	if !(d.Accuracy > 0.5) || !strings.Contains(d.Guess, "always answering ok is right for 92.6 %") {
		t.Errorf("target %v, %q: guessing meets it", d.Accuracy, d.Guess)
	}
	for _, want := range []string{"metric: balanced_accuracy", "class_weights: ", "\"dent\": 3.", "by always answering one class it is 50 %"} {
		if !strings.Contains(text, want) || strings.Contains(text, "flip:") {
			t.Errorf("no %q, or flips, in:\n%s", want, text)
		}
	}
}

// One class is the most frequent, but not most of all: accuracy will do.
func TestOfBalanced(t *testing.T) {
	d, text := draftText(t, folder(t, map[string]int{"a": 90, "b": 100, "c": 80}, 40, image.Pt(28, 28)), "")
	if d.Balanced || len(d.Weights) > 0 || len(d.Floors) > 0 || strings.Contains(text, "class_weights") || strings.Contains(text, "metric") {
		t.Errorf("%+v\n%s", d, text)
	}
}

// Pictures of one small size stay as they are; colours that tell stay.
func TestOfSmall(t *testing.T) {
	dir := folder(t, map[string]int{"a": 30}, 0, image.Pt(28, 28))
	other := folder(t, map[string]int{"b": 30}, 255, image.Pt(28, 28))
	if err := os.Rename(filepath.Join(other, "b"), filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	d, text := draftText(t, dir, "inspection")
	if d.Resize != "" || d.Channels != "" || d.Stages[0].Strided || len(d.Stages) != 2 {
		t.Errorf("%+v", d)
	}
	if !strings.Contains(text, "recall: {all: 0.5}") {
		t.Error("inspection without a floor")
	}
}

func TestOfNothing(t *testing.T) {
	for _, dir := range []string{"/nowhere", t.TempDir(), folder(t, map[string]int{"one": 1}, 0, image.Pt(8, 8))} {
		if _, err := Of(dir, "", "own.yaml"); err == nil {
			t.Errorf("%s: no error", dir)
		}
	}
}

func TestEmpty(t *testing.T) {
	for _, kind := range Templates() {
		b, err := Empty(kind, "a.yaml").Text()
		if err != nil || !slices.Contains(strings.Split(string(b), "\n"), "# slimfit plan a.yaml     what it is and how long it takes") {
			t.Errorf("%s: %v\n%s", kind, err, b)
		}
	}
}

func TestPathFrom(t *testing.T) {
	for _, c := range [][3]string{{"/a/b/x.yaml", "/a/b/data", "data"}, {"/a/b/x.yaml", "/a/data", "../data"}, {"/a/b/x.yaml", "/c/data",
		"/c/data"}} {
		if got := pathFrom(c[0], c[1]); got != c[2] {
			t.Errorf("pathFrom(%s, %s) = %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestSeriesDraftSpeaksOfSeries(t *testing.T) {
	b, err := Empty("series", "own.yaml").Text()
	if err != nil {
		t.Fatal(err)
	}
	if text := string(b); strings.Contains(text, " image") || !strings.Contains(text, "the test series stay closed") {
		t.Errorf("a draft for series:\n%s", text)
	}
}
