package dataset

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
)

func TestLoadIDXFolder(t *testing.T) {
	dir := datatest.Write(t, t.TempDir(), idxFolder())
	set, err := Load(Ref{Name: "mine", Path: dir, Validation: 6, Train: 9, Test: 7}, "")
	if err != nil {
		t.Fatal(err)
	}
	want := models.Data{Name: "mine", Digest: set.Data.Digest, Input: models.Shape{H: 2, W: 3, C: 1}, Classes: 3, Train: 9, Validation: 6,
		Test: 7}
	if set.Data != want {
		t.Errorf("data %+v, want %+v", set.Data, want)
	}
	all := datatest.Counting(30*6, 251)
	for _, p := range []struct {
		name   string
		got    Images
		pixels []byte
		labels []byte
	}{
		{"validation", set.Validation, all[:6*6], datatest.Counting(30, 3)[:6]},
		{"train", set.Train, all[6*6 : 15*6], datatest.Counting(30, 3)[6:15]},
		{"test", set.Test, datatest.Counting(12*6, 13)[:7*6], datatest.Counting(12, 3)[:7]},
	} {
		if !bytes.Equal(p.got.Pixels, p.pixels) || !bytes.Equal(p.got.Labels, p.labels) {
			t.Errorf("%s: %v, want %v %v", p.name, p.got, p.pixels, p.labels)
		}
	}
}

func TestIDXNames(t *testing.T) {
	plain, err := Describe(Ref{Name: "a", Path: datatest.Write(t, t.TempDir(), idxFolder())}, "")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for name, b := range idxFolder() {
		name = strings.Replace(name, "t10k", "test", 1)
		name = strings.Replace(name, "-idx", ".idx", 1)
		files[name+".gz"] = datatest.Gzipped(t, b)
	}
	files[".DS_Store"] = []byte("x")
	packed, err := Describe(Ref{Name: "a", Path: datatest.Write(t, t.TempDir(), files)}, "")
	if err != nil {
		t.Fatal(err)
	}
	if packed != plain {
		t.Errorf("packed files with other names: %+v, want %+v", packed, plain)
	}
}

func TestColourIDX(t *testing.T) {
	files := idxFolder()
	delete(files, "train-images-idx3-ubyte")
	files["train-images-idx4-ubyte"] = idxBytes(datatest.Counting(30*6*3, 251), 30, 2, 3, 3)
	files["t10k-images-idx3-ubyte"] = idxBytes(datatest.Counting(12*6*3, 13), 12, 2, 3, 3)
	data, err := Describe(Ref{Path: datatest.Write(t, filepath.Join(t.TempDir(), "pets"), files)}, "")
	if err != nil {
		t.Fatal(err)
	}
	if data.Input != (models.Shape{H: 2, W: 3, C: 3}) || data.Name != "pets" {
		t.Errorf("data %+v", data)
	}
}

