package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/batch"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/text"
)

func batchStatusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "show what is done, what Slurm holds, what failed and what is missing",
		ArgsUsage: "DIR",
		Description: "What is done comes from the result files; Slurm is asked what it holds, and the answer is useful without it. " +
			"Elements that ended with work left are listed with the end of their logs.",
		Flags: []cli.Flag{cacheFlag(), formatFlag("text", "json")},
		Action: func(c *cli.Context) error {
			folder, err := folderArg(c)
			if err != nil {
				return err
			}
			o := consoleOf(c)
			e := labOf(c, o).FolderExperiment(folder)
			s, err := batch.Look(c.Context, folder, e)
			if err != nil {
				return exit.Failed(err)
			}
			if o.format == "json" {
				return o.json(s)
			}
			var b strings.Builder
			writeBatchStatus(&b, s, filepath.Base(folder.Dir), labels(e))
			return o.print([]byte(b.String()))
		},
	}
}

// labels says how people call a trial.
func labels(e *experiment.Experiment) func(result.Key) string {
	configs := e.ByID()
	return func(k result.Key) string {
		if c := configs[k.ConfigID]; c != nil {
			return fmt.Sprintf("%s, seed %d (%s)", e.Label(*c), k.Seed, k)
		}
		return k.String()
	}
}

// shownElements is how many elements of a kind are listed.
const shownElements = 20

func writeBatchStatus(w io.Writer, s batch.Status, name string, label func(result.Key) string) {
	view := statusView{Experiment: name, Overview: s.Overview}
	view.Left = 0
	fmt.Fprintf(w, "%s: %s%s\n", name, view.counts(), leftText(s.TimeLeft))
	if s.QueueFault != "" {
		fmt.Fprintf(w, "what Slurm holds is not known: %s\n", s.QueueFault)
	} else {
		writeQueue(w, s)
	}
	for i, f := range s.Failures {
		if i == shownElements {
			fmt.Fprintf(w, "... and %s more that failed or diverged\n", text.Thousands(len(s.Failures)-i))
			break
		}
		fmt.Fprintf(w, "%s: %s: %s\n", f.Status, label(f.Key), strings.ReplaceAll(f.Reason, "\n", "\n  "))
	}
	for _, d := range s.Damaged {
		fmt.Fprintf(w, "%s; `slimfit batch submit` trains it again\n", d)
	}
	for i, l := range s.Lost {
		if i == shownElements {
			fmt.Fprintf(w, "... and %s more that ended with trials left\n", text.Count(len(s.Lost)-i, "element"))
			break
		}
		writeLost(w, l)
	}
	if s.Missing > 0 && s.QueueFault == "" {
		fmt.Fprintf(w, "%s neither done nor queued: `slimfit batch submit` again submits just these\n", are(s.Missing, "trial"))
	}
}

// writeQueue lists the elements that Slurm holds.
func writeQueue(w io.Writer, s batch.Status) {
	states := map[string]int{}
	reasons := map[string]int{}
	for _, e := range s.Elements {
		states[e.State]++
		if e.State == "PENDING" {
			reasons[e.Reason]++
		}
	}
	if len(s.Elements) == 0 {
		fmt.Fprintln(w, "queue: no element")
		return
	}
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(states)) {
		words := text.Thousands(states[state]) + " " + strings.ToLower(state)
		if state == "PENDING" {
			words += " (" + strings.Join(slices.Sorted(maps.Keys(reasons)), ", ") + ")"
		}
		parts = append(parts, words)
	}
	fmt.Fprintf(w, "queue: %s: %s\n", text.Count(len(s.Elements), "element"), strings.Join(parts, ", "))
	shown := 0
	for _, e := range s.Elements {
		if e.State == "PENDING" {
			continue
		}
		if shown++; shown > shownElements {
			fmt.Fprintln(w, "  ...")
			break
		}
		fmt.Fprintf(w, "  %s on %s: element %d of %04d, %s left, %s of its limit left\n", e.Task, e.Nodes, e.Element, e.Submission,
			text.Count(e.Trials, "trial"), e.TimeLeft)
	}
}

