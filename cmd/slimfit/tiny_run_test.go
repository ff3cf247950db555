package main

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"slimfit/pkg/store"
)

// tinyFiles are data/ and runs/tiny/ with networks that tell three classes of
// images of 8x8 by their brightness; written by the tests of pkg/export.
//
//go:embed testdata/tiny
var tinyFiles embed.FS

const (
	tinyEdge    = 8
	tinyClasses = 3
)

// tinyRun is the run folder in a test's folder. Good has seeds 0 to 2 with
// weights.
type tinyRun struct {
	Folder *store.Folder
	Data   string
	Good   string // a configuration's ID
}

func copyTiny(dir string) error {
	tiny, err := fs.Sub(tinyFiles, "testdata/tiny")
	if err != nil {
		return err
	}
	return os.CopyFS(dir, tiny)
}

func newTinyRun(t *testing.T, dir string) tinyRun {
	t.Helper()
	if err := copyTiny(dir); err != nil {
		t.Fatal(err)
	}
	folder, err := store.Open(filepath.Join(dir, "runs", "tiny"))
	if err != nil {
		t.Fatal(err)
	}
	return tinyRun{folder, filepath.Join(dir, "data"), "c3x2-p2-d4-d6af530d"}
}
