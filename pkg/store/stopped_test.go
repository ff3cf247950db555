package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"slimfit/models"
	"slimfit/pkg/result"
)

func stoppedAt(step int) result.Stopped {
	r := models.DefaultRecipe()
	return result.Stopped{ConfigID: "c5x2-0123abcd", Seed: 3, Train: r, Dataset: models.Data{Name: "tiny", Classes: 2, Validation: 4},
		Rule: result.StopRule{Accuracy: 0.9, Confidence: 0.99}, Step: step, Accuracy: 0.5, Correct: 2, Wrong: [][2]int{{0, 1}, {3, 0}},
		Confusion: [][]int{{1, 1}, {1, 1}}, Warnings: []string{}}
}

func TestStoppedTrials(t *testing.T) {
	f, err := Create(t.TempDir(), "run", nil)
	if err != nil {
		t.Fatal(err)
	}
	first, key := stoppedAt(5000), result.Key{ConfigID: "c5x2-0123abcd", Seed: 3}
	dir := f.TrialDir(key)
	if all, err := f.ReadStopped(key); err != nil || len(all) != 0 {
		t.Fatalf("before: %v, %v", all, err)
	}
	session, err := f.Join(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	token, err := session.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	write := func(s result.Stopped, want ...int) []StoppedTrial {
		t.Helper()
		if err := f.WriteStopped(s, token); err != nil {
			t.Fatal(err)
		}
		all, err := f.ReadStopped(key)
		if err != nil {
			t.Fatal(err)
		}
		var steps []int
		for _, s := range all {
			steps = append(steps, s.Step)
			if b, err := os.ReadFile(s.Path); err != nil || !bytes.Equal(b, s.Content) {
				t.Errorf("%s: %v, other content than read", s.Path, err)
			}
		}
		if !reflect.DeepEqual(steps, want) {
			t.Errorf("stopped at %v, want %v", steps, want)
		}
		return all
	}
	all := write(first, 5000)
	if got := all[0]; !reflect.DeepEqual(got.Stopped, first) || filepath.Base(got.Path) != result.StoppedName {
		t.Errorf("%s: %+v, want %+v", got.Path, got.Stopped, first)
	}
	again := first
	again.Rule.Accuracy, again.Seconds = 0.95, 7
	if kept := write(again, 5000); !bytes.Equal(kept[0].Content, all[0].Content) {
		t.Error("the same stop for another target changed the file that certificates rest on")
	}
	later := write(stoppedAt(7000), 5000, 7000)
	if !bytes.Equal(later[0].Content, all[0].Content) || filepath.Base(later[1].Path) != "stopped-7000.json" {
		t.Errorf("a later stop: %s", later[1].Path)
	}
	for _, damage := range []string{"{", `{"config_id": "c5x2-0123abcd", "seed": 4}`, ""} {
		if err := os.WriteFile(all[0].Path, []byte(damage), 0o666); err != nil {
			t.Fatal(err)
		}
		if rest, err := f.ReadStopped(key); err != nil || len(rest) != 1 || rest[0].Step != 7000 {
			t.Errorf("%q: %v, %v", damage, rest, err)
		}
	}
	if restored := write(first, 5000, 7000); !bytes.Equal(restored[0].Content, all[0].Content) {
		t.Error("a damaged file is not written anew")
	}
	for name, spoil := range map[string]func(*result.Stopped){
		"the last step": func(s *result.Stopped) { s.Step = s.Train.Steps }, "no step": func(s *result.Stopped) { s.Step = 0 },
		"counts": func(s *result.Stopped) { s.Correct = 3 },
	} {
		bad := stoppedAt(9000)
		if spoil(&bad); f.WriteStopped(bad, token) == nil {
			t.Errorf("%s: it was written", name)
		}
	}
	if err := session.Release(dir, token); err != nil {
		t.Fatal(err)
	}
	next, err := session.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []result.Stopped{first, stoppedAt(9000)} {
		if err := f.WriteStopped(s, token); !errors.Is(err, ErrFenced) {
			t.Errorf("step %d with a lease that is another's now: %v", s.Step, err)
		}
	}
	if err := session.Release(dir, next); err != nil {
		t.Fatal(err)
	}
}

func TestIsStoppedName(t *testing.T) {
	for name, want := range map[string]bool{"stopped.json": true, "stopped-3000.json": true, "stopped-03.json": false,
		"stopped--3.json": false,
		"stopped-.json":   false, "stopped-x.json": false, "result.json": false, "stopped.json.tmp-12": false, "xstopped.json": false} {
		if got := result.IsStoppedName(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
