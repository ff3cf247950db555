package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/lab"
	"slimfit/pkg/result"
	"slimfit/pkg/shell"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
	"slimfit/pkg/text"
)

// runOptions are what a run is asked for.
type runOptions struct {
	console
	lab    *lab.Lab
	file   string // the experiment file
	sets   []string
	shard  shard
	dryRun bool
	reuse  []string // run folders
}

// runCommand trains an experiment.
func runCommand(sources planSources) *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "train every configuration of an experiment with every seed",
		ArgsUsage: "FILE",
		Description: "Trials that have a result are skipped, interrupted ones go on from their last checkpoint. Ctrl-C, SIGTERM and SIGUSR1 " +
			"write checkpoints first; a second Ctrl-C ends at once. Several runs, on several hosts, may share one folder.",
		Flags: append(append(trainFlags(), taskFlags()...), outFlag(), setFlag(), cacheFlag(), dryRunFlag(), formatFlag("text", "json"), reuseFlag(),
			&cli.StringFlag{Name: "shard", Usage: "train part `I/N` of the trials only; N runs, in any order and on any hosts, make the whole"}),
		Action: func(c *cli.Context) error {
			work, err := workOf(c)
			if err != nil {
				return err
			}
			o := runOptions{console: consoleOf(c), sets: sets(c), dryRun: c.Bool("dry-run"), reuse: c.StringSlice("reuse")}
			o.lab = labOf(c, o.console)
			o.lab.Work = work
			task, err := taskOf(c, len(o.sets))
			if err != nil {
				return err
			}
			if task.file != "" {
				return runTask(c.Context, o, task)
			}
			if o.file, err = oneArg(c, "experiment file"); err != nil {
				return err
			}
			if o.shard, err = parseShard(c.String("shard")); err != nil {
				return err
			}
			return runExperiment(c.Context, o, sources)
		},
	}
}

func runExperiment(ctx context.Context, o runOptions, sources planSources) error {
	e, err := o.lab.Load(ctx, o.file, o.sets)
	if err != nil {
		return err
	}
	trials := e.Trials()
	if o.shard.of > 1 {
		mine := sweep.Shard(trials, o.shard.part, o.shard.of)
		o.note("shard %d of %d: %d of %s", o.shard.part, o.shard.of, len(mine), text.Count(len(trials), "trial"))
		trials = mine
		for _, t := range trials {
			o.detail("  %s", t.Key())
		}
	}
	if o.dryRun {
		return showPlans(ctx, planOptions{console: o.console, lab: o.lab}, []*experiment.Experiment{e}, sources)
	}
	if err := o.lab.CheckData(e); err != nil {
		return err
	}
	folder, reused, err := o.lab.Prepare(e, trials, o.reuse)
	if err != nil {
		return err
	}
	if len(o.reuse) > 0 {
		o.note("%s taken over from other run folders", text.Count(reused, "trial"))
	}
	return runTrials(ctx, o, e, folder, trials)
}

// runTrials trains into the run folder, and says how it went.
func runTrials(ctx context.Context, o runOptions, e *experiment.Experiment, folder *store.Folder, trials []experiment.Trial) error {
	test := e.Evaluate.Test != experiment.TestWinner
	if test || e.Data.Folds > 0 {
		if err := o.lab.ShowTest(e, len(trials)); err != nil {
			return err
		}
	}
	summary, err := o.lab.Train(ctx, lab.Training{Experiment: e, Folder: folder, Trials: trials, Test: test})
	var halfway []string
	if err != nil && summary.Left > 0 {
		halfway = lab.Halfway(e, folder, trials)
	}
	var guesses []string
	if summary.State.Total > 0 && o.format != "json" {
		guesses = lab.Guesses(e, folder, trials)
	}
	if werr := writeSummary(o, summary, folder, err != nil, halfway, guesses); werr != nil && err == nil {
		err = exit.Failed(werr)
	}
	switch {
	case err != nil:
		return err
	case summary.Left > 0:
		return exit.With(exit.Requeue, fmt.Errorf("%s of other processes are not finished yet", text.Count(summary.Left, "trial")))
	case len(summary.Failures) > 0:
		return exit.With(exit.Trials, nil)
	}
	return nil
}

// writeSummary prints how the run ended, and what to do next. Nothing is
// printed of a run that did not begin.
func writeSummary(o runOptions, s sweep.Summary, folder *store.Folder, stopped bool, halfway, guesses []string) error {
	if s.State.Total == 0 {
		return nil
	}
	if o.format == "json" {
		return o.json(summaryOf(s))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", s.State.Experiment, outcomes(s))
	failed := 0
	for _, f := range s.Failures {
		if f.Status == result.Failed {
			failed++
		}
		fmt.Fprintf(&b, "%s: %s (%s): %s\n", f.Status, f.Label, f.Key, strings.ReplaceAll(f.Reason, "\n", "\n  "))
		fmt.Fprintf(&b, "  log: %s\n", folder.LogPath(f.Key))
	}
	for _, line := range halfway {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	if len(guesses) > 0 {
		fmt.Fprintf(&b, "Beware, accuracy flatters networks:\n  %s\n", strings.Join(guesses, "\n  "))
	}
	if stopped && s.Left > 0 {
		fmt.Fprintf(&b, "To go on: %s\n", o.again())
	}
	if failed > 0 {
		fmt.Fprintf(&b, "To train the failed ones again: %s\n", o.again("--retry-failed"))
	}
	fmt.Fprintf(&b, "For the report: %s\n", shell.Line("slimfit", "report", filepath.Join(o.lab.Out, s.State.Experiment)))
	_, err := io.WriteString(o.out, text.Lines(b.String()))
	return err
}

// outcomes is "75 trials: 73 done (13 of them before), 1 failed, 1 left".
func outcomes(s sweep.Summary) string {
	words := []string{fmt.Sprintf("%s: %s done", text.Count(s.State.Total, "trial"), text.Thousands(s.State.Done))}
	if s.State.Before > 0 {
		words = append(words, fmt.Sprintf("%s of %s had a result before", text.Thousands(s.State.Before), text.Thousands(s.State.Total)))
	}
	words = append(words, text.Parts([]string{"failed", "diverged", "left"}, s.State.Failed, s.State.Diverged, s.Left)...)
	return strings.Join(words, ", ")
}

// summaryJSON is the summary of `run --format json`.
type summaryJSON struct {
	Experiment string              `json:"experiment"`
	Total      int                 `json:"total"`
	Done       int                 `json:"done"`
	Failed     int                 `json:"failed"`
	Diverged   int                 `json:"diverged"`
	Left       int                 `json:"left"`
	Before     int                 `json:"before"`  // of Total: had a result when the run began
	Trained    int                 `json:"trained"` // by this run
	Failures   []sweep.FailureView `json:"failures"`
}

func summaryOf(s sweep.Summary) summaryJSON {
	out := summaryJSON{Experiment: s.State.Experiment, Total: s.State.Total, Done: s.State.Done, Failed: s.State.Failed,
		Diverged: s.State.Diverged, Left: s.Left, Before: s.State.Before, Trained: s.Trained, Failures: []sweep.FailureView{}}
	for _, f := range s.Failures {
		out.Failures = append(out.Failures, sweep.FailureView{Key: f.Key, Status: f.Status, Reason: f.Reason})
	}
	return out
}
