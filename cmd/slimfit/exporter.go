package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/protocol"
	"slimfit/pkg/tflite"
)

// exporter is one export at work.
type exporter struct {
	c       *cli.Context
	trial   *export.Trial
	formats []export.Format
	options tflite.Options
	dir     string
	set     *dataset.Set // nil where no images are needed, or there are none
	card    *export.Card
	place   *export.Place
}

func newExporter(c *cli.Context, t *export.Trial, formats []export.Format) *exporter {
	dir := c.String("into")
	if dir == "" {
		run := filepath.Dir(filepath.Dir(t.Dir))
		dir = filepath.Join(run, "export", fmt.Sprintf("%s-seed-%d", t.Result.ConfigID, t.Result.Seed))
	}
	options := tflite.Options{Workers: runtime.GOMAXPROCS(0), DensePerChannel: c.Bool("dense-per-channel")}
	return &exporter{c: c, trial: t, formats: formats, options: options, dir: dir}
}

func (x *exporter) run() error {
	if err := x.loadImages(); err != nil {
		return err
	}
	var err error
	if x.card, err = export.NewCard(x.trial, version()); err != nil {
		return err
	}
	x.card.ClassNames = classNames(x.trial.Result.Dataset, x.set)
	x.place, err = export.Prepare(x.dir, x.card.WeightsSHA, x.formats, x.c.Bool("force"))
	var taken *export.TakenError
	if errors.As(err, &taken) {
		return usagef("export: %w", err)
	} else if err != nil {
		return ioError(err)
	}
	defer x.place.Abort()
	files, err := x.build()
	if err != nil {
		return err
	}
	if err := x.askWorker(); err != nil {
		return err
	}
	if err := x.place.Describe(x.card, x.formats, x.options); err != nil {
		return ioError(err)
	}
	if err := x.judge(files); err != nil {
		return err
	}
	if err := x.c.Context.Err(); err != nil {
		return err
	}
	if err := x.place.Commit(x.card); err != nil {
		return ioError(err)
	}
	return ioError(x.summary())
}

// loadImages reads the data set where the formats need it: to calibrate int8,
// and to judge the files.
func (x *exporter) loadImages() error {
	calibrate, judge := false, false
	for _, f := range x.formats {
		calibrate = calibrate || f.Quantized()
		judge = judge || f == export.TFLite || f.Quantized()
	}
	if !calibrate && (!judge || x.c.Bool("quick")) {
		return nil
	}
	data := x.trial.Result.Dataset
	set, err := dataset.LoadData(data, models.Source{Cache: x.c.String("cache"), Path: x.dataPath()})
	switch {
	case err == nil:
		x.set = set
	case calibrate:
		return ioError(fmt.Errorf("int8 needs training images to learn the ranges of activations from: %w", err))
	default:
		note(x.c, "the files' accuracy is not measured: %v", err)
	}
	return nil
}

