package dataset

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image/color"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
)

// pictureFiles are n grey pictures of 3x4 pixels in each class, all different.
func pictureFiles(t testing.TB, prefix string, n int, classes ...string) map[string][]byte {
	files := map[string][]byte{}
	for c, class := range classes {
		for i := range n {
			files[fmt.Sprintf("%s%s/%03d.png", prefix, class, i)] = pngBytes(t, 3, 4, grey(uint8(c)), uint8(i+9))
		}
	}
	return files
}

// Pictures of several sizes: the fault says what is there and which command fits.
func TestLoadPicturesOfSizes(t *testing.T) {
	files := pictureFiles(t, "", 20, "cat", "dog")
	files["dog/other.png"] = pngBytes(t, 5, 4, grey(1), 200)
	dir := datatest.Write(t, t.TempDir(), files)
	_, err := Load(Ref{Name: "pets", Path: dir}, "")
	for _, want := range []string{"2 sizes, 3 to 5 pixels high and 4 to 4 wide",
		"slimfit init --data " + dir + " writes", "2 classes: cat 20, dog 21"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %s", err, want)
		}
	}
}

func TestLoadPictures(t *testing.T) {
	files := pictureFiles(t, "", 20, "cat", "dog", "emu")
	dir := datatest.Write(t, t.TempDir(), files)
	set, err := Load(Ref{Name: "pets", Path: dir, Validation: 6, Test: 9}, "")
	if err != nil {
		t.Fatal(err)
	}
	d := set.Data
	if d.Input != (models.Shape{H: 3, W: 4, C: 1}) || d.Classes != 3 || d.Train != 45 || d.Validation != 6 || d.Test != 9 {
		t.Errorf("data %+v", d)
	}
	if !slices.Equal(set.ClassNames, []string{"cat", "dog", "emu"}) {
		t.Errorf("classes %v", set.ClassNames)
	}
	if !slices.ContainsFunc(set.Notes, func(n string) bool { return strings.Contains(n, "taken as grey") }) {
		t.Errorf("notes %q do not say grey", set.Notes)
	}
	set.caution("no test image shows class emu")
	if n := len(set.Notes); len(set.Cautions) != 1 || !slices.Equal(set.Remarks(), set.Notes[:n-1]) {
		t.Errorf("of the notes %q, %q are cautions and %q are none", set.Notes, set.Cautions, set.Remarks())
	}
	seen := map[string]int{}
	for _, p := range []struct {
		images Images
		each   int
	}{{set.Train, 15}, {set.Validation, 2}, {set.Test, 3}} {
		if got := p.images.Histogram(3); !slices.Equal(got, []int{p.each, p.each, p.each}) {
			t.Errorf("%d images: %v a class, want %d", p.images.N(), got, p.each)
		}
		if slices.IsSorted(p.images.Labels) {
			t.Errorf("%d images are in the order of their classes", p.images.N())
		}
		for i, l := range p.images.Labels {
			pixels := p.images.Pixels[i*12 : (i+1)*12]
			if pixels[11] != l {
				t.Errorf("an image of class %d has the label %d", pixels[11], l)
			}
			seen[string(pixels)]++
		}
	}
	for i, name := range slices.Concat(set.ValidationFiles, set.TestFiles) { // six and nine, of which each file is there
		images, at := set.Validation, i
		if i >= 6 {
			images, at = set.Test, i-6
		}
		if !strings.HasPrefix(name, set.ClassNames[images.Labels[at]]+"/") || files[name] == nil {
			t.Errorf("image %d of class %d is said to be %s", at, images.Labels[at], name)
		}
	}
	if len(set.ValidationFiles) != 6 || len(seen) != 60 {
		t.Errorf("%d different images in the three parts, want 60", len(seen))
	}
}

