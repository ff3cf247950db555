package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"slimfit/pkg/result"
)

// Looks of several writers at once are all there, in order, and each writer saw
// those before it.
func TestLedgerOfManyWriters(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	if _, err := LedgerIn(out).Looks("k"); !errors.Is(err, ErrNoLedger) {
		t.Errorf("no ledger: %v", err)
	}
	var group sync.WaitGroup
	const writers, each = 4, 5
	for range writers {
		group.Go(func() {
			for range each {
				err := LedgerIn(out).Write("k", func(looks []result.Look) (*result.Look, error) {
					return &result.Look{By: "search", Configurations: len(looks), Alpha: 0.01}, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	looks, err := LedgerIn(out).Looks("k")
	if err != nil || len(looks) != writers*each {
		t.Fatalf("%d looks, %v", len(looks), err)
	}
	for i, l := range looks {
		if l.Configurations != i || l.Key != "k" || l.Version != result.LookVersion || l.Time.IsZero() {
			t.Errorf("look %d: %+v", i, l)
		}
	}
	if other, err := LedgerIn(out).Looks("other"); err != nil || len(other) != 0 {
		t.Errorf("of other images: %v, %v", other, err)
	}
}

func TestDamagedLedger(t *testing.T) {
	good := `{"version":1,"key":"k","by":"run","configurations":3}` + "\n"
	for _, c := range []struct{ content, want string }{
		{good + `{"version":1,"key":"k"`, LedgerName + ":2: it is cut short"},
		{good + `{"version":2,"key":"x"}` + "\n", ":2: its version is 2, this program knows 1; use the newer"},
		{"?\n", ":1: invalid character"},
	} {
		out := t.TempDir()
		if err := os.WriteFile(filepath.Join(out, LedgerName), []byte(c.content), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := LedgerIn(out).Looks("k"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.content, err, c.want)
		}
		err := LedgerIn(out).Write("k", func([]result.Look) (*result.Look, error) { return &result.Look{}, nil })
		if b, _ := os.ReadFile(filepath.Join(out, LedgerName)); err == nil || string(b) != c.content {
			t.Errorf("%q: written to all the same, %v", c.content, err)
		}
	}
}

// A million looks at other images are passed over in less than a second of work.
func BenchmarkLongLedger(b *testing.B) {
	var lines strings.Builder
	for i := range 1_000_000 {
		fmt.Fprintf(&lines, `{"version":1,"time":"2026-01-02T03:04:05Z","key":"other%d","experiment":"e","by":"run","configurations":3,`+
			`"alpha":0,"alpha_left":0}`+"\n", i)
	}
	lines.WriteString(`{"version":1,"key":"mine","by":"search","configurations":1,"alpha":0.01}` + "\n")
	out := b.TempDir()
	if err := os.WriteFile(filepath.Join(out, LedgerName), []byte(lines.String()), 0o666); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		looks, err := LedgerIn(out).Looks("mine")
		if err != nil || len(looks) != 1 || looks[0].Alpha != 0.01 {
			b.Fatalf("%v, %v", looks, err)
		}
	}
}
