package dataset

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
)

// Each picture is in the validation part of one fold and in the training part of the
// others, each class in its share; equal files stay together; other names of files
// change nothing; pooled figures are of the folds one after the other.
func TestFolds(t *testing.T) {
	files := pictureFiles(t, "", 20, "cat", "dog")
	for i := range 7 {
		files[fmt.Sprintf("emu/%d.png", i)] = pngBytes(t, 3, 4, grey(2), uint8(i+9))
	}
	files["emu/copy.png"] = files["emu/3.png"]
	renamed := map[string][]byte{}
	for name, b := range files {
		class, file, _ := strings.Cut(name, "/")
		renamed[class+"/x"+fmt.Sprint(len(file)*7%5)+file] = b
	}
	for _, k := range []int{2, 3, 5} {
		ref := Ref{Name: "pets", Path: datatest.Write(t, t.TempDir(), files), Folds: k}
		all, err := Load(ref, "")
		if err != nil {
			t.Fatal(err)
		}
		d := all.Data
		if d.Validation != 48 || d.Test != 0 || d.Train != 48-slices.Max(all.Folds) || d.Folds != k || d.Fold != 0 || len(all.Folds) != k ||
			all.Train.N() != d.Train || !strings.Contains(strings.Join(all.Notes, " "), fmt.Sprintf("in one of %d trainings", k)) {
			t.Fatalf("%d folds: %+v, %v, notes %q", k, d, all.Folds, all.Notes)
		}
		var pooled []uint8
		for fold := 1; fold <= k; fold++ {
			ref.Fold = fold
			set, err := Load(ref, "")
			if err != nil {
				t.Fatal(err)
			}
			if n := all.Folds[fold-1]; set.Data.Validation != n || set.Data.Train != 48-n || set.Data.Test != 0 {
				t.Errorf("fold %d of %d: %+v, want %d", fold, k, set.Data, n)
			}
			for class, n := range set.Validation.Histogram(3) {
				if size := []int{20, 20, 8}[class]; n < size/k-1 || n > size/k+2 || n < 1 {
					t.Errorf("fold %d of %d has %d of %d pictures of class %d", fold, k, n, size, class)
				}
			}
			if set.Survey().ValidationToo > 0 {
				t.Errorf("fold %d of %d: equal files in both parts", fold, k)
			}
			pooled = append(pooled, set.Validation.Pixels...)
			again, err := LoadData(set.Data, models.Source{Path: datatest.Write(t, t.TempDir(), renamed)})
			if err != nil || !slices.Equal(again.Validation.Pixels, set.Validation.Pixels) || !slices.Equal(again.Train.Pixels, set.Train.Pixels) {
				t.Errorf("fold %d of %d under other names: %v", fold, k, err)
			}
		}
		if !slices.Equal(pooled, all.Validation.Pixels) {
			t.Errorf("%d folds: the pooled images are not the folds' one after the other", k)
		}
	}
}

// Groups stay whole.
func TestFoldsOfGroups(t *testing.T) {
	files := map[string][]byte{}
	for _, class := range []string{"cat", "dog"} {
		for g := range 6 {
			for name, b := range pictureFiles(t, "", 1+g%3, class) {
				files[strings.Replace(name, "/", fmt.Sprintf("/person%d/", g), 1)] = append(b, byte(g)) // after the picture's end
			}
		}
	}
	ref := Ref{Name: "pets", Path: datatest.Write(t, t.TempDir(), files), Folds: 3, Groups: GroupsSubfolder, Accept: AcceptAll()}
	all, err := Load(ref, "")
	if err != nil || all.Data.Validation != 24 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, n := range all.Folds {
		if n < 6 || n > 10 {
			t.Errorf("folds of %v pictures", all.Folds)
		}
	}
	if ref.Folds = 7; true {
		if _, err := Load(ref, ""); err == nil || !strings.Contains(err.Error(), "has no picture of class") {
			t.Errorf("more folds than groups: %v", err)
		}
	}
}

func TestFoldErrors(t *testing.T) {
	few := pictureFiles(t, "", 9, "cat", "dog")
	few["emu/0.png"], few["emu/1.png"] = pngBytes(t, 3, 4, grey(2), 1), pngBytes(t, 3, 4, grey(2), 2)
	divided := pictureFiles(t, "train/", 9, "cat", "dog")
	for name, b := range pictureFiles(t, "test/", 2, "cat", "dog") {
		divided[name] = append(b, 0)
	}
	for want, files := range map[string]map[string][]byte{
		"folds is 3, but class emu has 2 pictures, fewer than one a fold: set folds: 2 at most": few,
		"folds go without folders for test and validation":                                      divided,
		"folds is for folders of pictures only":                                                 idxFolder(),
	} {
		_, err := Load(Ref{Name: "pets", Path: datatest.Write(t, t.TempDir(), files), Folds: 3}, "")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := Describe(Ref{Name: "mnist", Folds: 3}, ""); err == nil || !strings.Contains(err.Error(), "folders of pictures only") {
		t.Errorf("mnist: %v", err)
	}
}