// Only content counts: not the path, the names of pictures, their times or the
// order of the directory.
func TestPicturesDependOnContentAlone(t *testing.T) {
	files := pictureFiles(t, "", 12, "a", "b")
	first, err := Load(Ref{Name: "x", Path: datatest.Write(t, t.TempDir(), files)}, "")
	if err != nil {
		t.Fatal(err)
	}
	renamed := map[string][]byte{".hidden": {1}}
	for name, b := range files {
		class, _, _ := strings.Cut(name, "/")
		renamed[fmt.Sprintf("%s/%s.PNG", class, fmt.Sprintf("%x", sha256.Sum256(b)))] = b
	}
	dir := datatest.Write(t, t.TempDir(), renamed)
	for name := range renamed {
		old := time.Unix(1e9, 0)
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	second, err := Load(Ref{Name: "x", Path: dir}, "")
	if err != nil {
		t.Fatal(err)
	}
	if first.Data != second.Data || !bytes.Equal(first.Train.Pixels, second.Train.Pixels) ||
		!bytes.Equal(first.Test.Labels, second.Test.Labels) {
		t.Errorf("renamed pictures: %+v, want %+v", second.Data, first.Data)
	}
	other := maps.Clone(files)
	other["a/000.png"], other["b/000.png"] = other["b/000.png"], other["a/000.png"]
	third, err := Describe(Ref{Name: "x", Path: datatest.Write(t, t.TempDir(), other)}, "")
	if err != nil {
		t.Fatal(err)
	}
	if third.Digest == first.Data.Digest {
		t.Error("two pictures that change their classes leave the digest as it was")
	}
}

func TestTrainAndTestFolders(t *testing.T) {
	files := pictureFiles(t, "train/", 10, "a", "b")
	maps.Copy(files, pictureFiles(t, "test/", 4, "a", "b")) // also among the training pictures
	dir := datatest.Write(t, t.TempDir(), files)
	set, err := Load(Ref{Name: "x", Path: dir}, "")
	if err != nil {
		t.Fatal(err)
	}
	if d := set.Data; d.Train != 18 || d.Validation != 2 || d.Test != 8 {
		t.Errorf("data %+v", d)
	}
	if !slices.ContainsFunc(set.Notes, func(n string) bool { return strings.HasPrefix(n, "8 of 8 test images are also among") }) {
		t.Errorf("notes %q do not tell of the test pictures in training", set.Notes)
	}
	again, err := LoadData(set.Data, models.Source{Path: dir})
	if err != nil || !bytes.Equal(again.Train.Pixels, set.Train.Pixels) || !bytes.Equal(again.Validation.Labels, set.Validation.Labels) {
		t.Errorf("loaded again: %v", err)
	}
}

// A class may be called train.
func TestClassCalledTrain(t *testing.T) {
	data, err := Describe(Ref{Path: datatest.Write(t, t.TempDir(), pictureFiles(t, "", 10, "bus", "train"))}, "")
	if err != nil || data.Classes != 2 {
		t.Errorf("%+v, %v", data, err)
	}
}

func TestFolderErrors(t *testing.T) {
	png34 := pngBytes(t, 3, 4, grey(5), 1)
	bomb := slices.Clone(png34) // its header says 100,000 x 100,000 pixels
	copy(bomb[16:], []byte{0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0})
	copy(bomb[29:], pngHeaderSum(bomb))
	many := map[string][]byte{}
	for i := range MaxClasses + 1 {
		many[fmt.Sprintf("%03d/a.png", i)] = png34
	}
	both := pictureFiles(t, "train/", 4, "a", "b")
	maps.Copy(both, pictureFiles(t, "test/", 4, "a", "c"))
	sets := func(prefixes ...string) map[string][]byte {
		files := map[string][]byte{}
		for _, p := range prefixes {
			maps.Copy(files, pictureFiles(t, p, 4, "a", "b"))
		}
		return files
	}
	others, extra, twice := sets("test/", "val/"), sets("train/", "test/", "extra/"), sets("train/", "test/", "val/", "valid/")
	years := sets("2020/", "2021/")
	flat := map[string][]byte{"train/1.png": png34, "test/1.png": png34}
	oneGroup := pictureFiles(t, "a/", 4, "x")
	maps.Copy(oneGroup, pictureFiles(t, "b/", 4, "x"))
	inBoth := map[string][]byte{}
	for _, p := range []string{"train/a/", "train/b/", "test/a/", "test/b/"} {
		maps.Copy(inBoth, pictureFiles(t, p, 4, "x"))
	}
	thousand := map[string][]byte{}
	for i := range 1000 {
		thousand[fmt.Sprintf("%03d/a.png", i)] = png34
	}
	with := func(name string, b []byte) map[string][]byte {
		files := pictureFiles(t, "", 8, "a", "b")
		files[name] = b
		return files
	}
	for _, c := range []struct {
		name  string
		files map[string][]byte
		ref   Ref
		want  string
	}{
		{"empty folder", nil, Ref{}, "is empty: want four idx files, CIFAR-10's"},
		{"picture beside the classes", with("x.png", png34), Ref{}, "x.png: a file where only folders are expected"},
		{"file of another kind", with("a/notes.doc", []byte("x")), Ref{}, "a/notes.doc: not a PNG or JPEG picture"},
		{"empty file", with("a/x.png", nil), Ref{}, "a/x.png: an empty file"},
		{"TIFF", with("a/x.tif", []byte("II*\x00....")), Ref{}, "a/x.tif: a TIFF picture"},
		{"not an image", with("a/x.png", []byte("<html>")), Ref{}, "a/x.png: not a PNG or JPEG picture"},
		{"half an image", with("a/x.png", png34[:40]), Ref{}, "a/x.png: damaged picture"},
		{"only a magic number", with("a/x.jpg", []byte("\xff\xd8\xff")), Ref{}, "a/x.jpg: damaged picture"},
		{"a bomb", with("a/x.png", bomb), Ref{}, "a/x.png: a picture of 100000x100000 pixels: want 1 to 67108864 pixels"},
		{"30000 a side", with("a/x.png", claimedPNG(t, 30000, 30000)), Ref{}, "a/x.png: a picture of 30000x30000 pixels: want 1 to 67108864"},
		{"another size", with("a/x.png", pngBytes(t, 5, 4, grey(1), 1)), Ref{}, "pixels (height x width), but "},
		{"one class", pictureFiles(t, "", 4, "a"), Ref{}, "1 class folder: want at least two"},
		{"too many classes", many, Ref{}, "257 class folders: at most 256 classes"},
		{"class without pictures", with("c/.keep", nil), Ref{}, "c: the class has no pictures"},
		{"other classes in test", both, Ref{}, "train has the classes a, b, but test has a, c"},
		{"only test and val", others, Ref{}, "has test, val, but no folder train"},
		{"a third folder with pictures", extra, Ref{}, "extra: a folder of pictures beside test, train"},
		{"val twice", twice, Ref{}, "val and valid are both for validation"},
		{"pictures, no classes", flat, Ref{}, "test, train hold pictures, but no class folders"},
		{"all pictures in one folder", map[string][]byte{"1.png": png34, "2.png": png34}, Ref{}, "the class of a picture is the folder that it lies in"},
		{"the same sub-folders", years, Ref{}, "hold the sub-folders a, b: if those are the classes, put them on top (a/2020)"},
		{"fit without resize", pictureFiles(t, "", 8, "a", "b"), Ref{Fit: FitPad}, "there is no resize"},
		{"groups of flat classes", pictureFiles(t, "", 8, "a", "b"), Ref{Groups: GroupsSubfolder}, "16 of 16 pictures lie in no sub-folder"},
		{"one group", oneGroup, Ref{Groups: GroupsSubfolder}, "1 group, too few: with"},
		{"a group in two parts", inBoth, Ref{Groups: GroupsSubfolder}, "group x is in two parts"},
		{"1,000 classes", thousand, Ref{}, "1000 class folders: at most 256 classes"},
		{"one picture", map[string][]byte{"a/x.png": png34}, Ref{}, "1 class folder: want at least two"},
		{"one picture of a class", pictureFiles(t, "", 1, "a", "b"), Ref{}, "class a has 1 picture: want at least 3, one each for training, validation and test"},
		{"two pictures of a class", pictureFiles(t, "", 2, "a", "b"), Ref{}, "class a has 2 pictures: want at least 3"},
		{"validation below the classes", pictureFiles(t, "", 8, "a", "b"), Ref{Validation: 1}, "validation is 1, want at least 2: one of each class"},
		{"validation too large", pictureFiles(t, "", 8, "a", "b"), Ref{Validation: 13}, "validation is 13 of 14 images, which leaves too few to train on"},
		{"resize of nothing", pictureFiles(t, "", 8, "a", "b"), Ref{Resize: &[2]int{0, 5}}, "pictures of 0x5 pixels: each edge must be 1 to 16384"},
		{"resize to too much", pictureFiles(t, "", 8, "a", "b"), Ref{Resize: &[2]int{16384, 16384}}, "16 pictures of 16384x16384 are more than 8 GiB"},
		{"training without a class", pictureFiles(t, "", 8, "a", "b"), Ref{Train: 1}, "no training image (of 1) shows class "},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.ref.Path = datatest.Write(t, t.TempDir(), c.files)
			_, err := Load(c.ref, "")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want it to contain %q", err, c.want)
			}
		})
	}
}

