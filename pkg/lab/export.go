package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
	"slimfit/pkg/tflite"
)

// exporter is one export at work.
type exporter struct {
	l       *Lab
	o       ExportOptions
	trial   *export.Trial
	options tflite.Options
	dir     string
	set     *dataset.Set // nil where there are no images
	golden  *export.Golden
	card    *export.Card
	place   *export.Place
}

// ExportOptions says what Export writes, and where.
type ExportOptions struct {
	Formats         []export.Format
	Into            string // the folder; "": below the run folder
	Data            string // the folder of the user's own data set, where it is not the experiment's
	Force           bool   // replace the export of another network
	Quick           bool   // leave out what takes time
	DensePerChannel bool
}

// Exported is what an export wrote.
type Exported struct {
	Dir    string
	Card   *export.Card
	Key    result.Key
	Chosen string // why this seed
}

// Export writes a trained network as model files with their card.
func (l *Lab) Export(ctx context.Context, t *export.Trial, o ExportOptions) (Exported, error) {
	dir := o.Into
	if dir == "" {
		run := filepath.Dir(filepath.Dir(t.Dir))
		dir = filepath.Join(run, "export", fmt.Sprintf("%s-seed-%d", t.Result.ConfigID, t.Result.Seed))
	}
	options := tflite.Options{Workers: runtime.GOMAXPROCS(0), DensePerChannel: o.DensePerChannel}
	x := &exporter{l: l, o: o, trial: t, options: options, dir: dir}
	err := x.run(ctx)
	return Exported{Dir: dir, Card: x.card, Key: t.Result.Key(), Chosen: t.Chosen}, err
}

func (x *exporter) run(ctx context.Context) error {
	if err := x.loadImages(); err != nil {
		return err
	}
	var err error
	if x.card, err = export.NewCard(x.trial, Version()); err != nil {
		return err
	}
	if x.card.ClassNames = namesIn([]result.Result{x.trial.Result}); x.card.ClassNames == nil && x.set != nil {
		x.card.ClassNames = x.set.ClassNames
	}
	if x.set != nil {
		x.card.Inputs = x.set.Ranges()
	}
	folder := &store.Folder{Dir: filepath.Dir(filepath.Dir(x.trial.Dir))}
	if full, err := folder.ReadResult(x.trial.Result.Key()); err == nil { // the trial's has no confusion matrix
		if words := target.GuessOf(full.Confusion.Validation).Words(x.card.ClassNames); words != "" {
			x.card.Warnings = append(x.card.Warnings, "The network "+words+" on the validation images; "+target.GuessRemedy+".")
		}
	}
	x.place, err = export.Prepare(x.dir, x.card.WeightsSHA, x.o.Formats, x.o.Force)
	if _, ok := errors.AsType[*export.TakenError](err); ok {
		return exit.Usagef("export: %w", err)
	} else if err != nil {
		return exit.Failed(err)
	}
	defer x.place.Abort()
	files, err := x.build(ctx)
	if err != nil {
		return err
	}
	if err := x.askWorker(ctx); err != nil {
		return err
	}
	if err := x.place.Describe(x.card, x.o.Formats, x.options); err != nil {
		return exit.Failed(err)
	}
	if err := x.place.WriteGolden(x.card, x.golden); err != nil {
		return exit.Failed(err)
	}
	if err := x.judge(ctx, files); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return exit.Failed(x.place.Commit(x.card))
}

// loadImages reads the data set: to calibrate int8, to judge the files, for the
// golden vectors, and to say in the card what the images are like.
func (x *exporter) loadImages() error {
	calibrate := slices.ContainsFunc(x.o.Formats, export.Format.Quantized)
	data := x.trial.Result.Dataset
	set, err := dataset.LoadData(data, models.Source{Cache: x.l.Cache, Path: x.dataPath()})
	switch {
	case err == nil:
		x.set = set
	case calibrate:
		return exit.Failed(fmt.Errorf("int8 needs training images to learn the ranges of activations from: %w", err))
	case !x.o.Quick:
		x.l.Note("the files' accuracy is not measured: %v; %s holds noise", err, export.GoldenName)
	default:
		x.l.Note("%s holds noise: %v", export.GoldenName, err)
	}
	return nil
}

