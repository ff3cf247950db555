package lab

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/machine"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
	"slimfit/pkg/target"
	"slimfit/pkg/workerproc"
)

// Training is what a command wants trained.
type Training struct {
	Experiment *experiment.Experiment
	Folder     *store.Folder
	Trials     []experiment.Trial
	Test       bool             // open the test images, also of trials that are trained already
	Stem       string           // kernels of first convolutions, as in result.Environment; "": the fastest
	KeepAll    bool             // weights, where --keep does not say whose
	Stop       *result.StopRule // what stops hopeless trials early; nil: nothing
}

// CheckData reads a known data set's files and compares their checksums, before
// the first worker starts and anything is written: most of a tenth of a second
// for MNIST. What is missing is found at once.
func (l *Lab) CheckData(e *experiment.Experiment) error {
	if e.Ref.Path != "" {
		return nil // it was read just now
	}
	if err := dataset.Cached(e.Ref.Name, l.Cache); err != nil {
		return exit.Failed(fmt.Errorf("%w; `%s` gets it", err, dataset.FetchCommand(e.Ref.Name, l.Cache)))
	}
	return exit.Failed(dataset.Verify(e.Ref.Name, l.Cache))
}

// Train trains what has no result yet. Its error is
// the command's.
func (l *Lab) Train(ctx context.Context, t Training) (sweep.Summary, error) {
	if t.Experiment.Data.Folds > 0 {
		return l.trainFolds(ctx, t)
	}
	return l.trainTrials(ctx, t)
}

func (l *Lab) trainTrials(ctx context.Context, t Training) (sweep.Summary, error) {
	o, err := l.sweepOptions(ctx, t)
	if err != nil {
		return sweep.Summary{}, err
	}
	event, done := func(sweep.Event) {}, func() {}
	if l.Watch != nil {
		event, done = l.Watch()
	}
	o.Events = event
	if l.Work.TensorBoard {
		tb := newTensorBoard(t.Folder, func(err error) { l.Note("%v", err) })
		o.Events = func(e sweep.Event) { event(e); tb.event(e) }
	}
	summary, err := sweep.Run(ctx, o, t.Trials)
	done()
	best := speedsIn(l.Cache, machine.Read(), t.Stem)
	best.LearnFits(o.Speeds)
	if serr := errors.Join(o.Speeds.Save(), best.Save()); serr != nil && err == nil {
		l.Note("%v", serr) // only estimates suffer
	}
	if err != nil && ctx.Err() == nil {
		err = exit.Failed(err)
	}
	return summary, err
}

// shownLines is how many trials a list names.
const shownLines = 8

// Halfway says how far the checkpoints of unfinished trials are, a line each;
// nothing where there are none.
func Halfway(e *experiment.Experiment, folder *store.Folder, trials []experiment.Trial) []string {
	var lines []string
	for _, t := range trials {
		if step := folder.LastCheckpoint(t.Key()); step > 0 && step < t.Recipe.Steps {
			lines = append(lines, fmt.Sprintf("%s, seed %d: checkpoint at step %d of %d", e.Label(*t.Configuration), t.Seed, step, t.Recipe.Steps))
		}
	}
	return first(lines, "with checkpoints")
}