// dataPath is the folder of the user's own data; "" for a known data set.
func (x *exporter) dataPath() string {
	if path := x.c.String("data"); path != "" {
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

// classNames are the data set's words for its classes; nil where they are just
// the numbers, or not known.
func classNames(d models.Data, set *dataset.Set) []string {
	var names []string
	if set != nil {
		names = set.ClassNames
	} else if info, err := dataset.Lookup(d.Name); err == nil && info.Digest == d.Digest {
		names = info.ClassNames
	}
	for i, n := range names {
		if n != fmt.Sprint(i) {
			return names
		}
	}
	return nil
}

// build makes and writes the files that need no TensorFlow.
func (x *exporter) build() (*export.Files, error) {
	var pixels []uint8
	if x.set != nil {
		pixels = x.set.Train.Pixels
	}
	files, err := export.Build(x.trial, x.formats, pixels, x.options)
	if err != nil {
		return nil, &exitError{code: exitTrials, err: fmt.Errorf("%s: %w", x.trial.Result.Key(), err)}
	}
	for f, b := range files.Data {
		if err := x.place.Write(f, b); err != nil {
			return nil, ioError(err)
		}
	}
	if x.card.Measured, err = export.Measure(x.trial.Spec); err != nil {
		x.card.Warnings = append(x.card.Warnings, err.Error())
	}
	if !x.c.Bool("quick") {
		if err := measureByPython(x.c, files.Data, &x.card.Measured); err != nil {
			return nil, err
		}
	}
	if files.Int8 != nil {
		x.card.Operators = export.Operators(files.Int8)
	}
	return files, nil
}

// askWorker has the worker write what only TensorFlow writes, and time the
// network where there is a worker at all.
func (x *exporter) askWorker() error {
	needed := false
	for _, f := range x.formats {
		needed = needed || f.TensorFlow()
	}
	if !needed && x.c.Bool("quick") {
		return nil
	}
	w, err := startWorker(x.c)
	switch {
	case err != nil && needed:
		return err
	case err != nil:
		note(x.c, "the latency is not measured: %v", err)
		return nil
	}
	defer w.Close(0)
	layers, data := x.trial.Spec.Layers, x.trial.Result.Dataset
	for _, f := range x.formats {
		if !f.TensorFlow() {
			continue
		}
		file, err := x.place.File(f)
		if err != nil {
			return ioError(err)
		}
		if _, err := ask(x.c, w, protocol.Command{Export: &protocol.Export{Dir: x.trial.Dir, Layers: layers, Data: data, Format: string(f), File: file}},
			protocol.Exported); err != nil {
			return err
		}
	}
	if x.c.Bool("quick") {
		return nil
	}
	x.card.Measured.Latency, err = latencyOf(x.c, w, layers, data)
	return err
}

// judge runs the TensorFlow Lite files on the images.
func (x *exporter) judge(files *export.Files) error {
	if x.set == nil || x.c.Bool("quick") {
		return nil
	}
	split, images := export.Judged(x.trial.Result, x.set)
	if images.N() == 0 {
		return nil
	}
	for i := range x.card.Files {
		f := &x.card.Files[i]
		m := files.Model(f.Format)
		if m == nil || f.Format.Quantized() && f.DensePerChannel != x.options.DensePerChannel { // one that stays
			continue
		}
		if f.Accuracy = x.known(*f); f.Accuracy != nil {
			continue
		}
		detail(x.c, "running %s on %s", f.Path, count(images.N(), split+" image"))
		a, err := export.Judge(x.c.Context, m, split, images, runtime.GOMAXPROCS(0))
		if err != nil {
			return err
		}
		f.Accuracy = a
	}
	warnings, err := x.card.Compare()
	if err != nil {
		return &exitError{code: exitTrials, err: err}
	}
	for _, w := range warnings {
		note(x.c, "%s", w)
	}
	return nil
}

// known is the accuracy of the int8 file, which the C array is the same as.
func (x *exporter) known(f export.ModelFile) *export.Accuracy {
	for _, other := range x.card.Files {
		if f.Format == export.CArray && other.Format == export.TFLiteInt8 && other.DensePerChannel == f.DensePerChannel {
			return other.Accuracy
		}
	}
	return nil
}

// summary prints what was written.
func (x *exporter) summary() error {
	var b strings.Builder
	r := x.trial.Result
	fmt.Fprintf(&b, "%s (%s)", r.Key(), x.trial.Chosen)
	if len(x.card.Accuracy) > 0 {
		a := x.card.Accuracy[0]
		fmt.Fprintf(&b, ": %.2f %% of %s right, as trained", 100*a.Share, count(a.Images, a.Split+" image"))
	}
	b.WriteString("\n")
	t := table{head: []string{"file", "bytes", "right", "of"}, left: 1}
	for _, f := range x.card.Files {
		row := []string{filepath.Join(x.dir, f.Path), thousands(f.Bytes), "", ""}
		if f.Accuracy != nil {
			row[2], row[3] = fmt.Sprintf("%.2f %%", 100*f.Accuracy.Share), count(f.Accuracy.Images, f.Accuracy.Split+" image")
		}
		t.rows = append(t.rows, row)
	}
	if err := t.text(&b); err != nil {
		return err
	}
	fmt.Fprintf(&b, "card: %s\n", filepath.Join(x.dir, export.CardName))
	_, err := io.WriteString(x.c.App.Writer, b.String())
	return err
}
