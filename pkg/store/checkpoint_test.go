package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"slimfit/models/modelstest"
)

func TestCheckpointRoundTrip(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir := filepath.Join(root, randomHex(8))
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		payload := rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(rt, "payload")
		step := rapid.IntRange(0, 1<<40).Draw(rt, "step")
		if err := SaveCheckpoint(dir, 0, step, payload); err != nil {
			rt.Fatal(err)
		}
		gotStep, got, err := loadCheckpoint(dir)
		if err != nil || gotStep != step || !bytes.Equal(got, payload) {
			rt.Fatalf("got step %d, %d bytes, %v; want step %d, %d bytes", gotStep, len(got), err, step, len(payload))
		}
	})
}

func TestSaveCheckpointKeepsTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []int{100, 200, 300} {
		if err := SaveCheckpoint(dir, 0, step, []byte{byte(step / 100)}); err != nil {
			t.Fatal(err)
		}
	}
	steps, err := checkpointSteps(dir)
	if err != nil || !slices.Equal(steps, []int{300, 200}) {
		t.Errorf("steps %v, %v; want 300 and 200", steps, err)
	}
	if got, err := LoadCheckpointAt(dir, 200); err != nil || !bytes.Equal(got, []byte{2}) {
		t.Errorf("step 200: %v, %v", got, err)
	}
	// A former owner that comes late leaves the newer ones alone.
	if err := SaveCheckpoint(dir, 0, 150, []byte{9}); err != nil {
		t.Fatal(err)
	}
	if step, _, err := loadCheckpoint(dir); err != nil || step != 300 {
		t.Errorf("after a late save: step %d, %v; want 300", step, err)
	}
}

func TestLoadCheckpointFallsBack(t *testing.T) {
	payload := bytes.Repeat([]byte("weights"), 100)
	cut := func(b []byte) []byte { return b[:len(b)/2] }
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 1; return b }
	}
	for name, damage := range map[string]func([]byte) []byte{
		"cut in half":     cut,
		"empty":           func([]byte) []byte { return nil },
		"header only":     func(b []byte) []byte { return b[:checkpointHeader] },
		"trailing byte":   func(b []byte) []byte { return append(b, 0) },
		"magic":           flip(0),
		"version":         flip(8),
		"step":            flip(12),
		"length":          flip(20),
		"sum":             flip(30),
		"payload":         flip(checkpointHeader + 10),
		"last byte":       func(b []byte) []byte { b[len(b)-1] ^= 0x80; return b },
		"of another step": func([]byte) []byte { return append(blobHeader(7, payload), payload...) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, step := range []int{10, 20} {
				if err := SaveCheckpoint(dir, 0, step, payload); err != nil {
					t.Fatal(err)
				}
			}
			newest := checkpointPath(dir, 20)
			b, err := os.ReadFile(newest)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(newest, damage(b), 0o666); err != nil {
				t.Fatal(err)
			}
			step, got, err := loadCheckpoint(dir)
			var d *DamageError
			if !errors.As(err, &d) || len(d.Files) != 1 || d.Files[0] != newest {
				t.Fatalf("error %v, want a DamageError that names %s", err, newest)
			}
			if step != 10 || !bytes.Equal(got, payload) {
				t.Errorf("step %d, %d bytes; want the older checkpoint", step, len(got))
			}
		})
	}
}

