package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/lab"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
	"slimfit/pkg/tflite"
)

const int8Experiment = `name: tiny
dataset: {name: bright, path: data, validation: 60}
matrix: {filters: [1, 2, 3, 4]}
model:
  - conv: {kernel: 3, filters: $filters, padding: valid}
  - maxpool: 2
  - dense: 4
train: {steps: 10}
seeds: 2
target: {accuracy: 0.8, confidence: 0.6, cost: tflite_int8_bytes, precision: int8}
`

// newInt8Lab is a lab whose trainer sets real weights, that more filters set
// better, and judges them.
func newInt8Lab(t *testing.T) *testLab {
	l := newLab(t)
	if err := copyTiny(l.dir); err != nil { // for its data
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(l.dir, "runs")); err != nil {
		t.Fatal(err)
	}
	l.write("e.yaml", int8Experiment)
	l.trainer = l.trainReal
	return l
}

// trainReal is trainEach for searches that need all weights.
func (l *testLab) trainReal(ctx context.Context, lb *lab.Lab, j lab.Training) (sweep.Summary, error) {
	if len(j.Trials) > 0 && filepath.Base(j.Folder.Dir) == "tiny" && !j.KeepAll { // not one of verify --retrain
		return sweep.Summary{}, fmt.Errorf("an int8 search needs all weights")
	}
	return l.trainEach(nil)(ctx, lb, j)
}

// trainEach is a trainer of each trial by itself, with what is done after each.
func (l *testLab) trainEach(after func(lab.Training, experiment.Trial) error) lab.Trainer {
	return func(_ context.Context, _ *lab.Lab, j lab.Training) (sweep.Summary, error) {
		session, err := j.Folder.Join(0, nil)
		if err != nil {
			return sweep.Summary{}, err
		}
		defer session.Close()
		for _, t := range j.Trials {
			if err := l.trainOne(j, session, t); err != nil {
				return sweep.Summary{}, err
			}
			if after == nil {
				continue
			}
			if err := after(j, t); err != nil {
				return sweep.Summary{}, err
			}
		}
		return sweep.Summary{}, nil
	}
}

func (l *testLab) trainOne(j lab.Training, session *store.Session, t experiment.Trial) error {
	key := t.Key()
	old, err := j.Folder.ReadResult(key)
	if err == nil && (!j.Test || old.Correct.Test != nil) {
		return nil
	}
	dir := j.Folder.TrialDir(key)
	token, err := session.Acquire(dir)
	if err != nil {
		return err
	}
	defer session.Release(dir, token)
	w, err := modelstest.Bright(t.Spec(), 0.12-0.03*float64(t.Layers[0].Filters)+0.003*float64(t.Seed)+float64(len(l.salt)))
	if err != nil {
		return err
	}
	b, err := w.MarshalBinary()
	if err != nil {
		return err
	}
	if err := store.SaveWeights(dir, token, b); err != nil {
		return err
	}
	m, err := export.Interpreter(&export.Trial{Spec: t.Spec(), Weights: w})
	if err != nil {
		return err
	}
	set, err := dataset.LoadData(t.Data, models.Source{Path: j.Experiment.Ref.Path})
	if err != nil {
		return err
	}
	r := result.Result{Experiment: "tiny", ConfigID: t.ID, Seed: t.Seed, Assignment: t.Assignment, Model: t.Spec().FullLayers(),
		Train:   t.Recipe,
		Dataset: t.Data, Footprint: t.Footprint, Status: result.Done, Steps: t.Recipe.Steps, Warnings: []string{}, WeightsSHA: w.SHA256()}
	r.Accuracy.Validation, r.Correct.Validation, r.Wrong.Validation, r.Confusion.Validation = answers(l.t, m, set.Validation)
	l.trained = append(l.trained, key)
	if j.Test {
		l.trained, l.opened = l.trained[:len(l.trained)-1], append(l.opened, key)
		r.Accuracy.Test, r.Correct.Test, r.Wrong.Test, r.Confusion.Test = answers(l.t, m, set.Test)
	}
	return j.Folder.WriteResult(r, token, true)
}

