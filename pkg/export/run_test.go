package export_test

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"slimfit/models"
	"slimfit/models/modelstest"
	"slimfit/pkg/dataset"
	"slimfit/pkg/export"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

var update = flag.Bool("update", false, "write what other tests read anew")

// Run is a small run folder that Write made without training: its networks'
// weights are set by hand so that they tell bright images from dark ones. Good has seeds 0, 1 and 2 with weights, all of them
// tested, and seed 1 is the best on the validation images; Bad's seed 0
// diverged, and its seed 1 is not finished.
type Run struct {
	Folder *store.Folder
	Data   string // folder of the data set
	Good   string // configuration IDs
	Bad    string
}

// Edge of the images, and their classes.
const (
	Edge    = 8
	Classes = 3
)

// Write makes <dir>/data and the run folder <dir>/runs/tiny.
func Write(dir string) (*Run, error) {
	r := &Run{Data: filepath.Join(dir, "data")}
	if err := writeData(r.Data); err != nil {
		return nil, err
	}
	data, err := dataset.Describe(dataset.Ref{Name: "bright", Path: r.Data, Validation: 60}, "")
	if err != nil {
		return nil, err
	}
	if r.Folder, err = store.Create(filepath.Join(dir, "runs"), "tiny", []byte(experimentFile)); err != nil {
		return nil, err
	}
	session, err := r.Folder.Join(0, nil)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	good, bad := config(data, 2), config(data, 3)
	r.Good, r.Bad = good.ID(), bad.ID()
	for seed, shift := range []float64{0.12, 0.01, 0.2} {
		if err := trained(r.Folder, session, good, int64(seed), shift); err != nil {
			return nil, err
		}
	}
	if err := untrained(r.Folder, session, bad); err != nil {
		return nil, err
	}
	return r, nil
}

const experimentFile = `name: tiny
dataset: {name: bright, path: ../../data, validation: 60}
matrix: {filters: [2, 3]}
model:
  - conv: {kernel: 3, filters: $filters, padding: valid}
  - maxpool: 2
  - dense: 4
train: {steps: 10}
seeds: 3
`

// writeData writes idx files of noisy images; their brightness tells the class.
func writeData(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	g := rand.New(rand.NewPCG(1, 2))
	for _, part := range []struct {
		prefix string
		n      int
	}{{"train", 300}, {"t10k", 90}} {
		n := part.n
		images := binary.BigEndian.AppendUint32(nil, 0x803)
		for _, v := range []int{n, Edge, Edge} {
			images = binary.BigEndian.AppendUint32(images, uint32(v))
		}
		labels := binary.BigEndian.AppendUint32(nil, 0x801)
		labels = binary.BigEndian.AppendUint32(labels, uint32(n))
		for i := range n {
			class := i * 7 % Classes
			labels = append(labels, byte(class))
			base := class*70 + g.IntN(66) // the classes nearly touch
			for range Edge * Edge {
				images = append(images, byte(base+g.IntN(30)))
			}
		}
		for name, b := range map[string][]byte{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
			if err := os.WriteFile(filepath.Join(dir, part.prefix+name), b, 0o666); err != nil {
				return err
			}
		}
	}
	return nil
}

func config(data models.Data, filters int) models.Config {
	conv := models.NewConv(3, filters)
	conv.Padding = models.Valid
	recipe := models.DefaultRecipe()
	recipe.Steps = 10
	return models.Config{Layers: []models.Layer{conv, models.NewMaxPool(2), models.NewDense(4)}, Data: data, Recipe: recipe}
}

// trained writes a trial with its weights, judged by its own interpreter.
func trained(f *store.Folder, s *store.Session, c models.Config, seed int64, shift float64) error {
	w, err := modelstest.Bright(c.Spec(), shift)
	if err != nil {
		return err
	}
	r, err := newResult(c, seed)
	if err != nil {
		return err
	}
	r.WeightsSHA = w.SHA256()
	m, err := export.Interpreter(&export.Trial{Spec: c.Spec(), Weights: w})
	if err != nil {
		return err
	}
	set, err := dataset.Load(dataset.Ref{Name: "bright", Path: dataPath(f), Validation: 60}, "")
	if err != nil {
		return err
	}
	for s, images := range map[result.Split]dataset.Images{result.Validation: set.Validation, result.Test: set.Test} {
		a, err := export.Judge(context.Background(), m, string(s), images, 1)
		if err != nil {
			return err
		}
		r.SetOn(s, result.Figures{Correct: &a.Correct, Accuracy: &a.Share})
	}
	b, err := w.MarshalBinary()
	if err != nil {
		return err
	}
	return write(f, s, r, b)
}

func dataPath(f *store.Folder) string {
	return filepath.Join(filepath.Dir(filepath.Dir(f.Dir)), "data")
}

func newResult(c models.Config, seed int64) (result.Result, error) {
	counts, err := footprint.Of(c.Spec())
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return result.Result{Experiment: "tiny", ConfigID: c.ID(), Assignment: map[string]any{"filters": c.Layers[0].Filters},
		Model: c.Spec().FullLayers(),
		Train: c.Recipe, Dataset: c.Data, Seed: seed, Status: result.Done, Steps: 10, Seconds: 1, Footprint: counts,
		Environment: result.Environment{Slimfit: "test", TensorFlow: "none", CPUFeatures: []string{}, Threads: 1, Device: "CPU"},
		Warnings:    []string{}, Started: at, Finished: at}, err
}

// write leases the trial and writes it; weights may be nil.
func write(f *store.Folder, s *store.Session, r result.Result, weights []byte) error {
	dir := f.TrialDir(r.Key())
	token, err := s.Acquire(dir)
	if err != nil {
		return err
	}
	defer s.Release(dir, token)
	if weights != nil {
		if err := store.SaveWeights(dir, token, weights); err != nil {
			return fmt.Errorf("%s: %w", r.Key(), err)
		}
	}
	return f.WriteResult(r, token, false)
}

// untrained writes a diverged trial and one that is not finished.
func untrained(f *store.Folder, s *store.Session, c models.Config) error {
	r, err := newResult(c, 0)
	if err != nil {
		return err
	}
	r.Status, r.Reason = result.Diverged, "the loss was NaN at step 7"
	if err := write(f, s, r, nil); err != nil {
		return err
	}
	dir := f.TrialDir(result.Key{ConfigID: c.ID(), Seed: 1})
	token, err := s.Acquire(dir)
	if err != nil {
		return err
	}
	return s.Release(dir, token)
}

// The run folder that the program's own tests start from is this one, without
// who held its leases: go test -update writes it anew.
func TestTinyIsWhatTheProgramIsTestedOn(t *testing.T) {
	const committed = "../../cmd/slimfit/testdata/tiny"
	dir := t.TempDir()
	if _, err := Write(dir); err != nil {
		t.Fatal(err)
	}
	leases, err := filepath.Glob(filepath.Join(dir, "runs/tiny/*/*/lease*"))
	for _, file := range leases {
		if err == nil {
			err = os.WriteFile(file, nil, 0o666)
		}
	}
	if *update && err == nil {
		if err = os.RemoveAll(committed); err == nil {
			err = os.CopyFS(committed, os.DirFS(dir))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff, err := exec.Command("diff", "-r", dir, committed).CombinedOutput(); err != nil {
		t.Errorf("%s%v; go test ./pkg/export -update writes it anew", diff, err)
	}
}