// dataPath is the folder of the user's own data; "" for a known data set.
func (x *exporter) dataPath() string {
	if path := x.o.Data; path != "" {
		if abs, err := filepath.Abs(path); err == nil {
			return abs
		}
		return path
	}
	return ownDataPath(filepath.Dir(filepath.Dir(x.trial.Dir)), x.trial.Result.Dataset)
}

// ownDataPath is where a run folder's experiment file says that the user's own
// data is; "" for a known data set.
func ownDataPath(run string, data models.Data) string {
	var ref dataset.Ref
	// Whatever else is wrong with the file, it says where the data is.
	experiment.Load(filepath.Join(run, result.ExperimentName), nil, func(r dataset.Ref) (models.Data, error) {
		ref = r
		return data, nil
	})
	return ref.Path
}

// build makes and writes the files that need no TensorFlow.
func (x *exporter) build(ctx context.Context) (*export.Files, error) {
	var images dataset.Images
	if x.set != nil {
		images = x.set.Train
	}
	files, err := export.Build(x.trial, x.o.Formats, images.Pixels, x.options)
	if err != nil {
		return nil, exit.With(exit.Trials, fmt.Errorf("%s: %w", x.trial.Result.Key(), err))
	}
	for f, b := range files.Data {
		if err := x.place.Write(f, b); err != nil {
			return nil, exit.Failed(err)
		}
	}
	if x.golden, err = export.NewGolden(x.trial, files, x.o.Formats, images); err != nil {
		return nil, exit.With(exit.Trials, fmt.Errorf("%s: %w", x.trial.Result.Key(), err))
	}
	for _, form := range x.o.Formats {
		if form != export.CCode && form != export.CCodeFloat {
			continue
		}
		if err := x.code(files, form); err != nil {
			return nil, err
		}
	}
	if x.card.Measured, err = export.Measure(x.trial.Spec); err != nil {
		x.card.Warnings = append(x.card.Warnings, err.Error())
	}
	if !x.o.Quick {
		if err := x.l.measureByPython(ctx, files.Data, &x.card.Measured); err != nil {
			return nil, err
		}
	}
	if files.Int8 != nil {
		x.card.Operators = tflite.Resolver(files.Int8)
	}
	return files, nil
}

// code writes the C code and its header.
func (x *exporter) code(files *export.Files, form export.Format) error {
	names := x.card.ClassNames
	if text.Numbered(names) {
		names = nil // who needs no words spends no bytes on them
	}
	s, err := files.Code(form, "Network "+x.trial.Result.Key().String()+", trained by slimfit.", names, x.golden.Pixels)
	if err != nil {
		return exit.With(exit.Trials, fmt.Errorf("%s: %w", x.trial.Result.Key(), err))
	}
	if err := x.place.Write(form, s.C); err != nil {
		return exit.Failed(err)
	}
	return exit.Failed(x.place.WriteHeader(form, s.H))
}

// askWorker has the worker write what only TensorFlow writes, and time the
// network where there is a worker at all.
func (x *exporter) askWorker(ctx context.Context) error {
	needed := false
	for _, f := range x.o.Formats {
		needed = needed || f.TensorFlow()
	}
	if !needed && x.o.Quick {
		return nil
	}
	w, err := x.l.startWorker(ctx)
	switch {
	case err != nil && needed:
		return err
	case err != nil:
		x.l.Note("the latency is not measured: %v", err)
		return nil
	}
	defer w.Close(0)
	layers, data := x.trial.Spec.Layers, x.trial.Result.Dataset
	for _, f := range x.o.Formats {
		if !f.TensorFlow() {
			continue
		}
		file, err := x.place.File(f)
		if err != nil {
			return exit.Failed(err)
		}
		if _, err := ask(ctx, w, protocol.Command{Export: &protocol.Export{Dir: x.trial.Dir, Layers: layers, Data: data, Format: string(f),
			File: file}},
			protocol.Exported); err != nil {
			return err
		}
	}
	if x.o.Quick {
		return nil
	}
	x.card.Measured.Latency, err = latencyOf(ctx, w, layers, data)
	return err
}

