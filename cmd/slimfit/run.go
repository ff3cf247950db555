package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/shell"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

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
			if err := checkTrainFlags(c); err != nil {
				return err
			}
			if c.String("task") != "" {
				return runTask(c)
			}
			if typed(c, "index") {
				return usagef("run: --index counts the elements of a task file: give it by --task; a part of an experiment file is --shard I/N")
			}
			file, err := oneArg(c, "experiment file")
			if err != nil {
				return err
			}
			i, n, err := parseShard(c.String("shard"))
			if err != nil {
				return err
			}
			e, err := loadExperiment(c, file)
			if err != nil {
				return err
			}
			if c.Bool("dry-run") {
				return showPlans(c, []*experiment.Experiment{e}, sources)
			}
			if err := checkData(c, e); err != nil {
				return err
			}
			trials := e.Trials()
			if n > 1 {
				trials = sweep.Shard(trials, i, n)
				note(c, "shard %d of %d: %s", i, n, count(len(trials), "trial"))
			}
			return runExperiment(c, e, trials)
		},
	}
}

func runExperiment(c *cli.Context, e *experiment.Experiment, trials []experiment.Trial) error {
	reused, err := reusedFolders(c)
	if err != nil {
		return err
	}
	folder, err := store.Create(c.String("out"), e.Name, e.Source)
	if err != nil {
		return ioError(err)
	}
	if len(reused) > 0 {
		n, err := reuse(reused, folder, e, trials)
		if err != nil {
			return ioError(err)
		}
		note(c, "%s taken over from other run folders", count(n, "trial"))
	}
	return runTrials(c, e, folder, trials)
}

// runTrials trains into the run folder, and says how it went.
func runTrials(c *cli.Context, e *experiment.Experiment, folder *store.Folder, trials []experiment.Trial) error {
	summary, err := trainAll(c, training{experiment: e, folder: folder, trials: trials, test: e.Evaluate.Test != experiment.TestWinner})
	if werr := writeSummary(c, summary, folder, err != nil); werr != nil && err == nil {
		err = ioError(werr)
	}
	switch {
	case err != nil:
		return err
	case summary.Left > 0:
		return &exitError{code: exitRequeue, err: fmt.Errorf("%s of other processes are not finished yet", count(summary.Left, "trial"))}
	case len(summary.Failures) > 0:
		return &exitError{code: exitTrials}
	}
	return nil
}

// writeSummary prints how the run ended, and what to do next. Nothing is
// printed of a run that did not begin.
func writeSummary(c *cli.Context, s sweep.Summary, folder *store.Folder, stopped bool) error {
	if s.State.Total == 0 {
		return nil
	}
	if c.String("format") == "json" {
		return writeSummaryJSON(c.App.Writer, s)
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
	if stopped && s.Left > 0 {
		fmt.Fprintf(&b, "To go on: %s\n", again(c))
	}
	if failed > 0 {
		fmt.Fprintf(&b, "To train the failed ones again: %s\n", again(c, "--retry-failed"))
	}
	fmt.Fprintf(&b, "For the report: %s\n", shell.Line("slimfit", "report", filepath.Join(c.String("out"), s.State.Experiment)))
	_, err := io.WriteString(c.App.Writer, printableLines(b.String()))
	return err
}

// outcomes is "75 trials: 73 done (13 of them before), 1 failed, 1 left".
func outcomes(s sweep.Summary) string {
	text := fmt.Sprintf("%s: %s done", count(s.State.Total, "trial"), thousands(s.State.Done))
	if s.State.Before > 0 {
		text += fmt.Sprintf(", %s of %s had a result before", thousands(s.State.Before), thousands(s.State.Total))
	}
	for _, n := range []struct {
		count int
		what  string
	}{{s.State.Failed, "failed"}, {s.State.Diverged, "diverged"}, {s.Left, "left"}} {
		if n.count > 0 {
			text += fmt.Sprintf(", %s %s", thousands(n.count), n.what)
		}
	}
	return text
}

// summaryJSON is the summary of `run --format json`.
type summaryJSON struct {
	Experiment string        `json:"experiment"`
	Total      int           `json:"total"`
	Done       int           `json:"done"`
	Failed     int           `json:"failed"`
	Diverged   int           `json:"diverged"`
	Left       int           `json:"left"`
	Before     int           `json:"before"`  // of Total: had a result when the run began
	Trained    int           `json:"trained"` // by this run
	Failures   []failureJSON `json:"failures"`
}

type failureJSON struct {
	result.Key
	Status result.Status `json:"status"`
	Reason string        `json:"reason"`
}

func writeSummaryJSON(w io.Writer, s sweep.Summary) error {
	out := summaryJSON{Experiment: s.State.Experiment, Total: s.State.Total, Done: s.State.Done, Failed: s.State.Failed,
		Diverged: s.State.Diverged, Left: s.Left, Before: s.State.Before, Trained: s.Trained, Failures: []failureJSON{}}
	for _, f := range s.Failures {
		out.Failures = append(out.Failures, failureJSON{f.Key, f.Status, f.Reason})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
