package main

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/machine"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
	"slimfit/pkg/workerproc"
)

// trainFlags are those of every command that trains.
func trainFlags() []cli.Flag {
	return append(gpuFlags(), jobsFlag(), threadsFlag(), workerFlag(),
		&cli.DurationFlag{Name: "checkpoint", Value: sweep.DefaultCheckpoint, Usage: "`TIME` between checkpoints of a trial; 0: only when stopped"},
		&cli.IntFlag{Name: "retries", Value: sweep.DefaultRetries, Usage: "take a trial up again `N` times after its worker died, before it counts as failed"},
		&cli.BoolFlag{Name: "retry-failed", Usage: "train the trials again that failed in an earlier run, from their last checkpoints"},
		&cli.StringFlag{Name: "keep", Usage: "`WHOSE` trained weights stay: all, best (of each configuration the best seed on validation) or none (default: best; all where the test images are opened later)"},
		&cli.DurationFlag{Name: "hang", Value: sweep.DefaultHang, Usage: "kill a worker that says nothing for `TIME`"},
		&cli.DurationFlag{Name: "lease", Value: store.DefaultTerm, Usage: "`TIME` without a sign of life after which other processes take this one's trials over"},
		&cli.BoolFlag{Name: "tensorboard", Usage: "write TensorBoard event files into each trial's folder, live: tensorboard --logdir DIR"},
		&cli.BoolFlag{Name: "no-wait", Usage: "end rather than wait for trials that other processes are training (exit code 75)"},
	)
}

func threadsFlag() cli.Flag {
	return &cli.IntFlag{Name: "threads", Value: 1, Usage: "`N` threads of each worker; results are the same bit for bit only at 1"}
}

// training is what a command wants trained.
type training struct {
	experiment *experiment.Experiment
	folder     *store.Folder
	trials     []experiment.Trial
	test       bool             // open the test images, also of trials that are trained already
	keepAll    bool             // weights, where --keep does not say whose
	stop       *result.StopRule // what stops hopeless trials early; nil: nothing
}

// checkTrainFlags refuses values that make no sense, before anything is done.
func checkTrainFlags(c *cli.Context) error {
	if err := checkWorkFlags(c); err != nil {
		return err
	}
	return checkGPUFlags(c)
}

// checkWorkFlags checks what `batch submit` passes on to `run`, and run's own:
// of these flags, those that are given.
func checkWorkFlags(c *cli.Context) error {
	for _, f := range []struct {
		name  string
		least int
	}{{"jobs", 0}, {"threads", 1}, {"retries", 0}, {"workers-per-gpu", 1}} {
		if !c.IsSet(f.name) {
			continue
		}
		if err := atLeast(c, f.name, f.least); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name  string
		least time.Duration
	}{{"checkpoint", 0}, {"hang", time.Second}, {"lease", time.Second}} {
		if d := c.Duration(f.name); c.IsSet(f.name) && d < f.least {
			return usagef("%s %v: need at least %v", origin(c, f.name), d, f.least)
		}
	}
	switch keep := sweep.Keep(c.String("keep")); keep {
	case "", sweep.KeepAll, sweep.KeepBest, sweep.KeepNone:
		return nil
	default:
		return usagef("%s %s: want all, best or none", origin(c, "keep"), keep)
	}
}

// checkData reads a known data set's files and compares their checksums, before
// the first worker starts and anything is written: most of a tenth of a second
// for MNIST. What is missing is found at once.
func checkData(c *cli.Context, e *experiment.Experiment) error {
	if e.Ref.Path != "" {
		return nil // it was read just now
	}
	if err := dataset.Cached(e.Ref.Name, c.String("cache")); err != nil {
		return ioError(fmt.Errorf("%w; `%s` gets it", err, dataset.FetchCommand(e.Ref.Name, c.String("cache"))))
	}
	return ioError(dataset.Verify(e.Ref.Name, c.String("cache")))
}

// trainAll trains what has no result yet, with progress on stderr. Its error is
// the command's.
func trainAll(c *cli.Context, t training) (sweep.Summary, error) {
	o, err := sweepOptions(c, t)
	if err != nil {
		return sweep.Summary{}, err
	}
	p := newProgress(c)
	o.Events = p.event
	if c.Bool("tensorboard") {
		tb := newTensorBoard(t.folder, func(err error) { note(c, "%v", err) })
		o.Events = func(e sweep.Event) { p.event(e); tb.event(e) }
	}
	summary, err := sweep.Run(c.Context, o, t.trials)
	p.close()
	if serr := o.Speeds.Save(); serr != nil && err == nil {
		note(c, "%v", serr) // only estimates suffer
	}
	if err != nil && c.Context.Err() == nil {
		err = ioError(err)
	}
	return summary, err
}

// sweepOptions reads the command's flags.
func sweepOptions(c *cli.Context, t training) (sweep.Options, error) {
	file, err := workerFile(c)
	if err != nil {
		return sweep.Options{}, err
	}
	m := machine.Read()
	place, err := placement(c, m, t.experiment.Batch)
	if err != nil {
		return sweep.Options{}, err
	}
	return sweep.Options{
		Folder: t.folder, Experiment: t.experiment.Name, Test: t.test, EarlyStop: t.stop, Source: sourceOf(c, t.experiment),
		Workers: place.Slots(t.trials), Command: workerCommand(file, wantsDeterminism(t.trials)),
		CheckpointEvery: c.Duration("checkpoint"), Lease: c.Duration("lease"), Hang: c.Duration("hang"),
		Retries: c.Int("retries"), RetryFailed: c.Bool("retry-failed"), Keep: keepOf(c, t), NoWait: c.Bool("no-wait"),
		Label: t.experiment.Label, Footprint: measuredFootprint(),
		Speeds: sweep.LoadSpeeds(t.folder.Dir, m.Name(), sweep.DefaultCost()),
	}, nil
}

// keepOf is whose weights stay. Opening the test images later takes the weights
// of every seed.
func keepOf(c *cli.Context, t training) sweep.Keep {
	switch {
	case c.String("keep") != "":
		return sweep.Keep(c.String("keep"))
	case t.keepAll:
		return sweep.KeepAll
	case t.test:
		return sweep.KeepBest
	}
	return sweep.KeepAll
}

func sourceOf(c *cli.Context, e *experiment.Experiment) models.Source {
	return models.Source{Cache: c.String("cache"), Path: e.Ref.Path}
}

// workerCommand is how slimfit-worker is started in a slot. All trials of a run
// are deterministic if one has to be.
func workerCommand(file string, deterministic bool) func(sweep.Slot) *exec.Cmd {
	return func(s sweep.Slot) *exec.Cmd {
		settings := s.Settings()
		settings.Deterministic = deterministic
		return workerproc.Command(file, settings)
	}
}

func wantsDeterminism(trials []experiment.Trial) bool {
	return slices.ContainsFunc(trials, func(t experiment.Trial) bool { return t.Recipe.Deterministic })
}

// parseShard reads i/n; "" is all of it.
func parseShard(text string) (i, n int, err error) {
	if text == "" {
		return 1, 1, nil
	}
	a, b, ok := strings.Cut(text, "/")
	i, err1 := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if !ok || errors.Join(err1, err2) != nil || n < 1 || i < 1 || i > n {
		return 0, 0, usagef("--shard %s: want I/N with 1 <= I <= N, such as 2/8", text)
	}
	return i, n, nil
}
