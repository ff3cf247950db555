package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/result"
)

// Every bit of a result.json counts.
func TestFlippedBits(t *testing.T) {
	f := newFolder(t)
	r := sample(t, 2, 0)
	r.Wrong, r.Correct, r.Accuracy, r.Confusion = result.Wrong{}, result.Pair[int]{}, result.Pair[float64]{}, result.Confusion{}
	r.Status, r.Reason = result.Diverged, "the loss was not finite"
	put(t, f, r)
	path := f.ResultPath(r.Key())
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	harmless := strings.Index(string(b), "checksum") // another word there, and the result is one of an earlier version
	for i := range b {
		if i >= harmless && i < harmless+len("checksum") {
			continue
		}
		for _, d := range []Detail{Brief, Full} {
			bad := append([]byte{}, b...)
			bad[i] ^= 1 << (i % 8)
			if err := os.WriteFile(path, bad, 0o666); err != nil {
				t.Fatal(err)
			}
			if results, damaged, err := f.Results(d); err != nil || len(damaged) != 1 {
				t.Errorf("byte %d (%.20q): %d results, %v", i, b[max(0, i-10):], len(results), err)
			}
		}
	}
}

// A result of an earlier version has no checksum, also after its test images
// were opened; a new one has that of its last content.
func TestChecksumIsKept(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{"new": func(b []byte) []byte { return b }, "earlier": withoutChecksum} {
		f := newFolder(t)
		r := sample(t, 2, 0)
		put(t, f, r)
		path := f.ResultPath(r.Key())
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, change(b), 0o666); err != nil {
			t.Fatal(err)
		}
		old, err := f.ReadResult(r.Key())
		if err != nil {
			t.Fatal(err)
		}
		old.Warnings = []string{name}
		if err := f.WriteResult(old, 0, true); err != nil {
			t.Fatal(err)
		}
		again, err := f.ReadResult(r.Key())
		if err != nil || (again.Checksum != "") != (name == "new") {
			t.Errorf("%s: checksum %q, %v", name, again.Checksum, err)
		}
	}
}

func TestDoubts(t *testing.T) {
	r := sample(t, 2, 0)
	points := []result.Point{{Step: 100, Loss: 0.5}, {Step: 200, Loss: 0.25}}
	r.HistorySHA, r.WeightsSHA = HistorySHA256(points), result.SHA256([]byte("weights"))
	for _, c := range []struct {
		name, cheap, deep string
		damage            func(history, weights string) error
	}{
		{"whole", "", "", func(string, string) error { return nil }},
		{"no weights", "", "", func(_, w string) error { return os.Remove(w) }},
		{"no history", "history.csv: it is missing", "history.csv: it is missing", func(h, _ string) error { return os.Remove(h) }},
		{"other history", "its SHA-256", "its SHA-256", func(h, _ string) error { return os.WriteFile(h, []byte("step,loss,validation_accuracy\n"), 0o666) }},
		{"history is a link", "symbolic link", "symbolic link", func(h, w string) error { os.Remove(h); return os.Symlink(w, h) }},
		{"cut weights", "no whole file", "no whole file", func(_, w string) error { return os.Truncate(w, checkpointHeader+3) }},
		{"cut header", "no whole file", "no whole file", func(_, w string) error { return os.Truncate(w, 3) }},
		{"flipped weights", "", "SHA-256 does not fit", func(_, w string) error {
			b, err := os.ReadFile(w)
			b[len(b)-1] ^= 1
			if err != nil {
				return err
			}
			return os.WriteFile(w, b, 0o666)
		}},
		{"other weights", "", "other weights than the result", func(_, w string) error {
			return SaveWeights(filepath.Dir(filepath.Dir(w)), 0, []byte("others"))
		}},
	} {
		f := newFolder(t)
		put(t, f, r)
		dir := f.TrialDir(r.Key())
		if err := f.WriteHistory(r.Key(), 0, points); err != nil {
			t.Fatal(err)
		}
		if err := SaveWeights(dir, 0, []byte("weights")); err != nil {
			t.Fatal(err)
		}
		if err := c.damage(filepath.Join(dir, historyName), WeightsPath(dir)); err != nil {
			t.Fatal(err)
		}
		for deep, want := range map[bool]string{false: c.cheap, true: c.deep} {
			doubts, err := f.Doubts(r, deep)
			got := strings.Join(doubts, "\n")
			if err != nil || !strings.Contains(got, want) || want == "" && got != "" || strings.Count(got, "\n") > 0 {
				t.Errorf("%s, deep %v: %q, %v; want %q", c.name, deep, got, err, want)
			}
		}
	}
}

// What a killed process left of experiment.yaml is gone with the next start.
func TestLeftoversOfTheRunFolder(t *testing.T) {
	out := t.TempDir()
	f, err := Create(out, "a", []byte("name: a"))
	if err != nil {
		t.Fatal(err)
	}
	left := f.ExperimentPath() + tmpMark + "0123456789ab"
	if err := os.WriteFile(left, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(out, "a", []byte("name: a")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(left); err == nil {
		t.Error("it is still there")
	}
	r := sample(t, 2, 0)
	put(t, f, r)
	left = f.ResultPath(r.Key()) + tmpMark + "0123456789ab"
	if err := os.Link(f.ResultPath(r.Key()), left); err != nil {
		t.Skip("no hard links here:", err)
	}
	if err := f.TidyResult(r.Key()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(left); err == nil {
		t.Error("the second name of a result is still there")
	}
	var both [2]error
	each(2, func(i int) { // sweeping, they get into each other's way
		for n := range 200 {
			if _, err := Create(out, "a", []byte{'a' + byte(i), byte(n)}); err != nil {
				both[i] = err
			}
		}
	})
	if both[0] != nil || both[1] != nil {
		t.Error(both)
	}
}
