package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/export"
	"slimfit/pkg/npy"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/tflite"
)

// Model is a network that predict can run.
type Model struct {
	name       string
	runtime    string // for people
	input      models.Shape
	classes    int
	classNames []string
	data       models.Data // that it was trained on; zero where nobody knows
	experiment string
	ranges     *dataset.Ranges // what the training images are like; nil where nobody knows
	format     export.Format
	lite       *tflite.Model // nil where TensorFlow runs it
	// run takes pixels in [0, 1], n*h*w*c, and returns n*classes values each and
	// the seconds that it took; logits may be nil.
	run func(pixels []float32) (logits, probabilities []float32, seconds float64, err error)
}

// Series says whether the network takes series, not images.
func (m *Model) Series() bool { return m.data.Scaling.Series() }

// OpenModel opens an exported file or folder, or a trained run.
func (l *Lab) OpenModel(ctx context.Context, name string, seed *int64) (out *Model, err error) {
	defer func() {
		if err == nil {
			l.speaks(out.data, out.classNames)
		}
	}()
	file, card, err := exportedFile(name)
	if err != nil {
		return nil, err
	}
	if file == "" {
		return l.trialModel(name, seed)
	}
	if seed != nil {
		return nil, exit.Usagef("--seed %d: %s is an exported file, of one network; a seed is chosen of a run, a configuration or a certificate",
			*seed, file)
	}
	m := &Model{name: file}
	if card != nil {
		m.classNames, m.data, m.experiment, m.ranges = card.ClassNames, card.Dataset, card.Experiment, card.Inputs
	}
	ext := filepath.Ext(file)
	part := file
	if ext != ".tflite" && ext != ".npz" && ext != ".pb" {
		part = filepath.Join(file, savedModelFile)
	}
	b, err := readModel(part)
	if err != nil {
		return nil, err
	}
	if err := l.compareDigest(part, b, card); err != nil {
		return nil, err
	}
	switch ext {
	case ".tflite":
		lite, err := tflite.Load(b)
		if err != nil {
			return nil, exit.Usagef("%s: %w", file, err)
		}
		if !m.Series() && strings.HasPrefix(lite.Description, tflite.SeriesWords) {
			return nil, exit.Usagef("%s takes series: keep the %s beside it that has their mean and standard deviation", file, export.ManifestName)
		}
		return m.interpret(lite), nil
	case ".npz":
		return m, m.fromNPZ(file, b, card)
	}
	return m, m.byWorker(ctx, l, file, card)
}

// maxModel is the most bytes of a model file that are read: what TensorFlow's
// and TensorFlow Lite's formats can hold.
const maxModel = math.MaxInt32

// readModel reads a file that a person named, which may be a link.
func readModel(file string) ([]byte, error) {
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return nil, exit.Failed(err)
	}
	b, err := store.ReadFile(real, maxModel)
	return b, exit.Failed(err)
}

// compareDigest compares a model file with what the card beside it says, as a
// changed one computes nonsense without a word.
func (l *Lab) compareDigest(file string, b []byte, card *export.Card) error {
	if l.Trust {
		return nil
	}
	if card == nil {
		l.Note("there is no %s beside %s: whether it is as slimfit wrote it is not known", export.ManifestName, file)
		return nil
	}
	for _, f := range card.Files {
		if filepath.Base(f.Path) != filepath.Base(file) {
			continue
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != f.SHA256 {
			return exit.With(exit.Trials, fmt.Errorf("%s was changed after it was exported: its SHA-256 is not the one in %s; export it anew, "+
				"or --trust it", file, export.ManifestName))
		}
		return nil
	}
	l.Note("%s does not name %s: whether it is as slimfit wrote it is not known", export.ManifestName, file)
	return nil
}

// savedModelFile is what makes a folder a SavedModel.
const savedModelFile = "saved_model.pb"

// exportedFile finds the model file that a name stands for, and the card of
// its folder, if there is one. An empty file means that it is no export.
func exportedFile(name string) (file string, card *export.Card, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", nil, nil // it may be a run's name
	}
	if info.IsDir() {
		return exportedFolder(name)
	}
	switch filepath.Ext(name) {
	case ".tflite", ".npz", ".pb":
		if filepath.Base(name) == savedModelFile {
			name = filepath.Dir(name)
		}
		card, err := cardOf(filepath.Dir(name))
		return name, card, err
	case ".c":
		return "", nil, exit.Usagef("%s: predict runs no C source; the .tflite file beside it holds the same network", name)
	case ".json": // a certificate
		return "", nil, nil
	}
	return "", nil, exit.Usagef("%s is no model: want a file or folder that `slimfit export` wrote (.tflite, weights.npz, savedmodel, "+
		"frozen.pb), "+
		"a run, a configuration, a trial or a certificate; the images follow it", name)
}

// exportedFolder is exportedFile for a folder: a SavedModel, or an export with
// its card, of which predict takes what it runs soonest.
func exportedFolder(name string) (file string, card *export.Card, err error) {
	beside, err := cardOf(filepath.Dir(filepath.Clean(name)))
	if _, serr := os.Stat(filepath.Join(name, savedModelFile)); serr == nil {
		return name, beside, err
	}
	if beside != nil && filepath.Base(name) == filepath.Base(modelPath("", export.SavedModel)) {
		return "", nil, exit.Failed(fmt.Errorf("%s: there is no %s in it; copy the folder again, or export anew", name, savedModelFile))
	}
	card, err = cardOf(name)
	if card == nil || err != nil {
		return "", nil, err
	}
	for _, f := range []export.Format{export.TFLite, export.TFLiteInt8, export.NPZ, export.Frozen, export.SavedModel} {
		for _, have := range card.Files {
			if have.Format == f {
				return modelPath(name, f), card, nil
			}
		}
	}
	return "", nil, exit.Usagef("%s holds no file that predict runs", name)
}