func TestShares(t *testing.T) {
	for _, c := range []struct {
		total int
		sizes []int
		want  []int
	}{
		{6, []int{20, 20, 20}, []int{2, 2, 2}},
		{10, []int{70, 20, 10}, []int{7, 2, 1}},
		{5, []int{1000, 2, 2}, []int{3, 1, 1}},
		{7, []int{10, 10, 10}, []int{3, 2, 2}},
		{4, []int{3, 3}, []int{2, 2}},
	} {
		if got := shares(c.total, c.sizes); !slices.Equal(got, c.want) {
			t.Errorf("%d of %v: %v, want %v", c.total, c.sizes, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(2, 300), 2, 20).Draw(t, "sizes")
		sum := 0
		for _, s := range sizes {
			sum += s
		}
		total := rapid.IntRange(len(sizes), sum-len(sizes)).Draw(t, "total")
		got := 0
		for i, q := range shares(total, sizes) {
			if q < 1 || q > sizes[i]-1 {
				t.Fatalf("class of %d gives %d", sizes[i], q)
			}
			got += q
		}
		if got != total {
			t.Fatalf("shares add up to %d, want %d", got, total)
		}
	})
}

func FuzzPicture(f *testing.F) {
	f.Add(pngBytes(f, 3, 4, color.NRGBA{1, 2, 3, 100}, 1), false)
	f.Add(pngBytes(f, 1, 1, grey(5), 1)[:50], true)
	f.Add(jpegBytes(f, 9, 17, color.RGBA{200, 10, 3, 255}), true)
	f.Fuzz(func(t *testing.T, b []byte, resize bool) {
		size := &[2]int{4, 5}
		if !resize {
			size = nil
		}
		m, err := drawOf(b, size)
		if err != nil {
			return
		}
		if m.Rect.Min.X != 0 || m.Rect.Min.Y != 0 || len(m.Pix) != 4*m.Rect.Dx()*m.Rect.Dy() {
			t.Errorf("picture %v with %d bytes", m.Rect, len(m.Pix))
		}
		if resize && (m.Rect.Dy() != 4 || m.Rect.Dx() != 5) {
			t.Errorf("resized to %v, want 4x5", m.Rect)
		}
	})
}

