package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

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

// statusCommand shows where a run folder stands, while it runs or after.
func statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "show what is done in a run folder, what runs there now and what failed",
		ArgsUsage: "DIR|FILE",
		Flags: []cli.Flag{runsFlag(), cacheFlag(), formatFlag("text", "json"),
			&cli.BoolFlag{Name: "deep", Usage: "read the trained weights and histories of all trials too, and name those that are damaged"},
			&cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, Usage: "show it again every few seconds until nothing is left"}},
		Action: func(c *cli.Context) error {
			folder, err := folderArg(c)
			if err != nil {
				return err
			}
			o := consoleOf(c)
			s := openStatus(labOf(c, o), folder)
			if c.Bool("deep") {
				return s.deep(o)
			}
			if c.Bool("watch") {
				return s.watch(c.Context, o)
			}
			return s.show(o, false, "")
		},
	}
}

// statusView is a run folder as status prints it.
type statusView struct {
	Experiment string `json:"experiment"`
	Folder     string `json:"folder"`
	sweep.Overview
	Doubts []string `json:"doubts,omitempty"` // with --deep: files beside results that are damaged

	folder *store.Folder
	viewer sweep.Viewer
	keys   []result.Key // of the experiment's trials; nil where it cannot be read
	label  func(result.Key) string
	// halfway says how far the checkpoints of unfinished trials are.
	halfway func() []string
}

// openStatus reads which trials there should be from the folder's experiment
// file. Where that is not possible, such as without the user's own data, status
// counts what it finds.
func openStatus(l *lab.Lab, folder *store.Folder) *statusView {
	s := &statusView{folder: folder, viewer: sweep.Viewer{Folder: folder}, Experiment: filepath.Base(folder.Dir), Folder: folder.Dir,
		label: result.Key.String, halfway: func() []string { return nil }}
	e := l.FolderExperiment(folder)
	if e == nil {
		return s
	}
	configs, trials := e.ByID(), e.Trials()
	s.keys = experiment.KeysOf(trials)
	s.halfway = func() []string { return lab.Halfway(e, folder, trials) }
	s.label = func(k result.Key) string {
		if cfg := configs[k.ConfigID]; cfg != nil {
			return fmt.Sprintf("%s, seed %d", e.Label(*cfg), k.Seed)
		}
		return k.String()
	}
	return s
}

// show looks and prints, after prefix.
func (s *statusView) show(o console, watched bool, prefix string) error {
	var err error
	if s.Overview, err = s.viewer.Look(s.keys); err != nil {
		return exit.Failed(err)
	}
	if o.format == "json" {
		return o.json(s)
	}
	var b strings.Builder
	if _, err := io.WriteString(steered(o.out), prefix); err != nil {
		return exit.Failed(err)
	}
	s.text(&b, o.columns())
	if watched && s.Running+s.Pending > 0 {
		fmt.Fprintf(&b, "in a browser: %s\n", shell.Line("slimfit", "serve", s.Folder))
	}
	return o.print([]byte(b.String()))
}

// deep is show after every file was read; damage is a fault.
func (s *statusView) deep(o console) error {
	results, damaged, err := s.folder.Results(store.Brief)
	if err == nil {
		s.Doubts, err = s.folder.AllDoubts(results, true)
	}
	if err != nil {
		return exit.Failed(err)
	}
	for _, d := range damaged {
		s.Doubts = append(s.Doubts, d.Error())
	}
	if err := s.show(o, false, ""); err != nil {
		return err
	}
	if n := len(s.Doubts); n > 0 {
		return exit.With(exit.Trials, fmt.Errorf("%s: %s damaged; `slimfit run` trains a trial again once its result.json is away", s.Experiment,
			text.Count(n, "file")))
	}
	return nil
}

// clearScreen moves a terminal's cursor home and clears what is below.
const clearScreen = "\x1b[H\x1b[2J"

// watch shows the status until every trial has a result.
func (s *statusView) watch(ctx context.Context, o console) error {
	prefix := ""
	if isTerminal(o.out) && o.format == "text" {
		prefix = clearScreen
	}
	for {
		begin := time.Now()
		if err := s.show(o, true, prefix); err != nil {
			return err
		}
		if s.Running == 0 && s.Pending == 0 {
			return nil
		}
		// A large folder is read for a sixth of the time at most.
		select {
		case <-time.After(max(2*time.Second, 5*time.Since(begin))):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// text is the status for a person.
func (s *statusView) text(w io.Writer, width int) {
	line := func(format string, args ...any) {
		io.WriteString(w, text.Wrap(fmt.Sprintf(format, args...), width, "", "  "))
	}
	line("%s: %s", s.Experiment, s.counts())
	if s.Search != nil {
		line("%s", text.Plain(s.Search.String()))
	}
	alive := false
	for _, d := range s.Doubts {
		line("damaged: %s", d)
	}
	for _, p := range s.Processes {
		s.process(w, p, width)
		alive = alive || p.Alive
	}
	if !alive && s.Pending > 0 {
		for _, words := range s.halfway() {
			line("%s", words)
		}
	}
	for _, f := range s.Failures {
		fmt.Fprintf(w, "%s: %s (%s): %s\n", f.Status, s.label(f.Key), f.Key, strings.ReplaceAll(text.Lines(f.Reason), "\n", "\n  "))
	}
	for _, d := range s.Damaged {
		fmt.Fprintf(w, "%s; `slimfit run` trains it again\n", d)
	}
}

func (s *statusView) counts() string {
	words := []string{fmt.Sprintf("%s: %s done", text.Count(s.Total, "trial"), text.Thousands(s.Done))}
	states := []string{"failed", "diverged", "running", "pending"}
	words = append(words, text.Parts(states, s.Failed, s.Diverged, s.Running, s.Pending)...)
	return strings.Join(words, ", ") + leftText(s.Left)
}

// process shows one process and its workers.
func (s *statusView) process(w io.Writer, p sweep.ProcessView, width int) {
	line := func(format string, args ...any) {
		io.WriteString(w, text.Wrap(fmt.Sprintf(format, args...), width, "", "  "))
	}
	silent := text.Roughly(p.Silent)
	if !p.Alive {
		line("process %d on %s: gone, last heard of %s ago; `slimfit run` goes on with its trials", p.PID, p.Host, silent)
		return
	}
	state := ""
	if p.State.Stopping {
		state = ", stopping"
	}
	line("process %d on %s, heard of %s ago%s%s", p.PID, p.Host, silent, state, leftText(p.State.Left))
	for i := range p.State.Workers {
		fmt.Fprintln(w, workerRow(p.State, i, width))
	}
}
