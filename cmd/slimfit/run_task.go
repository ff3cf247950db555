package main

import (
	"path/filepath"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/batch"
	"slimfit/pkg/store"
)

// taskFlags are how an array element of `batch submit` says what it trains.
func taskFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "task", Usage: "train what one array element of a submission has, by its task `FILE`, instead of an experiment file"},
		&cli.IntFlag{Name: "index", Value: -1, Usage: "the element's `NUMBER` in the task file, from 0"}}
}

// runTask trains the trials of one element of a submission, in the run folder
// that the submission lies in.
func runTask(c *cli.Context) error {
	file := c.String("task")
	switch {
	case c.NArg() > 0:
		return usagef("run: --task says what to train; an experiment file beside it makes no sense")
	case c.String("shard") != "" || len(sets(c)) > 0:
		return usagef("run: --task goes with neither --shard nor --set: a submission never changes")
	case !c.IsSet("index"):
		return usagef("run: --task needs --index, the element's number in the task file")
	}
	s, runDir, err := batch.ReadTasks(file)
	if err != nil {
		return ioError(err)
	}
	source, err := s.ExperimentFile()
	if err != nil {
		return ioError(err)
	}
	e, err := loadExperiment(c, source)
	if err != nil {
		return err
	}
	trials, err := s.Trials(e, c.Int("index"))
	if err != nil {
		return usagef("run --task %s: %w", file, err)
	}
	folder, err := store.Open(runDir)
	if err != nil {
		return ioError(err)
	}
	if err := checkData(c, e); err != nil {
		return err
	}
	// What is said at the end names the run folder by --out.
	if err := c.Set("out", filepath.Dir(runDir)); err != nil {
		return err
	}
	return runTrials(c, e, folder, trials)
}
