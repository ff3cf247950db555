package dataset

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
)

// What the pixels say of a set, whatever its format.
func TestSurvey(t *testing.T) {
	files := pictureFiles(t, "train/", 6, "a", "b")
	maps.Copy(files, pictureFiles(t, "test/", 6, "c", "d")) // other pictures than training's
	for name, b := range maps.Clone(files) {
		if to, ok := strings.CutPrefix(name, "test/c"); ok {
			delete(files, name)
			files["test/a"+to] = b[:len(b):len(b)]
		} else if to, ok := strings.CutPrefix(name, "test/d"); ok {
			delete(files, name)
			files["test/b"+to] = b[:len(b):len(b)]
		}
	}
	files["test/a/leak.png"] = files["train/a/002.png"]
	files["test/a/more.png"] = files["test/a/003.png"]
	files["train/b/again.png"] = files["train/b/004.png"]
	files["train/b/wrong.png"] = files["train/a/005.png"]
	files["train/b/black.png"] = pngBytes(t, 3, 4, grey(0), 0)
	dir := datatest.Write(t, t.TempDir(), files)
	_, err := Load(Ref{Path: dir, Validation: -1}, "")
	for _, want := range []string{"under two classes", "accept: [duplicates]", "one value all over", "accept: [constant]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	set, err := Load(Ref{Path: dir, Validation: -1, Accept: Accept{Duplicates: true, Constant: true}}, "")
	if err != nil {
		t.Fatal(err)
	}
	if v := set.Found; v.TwoClasses < 1 || v.Constant != 1 || v.TestToo < 1 || v.Duplicates < 2 {
		t.Errorf("%+v, notes %q", v, set.Notes)
	}
}

// Twelve bits in sixteen are told before they train as black.
func TestDarkPictures(t *testing.T) {
	files := pictureFiles(t, "", 8, "a", "b")
	m := image.NewGray16(image.Rect(0, 0, 4, 3))
	for i := range 12 {
		m.SetGray16(i%4, i/4, color.Gray16{uint16(i * 340)})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	files["a/deep.png"] = b.Bytes()
	dir := datatest.Write(t, t.TempDir(), files)
	if _, err := Load(Ref{Path: dir}, ""); err == nil || !strings.Contains(err.Error(), "deep.png") ||
		!strings.Contains(err.Error(), "accept: [dark]") {
		t.Error(err)
	}
	if _, err := Load(Ref{Path: dir, Accept: Accept{Dark: true}}, ""); err != nil {
		t.Error(err)
	}
	os.Remove(filepath.Join(dir, "a/deep.png"))
}

func TestRepeats(t *testing.T) {
	set := &Set{Data: models.Data{Input: models.Shape{H: 1, W: 2, C: 1}},
		Train:      Images{Pixels: []uint8{1, 2, 3, 4, 5, 6}, Labels: make([]uint8, 3)},
		Validation: Images{Pixels: []uint8{7, 7}, Labels: make([]uint8, 1)},
		Test:       Images{Pixels: []uint8{9, 9, 3, 4, 3, 4, 6, 5, 7, 7, 9, 9}, Labels: make([]uint8, 6)}}
	if in := set.Repeats(); !slices.Equal(in, []bool{false, true, true, false, true, true}) {
		t.Errorf("%v", in)
	}
	set.Test = Images{Pixels: []uint8{9, 9}, Labels: []uint8{0}}
	if in := set.Repeats(); in != nil {
		t.Errorf("%v, want nil", in)
	}
}

func TestFaults(t *testing.T) {
	f := &Faults{Of: 90}
	for i := range 25 {
		f.List = append(f.List, fmt.Sprintf("a/%02d.png: damaged", i))
	}
	const head = "25 of 90 files cannot be read; "
	if s := f.Error(); !strings.HasPrefix(s, head) || !strings.Contains(s, "a/19.png") || strings.Contains(s, "a/20.png") ||
		!strings.HasSuffix(s, "and 5 more; `slimfit data verify --all` lists them") {
		t.Error(s)
	}
	if f.All = true; !strings.HasPrefix(f.Error(), head) || !strings.HasSuffix(f.Error(), "\n  a/24.png: damaged") {
		t.Error(f.Error())
	}
}