// modelPath is what loads a format: a SavedModel is a folder.
func modelPath(dir string, f export.Format) string {
	path := filepath.Join(dir, f.Path())
	if f == export.SavedModel {
		return filepath.Dir(path)
	}
	return path
}

// cardOf reads the card of a folder; nil where it has none.
func cardOf(dir string) (*export.Card, error) {
	card, err := export.ReadManifest(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, exit.Usagef("%w", err)
	}
	return card, nil
}

// trialModel is a run's network in float32.
func (l *Lab) trialModel(name string, seed *int64) (*Model, error) {
	t, err := l.FindTrial(name, seed)
	if err != nil {
		return nil, err
	}
	lite, err := export.Interpreter(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Result.Key(), err)
	}
	m := &Model{name: t.Dir, classNames: namesIn([]result.Result{t.Result}), data: t.Result.Dataset, experiment: t.Result.Experiment}
	// A run has no card: what its training images are like is known while they are here.
	path := ownDataPath(filepath.Dir(filepath.Dir(t.Dir)), m.data)
	if set, err := dataset.LoadData(m.data, models.Source{Cache: l.Cache, Path: path}); err == nil {
		m.ranges = set.Ranges()
	}
	return m.interpret(lite), nil
}

// interpret runs the network in this process.
func (m *Model) interpret(lite *tflite.Model) *Model {
	m.input, m.classes, m.lite, m.format = lite.InputShape(), lite.Classes(), lite, export.TFLite
	lite.Scaling = m.data.Scaling
	m.runtime = "slimfit's interpreter, float32, 1 thread"
	if lite.Quantized() {
		m.runtime, m.format = "slimfit's interpreter, int8, 1 thread", export.TFLiteInt8
	}
	m.run = func(pixels []float32) ([]float32, []float32, float64, error) {
		start := time.Now()
		out, err := lite.RunFloat(pixels, 1)
		if err != nil {
			return nil, nil, 0, fmt.Errorf("run %s: %w", m.name, err)
		}
		seconds := time.Since(start).Seconds()
		if out.Probabilities == nil {
			out.Probabilities = softmax(out.Logits, m.classes)
		}
		return out.Logits, out.Probabilities, seconds, nil
	}
	return m
}

// fromNPZ needs the card: the weights alone do not say what network they are of.
func (m *Model) fromNPZ(file string, b []byte, card *export.Card) error {
	spec, err := specOf(file, card)
	if err != nil {
		return err
	}
	spec.Folded = true // as files of weights are
	w, err := tflite.ReadNPZ(b, spec)
	if err != nil {
		return exit.Usagef("%s: %w", file, err)
	}
	if b, err = tflite.WriteFloat(spec, w); err != nil {
		return exit.Usagef("%s: %w", file, err)
	}
	lite, err := tflite.Load(b)
	if err != nil {
		return exit.Usagef("%s: %w", file, err)
	}
	m.interpret(lite).format = export.NPZ
	return nil
}

func specOf(file string, card *export.Card) (models.Spec, error) {
	if card == nil {
		return models.Spec{}, exit.Usagef("%s: there is no %s beside it, which says what network it is; keep both together", file,
			export.ManifestName)
	}
	spec, err := card.Spec()
	if err != nil {
		return spec, exit.Usagef("%s: %w", filepath.Join(filepath.Dir(file), export.ManifestName), err)
	}
	return spec, nil
}

// byWorker runs TensorFlow's own forms.
func (m *Model) byWorker(ctx context.Context, l *Lab, file string, card *export.Card) error {
	spec, err := specOf(file, card)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return exit.Failed(err)
	}
	format := protocol.SavedModel
	if strings.HasSuffix(file, ".pb") {
		format = protocol.Frozen
	}
	m.format = export.Format(format)
	m.input, m.classes = spec.Input, spec.Classes
	m.run = func(pixels []float32) ([]float32, []float32, float64, error) {
		images, err := os.CreateTemp("", "slimfit-predict-*.npy")
		if err != nil {
			return nil, nil, 0, exit.Failed(err)
		}
		defer os.Remove(images.Name())
		var b bytes.Buffer
		if err = npy.Write(&b, pixels, len(pixels)/m.input.Elements(), m.input.H, m.input.W, m.input.C); err == nil {
			_, err = images.Write(b.Bytes())
		}
		if err = errors.Join(err, images.Close()); err != nil {
			return nil, nil, 0, exit.Failed(err)
		}
		w, err := l.startWorker(ctx)
		if err != nil {
			return nil, nil, 0, err
		}
		defer w.Close(0)
		m.runtime = "TensorFlow " + w.Environment.TensorFlow + ", 1 thread"
		e, err := ask(ctx, w, protocol.Command{Predict: &protocol.Predict{Model: path, Format: format, Images: images.Name(), Input: m.input,
			Classes: m.classes, Trust: l.Trust}},
			protocol.Predicted)
		if err != nil {
			return nil, nil, 0, err
		}
		return e.Logits, softmax(e.Logits, m.classes), e.Seconds, nil
	}
	return nil
}

// softmax is exp(x - max) over its sum, for each group of classes values.
func softmax(logits []float32, classes int) []float32 {
	out := make([]float32, len(logits))
	for at := 0; at+classes <= len(logits); at += classes {
		group := logits[at : at+classes]
		largest, sum := group[0], 0.0
		for _, x := range group {
			largest = max(largest, x)
		}
		for _, x := range group {
			sum += math.Exp(float64(x - largest))
		}
		for k, x := range group {
			out[at+k] = float32(math.Exp(float64(x-largest)) / sum)
		}
	}
	return out
}