func TestLoadCheckpointWithoutOne(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := loadCheckpoint(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
	if _, err := LoadWeights(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("weights: error %v, want fs.ErrNotExist", err)
	}
}

func TestWeightsRoundTrip(t *testing.T) {
	dir := t.TempDir()
	if err := SaveWeights(dir, 0, []byte("abc")); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadWeights(dir); err != nil || string(got) != "abc" {
		t.Errorf("got %q, %v", got, err)
	}
	if steps, _ := checkpointSteps(dir); len(steps) != 0 {
		t.Errorf("weights are taken for a checkpoint: %v", steps)
	}
}

func TestSaveChecksTheLease(t *testing.T) {
	dir := t.TempDir()
	write := func(token uint64) {
		if err := os.WriteFile(leasePath(dir, token), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(4)
	if err := SaveCheckpoint(dir, 4, 1, nil); err != nil {
		t.Errorf("with the newest lease: %v", err)
	}
	write(5)
	for token, want := range map[uint64]error{3: ErrFenced, 4: ErrFenced, 6: fs.ErrNotExist} {
		if err := SaveCheckpoint(dir, token, 2, nil); !errors.Is(err, want) {
			t.Errorf("token %d: error %v, want %v", token, err, want)
		}
		if err := SaveWeights(dir, token, nil); !errors.Is(err, want) {
			t.Errorf("weights, token %d: error %v, want %v", token, err, want)
		}
	}
	if step, _, _ := loadCheckpoint(dir); step != 1 {
		t.Errorf("a fenced owner wrote step %d", step)
	}
}

func TestSaveIntoDeletedFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := SaveCheckpoint(dir, 0, 1, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder came back: %v", err)
	}
}

// Whatever a file holds, it is a checkpoint as it was written, or damaged.
func FuzzLoadCheckpoint(f *testing.F) {
	whole := append(blobHeader(7, []byte("payload")), "payload"...)
	f.Add(whole)
	f.Add(whole[:checkpointHeader])
	f.Add([]byte(checkpointMagic))
	for i := range modelstest.Modern {
		r := rand.New(rand.NewPCG(uint64(i), 13))
		w, err := modelstest.Weights(r, modelstest.Random(i, r))
		if err != nil {
			f.Fatal(err)
		}
		payload, err := w.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append(blobHeader(7, payload), payload...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		path := checkpointPath(dir, 7)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		payload, err := LoadCheckpointAt(dir, 7)
		var damage *DamageError
		switch {
		case err == nil && !bytes.Equal(append(blobHeader(7, payload), payload...), b):
			t.Errorf("%q was taken for a checkpoint", b)
		case err != nil && !errors.As(err, &damage):
			t.Errorf("%q: %v, want a DamageError", b, err)
		}
	})
}

// loadCheckpoint reads the newest whole checkpoint of the trial in dir. If it
// had to pass over damaged ones, the error is a *DamageError that names them,
// and step and payload are still good unless payload is nil. Without any
// checkpoint the error is fs.ErrNotExist.
func loadCheckpoint(dir string) (step int, payload []byte, err error) {
	steps, err := checkpointSteps(dir)
	if err != nil {
		return 0, nil, err
	}
	if len(steps) == 0 {
		return 0, nil, fmt.Errorf("no checkpoint in %s: %w", dir, fs.ErrNotExist)
	}
	var damage DamageError
	for _, s := range steps {
		payload, err := LoadCheckpointAt(dir, s)
		var d *DamageError
		switch {
		case err == nil && len(damage.Files) == 0:
			return s, payload, nil
		case err == nil:
			return s, payload, &damage
		case errors.As(err, &d):
			damage.Files = append(damage.Files, d.Files...)
			damage.Reasons = append(damage.Reasons, d.Reasons...)
		default:
			return 0, nil, err
		}
	}
	return 0, nil, &damage
}

// The lease may be there yet while the folder is being deleted.
func TestFolderDeletedUnderTheSave(t *testing.T) {
	dir := t.TempDir()
	there := func() error { return nil }
	for what, err := range map[string]error{
		"checkpoint": saveBlob(dir, 0, filepath.Join(dir, "gone", "checkpoint", "step-1.bin"), 1, nil),
		"result":     content(filepath.Join(dir, "gone", "result.json"), nil, there).create(),
		"history":    content(filepath.Join(dir, "gone", "history.csv"), nil, there).replace(),
	} {
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "deleted under the run") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