// answers are a network's on some images.
func answers(t *testing.T, m *tflite.Model, images dataset.Images) (*float64, *int, [][2]int, [][]int) {
	t.Helper()
	out, err := m.Run(images.Pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	correct, wrong, confusion := 0, [][2]int{}, make([][]int, tinyClasses)
	for i := range confusion {
		confusion[i] = make([]int, tinyClasses)
	}
	for i, label := range images.Labels {
		class := out.Class(i)
		confusion[label][class]++
		if class == int(label) {
			correct++
		} else {
			wrong = append(wrong, [2]int{i, class})
		}
	}
	accuracy := float64(correct) / float64(images.N())
	return &accuracy, &correct, wrong, confusion
}

// int8s reads the int8.json files of the lab's run folder.
func (l *testLab) int8s() map[result.Key]result.Int8 {
	l.t.Helper()
	f := &store.Folder{Dir: filepath.Join(l.dir, "runs/tiny")}
	keys, err := f.Keys()
	if err != nil {
		l.t.Fatal(err)
	}
	all := map[result.Key]result.Int8{}
	for _, k := range keys {
		if all[k], err = f.ReadInt8(k); err != nil {
			l.t.Fatal(err)
		}
	}
	return all
}

func TestSearchInt8(t *testing.T) {
	l := newInt8Lab(t)
	code, out, errs := l.run("search", "e.yaml")
	if code != exit.Done || !strings.Contains(out, "was shown to meet 80 % in int8") || !strings.Contains(out, "judged in int8") {
		t.Fatalf("code %d\n%s\n%s", code, out, errs)
	}
	c, int8s := l.certificate(), l.int8s()
	if len(c.Openings) == 0 || len(c.Files) != 2*len(l.trained) || len(int8s) != len(l.trained) {
		t.Errorf("%d openings, %d files, %d int8.json, %d trials", len(c.Openings), len(c.Files), len(int8s), len(l.trained))
	}
	sealed := 0
	for k, q := range int8s {
		if (q.Correct.Test != nil) != containsOpening(c, k.ConfigID) {
			t.Errorf("%s: the test images were looked at: %v", k, q.Correct.Test != nil)
		}
		if q.Correct.Test == nil {
			sealed++
		}
	}
	if sealed == 0 {
		t.Error("every configuration was opened: the test needs one that was not")
	}
	for _, n := range c.Winner.Networks {
		if q := int8s[result.Key{ConfigID: c.Winner.ConfigID, Seed: n.Seed}]; n.Correct != *q.Correct.Test {
			t.Errorf("seed %d: the certificate has %d correct, int8.json %d", n.Seed, n.Correct, *q.Correct.Test)
		}
	}
	code, out, errs = l.run("verify", "runs/tiny/certificate.json")
	if code != exit.Done || !strings.Contains(out, fmt.Sprintf("%d int8 networks quantized again from the kept weights, bit for bit",
		len(int8s))) {
		t.Errorf("verify: code %d\n%s\n%s", code, out, errs)
	}
	code, out, errs = l.run("report", "runs/tiny", "-n")
	if code != exit.Done || !strings.Contains(out, "judged in int8") || !strings.Contains(out, "int8 test mean") ||
		!strings.Contains(out, "(result.json and int8.json)") {
		t.Errorf("report: code %d\n%s\n%s", code, out, errs)
	}
	before, _ := json.Marshal(c)
	if code, _, errs := l.run("search", "e.yaml", "-q"); code != exit.Done {
		t.Fatal(errs)
	}
	if after, _ := json.Marshal(l.certificate()); !bytes.Equal(before, after) {
		t.Error("a second search wrote another certificate")
	}
	if code, out, errs := l.run("verify", "runs/tiny/certificate.json", "--retrain", "2", "--draw", "1"); code != exit.Done ||
		!strings.Contains(out, "2 trials trained again, bit for bit") {
		t.Errorf("retrain: code %d\n%s%s", code, out, errs)
	}
}

// Of a network that float32 passes and int8 may not, the int8 one decides.
func TestSearchJudgesTheInt8Network(t *testing.T) {
	l := newInt8Lab(t)
	if code, _, errs := l.run("search", "e.yaml", "--exact", "--set", "target.accuracy=0.98"); code != exit.Done && code != exit.Unmet {
		t.Fatal(errs)
	}
	int8s, differ := l.int8s(), 0
	for _, j := range l.certificate().Candidates {
		for _, n := range j.Networks {
			k := result.Key{ConfigID: j.ConfigID, Seed: n.Seed}
			r, err := (&store.Folder{Dir: filepath.Join(l.dir, "runs/tiny")}).ReadResult(k)
			if err != nil {
				t.Fatal(err)
			}
			if n.Correct != *int8s[k].Correct.Validation {
				t.Errorf("%s: judged by %d, int8 has %d, float32 %d", k, n.Correct, *int8s[k].Correct.Validation, *r.Correct.Validation)
			}
			if *r.Correct.Validation != *int8s[k].Correct.Validation {
				differ++
			}
		}
	}
	if differ == 0 {
		t.Error("int8 and float32 never differ: the test shows nothing")
	}
}

func TestVerifyInt8FindsFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir, path string)
		code  int
		want  string
	}{
		{"deleted", func(t *testing.T, _, path string) { os.Remove(path) }, exit.Trials, "int8.json: the file is missing"},
		{"edited", func(t *testing.T, _, path string) {
			replaceIn(t, path, `"bytes": 1`, `"bytes": 2`)
		}, exit.Trials, "quantized again: the kept weights give another int8 file"},
		{"other weights kept", func(t *testing.T, dir, path string) {
			os.Remove(store.WeightsPath(filepath.Dir(path)))
			os.WriteFile(store.WeightsPath(filepath.Dir(path)), []byte("x"), 0o666)
		}, exit.Trials, "quantized again: "},
		{"weights gone", func(t *testing.T, dir, path string) { os.Remove(store.WeightsPath(filepath.Dir(path))) }, exit.Done,
			"1 int8 network not quantized again: no weights here"},
		{"images gone", func(t *testing.T, dir, path string) {
			os.Rename(filepath.Join(dir, "data"), filepath.Join(dir, "gone"))
		}, exit.Done,
			"the int8 networks are not quantized again: no data set here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newInt8Lab(t)
			if code, _, errs := l.run("search", "e.yaml"); code != exit.Done {
				t.Fatal(errs)
			}
			c.spoil(t, l.dir, filepath.Join(l.dir, "runs/tiny", l.certificate().Files[0].Path))
			if code, out, errs := l.run("verify", "runs/tiny/certificate.json"); code != c.code || !strings.Contains(out+errs, c.want) {
				t.Errorf("code %d, want %d and %q:\n%s%s", code, c.code, c.want, out, errs)
			}
		})
	}
}

func replaceIn(t *testing.T, path, old, new string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(b, []byte(old)) {
		t.Fatalf("%s has no %s (%v)", path, old, err)
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte(old), []byte(new), 1), 0o666); err != nil {
		t.Fatal(err)
	}
}

// Weights that are gone before they were quantized leave nothing to judge.
func TestSearchInt8WithoutWeights(t *testing.T) {
	l := newInt8Lab(t)
	if code, _, errs := l.run("search", "e.yaml"); code != exit.Done {
		t.Fatal(errs)
	}
	path := filepath.Join(l.dir, "runs/tiny", l.certificate().Files[0].Path)
	os.Remove(path)
	l.trained = nil
	if code, _, errs := l.run("search", "e.yaml"); code != exit.Done || len(l.trained) > 0 {
		t.Errorf("a missing int8.json is made again: code %d, %d trained: %s", code, len(l.trained), errs)
	}
	replaceIn(t, path, `"weights_sha256": "`, `"weights_sha256": "0`)
	os.Remove(store.WeightsPath(filepath.Dir(path)))
	if code, _, errs := l.run("search", "e.yaml"); code != exit.IO || !strings.Contains(errs, "its weights were not kept; move ") {
		t.Errorf("code %d: %s", code, errs)
	}
}