// judge runs the TensorFlow Lite files on the images.
func (x *exporter) judge(ctx context.Context, files *export.Files) error {
	if x.set == nil || x.o.Quick {
		return nil
	}
	split, images := export.Judged(x.trial.Result, x.set)
	if images.N() == 0 {
		return nil
	}
	told := split != export.Test
	for i := range x.card.Files {
		f := &x.card.Files[i]
		m := files.Model(f.Format)
		if m == nil || f.Format.Quantized() && f.DensePerChannel != x.options.DensePerChannel { // one that stays
			continue
		}
		if f.Accuracy = x.known(*f); f.Accuracy != nil {
			continue
		}
		if !told {
			x.l.noteLook(&store.Folder{Dir: filepath.Dir(filepath.Dir(x.trial.Dir))}, x.set.TestKey, 1)
			told = true
		}
		x.l.Detail("running %s on %s", f.Path, text.Count(images.N(), split+" image"))
		a, err := export.Judge(ctx, m, split, images, runtime.GOMAXPROCS(0))
		if err != nil {
			return err
		}
		f.Accuracy = a
	}
	warnings, err := x.card.Compare()
	if err != nil {
		return exit.With(exit.Trials, err)
	}
	for _, w := range warnings {
		x.l.Note("%s", w)
	}
	return nil
}

// known is the accuracy of the int8 file, which the C array and the C code are
// the same as.
func (x *exporter) known(f export.ModelFile) *export.Accuracy {
	for _, other := range x.card.Files {
		if (f.Format == export.CArray || f.Format == export.CCode) && other.Format == export.TFLiteInt8 &&
			other.DensePerChannel == f.DensePerChannel {
			return other.Accuracy
		}
	}
	return nil
}

// GoldenCheck is how a network did on golden vectors.
type GoldenCheck struct {
	Model      string             `json:"model"`
	Runtime    string             `json:"runtime"`
	Golden     string             `json:"golden"` // the file
	Form       export.Format      `json:"form"`   // whose outputs it has to give
	Images     int                `json:"images"`
	Difference *export.Difference `json:"difference"` // the first; null: none
}

// CheckGolden runs a model on the images of golden vectors and compares what it
// says with them: int8 bit for bit, float32 to 1e-5.
func (l *Lab) CheckGolden(m *Model, file string) (*GoldenCheck, error) {
	b, err := store.ReadFile(file, maxModel)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exit.Usagef("there is no %s; `slimfit export` writes %s beside the model's files", file, export.GoldenName)
	} else if err != nil {
		return nil, exit.Failed(err)
	}
	g, err := export.ReadGolden(b)
	if err != nil {
		return nil, exit.Usagef("%s has no golden vectors: %w", file, err)
	}
	if g.Input != m.input || g.Classes != m.classes {
		return nil, exit.Usagef("%s has images of %s in %d classes, but %s takes %s in %d: they are of another network", file, g.Input, g.Classes,
			m.name, m.input, m.classes)
	}
	c := &GoldenCheck{Model: m.name, Golden: file, Form: g.Like(m.format), Images: g.Images()}
	if c.Form == "" {
		return nil, exit.Usagef("%s has no outputs of %s, only of %v: export that format too", file, m.format, g.Forms())
	}
	var got []float32
	if m.lite != nil {
		got, err = export.Answers(m.lite, g.Pixels)
	} else {
		got, _, _, err = m.run(m.data.Scaling.Values(g.Pixels))
	}
	if err == nil && len(got) != len(g.Outputs[c.Form]) {
		err = fmt.Errorf("it gave %d logits for %d images", len(got), c.Images)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	c.Runtime, c.Difference = m.runtime, g.Check(c.Form, got)
	return c, nil
}

// Err is nil where the network says what the golden vectors do.
func (c *GoldenCheck) Err() error {
	d := c.Difference
	if d == nil {
		return nil
	}
	return exit.With(exit.Trials, fmt.Errorf("%s differs from %s of %s: image %d, class %d is %v, not %v (%s); it is another network, or was "+
		"changed", c.Model, c.Form, c.Golden, d.Image, d.Class, d.Got, d.Want, c.Runtime))
}
