package sweep

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// A second process reads only the results that changed since the first one
// looked, and all of them where the cache is in any doubt.
func TestSeenResultsAreNotReadAgain(t *testing.T) {
	t.Parallel()
	s := small(t)
	mustRun(t, s, nil)
	f := mustOpen(t, s)
	path := filepath.Join(f.Dir, cacheName)
	there, err := f.Keys()
	if err != nil {
		t.Fatal(err)
	}
	look := func() (fresh int, seen map[result.Key]sight) {
		v := Viewer{Folder: f, seen: readSeen(f)}
		fresh, err := v.results(there)
		if err != nil {
			t.Fatal(err)
		}
		return fresh, v.seen
	}
	want := func(fresh int, why string) {
		t.Helper()
		if got, seen := look(); got != fresh || len(seen) != len(there) {
			t.Errorf("%s: %d results of %d are read, want %d", why, got, len(seen), fresh)
		}
	}
	all := len(there)
	_, seen := look()
	later := time.Now().Add(time.Hour)
	want(all, "nothing is kept")
	writeSeen(f, seen, time.Now())
	want(all, "they changed just now: another change could look the same")
	k := there[3]
	failed := seen[k]
	failed.status, failed.reason = result.Failed, "so \"it\" is\nwith lines"
	seen[k] = failed
	writeSeen(f, seen, later)
	want(0, "all are kept")
	if _, again := look(); again[k] != failed {
		t.Errorf("kept %+v, read %+v", failed, again[k])
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// As many bytes at the same time, as far as the clock of their writer says.
	b, err := os.ReadFile(f.ResultPath(k))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.ResultPath(k), b, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(f.ResultPath(k), time.Time{}, time.Unix(0, failed.stamp.Written)); err != nil {
		t.Fatal(err)
	}
	want(1, "one is written anew")
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		for _, b := range [][]byte{bad, good[:i]} {
			if err := os.WriteFile(path, b, 0o666); err != nil {
				t.Fatal(err)
			}
			if readSeen(f) != nil {
				t.Fatalf("a cache with byte %d changed, or cut there, is believed", i)
			}
		}
	}
	for _, body := range []string{"x\n", string(there[0].ConfigID) + " 0 1 2 3 running \"\"\n", "c-1 0 1 2 3 done x\n"} {
		writeHead(t, path, body)
		if readSeen(f) != nil {
			t.Errorf("%q is believed", body)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	writeSeen(f, seen, later) // cannot: no harm
	want(all, "a folder in its place")
}

// writeHead writes a body with the head that fits it.
func writeHead(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, fmt.Appendf(nil, "%s %s\n%s", cacheHead, store.Checksum([]byte(body)), body), 0o666); err != nil {
		t.Fatal(err)
	}
}

// What trains folds is at work in the run folder that they are in.
func TestFoldsAreSeen(t *testing.T) {
	f, err := store.Create(t.TempDir(), "few", nil)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := store.Create(f.Dir, FoldsName, nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := inner.Join(0, func() any { return State{Left: 60} })
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	o, err := (&Viewer{Folder: f}).Look(nil)
	if err != nil || len(o.Processes) != 1 || !o.Processes[0].Alive || o.Left != 60 || o.Total != 0 {
		t.Errorf("%+v, %v", o, err)
	}
}
