package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// statusCommand shows where a run folder stands, while it runs or after.
func statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "show what is done in a run folder, what runs there now and what failed",
		ArgsUsage: "DIR",
		Flags: []cli.Flag{cacheFlag(), formatFlag("text", "json"),
			&cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, Usage: "show it again every few seconds until nothing is left"}},
		Action: func(c *cli.Context) error {
			dir, err := oneArg(c, "run folder")
			if err != nil {
				return err
			}
			folder, err := openFolder(dir)
			if err != nil {
				return err
			}
			s := statusView{folder: folder, viewer: sweep.Viewer{Folder: folder}, Experiment: filepath.Base(folder.Dir), Folder: folder.Dir}
			s.load(c)
			if c.Bool("watch") {
				return s.watch(c)
			}
			return s.show(c, "")
		},
	}
}

// statusView is a run folder as status prints it.
type statusView struct {
	Experiment string `json:"experiment"`
	Folder     string `json:"folder"`
	sweep.Overview

	folder *store.Folder
	viewer sweep.Viewer
	keys   []result.Key // of the experiment's trials; nil where it cannot be read
	label  func(result.Key) string
}

// load reads which trials there should be from the folder's experiment file.
// Where that is not possible, such as without the user's own data, status counts
// what it finds.
func (s *statusView) load(c *cli.Context) {
	s.label = result.Key.String
	e, err := experiment.Load(s.folder.ExperimentPath(), nil, func(ref dataset.Ref) (models.Data, error) {
		return dataset.Describe(ref, c.String("cache"))
	})
	if err != nil {
		note(c, "how many trials there should be is not known: %v", err)
		return
	}
	configs := map[string]*experiment.Configuration{}
	for _, t := range e.Trials() {
		s.keys = append(s.keys, t.Key())
		configs[t.ID] = t.Configuration
	}
	s.label = func(k result.Key) string {
		if cfg := configs[k.ConfigID]; cfg != nil {
			return fmt.Sprintf("%s, seed %d", e.Label(*cfg), k.Seed)
		}
		return k.String()
	}
}

// show looks and prints, after prefix.
func (s *statusView) show(c *cli.Context, prefix string) error {
	var err error
	if s.Overview, err = s.viewer.Look(s.keys); err != nil {
		return ioError(err)
	}
	if c.String("format") == "json" {
		enc := json.NewEncoder(c.App.Writer)
		enc.SetIndent("", "  ")
		return ioError(enc.Encode(s))
	}
	var b strings.Builder
	b.WriteString(prefix)
	s.text(&b)
	_, err = io.WriteString(c.App.Writer, b.String())
	return ioError(err)
}

// clearScreen moves a terminal's cursor home and clears what is below.
const clearScreen = "\x1b[H\x1b[2J"

// watch shows the status until every trial has a result.
func (s *statusView) watch(c *cli.Context) error {
	prefix := ""
	if isTerminal(c.App.Writer) && c.String("format") == "text" {
		prefix = clearScreen
	}
	for {
		begin := time.Now()
		if err := s.show(c, prefix); err != nil {
			return err
		}
		if s.Running == 0 && s.Pending == 0 {
			return nil
		}
		// A large folder is read for a sixth of the time at most.
		select {
		case <-time.After(max(2*time.Second, 5*time.Since(begin))):
		case <-c.Context.Done():
			return c.Context.Err()
		}
	}
}

// text is the status for a person.
func (s *statusView) text(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", s.Experiment, s.counts())
	for _, p := range s.Processes {
		s.process(w, p)
	}
	for _, f := range s.Failures {
		fmt.Fprintf(w, "%s: %s (%s): %s\n", f.Status, s.label(f.Key), f.Key, strings.ReplaceAll(printableLines(f.Reason), "\n", "\n  "))
	}
	for _, d := range s.Damaged {
		fmt.Fprintf(w, "%s; `slimfit run` trains it again\n", d)
	}
}

func (s *statusView) counts() string {
	text := fmt.Sprintf("%s: %s done", count(s.Total, "trial"), thousands(s.Done))
	for _, n := range []struct {
		count int
		what  string
	}{{s.Failed, "failed"}, {s.Diverged, "diverged"}, {s.Running, "running"}, {s.Pending, "pending"}} {
		if n.count > 0 {
			text += fmt.Sprintf(", %s %s", thousands(n.count), n.what)
		}
	}
	return text + leftText(s.Left)
}

// process shows one process and its workers.
func (s *statusView) process(w io.Writer, p sweep.ProcessView) {
	silent := roughly(time.Duration(p.Silent * float64(time.Second)))
	if !p.Alive {
		fmt.Fprintf(w, "process %d on %s: gone, last heard of %s ago; `slimfit run` goes on with its trials\n", p.PID, p.Host, silent)
		return
	}
	state := ""
	if p.State.Stopping {
		state = ", stopping"
	}
	fmt.Fprintf(w, "process %d on %s, heard of %s ago%s%s\n", p.PID, p.Host, silent, state, leftText(p.State.Left))
	for i := range p.State.Workers {
		fmt.Fprintln(w, workerRow(p.State, i, 120))
	}
}