func TestIDXErrors(t *testing.T) {
	images, labels := "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
	cut := func(name string, by int) map[string][]byte {
		return map[string][]byte{name: idxFolder()[name][:len(idxFolder()[name])-by]}
	}
	huge := idxBytes(nil, 1<<31-1, 1<<14, 1<<14)
	for _, c := range []struct {
		name    string
		replace map[string][]byte // nil content removes the file
		ref     Ref
		want    string
	}{
		{"truncated", cut(images, 1), Ref{}, images + ": truncated: the header promises 180 values"},
		{"empty", map[string][]byte{images: {}}, Ref{}, images + ": truncated: it ends after 0 of 4 bytes"},
		{"cut in the header", map[string][]byte{images: idxFolder()[images][:9]}, Ref{}, images + ": truncated: it ends after 9 of 16 bytes"},
		{"trailing", map[string][]byte{labels: append(idxFolder()[labels], 0)}, Ref{}, labels + ": bytes follow after the 30 values"},
		{"trailing in gzip", map[string][]byte{labels: datatest.Gzipped(t, append(idxFolder()[labels], 0))}, Ref{}, labels + ": bytes follow after the 30 values"},
		{"truncated in gzip", map[string][]byte{labels: datatest.Gzipped(t, idxFolder()[labels][:20])}, Ref{}, labels + ": truncated: it ends after 12 of 30 bytes"},
		{"half a gzip", map[string][]byte{labels: datatest.Gzipped(t, idxFolder()[labels])[:25]}, Ref{}, labels + ": truncated"},
		{"damaged gzip", map[string][]byte{labels: flip(datatest.Gzipped(t, idxFolder()[labels]), -6)}, Ref{}, labels + ": damaged after 30 of 30 bytes: gzip: invalid checksum"},
		{"gzip header", map[string][]byte{labels: {0x1f, 0x8b, 1, 1}}, Ref{}, labels + ": damaged gzip header"},
		{"not idx", map[string][]byte{images: []byte("<html>404</html>")}, Ref{}, images + ": not an idx file: it starts with 3c 68 74 6d"},
		{"floats", map[string][]byte{images: {0, 0, 0x0d, 3}}, Ref{}, images + ": idx values of type 0x0d: want unsigned bytes (0x08)"},
		{"labels as images", map[string][]byte{images: idxFolder()[labels]}, Ref{}, images + ": idx file with 1 dimensions: want 3 or 4"},
		{"images as labels", map[string][]byte{labels: idxFolder()[images]}, Ref{}, labels + ": idx file with 3 dimensions: want 1 (labels)"},
		{"no images", map[string][]byte{labels: idxBytes(nil, 0)}, Ref{}, labels + ": holds no values"},
		{"no pixels", map[string][]byte{images: idxBytes(nil, 30, 0, 3)}, Ref{}, images + ": dimensions [30 0 3]: an edge is outside 1 to 16384"},
		{"oversized", map[string][]byte{images: huge}, Ref{}, images + ": dimensions [2147483647 16384 16384]: more than 8 GiB"},
		{"promises more than gzip can hold", map[string][]byte{images: datatest.Gzipped(t, idxBytes(nil, 1<<20, 64, 64))}, Ref{}, images + ": truncated: the header promises 4294967296 values"},
		{"other number of labels", map[string][]byte{labels: idxBytes(datatest.Counting(29, 3), 29)}, Ref{}, labels + ": 29 labels, but "},
		{"other shape", map[string][]byte{"t10k-images-idx3-ubyte": idxBytes(datatest.Counting(12*4, 9), 12, 2, 2)}, Ref{}, "t10k-images-idx3-ubyte: images are 2x2x1, but those of "},
		{"unknown test label", map[string][]byte{"t10k-labels-idx1-ubyte": idxBytes(datatest.Counting(12, 4), 12)}, Ref{}, "test image 3 has the label 3, but the training labels are 0 to 2"},
		{"one class", map[string][]byte{labels: idxBytes(make([]byte, 30), 30)}, Ref{}, "all training labels are 0"},
		{"class missing in test", map[string][]byte{"t10k-labels-idx1-ubyte": idxBytes(datatest.Counting(12, 2), 12)}, Ref{}, "no test image (of 12) shows class 2"},
		{"class missing in validation", nil, Ref{Validation: 2}, "no validation image (of 2) shows class 2"},
		{"sorted by class", map[string][]byte{labels: idxBytes(append(make([]byte, 10), append(bytes.Repeat([]byte{1}, 10), bytes.Repeat([]byte{2}, 10)...)...), 30)},
			Ref{Validation: 10}, "no training image (of 20) shows class 0; no validation image (of 10) shows class 1, 2; choose larger parts, or shuffle"},
		{"file missing", map[string][]byte{labels: nil}, Ref{}, "has idx files, but none called train-labels-idx1-ubyte or the same with .gz"},
		{"file twice", map[string][]byte{labels + ".gz": {1}}, Ref{}, "has more than one file of train labels: train-labels-idx1-ubyte, train-labels-idx1-ubyte.gz; keep one"},
		{"all validation", nil, Ref{Validation: 30}, "validation is 30 of 30 images, which leaves none to train on"},
		{"too large train", nil, Ref{Validation: 6, Train: 25}, "train is 25, but 24 images are left after 6 for validation"},
		{"negative train", nil, Ref{Train: -1}, "train is -1"},
		{"negative validation", nil, Ref{Validation: -2}, "validation is -2"},
		{"negative test", nil, Ref{Test: -1}, "test is -1"},
		{"too large test", nil, Ref{Test: 13}, "test is 13, but there are 12 test images"},
		{"resize", nil, Ref{Resize: &[2]int{4, 4}}, "resize is for folders of pictures only"},
		{"a known name", nil, Ref{Name: "mnist"}, "holds other images than mnist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := idxFolder()
			maps.Copy(files, c.replace)
			maps.DeleteFunc(files, func(_ string, b []byte) bool { return b == nil })
			c.ref.Path = datatest.Write(t, t.TempDir(), files)
			if c.ref.Validation == 0 {
				c.ref.Validation = 6
			}
			_, err := Load(c.ref, "")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want it to contain %q", err, c.want)
			}
		})
	}
}

