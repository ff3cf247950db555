package export_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/export"
	"slimfit/pkg/tflite"
)

// put exports content, one format each, as a network of the given weights.
func put(t *testing.T, dir, weights string, replace bool, content map[export.Format]string) error {
	t.Helper()
	var formats []export.Format
	for f := range content {
		formats = append(formats, f)
	}
	p, err := export.Prepare(dir, weights, formats, replace)
	if err != nil {
		return err
	}
	defer p.Abort()
	for f, text := range content {
		if err := p.Write(f, []byte(text)); err != nil {
			return err
		}
	}
	c := &export.Card{ConfigID: "c1-" + weights, WeightsSHA: weights}
	if err := p.Describe(c, formats, tflite.Options{}); err != nil {
		return err
	}
	return p.Commit(c)
}

// tree lists a folder's files with their content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		files[rel] = string(read(t, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// nothingElse fails where a temporary folder is left beside dir.
func nothingElse(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".tmp-") {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

func TestPlaceAddsFormats(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "out")
	if err := put(t, dir, "aa", false, map[export.Format]string{export.TFLite: "lite", export.SavedModel: "saved"}); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "mine.txt"), []byte("mine"))
	if err := put(t, dir, "aa", false, map[export.Format]string{export.NPZ: "zip", export.SavedModel: "saved again"}); err != nil {
		t.Fatal(err)
	}
	got := tree(t, dir)
	for name, want := range map[string]string{"model.tflite": "lite", "savedmodel/saved_model.pb": "saved again", "weights.npz": "zip",
		"mine.txt": "mine"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	card, err := export.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	var formats []export.Format
	for _, f := range card.Files {
		formats = append(formats, f.Format)
		sum := sha256.Sum256([]byte(got[f.Path]))
		if f.SHA256 != hex.EncodeToString(sum[:]) || f.Bytes != len(got[f.Path]) {
			t.Errorf("%+v does not describe %q", f, got[f.Path])
		}
		if !strings.Contains(got["README.md"], f.SHA256) {
			t.Errorf("%s is not in README.md", f.Path)
		}
	}
	if !slices.Equal(formats, []export.Format{export.SavedModel, export.TFLite, export.NPZ}) {
		t.Errorf("the card lists %v", formats)
	}
	// A file that was changed since is described no more.
	writeFile(t, filepath.Join(dir, "model.tflite"), []byte("other"))
	if err := put(t, dir, "aa", false, map[export.Format]string{export.NPZ: "zip"}); err != nil {
		t.Fatal(err)
	}
	if card, err = export.ReadManifest(dir); err != nil || len(card.Files) != 2 {
		t.Errorf("%d files, %v", len(card.Files), err)
	}
	nothingElse(t, dir)
}

// What an export must not replace, it replaces only when told.
func TestPlaceRefuses(t *testing.T) {
	lite := map[export.Format]string{export.TFLite: "lite"}
	for name, c := range map[string]struct {
		before func(dir string)
		want   string
	}{
		"another network": {func(dir string) {
			if err := put(t, dir, "bb", false, map[export.Format]string{export.NPZ: "zip"}); err != nil {
				t.Fatal(err)
			}
		}, "it holds the export of c1-bb, seed 0"},
		"a model of nobody": {func(dir string) { writeFile(t, filepath.Join(dir, "model.tflite"), []byte("theirs")) }, "model.tflite in it is not of an export"},
		"a README":          {func(dir string) { writeFile(t, filepath.Join(dir, "README.md"), []byte("theirs")) }, "README.md in it is not of an export"},
		"another manifest":  {func(dir string) { writeFile(t, filepath.Join(dir, "export.json"), []byte("[]")) }, "is no export's"},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		c.before(dir)
		before := tree(t, dir)
		err := put(t, dir, "aa", false, lite)
		var taken *export.TakenError
		if !errors.As(err, &taken) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if after := tree(t, dir); len(after) != len(before) {
			t.Errorf("%s: the folder was changed: %v", name, after)
		}
		if err := put(t, dir, "aa", true, lite); err != nil {
			t.Errorf("%s, replaced: %v", name, err)
		}
		if after := tree(t, dir); after["model.tflite"] != "lite" || after["weights.npz"] != "" {
			t.Errorf("%s, replaced: %v", name, after)
		}
		nothingElse(t, dir)
	}
	dir := filepath.Join(t.TempDir(), "out")
	writeFile(t, dir, []byte("a file"))
	if err := put(t, dir, "aa", true, lite); err == nil || !strings.Contains(err.Error(), "is a file: name a folder") {
		t.Errorf("into a file: %v", err)
	}
}

func TestPlaceIntoAnEmptyFolderAndALink(t *testing.T) {
	base := t.TempDir()
	dir, link := filepath.Join(base, "out"), filepath.Join(base, "link")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := put(t, link, "aa", false, map[export.Format]string{export.TFLite: "lite"}); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir); got["model.tflite"] != "lite" || got["README.md"] == "" {
		t.Errorf("%v", got)
	}
	nothingElse(t, dir)
}

// What is given up leaves nothing.
func TestPlaceAborts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	p, err := export.Prepare(dir, "aa", []export.Format{export.TFLite}, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(export.TFLite, []byte("lite")); err != nil {
		t.Fatal(err)
	}
	p.Abort()
	nothingElse(t, dir)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a folder: %v", err)
	}
}
