package dataset

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
	"slimfit/pkg/npy"
)

// pictureNPZ writes what Keras' mnist.npz is, of n pictures a part.
func pictureNPZ(t *testing.T, n int, label func(i int) int32, shape ...int) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	size := 1
	for _, d := range shape {
		size *= d
	}
	for _, part := range []string{"_train", "_test"} {
		labels := make([]int32, n)
		for i := range labels {
			labels[i] = label(i)
		}
		if err := npy.Add(z, "x"+part, datatest.Counting(n*size, 256), append([]int{n}, shape...)...); err != nil {
			t.Fatal(err)
		}
		if err := npy.Add(z, "y"+part, labels, n); err != nil {
			t.Fatal(err)
		}
		n /= 2
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "own.npz")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// Arrays of 8 bits are pictures, as the idx files of the same content are.
func TestPictureArrays(t *testing.T) {
	two := func(i int) int32 { return int32(i % 2) }
	for _, c := range []struct {
		shape []int
		want  models.Shape
		note  string
	}{
		{[]int{9, 8}, models.Shape{H: 9, W: 8, C: 1}, "read as pictures of 9x8x1; kind: series"},
		{[]int{9, 8, 1}, models.Shape{H: 9, W: 8, C: 1}, "read as pictures"},
		{[]int{9, 8, 3}, models.Shape{H: 9, W: 8, C: 3}, "read as pictures"},
		{[]int{3, 9, 8}, models.Shape{H: 9, W: 8, C: 3}, "planes (channels first)"},
	} {
		path := pictureNPZ(t, 20, two, c.shape...)
		set, err := Load(Ref{Path: path, Validation: 4, Accept: AcceptAll()}, "")
		if err != nil || set.Data.Input != c.want || set.Data.Kind != "" || set.Data.Train != 16 || set.Data.Test != 10 ||
			!strings.Contains(strings.Join(set.Notes, "; "), c.note) {
			t.Errorf("%v: %v, %+v", c.shape, err, set)
			continue
		}
		if again, err := LoadData(set.Data, models.Source{Path: path}); err != nil || !slices.Equal(again.Test.Pixels, set.Test.Pixels) {
			t.Errorf("%v: read again: %v", c.shape, err)
		}
		idx := t.TempDir()
		size := prod(c.shape)
		for name, array := range map[string][]byte{
			"train-images": idxBytes(datatest.Counting(20*size, 256), append([]int{20}, c.shape...)...),
			"t10k-images":  idxBytes(datatest.Counting(10*size, 256), append([]int{10}, c.shape...)...),
			"train-labels": idxBytes(datatest.Counting(20, 2), 20), "t10k-labels": idxBytes(datatest.Counting(10, 2), 10)} {
			if err := os.WriteFile(filepath.Join(idx, name+"-idx3-ubyte"), array, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if same, err := Load(Ref{Path: idx, Validation: 4, Accept: AcceptAll()}, ""); err != nil || same.Data.Digest != set.Data.Digest ||
			same.TestKey != set.TestKey {
			t.Errorf("%v: as idx files it has another digest (%v)", c.shape, err)
		}
		if series, err := Load(Ref{Path: path, Kind: KindSeries}, ""); len(c.shape) == 2 && (err != nil || series.Data.Input.W != 9) {
			t.Errorf("as series: %v", err)
		}
	}
	for want, label := range map[string]func(int) int32{
		"y_train: label 0 is 256: want a whole number from 0 to 255": func(int) int32 { return 256 },
		"y_train: label 0 is -1":                                     func(int) int32 { return -1 }} {
		if _, err := Load(Ref{Path: pictureNPZ(t, 8, label, 9, 8)}, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	square := datatest.Counting(20*64, 251)
	floats := make([]float32, len(square))
	for i, v := range square {
		floats[i] = float32(v)
	}
	x, y := floats, make([]float32, 20)
	for i := range y {
		y[i] = float32(i % 2)
	}
	own := seriesNPZ(t, map[string][]float32{"x": x, "y": y}, map[string][]int{"x": {20, 8, 8}, "y": {20}})
	set, err := Load(Ref{Path: own}, "")
	if err != nil || !strings.Contains(strings.Join(set.Notes, "; "), "if these are pictures, save them as uint8") {
		t.Errorf("square arrays of floats: %v %+v", err, set)
	}
	one := seriesNPZ(t, map[string][]float32{"x": x, "y": y}, map[string][]int{"x": {20, 8, 8, 1}, "y": {20}})
	if _, err := Load(Ref{Path: one}, ""); err == nil || !strings.Contains(err.Error(), "save them as uint8 from 0 to 255 in a .npz") {
		t.Errorf("pictures of floats: %v", err)
	}
}

// A folder of series is told by its files, unless there are folders beside them.
func TestIsSeriesFolder(t *testing.T) {
	dir := datatest.Write(t, t.TempDir(), map[string][]byte{"train.csv": []byte("label,a,b\n" + strings.Repeat("0,1,2\n1,3,5\n", 20))})
	if set, err := Load(Ref{Path: dir, Accept: AcceptAll()}, ""); err != nil || set.Data.Kind != KindSeries || set.Data.Input.W != 2 {
		t.Errorf("%v %+v", err, set)
	}
	if err := os.Mkdir(filepath.Join(dir, "cat"), 0o777); err != nil {
		t.Fatal(err)
	}
	if IsSeries(dir) || IsSeries(filepath.Join(dir, "none")) {
		t.Error("a folder with class folders is taken for series")
	}
}

func prod(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
