package slurm

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func (r *run) results(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(r.path("*/seed-*/result.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[f] = string(b)
	}
	return all
}

// kept checks that results are as they were.
func (r *run) kept(t *testing.T, before map[string]string) {
	t.Helper()
	now := r.results(t)
	for f, text := range before {
		if now[f] != text {
			t.Errorf("%s was lost or changed", f)
		}
	}
}

// sameAs checks that every file of the local run's trials is here, the same but
// for what comes from the clock and the machine.
func (r *run) sameAs(t *testing.T, local string) {
	t.Helper()
	want, err := filepath.Glob(filepath.Join(r.c.stage, "local", local, "*", "seed-*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, file := range want {
		rel, err := filepath.Rel(filepath.Join(r.c.stage, "local", local), file)
		if err != nil {
			t.Fatal(err)
		}
		switch filepath.Base(file) {
		case "result.json":
			compared++
			if a, b := timeless(t, file), timeless(t, r.path(rel)); a != b {
				t.Errorf("%s differs from the local run:\n%s\n%s", rel, a, b)
			}
		case "history.csv":
			sameBytes(t, file, r.path(rel))
		case "checkpoint":
			sameBytes(t, filepath.Join(file, "weights.bin"), filepath.Join(r.path(rel), "weights.bin"))
		}
	}
	if n := len(r.results(t)); compared == 0 || n != compared {
		t.Errorf("%d results, %d in the local run", n, compared)
	}
}

// timeless is a result.json without what depends on when and where it was.
func timeless(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return ""
	}
	var res map[string]any
	if err := json.Unmarshal(b, &res); err != nil {
		t.Error(err)
		return ""
	}
	for _, key := range []string{"experiment", "seconds", "environment", "started", "finished", "checksum"} {
		delete(res, key)
	}
	b, err = json.Marshal(res)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func sameBytes(t *testing.T, a, b string) {
	t.Helper()
	x, err1 := os.ReadFile(a)
	y, err2 := os.ReadFile(b)
	if err := errors.Join(err1, err2); err != nil {
		t.Error(err)
	} else if !bytes.Equal(x, y) {
		t.Errorf("%s differs from %s", b, a)
	}
}

// reports checks what the report job wrote last.
func (r *run) reports(t *testing.T, want string) {
	t.Helper()
	b, err := os.ReadFile(r.path("report/report.md"))
	if err != nil {
		t.Error(err)
	} else if !strings.Contains(string(b), want) {
		t.Errorf("the report does not say %q:\n%s", want, b)
	}
}

func ownerOf(t *testing.T, file string) uint32 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}