// flip inverts the byte at i, counted from the end where it is negative.
func flip(b []byte, i int) []byte {
	b = slices.Clone(b)
	if i < 0 {
		i += len(b)
	}
	b[i] ^= 0xff
	return b
}

// A copy of a known data set under any path and in any form is that data set.
func TestDigestIsTheContents(t *testing.T) {
	for _, info := range Registry() {
		var parts []part
		roles := []string{"train-images", "train-labels", "t10k-images", "t10k-labels"}
		for i, f := range info.Files {
			role := strings.TrimSuffix(f.Name, ".bin")
			if info.Format == formatIDX {
				role = roles[i]
			}
			parts = append(parts, part{f.SHA256, role})
		}
		if got := contentDigest(parts); got != info.Digest {
			t.Errorf("%s: the digest of its files is %s, registered is %s", info.Name, got, info.Digest)
		}
	}
}

func TestDefaultValidation(t *testing.T) {
	for _, c := range []struct{ images, want int }{{60000, 5000}, {50000, 5000}, {1000, 100}, {9, 0}} {
		n, err := Ref{}.split(c.images, 1)
		if err != nil || n.validation != c.want || n.train != c.images-c.want {
			t.Errorf("%d images: %+v, %v; want %d for validation", c.images, n, err, c.want)
		}
	}
	if n, err := (Ref{Validation: -1}).split(10000, 1); err != nil || n.validation != 0 || n.train != 10000 {
		t.Errorf("validation -1: %+v, %v", n, err)
	}
}

// What a plan says is what a worker loads, and a changed image is noticed.
func TestLoadData(t *testing.T) {
	dir := datatest.Write(t, t.TempDir(), idxFolder())
	for _, ref := range []Ref{{Path: dir, Validation: 6}, {Path: dir, Validation: -1, Test: 5}, {Path: dir, Validation: 9, Train: 4}} {
		data, err := Describe(ref, "")
		if err != nil {
			t.Fatal(err)
		}
		want, err := Load(ref, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := LoadData(data, models.Source{Path: dir})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v: loaded %+v, %v; want %+v", ref, got, err, want)
		}
	}
	data, err := Describe(Ref{Path: dir, Validation: 6}, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "train-images-idx3-ubyte")
	if err := os.WriteFile(path, flip(idxFolder()["train-images-idx3-ubyte"], -1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadData(data, models.Source{Path: dir}); err == nil || !strings.Contains(err.Error(),
		"the images have changed since the experiment was planned") {
		t.Errorf("changed image: %v", err)
	}
}

func TestMissingFolder(t *testing.T) {
	_, err := Describe(Ref{Path: filepath.Join(t.TempDir(), "none")}, "")
	if err == nil || !strings.Contains(err.Error(), "there is no such folder") {
		t.Error(err)
	}
}

func FuzzIDX(f *testing.F) {
	for _, b := range idxFolder() {
		f.Add(b)
		f.Add(b[:len(b)-1])
		f.Add(datatest.Gzipped(f, b))
	}
	f.Add(idxBytes(nil, 1<<30, 1<<14, 1<<14))
	f.Add(datatest.Gzipped(f, idxBytes(nil, 1<<20, 64, 64)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, dims := range [][]int{{1}, {3, 4}} {
			r, room, err := unpack(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				continue
			}
			a, err := parseIDX(r, room, dims...)
			if err != nil {
				continue
			}
			// What was read, written again, has the checksum that was said.
			if got := fmt.Sprintf("%x", sha256.Sum256(idxBytes(a.data, a.dims...))); got != a.sum {
				t.Errorf("dimensions %v: checksum %s, want %s", a.dims, a.sum, got)
			}
		}
	})
}