// Guesses names the trained networks that accuracy flatters on the validation
// images, a line each, and the remedy; nothing where there are none.
func Guesses(e *experiment.Experiment, folder *store.Folder, trials []experiment.Trial) []string {
	var lines []string
	for _, t := range trials {
		r, err := folder.ReadResult(t.Key())
		if err != nil {
			continue // it has no result, which the summary counts
		}
		if words := target.GuessOf(r.Confusion.Validation).Words(namesIn([]result.Result{r})); words != "" {
			lines = append(lines, fmt.Sprintf("%s, seed %d %s on the validation images", e.Label(*t.Configuration), t.Seed, words))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return append(first(lines, "such networks"), target.GuessRemedy)
}

// first are the lines that are shown, and how many more of what there are.
func first(lines []string, what string) []string {
	if more := len(lines) - shownLines; more > 0 {
		return append(lines[:shownLines], fmt.Sprintf("and %d more %s", more, what))
	}
	return lines
}

// sweepOptions reads the command's flags.
func (l *Lab) sweepOptions(ctx context.Context, t Training) (sweep.Options, error) {
	file, err := l.WorkerFile()
	if err != nil {
		return sweep.Options{}, err
	}
	m := machine.Read()
	place, err := l.placement(ctx, m, t.Experiment.Batch)
	if err != nil {
		return sweep.Options{}, err
	}
	speeds := speedsIn(t.Folder.Dir, m, t.Stem)
	speeds.LearnFits(speedsIn(l.Cache, m, t.Stem)) // whatever folder it was measured for
	return sweep.Options{
		Folder: t.Folder, Experiment: t.Experiment.Name, Test: t.Test, Shifts: t.Experiment.Evaluate.Shifts, EarlyStop: t.Stop, Stem: t.Stem, Source: l.sourceOf(t.Experiment),
		Workers: place.Slots(t.Trials), Sharing: place.Sharing(), Command: workerCommand(file), Worker: file,
		CheckpointEvery: l.Work.Checkpoint, Lease: l.Work.Lease, Hang: l.Work.Hang,
		Retries: l.Work.Retries, RetryFailed: l.Work.RetryFailed, Keep: l.keepOf(t), NoWait: l.Work.NoWait,
		Label: labelOf(t.Experiment), Footprint: measuredFootprint(),
		Speeds: speeds,
	}, nil
}

// labelOf tells folds from one another, too.
func labelOf(e *experiment.Experiment) func(experiment.Configuration) string {
	return func(c experiment.Configuration) string {
		if d := c.Data; d.Fold > 0 {
			return fmt.Sprintf("%s, fold %d of %d", e.Label(c), d.Fold, d.Folds)
		}
		return e.Label(c)
	}
}

// keepOf is whose weights stay. Opening the test images later takes the weights
// of every seed.
func (l *Lab) keepOf(t Training) sweep.Keep {
	switch {
	case l.Work.Keep != "":
		return l.Work.Keep
	case t.KeepAll:
		return sweep.KeepAll
	case t.Test:
		return sweep.KeepBest
	}
	return sweep.KeepAll
}

func (l *Lab) sourceOf(e *experiment.Experiment) models.Source {
	return models.Source{Cache: l.Cache, Path: e.Ref.Path}
}

// workerCommand is how the worker of the file is started.
func workerCommand(file string) func(workerproc.Settings) *exec.Cmd {
	return func(s workerproc.Settings) *exec.Cmd { return workerproc.Command(file, s) }
}

// placement is where workers train: on the GPUs that were asked for, else on all
// that this process may use, else on the CPU.
func (l *Lab) placement(ctx context.Context, m machine.Machine, batch experiment.Batch) (sweep.Placement, error) {
	w := l.Work
	p := sweep.Placement{Machine: m, Threads: w.Threads, Jobs: w.Jobs, PerDevice: w.WorkersPerGPU, MemoryFraction: w.GPUMemoryFraction,
		MPS: machine.MPS()}
	if p.MemoryFraction == 0 && batch.Given("gpu_memory_fraction") {
		p.MemoryFraction = batch.GPUMemoryFraction
	}
	devices, why, err := machine.Devices(ctx, w.GPUs)
	var wrong *machine.SelectionError
	switch {
	case errors.As(err, &wrong):
		return p, exit.With(exit.Usage, err)
	case err != nil:
		return p, exit.Failed(err)
	case why != "":
		l.Note("training on the CPU: %s", why)
	}
	p.Devices = devices
	if len(devices) > 0 && p.PerDevice > 1 && !p.MPS {
		l.Note("%d workers share a GPU, but NVIDIA's MPS does not run: they take turns and gain nothing; `%s` starts it", p.PerDevice,
			machine.StartMPS)
	}
	return p, nil
}

// findTeacher finds the trained run that a recipe names as its teacher, below
// out or as a path.
func findTeacher(run, out string) (experiment.Teacher, error) {
	if !filepath.IsLocal(run) {
		return experiment.Teacher{}, errors.New("files name teachers below --out or this folder: no path from the root, none with .. in it")
	}
	choice, err := export.Find(run, out)
	if _, ok := errors.AsType[*export.NotFoundError](err); ok {
		err = fmt.Errorf("it is not trained yet: there is no such folder, here or in %s", out)
	}
	if err != nil {
		return experiment.Teacher{}, err
	}
	if choice.Seed == nil {
		return experiment.Teacher{}, fmt.Errorf("%s is not one trained network: name its seed too", run)
	}
	if err := choice.Folder.Inside(result.Key{ConfigID: choice.ConfigID, Seed: *choice.Seed}); err != nil {
		return experiment.Teacher{}, err
	}
	t, err := export.Open(choice)
	if err != nil {
		return experiment.Teacher{}, err
	}
	return experiment.Teacher{Run: t.Result.Key().String(), Digest: t.Weights.SHA256(), Dir: t.Dir, Layers: t.Spec.Layers,
		Data: t.Result.Dataset}, nil
}

// teach gives a trial that was made from a certificate its teacher again.
func teach(t experiment.Trial, out string) error {
	want := t.Recipe.Teacher
	if want == nil || t.Teacher != nil {
		return nil
	}
	if _, err := result.ParseKey(want.Run); err != nil { // a certificate names no path
		return fmt.Errorf("the teacher of %s: %w", t.ID, err)
	}
	teacher, err := findTeacher(want.Run, out)
	if err != nil {
		return fmt.Errorf("the teacher of %s: %w", t.ID, err)
	}
	if teacher.Digest != want.Digest {
		return fmt.Errorf("the teacher of %s: %s has other weights now: SHA-256 %.12s, the recipe has %.12s", t.ID, want.Run, teacher.Digest,
			want.Digest)
	}
	t.Teacher = &teacher
	return nil
}
