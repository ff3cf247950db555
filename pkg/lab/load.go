package lab

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// Load reads one experiment file with overrides as of --set; its errors are
// usage errors, but for a signal. Warnings are notes.
func (l *Lab) Load(ctx context.Context, file string, sets []string) (*experiment.Experiment, error) {
	return l.load(ctx, file, sets, false, false)
}

// LoadSpace is Load that lists up to experiment.MaxListed configurations and
// counts more.
func (l *Lab) LoadSpace(ctx context.Context, file string, sets []string) (*experiment.Experiment, error) {
	return l.load(ctx, file, sets, false, true)
}

func (l *Lab) load(ctx context.Context, file string, sets []string, shapes, space bool) (*experiment.Experiment, error) {
	from := l.sources(nil)
	from.Shapes, from.Space = shapes, space
	from.Teacher = func(run string) (experiment.Teacher, error) { return findTeacher(run, l.Out) }
	e, err := UntilStopped(ctx, func() (*experiment.Experiment, error) { return experiment.LoadFrom(file, sets, from) })
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	l.speaks(e.Data, e.Classes)
	folder := &store.Folder{Dir: filepath.Join(l.Out, e.Name)}
	last, err := store.ReadFile(folder.ExperimentPath(), store.MaxJSON)
	if err := l.Settle(e, folder, err != nil || !bytes.Equal(last, e.Source)); err != nil {
		return nil, err
	}
	l.Detail("%s: data set %s, digest %.12s: %d training, %d validation and %d test images of %s in %d classes", file, e.Data.Name,
		e.Data.Digest,
		e.Data.Train, e.Data.Validation, e.Data.Test, e.Data.Input, e.Data.Classes)
	if k := e.Data.Folds; k > 0 {
		l.Note("%s: dataset.folds: each trial is %d trainings, one a fold", file, k)
	}
	for _, w := range e.Warnings {
		l.Note("%s: %s", file, w)
	}
	return e, nil
}

// sources say what the images of an experiment file are: as the results do, where
// they agree and fit, else as they lie there.
func (l *Lab) sources(results []result.Result) experiment.Sources {
	var names []string
	return experiment.Sources{Classes: func(dataset.Ref) []string { return names },
		Describe: func(ref dataset.Ref) (data models.Data, err error) {
			if d := dataOf(ref, results); d != nil {
				names = namesIn(results)
				return *d, nil
			}
			data, names, err = dataset.DescribeNamed(ref, l.Cache)
			return data, err
		}}
}

// namesIn are the names of the classes as results have them, or as the data set
// is known to have them; nil where neither knows.
func namesIn(results []result.Result) []string {
	for i := range results {
		if names := results[i].Classes; len(names) == results[i].Dataset.Classes {
			return names
		}
	}
	for i := range results {
		d := results[i].Dataset
		if info, err := dataset.Lookup(d.Name); err == nil && info.Digest == d.Digest {
			return info.ClassNames
		}
	}
	return nil
}

// LoadAll reads all files and reports what is wrong in any of them. With space,
// large experiments are counted only, see experiment.Sources.
func (l *Lab) LoadAll(ctx context.Context, files, sets []string, space bool) ([]*experiment.Experiment, error) {
	var all []*experiment.Experiment
	var faults []error
	for _, f := range files {
		e, err := l.load(ctx, f, sets, true, space)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			faults = append(faults, err)
		}
		all = append(all, e)
	}
	if len(faults) > 0 {
		return nil, exit.With(exit.Usage, errors.Join(faults...))
	}
	return all, nil
}

// UntilStopped does work that only reads and counts. A signal leaves it behind,
// wherever it is: the program ends soon after.
func UntilStopped[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := work()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// Settle names the configurations as they go by in the run folder, see
// store.Names.
func (l *Lab) Settle(e *experiment.Experiment, folder *store.Folder, read bool) error {
	name, err := folder.Names(read)
	for i := 0; err == nil && i < len(e.Configs); i++ {
		c, id := &e.Configs[i], ""
		if id, err = name(c.Config, c.ID); err == nil {
			e.Rename(i, id)
		}
	}
	return exit.Failed(err)
}

// FolderExperiment reads a run folder's experiment; nil, with a note, where
// that is not possible.
func (l *Lab) FolderExperiment(folder *store.Folder) *experiment.Experiment {
	e, err := l.experimentIn(folder, nil)
	if err != nil {
		l.Note("how many trials there should be is not known: %v", err)
		return nil
	}
	l.speaks(e.Data, e.Classes)
	return e
}

// experimentIn is a run folder's experiment, with its images as the results have
// them.
func (l *Lab) experimentIn(folder *store.Folder, results []result.Result) (*experiment.Experiment, error) {
	from := l.sources(results)
	from.Space = true
	e, err := experiment.LoadFrom(folder.ExperimentPath(), nil, from)
	if err == nil {
		err = l.Settle(e, folder, false)
	}
	return e, err
}

// FindTrial opens the trained network that a person names, of a seed where one
// is given.
func (l *Lab) FindTrial(name string, seed *int64) (*export.Trial, error) {
	choice, err := export.Find(name, l.Out)
	if open, ok := errors.AsType[*export.UnchosenError](err); ok {
		choice, err = l.answerOf(open)
	}
	if err != nil {
		return nil, trialError(err)
	}
	if seed != nil {
		if choice.Seed != nil && *choice.Seed != *seed {
			return nil, exit.Usagef("--seed %d: %s is of seed %d", *seed, name, *choice.Seed)
		}
		choice.Seed = seed
	}
	t, err := export.Open(choice)
	if err != nil {
		return nil, trialError(err)
	}
	l.speaks(t.Result.Dataset, namesIn([]result.Result{t.Result}))
	for _, w := range t.Warnings {
		l.Note("%s", w)
	}
	l.Detail("%s: %s", t.Result.Key(), t.Chosen)
	return t, nil
}

// answerOf is the configuration that the report of a run folder answers with.
func (l *Lab) answerOf(open *export.UnchosenError) (export.Choice, error) {
	in, err := l.readRun(open.Folder)
	if err != nil {
		return export.Choice{}, err
	}
	r, err := report.Build(in, report.Options{})
	if err != nil {
		return export.Choice{}, exit.With(exit.Usage, err)
	}
	at := r.Chosen()
	if at < 0 {
		return export.Choice{}, open
	}
	row := &r.Rows[at]
	if r.Target != nil && r.Answer.Pick < 0 {
		return export.Choice{}, exit.Usagef("%s To take it all the same: %s", r.Answer.Sentence, filepath.Join(open.Folder.Dir, row.ID))
	}
	what := "the most accurate network"
	if r.Target != nil {
		what = "the answer of its report"
	}
	l.Note("%s: taking %s (%s), %s", filepath.Base(open.Folder.Dir), row.Label, row.ID, what)
	return export.Choice{Folder: open.Folder, ConfigID: row.ID}, nil
}

// trialError gives an error of finding a network its exit code.
func trialError(err error) error {
	if _, ok := errors.AsType[*export.UnfitError](err); ok {
		return exit.With(exit.Trials, err)
	}
	return err
}
