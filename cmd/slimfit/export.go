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
)

// exportCommand writes a trained network as files that other programs load.
func exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write a trained network as model files, with a card that says what they are",
		ArgsUsage: "RUN|CONFIG|CERTIFICATE",
		Description: "Takes the folder of a run, of a configuration or of a trial, a configuration's ID, or a search's certificate; the best seed " +
			"on the validation images, unless told.\n\n" +
			"savedmodel and frozen: TensorFlow (written by slimfit-worker). tflite: TensorFlow Lite, float32. tflite-int8: full-integer, " +
			"calibrated on training images. c: the int8 file as a C array for microcontrollers. npz: the weights for NumPy. all: each of them.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "the `FORMATS` to write: savedmodel, frozen, tflite, tflite-int8, c, npz or all, several with commas"},
			&cli.StringFlag{Name: "into", Aliases: []string{"o"}, Usage: "write into `DIR` (default: <run folder>/export/<config-id>-seed-<n>)"},
			&cli.Int64Flag{Name: "seed", Usage: "take the network of seed `N`"},
			&cli.BoolFlag{Name: "force", Usage: "replace the export of another network, and files that no export wrote"},
			&cli.BoolFlag{Name: "quick", Usage: "leave out what takes time: the files' accuracy and the latency"},
			&cli.StringFlag{Name: "data", Usage: "the `FOLDER` of your own data set, where it is not the experiment's any more"},
			runsFlag(), cacheFlag(), workerFlag(), pythonFlag()},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "run, configuration or certificate")
			if err != nil {
				return err
			}
			if c.String("format") == "" {
				return usagef("export: no --format: want savedmodel, frozen, tflite, tflite-int8, c, npz or all, several with commas")
			}
			formats, err := export.ParseFormats(c.String("format"))
			if err != nil {
				return usagef("--format: %w", err)
			}
			t, err := findTrial(c, name)
			if err != nil {
				return err
			}
			return newExporter(c, t, formats).run()
		},
	}
}

// runsFlag is outFlag for commands whose -o is something else.
func runsFlag() cli.Flag {
	return &cli.StringFlag{Name: "out", Value: defaultOut, Usage: "the `FOLDER` above the run folders <name>/"}
}

// findTrial opens the trained network that a person names.
func findTrial(c *cli.Context, name string) (*export.Trial, error) {
	choice, err := export.Find(name, c.String("out"))
	if err != nil {
		return nil, trialError(err)
	}
	if c.IsSet("seed") {
		seed := c.Int64("seed")
		if choice.Seed != nil && *choice.Seed != seed {
			return nil, usagef("--seed %d: %s is of seed %d", seed, name, *choice.Seed)
		}
		choice.Seed = &seed
	}
	t, err := export.Open(choice)
	if err != nil {
		return nil, trialError(err)
	}
	for _, w := range t.Warnings {
		note(c, "%s", w)
	}
	detail(c, "%s: %s", t.Result.Key(), t.Chosen)
	return t, nil
}

// trialError gives an error of finding a network its exit code.
func trialError(err error) error {
	var unfit *export.UnfitError
	if errors.As(err, &unfit) {
		return &exitError{code: exitTrials, err: err}
	}
	return err
}

// exporter is one export at work.
type exporter struct {
	c       *cli.Context
	trial   *export.Trial
	formats []export.Format
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
	return &exporter{c: c, trial: t, formats: formats, dir: dir}
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
	if err := x.place.Describe(x.card, x.formats); err != nil {
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
	set, err := dataset.LoadData(data, protocol.Source{Cache: x.c.String("cache"), Path: x.dataPath()})
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
	var ref dataset.Ref
	run := filepath.Dir(filepath.Dir(x.trial.Dir))
	// Whatever else is wrong with the file, it says where the data is.
	experiment.Load(filepath.Join(run, "experiment.yaml"), nil, func(r dataset.Ref) (models.Data, error) {
		ref = r
		return x.trial.Result.Dataset, nil
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
	files, err := export.Build(x.trial, x.formats, pixels, runtime.GOMAXPROCS(0))
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
	defer w.Close()
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
		if m == nil {
			continue
		}
		if f.Accuracy = x.known(f.Format); f.Accuracy != nil {
			continue
		}
		detail(x.c, "running %s on %s", f.Path, count(images.N(), split+" image"))
		a, err := export.Judge(m, split, images, runtime.GOMAXPROCS(0))
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
func (x *exporter) known(f export.Format) *export.Accuracy {
	for _, other := range x.card.Files {
		if f == export.CArray && other.Format == export.TFLiteInt8 {
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
