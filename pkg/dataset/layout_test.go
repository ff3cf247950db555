package dataset

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
)

// The usual names of parts, a wrapper, scrap and texts beside the pictures.
func TestLayouts(t *testing.T) {
	lay := func(prefixes ...string) map[string][]byte {
		files := map[string][]byte{"README.txt": []byte("x"), "__MACOSX/train/x.png": {1}, ".git/x": {1}}
		for i, p := range prefixes {
			for name, b := range pictureFiles(t, p, 4, "a", "b") {
				m, _ := png.Decode(bytes.NewReader(b))
				m.(*image.RGBA).Set(1, 1, color.Gray{uint8(100 + i)}) // each part its own
				var out bytes.Buffer
				png.Encode(&out, m)
				files[name] = out.Bytes()
			}
		}
		return files
	}
	for _, c := range []struct {
		prefixes                []string
		train, validation, test int
	}{
		{[]string{"train/", "val/", "test/"}, 8, 8, 8},
		{[]string{"Training/", "Testing/"}, 8, 0, 8},
		{[]string{"Train/", "Valid/", "Test/"}, 8, 8, 8},
		{[]string{"set/train/", "set/validation/", "set/test/"}, 8, 8, 8},
		{[]string{"train/", "val/"}, 6, 8, 2},
		{[]string{"one/two/"}, 4, 2, 2},
		{[]string{"train/"}, 4, 2, 2},
	} {
		dir := datatest.Write(t, t.TempDir(), lay(c.prefixes...))
		set, err := Load(Ref{Path: dir}, "")
		if err != nil {
			t.Errorf("%v: %v", c.prefixes, err)
			continue
		}
		if d := set.Data; d.Train != c.train || d.Validation != c.validation || d.Test != c.test ||
			!slices.Equal(set.ClassNames, []string{"a", "b"}) {
			t.Errorf("%v: %+v", c.prefixes, d)
		}
		if again, err := LoadData(set.Data, models.Source{Path: dir}); err != nil || again.Data != set.Data {
			t.Errorf("%v loaded again: %v", c.prefixes, err)
		}
	}
	// Classes called train, test and valid beside another.
	data, err := Describe(Ref{Path: datatest.Write(t, t.TempDir(), pictureFiles(t, "", 8, "bus", "test", "train", "valid"))}, "")
	if err != nil || data.Classes != 4 {
		t.Errorf("%+v, %v", data, err)
	}
}

// One name in two Unicode forms is one class.
func TestUnicodeForms(t *testing.T) {
	files := pictureFiles(t, "train/", 6, "caf\u00e9", "th\u00e9")
	for name, b := range pictureFiles(t, "test/", 6, "cafe\u0301", "the\u0301") {
		files[name] = b
	}
	set, err := Load(Ref{Path: datatest.Write(t, t.TempDir(), files)}, "")
	if err != nil || !slices.Equal(set.ClassNames, []string{"caf\u00e9", "th\u00e9"}) {
		t.Errorf("%v", err)
	}
}

// No group is in two parts, and what was held back is held back again.
func TestGroups(t *testing.T) {
	files := map[string][]byte{}
	for c, class := range []string{"a", "b"} {
		for g := range 12 {
			for i := range 2 + g%3 {
				files[fmt.Sprintf("%s/person%02d/%d.png", class, g, i)] = pngBytes(t, 3, 4, grey(uint8(g)), uint8(100*c+20+i))
			}
		}
	}
	dir := datatest.Write(t, t.TempDir(), files)
	set, err := Load(Ref{Path: dir, Groups: GroupsSubfolder}, "")
	if err != nil {
		t.Fatal(err)
	}
	in := map[uint8]int{} // person, by the last pixel
	for p, m := range set.parts() {
		for i := range m.N() {
			px := set.image(m.Images, i)
			if part, ok := in[px[11]]; ok && part != p {
				t.Fatalf("person %d is in two parts", px[11])
			}
			in[px[11]] = p
		}
	}
	if d := set.Data; len(in) != 12 || d.Test < 7 || d.Validation < 7 || d.Train+d.Test+d.Validation != 72 {
		t.Errorf("%d persons, %+v", len(in), d)
	}
	if again, err := LoadData(set.Data, models.Source{Path: dir}); err != nil || !bytes.Equal(again.Test.Pixels, set.Test.Pixels) {
		t.Errorf("loaded again: %v", err)
	}
	flat, err := Describe(Ref{Path: dir}, "")
	if err == nil {
		t.Errorf("the same sub-folders everywhere are taken: %+v", flat)
	}
}

// Labels that start at 1 or have gaps are classes by their order.
func TestLabelGaps(t *testing.T) {
	files := idxFolder()
	for _, name := range []string{"train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"} {
		for i := range files[name][8:] {
			files[name][8+i] = []byte{1, 2, 7}[files[name][8+i]]
		}
	}
	set, err := Load(Ref{Path: datatest.Write(t, t.TempDir(), files), Accept: Accept{Duplicates: true}}, "")
	if err != nil || set.Data.Classes != 3 || !slices.Equal(set.ClassNames, []string{"1", "2", "7"}) || !noted(set, "the labels are 1, 2, 7") {
		t.Fatalf("%+v, %v", set, err)
	}
	if slices.Max(set.Test.Labels) != 2 {
		t.Errorf("labels %v", set.Test.Labels)
	}
}

func TestPythonForm(t *testing.T) {
	for _, files := range []map[string][]byte{{"cifar-10-batches-py/data_batch_1": {1}}, {"data_batch_1": {1}, "batches.meta": {1}}} {
		_, err := Load(Ref{Path: datatest.Write(t, t.TempDir(), files)}, "")
		if err == nil || !strings.Contains(err.Error(), "Python form") || !strings.Contains(err.Error(), "slimfit data fetch cifar10") {
			t.Error(err)
		}
	}
}

// More than ten folders of numbers are in the order of the numbers; runs of
// versions with text order find theirs.
func TestNumericClasses(t *testing.T) {
	var names []string
	for i := range 12 {
		names = append(names, fmt.Sprint(i))
	}
	dir := datatest.Write(t, t.TempDir(), pictureFiles(t, "", 4, names...))
	ref := Ref{Path: dir, Accept: Accept{Constant: true}}
	set, err := Load(ref, "")
	if err != nil || !slices.Equal(set.ClassNames, names) {
		t.Fatalf("%v, %v", set, err)
	}
	ref.older = true
	was, err := Load(ref, "")
	if err != nil || was.ClassNames[2] != "10" || was.Data.Digest == set.Data.Digest {
		t.Fatalf("%v", err)
	}
	if got, err := LoadData(was.Data, models.Source{Path: dir}); err != nil || got.ClassNames[2] != "10" {
		t.Errorf("%v", err)
	}
}
