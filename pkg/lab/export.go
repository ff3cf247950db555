package lab

import (
	"context"
	"errors"
	"fmt"
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
	var taken *export.TakenError
	if errors.As(err, &taken) {
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
	experiment.Load(filepath.Join(run, "experiment.yaml"), nil, func(r dataset.Ref) (models.Data, error) {
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
		x.card.Operators = export.Operators(files.Int8)
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
