package store

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"slimfit/pkg/result"
)

var update = flag.Bool("update", false, "write the files of testdata/run anew")

// A trial's files as an earlier version wrote them are read, and the same
// figures give the same bytes.
func TestWrittenBefore(t *testing.T) {
	r := sample(t, 2, 3)
	r.Dataset.Validation, r.Dataset.Test, r.Dataset.Classes, r.WeightsSHA = 6, 5, 3, string(bytes.Repeat([]byte("0f"), 32))
	r.Correct.Validation, r.Correct.Test, r.Accuracy.Validation, r.Accuracy.Test = new(5), new(3), new(5/6.0), new(3/5.0)
	r.Wrong = result.Wrong{Validation: [][2]int{{2, 1}}, Test: [][2]int{{0, 2}, {4, 0}}}
	r.Confusion = result.Confusion{Validation: [][]int{{2, 1, 0}, {0, 2, 0}, {0, 0, 1}}, Test: [][]int{{1, 0, 1}, {0, 1, 0}, {1, 0, 1}}}
	q := result.Int8{ConfigID: r.ConfigID, Seed: r.Seed, Slimfit: "v1", OS: "linux/amd64", WeightsSHA: r.WeightsSHA, Calibration: 100,
		Bytes:  4321,
		SHA256: string(bytes.Repeat([]byte("a1"), 32)), Accuracy: r.Accuracy, Correct: r.Correct, Wrong: r.Wrong, Confusion: r.Confusion}
	early := r
	early.Steps = 5000
	s := result.NewStopped(early, result.StopRule{Accuracy: 0.95, Confidence: 0.99}, nil)

	f := newFolder(t)
	put(t, f, r)
	if err := errors.Join(f.WriteInt8(q), f.WriteStopped(s, 0)); err != nil {
		t.Fatal(err)
	}
	old := &Folder{Dir: filepath.Join("testdata", "run")}
	for _, name := range []string{result.ResultName, result.Int8Name, result.StoppedName} {
		got, err := os.ReadFile(filepath.Join(f.TrialDir(r.Key()), name))
		if err != nil {
			t.Fatal(err)
		}
		if name == result.ResultName { // earlier versions wrote no checksum
			got = withoutChecksum(got)
		}
		path := filepath.Join(old.TrialDir(r.Key()), name)
		if *update {
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, got, 0o666)); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what it was (%v); got\n%s", name, err, got)
		}
	}
	was, err := old.ReadResult(r.Key())
	if b, _ := EncodeResult(was); err != nil || !bytes.Equal(b, must(t, result.ResultName, old, r.Key())) {
		t.Errorf("read and written again: %v\n%s", err, b)
	}
	int8, err := old.ReadInt8(r.Key())
	if b, _ := EncodeInt8(int8); err != nil || !bytes.Equal(b, must(t, result.Int8Name, old, r.Key())) {
		t.Errorf("read and written again: %v\n%s", err, b)
	}
	if all, err := old.ReadStopped(r.Key()); err != nil || len(all) != 1 || !sameStop(&all[0].Stopped, &s) {
		t.Errorf("stopped: %v, %v", all, err)
	}
}

func must(t *testing.T, name string, f *Folder, k result.Key) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(f.TrialDir(k), name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
