package export_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/export"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/tflite"
)

// goodTrial is a trained trial of a written run, with its data.
func goodTrial(t *testing.T, seed int64) (*Run, *dataset.Set, *export.Trial) {
	t.Helper()
	r, _ := makeRun(t)
	set, err := dataset.Load(dataset.Ref{Name: "bright", Path: r.Data, Validation: 60}, "")
	if err != nil {
		t.Fatal(err)
	}
	trial, err := export.OpenTrial(r.Folder, result.Key{ConfigID: r.Good, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return r, set, trial
}

// The figures are those of the file that export writes.
func TestInt8IsTheExportedFile(t *testing.T) {
	r, set, trial := goodTrial(t, 1)
	files, err := export.Build(trial, []export.Format{export.TFLiteInt8}, set.Train.Pixels, tflite.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []bool{false, true} {
		q, err := export.Int8(context.Background(), trial, set, test, "v1", 1)
		if err != nil {
			t.Fatal(err)
		}
		file := files.Data[export.TFLiteInt8]
		if q.Bytes != len(file) || q.SHA256 != sum(file) || q.WeightsSHA != trial.Result.WeightsSHA || q.Slimfit != "v1" ||
			q.Calibration != 240 || q.Reason != "" {
			t.Errorf("%+v, want %d bytes with SHA-256 %s", q, len(file), sum(file))
		}
		for _, s := range []struct {
			split     string
			images    dataset.Images
			correct   *int
			wrong     [][2]int
			confusion [][]int
		}{{export.Validation, set.Validation, q.Correct.Validation, q.Wrong.Validation, q.Confusion.Validation},
			{export.Test, set.Test, q.Correct.Test, q.Wrong.Test, q.Confusion.Test}} {
			if s.split == export.Test && !test {
				if s.correct != nil || s.wrong != nil || s.confusion != nil {
					t.Error("the test images were judged though they may not be")
				}
				continue
			}
			want, err := export.Judge(context.Background(), files.Int8, s.split, s.images, 1)
			if err != nil || *s.correct != want.Correct || len(s.wrong) != want.Images-want.Correct || len(s.confusion) != Classes {
				t.Errorf("%s: %d correct, %d wrong, want %+v (%v)", s.split, *s.correct, len(s.wrong), want, err)
			}
		}
		if err := r.Folder.WriteInt8(q); err != nil {
			t.Errorf("what was made does not agree with itself: %v", err)
		}
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := export.Int8(stopped, trial, set, true, "v1", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// Under a shift the int8 file is judged on the pixels that package shift makes.
func TestInt8Shifted(t *testing.T) {
	_, set, trial := goodTrial(t, 1)
	files, err := export.Build(trial, []export.Format{export.TFLiteInt8}, set.Train.Pixels, tflite.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	names, clean := []string{"noise 60", "brightness 0.2"}, 0
	for _, test := range []bool{false, true} {
		found, err := export.Int8Shifted(context.Background(), trial, set, test, names, 2)
		if err != nil || (found.Correct(names, result.Test) != nil) != test {
			t.Fatalf("test %v: %+v, %v", test, found, err)
		}
		for i, name := range names {
			images, err := export.Shifted(set.Validation, name, set.Data.Input)
			if err != nil {
				t.Fatal(err)
			}
			want, err := export.Judge(context.Background(), files.Int8, export.Validation, images, 1)
			if got := found.Correct(names, result.Validation)[i]; err != nil || got != want.Correct {
				t.Errorf("%s: %d right, want %d (%v)", name, got, want.Correct, err)
			}
			plain, err := export.Judge(context.Background(), files.Int8, export.Validation, set.Validation, 1)
			if err == nil && plain.Correct == want.Correct {
				clean++
			}
		}
	}
	if clean == 4 {
		t.Error("no shift changes an answer: the test shows nothing")
	}
	if _, err := export.Int8Shifted(context.Background(), trial, set, false, []string{"fog 3"}, 1); err == nil {
		t.Error("fog is judged")
	}
}

func TestInt8WithoutAForm(t *testing.T) {
	r, set, trial := goodTrial(t, 0)
	var huge models.Weights
	for _, n := range trial.Weights {
		for i := range n.Kernel {
			n.Kernel[i] *= 1e30
		}
		huge.Set(n.Node, models.Kernel, n.Kernel)
		huge.Set(n.Node, models.Bias, n.Bias)
	}
	trial.Weights = huge
	q, err := export.Int8(context.Background(), trial, set, true, "v1", 1)
	if err != nil || q.Reason == "" || q.Correct.Validation != nil || q.Bytes != 0 {
		t.Errorf("%+v, %v: want a reason and no figures", q, err)
	}
	if err := r.Folder.WriteInt8(q); err != nil {
		t.Error(err)
	}
}

func TestOpenTrialRefuses(t *testing.T) {
	r, _ := makeRun(t)
	key := result.Key{ConfigID: r.Good, Seed: 0}
	if !export.HasWeights(r.Folder, key) || export.HasWeights(r.Folder, result.Key{ConfigID: r.Bad}) {
		t.Error("weights are not where they are")
	}
	var unfit *export.UnfitError
	if _, err := export.OpenTrial(r.Folder, result.Key{ConfigID: r.Bad}); !errors.As(err, &unfit) ||
		!strings.Contains(err.Error(), "diverged") {
		t.Errorf("diverged: %v", err)
	}
	if err := store.RemoveWeights(r.Folder.TrialDir(key)); err != nil {
		t.Fatal(err)
	}
	if _, err := export.OpenTrial(r.Folder, key); !errors.As(err, &unfit) {
		t.Errorf("without weights: %v", err)
	}
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// What a result says of images is held against its weights; equal logits are no
// dispute.
func TestDisputed(t *testing.T) {
	_, set, trial := goodTrial(t, 1)
	m, err := export.Interpreter(trial)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.Run(set.Test.Pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	var wrong [][2]int
	for i, label := range set.Test.Labels {
		if class := out.Class(i); class != int(label) {
			wrong = append(wrong, [2]int{i, class})
		}
	}
	disputed := func(wrong [][2]int) [][2]int {
		t.Helper()
		got, err := export.Disputed(context.Background(), trial, set.Test, wrong, 2)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := disputed(wrong); len(got) > 0 {
		t.Errorf("the truth is disputed: %v", got)
	}
	if got, forged := disputed(wrong[1:]), wrong[0]; len(got) != 1 || got[0] != forged {
		t.Errorf("a wrong image called right: %v, want %v", got, forged)
	}
	for _, bad := range [][2]int{{-1, 0}, {set.Test.N(), 0}, {0, Classes}} {
		if _, err := export.Disputed(context.Background(), trial, set.Test, [][2]int{bad}, 1); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
	for i := range trial.Weights { // all logits zero
		for _, p := range models.Parts() {
			if v, ok := trial.Weights.Get(trial.Weights[i].Node, p); ok {
				clear(v)
			}
		}
	}
	if got := disputed(wrong); len(got) > 0 {
		t.Errorf("ties are disputed: %v", got)
	}
}