// FuzzPictureFolder reads folders that hold one hostile file.
func FuzzPictureFolder(f *testing.F) {
	f.Add("a/x.png", pngBytes(f, 3, 4, grey(1), 99))
	f.Add("c/x.jpg", jpegBytes(f, 3, 4, color.RGBA{200, 10, 3, 255}))
	f.Add("train/a/x.png", []byte{})
	f.Add("train-images-idx3-ubyte", idxBytes(nil, 3, 3, 3))
	f.Add("data_batch_1.bin", cifarBytes(1, 1))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if !filepath.IsLocal(name) || strings.ContainsAny(name, "\x00\\") || len(name) > 200 || strings.Count(name, "/") > 3 {
			t.Skip()
		}
		dir := datatest.Write(t, t.TempDir(), pictureFiles(t, "", 4, "a", "b"))
		path := filepath.Join(dir, name)
		if os.MkdirAll(filepath.Dir(path), 0o755) != nil || os.WriteFile(path, b, 0o644) != nil {
			t.Skip()
		}
		set, err := Load(Ref{Path: dir}, "")
		if err != nil {
			return
		}
		for _, p := range []Images{set.Train, set.Validation, set.Test} {
			if len(p.Pixels) != p.N()*set.Data.Input.Elements() {
				t.Errorf("%d labels, %d values of %s", p.N(), len(p.Pixels), set.Data.Input)
			}
		}
	})
}
