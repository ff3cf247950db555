package main

import (
	"context"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/batch"
	"slimfit/pkg/exit"
	"slimfit/pkg/store"
)

// taskFlags are how an array element of `batch submit` says what it trains.
func taskFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "task", Usage: "train what one array element of a submission has, by its task `FILE`, instead of an experiment file"},
		&cli.IntFlag{Name: "index", Value: -1, Usage: "the element's `NUMBER` in the task file, from 0"}}
}

// task is one element of a submission.
type task struct {
	file  string // "": there is none
	index int
}

// taskOf reads which element of a submission a run is for, if it is for one.
func taskOf(c *cli.Context, sets int) (task, error) {
	t := task{c.String("task"), c.Int("index")}
	switch {
	case t.file == "" && typed(c, "index"):
		return t, exit.Usagef("run: --index counts the elements of a task file: give it by --task; a part of an experiment file is --shard I/N")
	case t.file == "":
	case c.NArg() > 0:
		return t, exit.Usagef("run: --task says what to train; an experiment file beside it makes no sense")
	case c.IsSet("shard") && c.String("shard") != "" || sets > 0:
		return t, exit.Usagef("run: --task goes with neither --shard nor --set: a submission never changes")
	case !c.IsSet("index"):
		return t, exit.Usagef("run: --task needs --index, the element's number in the task file")
	}
	return t, nil
}

// runTask trains the trials of one element of a submission, in the run folder
// that the submission lies in.
func runTask(ctx context.Context, o runOptions, t task) error {
	s, runDir, err := batch.ReadTasks(t.file)
	if err != nil {
		return exit.Failed(err)
	}
	source, err := s.ExperimentFile()
	if err != nil {
		return exit.Failed(err)
	}
	e, err := o.lab.Load(ctx, source, nil)
	if err != nil {
		return err
	}
	folder, err := store.Open(runDir)
	if err != nil {
		return exit.Failed(err)
	}
	if err := o.lab.Settle(e, folder, false); err != nil {
		return err
	}
	trials, err := s.Trials(e, t.index)
	if err != nil {
		return exit.Usagef("run --task %s: %w", t.file, err)
	}
	if err := o.lab.CheckData(e); err != nil {
		return err
	}
	o.lab.Out = filepath.Dir(runDir) // what is said at the end names the run folder by it
	return runTrials(ctx, o, e, folder, trials)
}
