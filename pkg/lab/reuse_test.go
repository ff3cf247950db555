package lab

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// Finished trials are taken over under the new experiment's name; failed ones
// and those that are there already are not.
func TestReuse(t *testing.T) {
	from, err := store.Create(t.TempDir(), "from", []byte("name: from\n"))
	if err != nil {
		t.Fatal(err)
	}
	to, err := store.Create(t.TempDir(), "to", []byte("name: to\n"))
	if err != nil {
		t.Fatal(err)
	}
	points := []result.Point{{Step: 10, Loss: 0.5}}
	var w models.Weights
	w.Set("fc1", models.Kernel, []float32{1, 2})
	weights, err := w.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	put := func(f *store.Folder, id string, status result.Status) {
		t.Helper()
		r := result.Result{Experiment: "from", ConfigID: id, Seed: 1, Status: status, Assignment: map[string]any{"x": 1.0},
			Model: []models.Layer{models.NewDense(2)}, Warnings: []string{}, WeightsSHA: w.SHA256(), Started: time.Unix(0, 0).UTC(), Finished: time.Unix(9, 0).UTC()}
		if status == result.Failed {
			r.Reason = "out of memory"
		}
		if err := takeOver(f, r, points, weights); err != nil {
			t.Fatal(err)
		}
	}
	put(from, "done", result.Done)
	int8 := result.Int8{ConfigID: "done", Seed: 1, WeightsSHA: w.SHA256(), Bytes: 9, SHA256: strings.Repeat("cd", 32)}
	if err := from.WriteInt8(int8); err != nil {
		t.Fatal(err)
	}
	put(from, "failed", result.Failed)
	put(from, "there", result.Done)
	put(to, "there", result.Diverged)

	var trials []experiment.Trial
	for _, id := range []string{"done", "failed", "there", "new"} {
		trials = append(trials, experiment.Trial{Configuration: &experiment.Configuration{ID: id, Assignment: map[string]any{"y": 2.0},
			Config: models.Config{Data: models.Data{Name: "dots"}}}, Seed: 1})
	}
	n, _, err := reuse([]*store.Folder{from}, to, &experiment.Experiment{Name: "to"}, trials)
	if err != nil || n != 1 {
		t.Fatalf("%d taken over, %v; want 1", n, err)
	}
	k := result.Key{ConfigID: "done", Seed: 1}
	r, err := to.ReadResult(k)
	if err != nil || r.Experiment != "to" || r.Dataset.Name != "dots" || !reflect.DeepEqual(r.Assignment, map[string]any{"y": 2.0}) {
		t.Errorf("taken over as %+v, %v", r, err)
	}
	if got, err := to.ReadHistory(k); err != nil || !reflect.DeepEqual(got, points) {
		t.Errorf("history %v, %v", got, err)
	}
	if got, err := store.LoadWeights(to.TrialDir(k)); err != nil || !bytes.Equal(got, weights) {
		t.Errorf("weights of %d bytes, %v", len(got), err)
	}
	if got, err := to.ReadInt8(k); err != nil || !reflect.DeepEqual(got, int8) {
		t.Errorf("int8 figures %+v, %v", got, err)
	}
	if r, err := to.ReadResult(result.Key{ConfigID: "there", Seed: 1}); err != nil || r.Status != result.Diverged {
		t.Errorf("a result that was there became %+v, %v", r, err)
	}
}

// Trials are neither read nor written through links.
func TestReuseFollowsNoLinks(t *testing.T) {
	for _, linked := range []string{"from", "to"} {
		var folders [2]*store.Folder
		for i, name := range []string{"from", "to"} {
			f, err := store.Create(t.TempDir(), name, []byte("name: "+name+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			folders[i] = f
			inside, elsewhere := filepath.Join(f.Dir, "done"), t.TempDir()
			if name == "from" {
				r := result.Result{Experiment: "from", ConfigID: "done", Seed: 1, Status: result.Done, Model: []models.Layer{models.NewDense(2)}}
				if err := takeOver(f, r, nil, nil); err != nil {
					t.Fatal(err)
				}
			}
			if name != linked {
				continue
			}
			if name == "from" {
				elsewhere = filepath.Join(elsewhere, "moved")
				if err := os.Rename(inside, elsewhere); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(elsewhere, inside); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := reuse(folders[:1], folders[1], &experiment.Experiment{Name: "to"},
			[]experiment.Trial{{Configuration: &experiment.Configuration{ID: "done"}, Seed: 1}})
		var bad *store.FileError
		if !errors.As(err, &bad) || filepath.Base(bad.Path) != "done" || filepath.Base(filepath.Dir(bad.Path)) != linked {
			t.Errorf("%v, want the link in %s", err, linked)
		}
	}
}
