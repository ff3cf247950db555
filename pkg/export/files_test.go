package export_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/export"
	"slimfit/pkg/npy"
	"slimfit/pkg/result"
	"slimfit/pkg/tflite"
)

func loadSet(t *testing.T, r *Run) *dataset.Set {
	t.Helper()
	set, err := dataset.Load(dataset.Ref{Name: "bright", Path: r.Data, Validation: 60}, "")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// pureFormats are those that need no TensorFlow.
func pureFormats() []export.Format {
	return slices.DeleteFunc(export.Formats(), export.Format.TensorFlow)
}

// Every file is right about as often as the network itself, and the npz holds
// its very numbers.
func TestFilesAreTheNetwork(t *testing.T) {
	r, _ := makeRun(t)
	trial, set := open(t, export.Choice{Folder: r.Folder, ConfigID: r.Good}), loadSet(t, r)
	files, err := export.Build(trial, pureFormats(), set.Train.Pixels, tflite.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	split, images := export.Judged(trial.Result, set)
	if split != export.Test || images.N() != 90 {
		t.Fatalf("judged on %d %s images", images.N(), split)
	}
	for format, least := range map[export.Format]int{export.TFLite: *trial.Result.Correct.Test,
		export.TFLiteInt8: *trial.Result.Correct.Test - 2} {
		a, err := export.Judge(t.Context(), files.Model(format), split, images, 2)
		if err != nil || a.Correct < least || a.Bounds[0] >= a.Share || a.Bounds[1] < a.Share {
			t.Errorf("%s: %+v, %v; want at least %d", format, a, err, least)
		}
	}
	if files.Model(export.NPZ) != nil || files.Model(export.CArray) != files.Model(export.TFLiteInt8) {
		t.Error("the models of npz or c are wrong")
	}
	w, err := tflite.ReadNPZ(files.Data[export.NPZ], trial.Spec)
	if err != nil {
		t.Fatal(err)
	}
	if w.SHA256() != trial.Weights.SHA256() {
		t.Error("other numbers in the npz")
	}
	if !bytes.Contains(files.Data[export.CArray], []byte("const unsigned char "+export.CName+"[]")) {
		t.Error("no array in the C source")
	}
	if _, err := export.Build(trial, []export.Format{export.TFLiteInt8}, nil, tflite.Options{Workers: 1}); err == nil ||
		!strings.Contains(err.Error(), "calibration") {
		t.Errorf("int8 without images: %v", err)
	}
}

func TestJudgeEndsWithItsContext(t *testing.T) {
	r, _ := makeRun(t)
	m, err := export.Interpreter(open(t, export.Choice{Folder: r.Folder, ConfigID: r.Good}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := export.Judge(ctx, m, export.Test, loadSet(t, r).Test, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("judged after the end: %v", err)
	}
}

// Sealed test images stay sealed.
func TestJudgedOnValidationWhereTheTestWasNotOpened(t *testing.T) {
	r, _ := makeRun(t)
	edit(t, r, key(r, 1), func(x *result.Result) { x.Accuracy.Test, x.Correct.Test = nil, nil })
	trial, set := open(t, export.Choice{Folder: r.Folder, ConfigID: r.Good}), loadSet(t, r)
	if split, images := export.Judged(trial.Result, set); split != export.Validation || images.N() != 60 {
		t.Errorf("judged on %d %s images", images.N(), split)
	}
	trial.Result.Distinct = &result.Distinct{Test: 20, Correct: 7}
	card, err := export.NewCard(trial, "v1")
	if err != nil {
		t.Fatal(err)
	}
	if w := strings.Join(card.Warnings, " "); !strings.Contains(w, "test images repeat others: of the 20 that do not, 7 are right") {
		t.Errorf("warnings %q", w)
	}
	if text := markdown(t, card); !strings.Contains(text, "The test images were not opened.") {
		t.Errorf("the card does not say so:\n%s", text)
	}
}

// The sizes of an untrained network's files are those of a trained one's.
func TestMeasureIsExact(t *testing.T) {
	r, _ := makeRun(t)
	trial, set := open(t, export.Choice{Folder: r.Folder, ConfigID: r.Good}), loadSet(t, r)
	files, err := export.Build(trial, pureFormats(), set.Train.Pixels, tflite.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	m, err := export.Measure(trial.Spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		format export.Format
		got    int
	}{{export.TFLite, m.TFLite}, {export.TFLiteInt8, m.TFLiteInt8}, {export.NPZ, m.NPZ}} {
		if c.got != len(files.Data[c.format]) {
			t.Errorf("%s: measured %d bytes, the file has %d", c.format, c.got, len(files.Data[c.format]))
		}
	}
	if m.Arena != tflite.ArenaBytes(files.Int8) || m.ArenaFloat != tflite.ArenaBytes(files.Float) || m.Arena >= m.ArenaFloat {
		t.Errorf("arena %d and %d", m.Arena, m.ArenaFloat)
	}
}

// The paper's final network, by hand.
func TestMeasurePaperFinal(t *testing.T) {
	layers, _ := models.Named("final")
	m, err := export.Measure(models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: layers})
	if err != nil {
		t.Fatal(err)
	}
	// 784 input and 1,568 conv bytes coexist.
	if m.Arena != 784+1568 || m.ArenaFloat != 4*(784+1568) {
		t.Errorf("arena %d and %d bytes, want 2352 and 9408", m.Arena, m.ArenaFloat)
	}
	// 14,014 parameters, and what describes them.
	if m.TFLite < 4*14014 || m.TFLite > 4*14014+3000 || m.TFLiteInt8 < 14014 || m.TFLiteInt8 > 14014+3500 {
		t.Errorf("%d and %d bytes", m.TFLite, m.TFLiteInt8)
	}
}

// The files of a network beyond mostBuilt are computed, to the same sizes.
func TestMeasureLargeNetworks(t *testing.T) {
	layers, _ := models.Named("base")
	spec := models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: layers}
	made, _, err := export.MeasureFiles(spec)
	if err != nil {
		t.Fatal(err)
	}
	if computed, err := export.Measure(spec); err != nil || computed != made {
		t.Errorf("%+v, %v; the files have %+v", computed, err, made)
	}
}

func TestNPZIsNumPys(t *testing.T) {
	r, _ := makeRun(t)
	trial := open(t, export.Choice{Folder: r.Folder, ConfigID: r.Good})
	files, err := export.Build(trial, []export.Format{export.NPZ}, nil, tflite.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	// The first entry, stored, begins with an npy file.
	_, rest, ok := bytes.Cut(files.Data[export.NPZ], []byte("conv1/kernel.npy"))
	at := bytes.Index(rest, []byte("\x93NUMPY"))
	if !ok || at < 0 {
		t.Fatal("no conv1/kernel.npy")
	}
	kernel, _ := trial.Weights.Get("conv1", models.Kernel)
	head := rest[at:]
	size := 10 + int(head[8]) + int(head[9])<<8 + 4*len(kernel)
	values, shape, err := npy.Read[float32](head[:size])
	if err != nil || !slices.Equal(shape, []int{3, 3, 1, 2}) || !slices.Equal(values, kernel) {
		t.Errorf("shape %v, %v", shape, err)
	}
}
