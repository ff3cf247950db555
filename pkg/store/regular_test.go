package store

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"slimfit/pkg/result"
)

// strangers are things that may lie in a file's place, by what messages call
// them.
func strangers(t *testing.T) map[string]func(path string) {
	t.Helper()
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("of somebody else"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if b, err := os.ReadFile(victim); err != nil || string(b) != "of somebody else" {
			t.Errorf("what a link leads to was touched: %q, %v", b, err)
		}
	})
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return map[string]func(string){
		"link":          func(p string) { try(os.Symlink(victim, p)) },
		"dangling link": func(p string) { try(os.Symlink(victim+"/no", p)) },
		"pipe":          func(p string) { try(syscall.Mkfifo(p, 0o666)) },
		"folder":        func(p string) { try(os.Mkdir(p, 0o777)) },
		"endless link":  func(p string) { try(os.Symlink("/dev/zero", p)) },
		"huge":          func(p string) { try(os.WriteFile(p, nil, 0o666)); try(os.Truncate(p, maxBlob+1)) },
	}
}

// What is no file is damage: read at once, set aside, and written anew without
// a look at where it leads.
func TestStrangersInFilesPlaces(t *testing.T) {
	r := sample(t, 2, 0)
	for name, plant := range strangers(t) {
		f := newFolder(t)
		put(t, f, r)
		dir := f.TrialDir(r.Key())
		replace := func(path string) string {
			t.Helper()
			os.Remove(path)
			plant(path)
			return path
		}
		var damaged *ResultError
		path := replace(f.ResultPath(r.Key()))
		if _, err := f.ReadResult(r.Key()); !errors.As(err, &damaged) || damaged.File != path {
			t.Errorf("%s as result.json: %v", name, err)
		}
		if _, bad, err := f.Results(Brief); err != nil || len(bad) != 1 {
			t.Errorf("%s as result.json, brief: %d damaged, %v", name, len(bad), err)
		}
		if _, err := f.SetResultAside(r.Key()); err != nil {
			t.Errorf("%s as result.json: %v", name, err)
		}
		put(t, f, r)
		replace(f.Int8Path(r.Key()))
		if _, err := f.ReadInt8(r.Key()); !errors.As(err, &damaged) {
			t.Errorf("%s as int8.json: %v", name, err)
		}
		replace(filepath.Join(dir, result.StoppedName))
		if all, err := f.ReadStopped(r.Key()); err != nil || len(all) != 0 {
			t.Errorf("%s as stopped.json: %v, %v", name, all, err)
		}
		replace(filepath.Join(dir, historyName))
		if _, err := f.ReadHistory(r.Key()); err == nil {
			t.Errorf("%s as history.csv is read", name)
		}
		replace(f.LogPath(r.Key()))
		if err := f.Log(r.Key(), "a line"); err == nil && name != "huge" {
			t.Errorf("%s as log.txt is written to", name)
		}
		notices, err := f.SetStrangersAside(r.Key())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := 4 // log, history, int8, stopped
		if name == "huge" {
			want = 0 // they are files, and are replaced whole
		}
		if len(notices) != want || want > 0 && !strings.Contains(strings.Join(notices, "\n"), "log.txt.damaged-1") {
			t.Errorf("%s: %q, want %d notices", name, notices, want)
		}
		if err := f.WriteHistory(r.Key(), 0, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := f.Log(r.Key(), "a line"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStrangersAmongCheckpoints(t *testing.T) {
	for name, plant := range strangers(t) {
		dir := t.TempDir()
		if err := SaveCheckpoint(dir, 0, 10, []byte("ten")); err != nil {
			t.Fatal(err)
		}
		plant(checkpointPath(dir, 20))
		plant(WeightsPath(dir))
		var bad *DamageError
		if steps, err := Checkpoints(dir); len(steps) != 1 || !errors.As(err, &bad) || !strings.Contains(bad.Error(), "set aside as") {
			t.Errorf("%s: steps %v, %v", name, steps, err)
		}
		if _, err := LoadWeights(dir); !errors.As(err, &bad) {
			t.Errorf("%s as weights: %v", name, err)
		}
	}
}

// A folder that is a link is left alone, with all that it leads to.
func TestLinkedFolders(t *testing.T) {
	victim := t.TempDir()
	for _, name := range []string{"a.tmp-1", "step-000000000001.bin", weightsName} {
		if err := os.WriteFile(filepath.Join(victim, name), []byte("mine"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	f := newFolder(t)
	r := sample(t, 2, 0)
	put(t, f, r)
	dir := f.TrialDir(r.Key())
	if err := os.Symlink(victim, filepath.Join(dir, checkpointDir)); err != nil {
		t.Fatal(err)
	}
	s := join(t, f)
	token, err := s.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	var bad *FileError
	if err := SaveWeights(dir, token, []byte("w")); !errors.As(err, &bad) {
		t.Errorf("weights through a link: %v", err)
	}
	if err := RemoveCheckpoints(dir, token); !errors.As(err, &bad) {
		t.Errorf("checkpoints behind a link: %v", err)
	}
	if err := RemoveWeights(dir); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(victim); len(left) != 3 {
		t.Errorf("%d files are left of 3", len(left))
	}
	notices, err := f.SetStrangersAside(r.Key())
	if err != nil || len(notices) != 1 || !strings.Contains(notices[0], "symbolic link, not a folder") {
		t.Errorf("%q, %v", notices, err)
	}
	if err := SaveWeights(dir, token, []byte("w")); err != nil {
		t.Error(err)
	}
	other := trialDir(f, 7)
	if err := os.Symlink(victim, other); err != nil {
		if err := os.MkdirAll(filepath.Dir(other), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(victim, other); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Acquire(other); !errors.As(err, &bad) || !strings.Contains(err.Error(), other) {
		t.Errorf("lease of a linked folder: %v", err)
	}
}

// No lease file of any kind can keep a trial from being taken for ever.
func TestStrangeLeases(t *testing.T) {
	for name, plant := range strangers(t) {
		f := newFolder(t)
		s := join(t, f)
		dir := trialDir(f, 0)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		plant(leasePath(dir, 3))
		plant(leasePath(dir, 1<<64-1))
		token, err := s.Acquire(dir)
		if err != nil || token != 4 {
			t.Errorf("%s: token %d, %v; want 4", name, token, err)
		}
		if err := CheckLease(dir, token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := newFolder(t)
	s := join(t, f)
	dir := trialDir(f, 0)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	last := filepath.Join(dir, leasePrefix+strconv.FormatUint(maxToken, 10)+freeSuffix)
	if err := os.WriteFile(last, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Acquire(dir); err == nil || !strings.Contains(err.Error(), last) {
		t.Errorf("the last token: %v, want an error that names the file", err)
	}
}

func TestStrangersInTheRunFolder(t *testing.T) {
	for name, plant := range strangers(t) {
		f := newFolder(t)
		if name != "huge" {
			os.Remove(f.ExperimentPath())
			plant(f.ExperimentPath())
			var bad *FileError
			if _, err := Open(f.Dir); !errors.As(err, &bad) {
				t.Errorf("%s as experiment.yaml: %v", name, err)
			}
		}
		s := join(t, f)
		plant(f.path(processDir, "other.json"))
		if all, err := f.Processes(); err != nil || len(all) != 1 || all[0].Owner != s.Owner() {
			t.Errorf("%s as a heartbeat: %v, %v", name, all, err)
		}
		os.Remove(f.path(processDir, "other.json"))
	}
}