func writeLost(w io.Writer, l batch.LostElement) {
	how := "ended"
	if l.State != "" {
		how = "ended as " + l.State
	}
	task := ""
	if l.Task != "" {
		task = ", job " + l.Task
	}
	fmt.Fprintf(w, "lost: element %d of %04d%s %s with %s left: %s\n", l.Element, l.Submission, task, how,
		text.Count(len(l.Trials), "trial"), some(l.Trials))
	if l.LastLine != "" {
		fmt.Fprintf(w, "  log: %s\n  its last line: %s\n", l.Log, l.LastLine)
	}
}

// some shows the first few of many.
func some(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %s more", text.Thousands(len(names)-most))
}

func are(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return text.Count(n, noun) + " are"
}

func batchLogsCommand() *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "print what was logged of a trial and of the element that had it last",
		ArgsUsage: "DIR TRIAL",
		Description: "TRIAL is <config-id>/seed-<n>, as status prints it, or the one argument is the trial's own folder. " +
			"The first part is the trial's log, the second the output of its array element.",
		Flags: []cli.Flag{&cli.IntFlag{Name: "lines", Value: 40, Usage: "the last `N` lines of each; 0 prints all"}},
		Action: func(c *cli.Context) error {
			dir, name, err := trialArgs(c)
			if err != nil {
				return err
			}
			folder, err := labOf(c, consoleOf(c)).OpenFolder(dir)
			if err != nil {
				return err
			}
			key, err := result.ParseKey(name)
			if err != nil {
				return exit.Usagef("batch logs: %w", err)
			}
			return exit.Failed(writeLogs(consoleOf(c), folder, key, c.Int("lines")))
		},
	}
}

// trialArgs takes DIR TRIAL, or the trial's folder alone.
func trialArgs(c *cli.Context) (dir, name string, err error) {
	switch c.NArg() {
	case 1:
		trial := filepath.Clean(c.Args().First())
		config := filepath.Dir(trial)
		return filepath.Dir(config), filepath.Base(config) + "/" + filepath.Base(trial), nil
	case 2:
		return c.Args().Get(0), strings.Trim(c.Args().Get(1), "/"), nil
	}
	return "", "", exit.Usagef("batch logs: want a run folder and a trial; see %s --help", c.Command.HelpName)
}

func writeLogs(o console, folder *store.Folder, k result.Key, lines int) error {
	if err := writeTail(o, folder.LogPath(k), lines); err != nil {
		return err
	}
	s, element, err := batch.Latest(folder, k)
	if errors.Is(err, fs.ErrNotExist) {
		o.note("%v", err)
		return nil
	}
	if err != nil {
		return err
	}
	return writeTail(o, s.LogPath(element), lines)
}

// writeTail prints the end of a file under its name.
func writeTail(o console, file string, n int) error {
	b, err := store.Tail(file, store.MaxJSON)
	if errors.Is(err, fs.ErrNotExist) {
		o.note("%s: not written yet", file)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	lines := strings.SplitAfter(string(b), "\n")
	if n > 0 && len(lines) > n+1 {
		lines = lines[len(lines)-n-1:]
	}
	_, err = fmt.Fprintf(o.out, "==> %s <==\n%s\n", file, strings.TrimSuffix(strings.Join(lines, ""), "\n"))
	return err
}

func batchCancelCommand() *cli.Command {
	return &cli.Command{
		Name:      "cancel",
		Usage:     "cancel every job of a run folder that Slurm holds; what is running writes checkpoints first",
		ArgsUsage: "DIR",
		Action: func(c *cli.Context) error {
			folder, err := folderArg(c)
			if err != nil {
				return err
			}
			n, err := batch.Cancel(c.Context, folder)
			if err != nil {
				return exit.Failed(err)
			}
			_, err = fmt.Fprintf(c.App.Writer, "cancelled %s; `slimfit batch submit` goes on\n", text.Count(n, "array element"))
			return exit.Failed(err)
		},
	}
}
