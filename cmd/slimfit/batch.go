package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/batch"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/lab"
	"slimfit/pkg/shell"
	"slimfit/pkg/store"
	"slimfit/pkg/text"
	"slimfit/pkg/yamlkeys"
)

// batchCommand runs experiments on a cluster's batch system.
func batchCommand() *cli.Command {
	return &cli.Command{
		Name:  "batch",
		Usage: "train an experiment on a Slurm cluster",
		Subcommands: []*cli.Command{
			batchSubmitCommand(),
			batchStatusCommand(),
			batchLogsCommand(),
			batchCancelCommand(),
		},
	}
}

func batchSubmitCommand() *cli.Command {
	return &cli.Command{
		Name:      "submit",
		Usage:     "submit what is not done and not queued yet as one job array",
		ArgsUsage: "FILE",
		Description: "Writes scripts and a task file into the run folder, which must lie where all nodes see it. Settings come from these flags, " +
			"then the experiment's batch section, then the site's file.",
		Flags: append(batchSettingFlags(), outFlag(), setFlag(), cacheFlag(), dryRunFlag(), workerFlag(), threadsFlag(), jobsFlag(),
			&cli.StringFlag{Name: "site", Value: siteFile(), DefaultText: "~/.config/slimfit/batch.yaml", Usage: "the site's settings: the keys of batch in a `FILE` of their own"},
			&cli.Float64Flag{Name: "trial-minutes", Usage: "one trial takes `MINUTES` on one worker of the partition (default: by finished results from there)"},
			&cli.IntFlag{Name: "workers-per-gpu", Value: 1, Usage: "`N` workers share each GPU"},
			&cli.DurationFlag{Name: "checkpoint", Usage: "`TIME` between checkpoints of a trial (default: that of run)"},
			&cli.DurationFlag{Name: "lease", Usage: "`TIME` without a sign of life after which other elements take trials over (default: that of run)"},
			&cli.StringFlag{Name: "keep", Usage: "`WHOSE` trained weights stay: all, best or none (default: that of run)"},
			&cli.BoolFlag{Name: "retry-failed", Usage: "submit the trials again that failed in an earlier run"},
			&cli.BoolFlag{Name: "no-report", Usage: "submit no job that writes the report at the end"}),
		Action: func(c *cli.Context) error {
			o, err := batchOptionsOf(c)
			if err != nil {
				return err
			}
			return batchSubmit(c.Context, o)
		},
	}
}

// batchFlag is the flag that stands for a key of batch; that of a list adds one
// item to it, as often as it is given.
func batchFlag(k yamlkeys.Key) (name string, list bool) {
	name = strings.ReplaceAll(k.Name, "_", "-")
	if _, list = k.Form(yamlkeys.ListKind); list {
		name = strings.TrimSuffix(name, "s")
	}
	return name, list
}

func batchSettingFlags() []cli.Flag {
	var flags []cli.Flag
	for _, k := range experiment.BatchKeys() {
		name, list := batchFlag(k)
		usage := "`" + strings.ToUpper(name[strings.LastIndex(name, "-")+1:]) + "`: " + strings.TrimSuffix(k.Doc, ".")
		if list {
			flags = append(flags, &cli.StringSliceFlag{Name: name, Usage: usage + " (repeatable)"})
		} else {
			flags = append(flags, &cli.StringFlag{Name: name, Usage: usage})
		}
	}
	return flags
}

// siteFile is where a user or a site keeps its settings.
func siteFile() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "slimfit", "batch.yaml")
}

// batchOptions are what a submission is asked for.
type batchOptions struct {
	console
	lab          *lab.Lab
	file         string // the experiment file
	sets         []string
	given        []string // settings of flags, as --set takes them
	site         string   // the site's file
	siteGiven    bool
	trialMinutes float64
	passed       []string // flags for run, as they are
	dryRun       bool
	report       bool
}

// maxTrialMinutes is a year.
const maxTrialMinutes = 365 * 24 * 60

// batchOptionsOf refuses what would fail in every element, or makes no sense.
func batchOptionsOf(c *cli.Context) (batchOptions, error) {
	o := batchOptions{console: consoleOf(c), sets: sets(c), site: c.String("site"), trialMinutes: c.Float64("trial-minutes"),
		dryRun: c.Bool("dry-run"), report: !c.Bool("no-report")}
	o.siteGiven = c.IsSet("site") && o.site != ""
	o.lab = labOf(c, o.console)
	if t := o.trialMinutes; c.IsSet("trial-minutes") && !(t > 0 && t <= maxTrialMinutes) {
		return o, exit.Usagef("--trial-minutes %g: need more than 0, and at most the %d of a year", t, maxTrialMinutes)
	}
	var err error
	if o.lab.Work, err = workOf(c); err != nil {
		return o, err
	}
	if o.file, err = oneArg(c, "experiment file"); err != nil {
		return o, err
	}
	if c.IsSet("checkpoint") {
		o.passed = append(o.passed, fmt.Sprintf("--checkpoint=%v", o.lab.Work.Checkpoint))
	}
	if c.IsSet("lease") {
		o.passed = append(o.passed, fmt.Sprintf("--lease=%v", o.lab.Work.Lease))
	}
	if keep := o.lab.Work.Keep; keep != "" {
		o.passed = append(o.passed, "--keep="+string(keep))
	}
	for _, k := range experiment.BatchKeys() {
		name, list := batchFlag(k)
		value := ""
		if !list {
			value = c.String(name)
		} else if items := c.StringSlice(name); len(items) > 0 {
			for i := range items {
				items[i] = strconv.Quote(items[i])
			}
			value = "[" + strings.Join(items, ", ") + "]"
		}
		if value != "" {
			o.given = append(o.given, "batch."+k.Name+"="+value)
		}
	}
	return o, nil
}

// settings joins flags, experiment, site file and defaults; the first that says
// something holds.
func (o batchOptions) settings(e *experiment.Experiment) (experiment.Batch, error) {
	flags, err := experiment.ParseBatch("", []byte("{}"), o.given)
	if err != nil {
		return flags, exit.With(exit.Usage, flagErrors(err))
	}
	site, err := experiment.LoadBatch(o.site, nil)
	if errors.Is(err, fs.ErrNotExist) && !o.siteGiven {
		err = nil
	}
	if err != nil {
		return site, exit.With(exit.Usage, err)
	}
	return flags.Or(e.Batch).Or(site).Or(experiment.DefaultBatch()), nil
}

// flagErrors names the flag where experiment names the key.
func flagErrors(err error) error {
	var faults yamlkeys.Errors
	if !errors.As(err, &faults) {
		return err
	}
	for _, f := range faults {
		for _, k := range experiment.BatchKeys() {
			if value, ok := strings.CutPrefix(f.File, "--set batch."+k.Name+"="); ok {
				name, _ := batchFlag(k)
				f.File = "--" + name + " " + value
			}
		}
	}
	return faults
}

func batchSubmit(ctx context.Context, o batchOptions) error {
	e, err := o.lab.Load(ctx, o.file, o.sets)
	if err != nil {
		return err
	}
	r, err := o.request(e)
	if err != nil {
		return err
	}
	if o.dryRun {
		p, err := batch.Prepare(ctx, r)
		if err != nil {
			return exit.Failed(err)
		}
		return o.writePrepared(p)
	}
	if err := o.lab.CheckData(e); err != nil {
		return err
	}
	if r.Folder, err = o.lab.Create(e); err != nil {
		return err
	}
	p, ids, err := batch.Submit(ctx, r)
	for _, n := range p.Notes {
		o.note("%s", n)
	}
	if len(ids) > 0 || err == nil {
		if werr := o.writeSubmitted(p, ids, r.Folder); err == nil {
			err = werr
		}
	}
	return exit.Failed(err)
}

func (o batchOptions) request(e *experiment.Experiment) (batch.Request, error) {
	var r batch.Request
	b, err := o.settings(e)
	if err != nil {
		return r, err
	}
	dir, err := filepath.Abs(filepath.Join(o.lab.Out, e.Name))
	if err != nil {
		return r, exit.Failed(fmt.Errorf("find the run folder: %w", err))
	}
	workers := o.lab.Work.Jobs
	if workers < 1 {
		workers = max(1, b.CPUs/o.lab.Work.Threads)
		if b.GPUs > 0 {
			workers = b.GPUs * max(1, o.lab.Work.WorkersPerGPU)
		}
	}
	program, err := o.program(b, workers)
	if err != nil {
		return r, err
	}
	return batch.Request{Folder: &store.Folder{Dir: dir}, Experiment: e, Settings: b, Workers: workers, RetryFailed: o.lab.Work.RetryFailed,
		TrialMinutes: o.trialMinutes, Report: o.report, Program: program, Say: o.note}, nil
}

// program is the command line of an element, every path absolute.
func (o batchOptions) program(b experiment.Batch, workers int) (batch.Program, error) {
	self, err := os.Executable()
	if err != nil {
		return batch.Program{}, exit.Failed(fmt.Errorf("find slimfit itself: %w", err))
	}
	worker, err := o.lab.WorkerFile()
	if err != nil {
		return batch.Program{}, err
	}
	cache, err := filepath.Abs(o.lab.Cache)
	if err != nil {
		return batch.Program{}, exit.Failed(fmt.Errorf("find the cache: %w", err))
	}
	p := batch.Program{Slimfit: self, Run: []string{"--worker=" + worker, "--cache=" + cache, fmt.Sprintf("--jobs=%d", workers)},
		Report: []string{"--cache=" + cache}}
	if n := o.lab.Work.Threads; n != 1 {
		p.Run = append(p.Run, fmt.Sprintf("--threads=%d", n))
	}
	if n := o.lab.Work.WorkersPerGPU; n > 1 && b.GPUs > 0 {
		p.Run = append(p.Run, fmt.Sprintf("--workers-per-gpu=%d", n))
	}
	if b.GPUMemoryFraction < 1 && b.GPUs > 0 {
		p.Run = append(p.Run, fmt.Sprintf("--gpu-memory-fraction=%g", b.GPUMemoryFraction))
	}
	p.Run = append(p.Run, o.passed...)
	return p, nil
}

// writePrepared prints what a submission would be.
func (o batchOptions) writePrepared(p batch.Prepared) error {
	for _, n := range p.Notes {
		o.note("%s", n)
	}
	o.note("%s", leftLine(p.Left))
	if len(p.Tasks.Elements) == 0 {
		o.note("nothing to submit")
		return nil
	}
	o.note("%s", elementsLine(p))
	words := p.Array
	if p.Report != "" {
		words += "\n# ---- the report job, after any outcome ----\n\n" + p.Report
	}
	return o.print([]byte(words))
}

// writeSubmitted says what was submitted, and what to do next.
func (o batchOptions) writeSubmitted(p batch.Prepared, ids []string, folder *store.Folder) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", p.Tasks.Experiment, leftLine(p.Left))
	switch {
	case len(ids) > 0:
		noun := "job array"
		if len(ids) > 1 {
			noun = "job arrays"
		}
		fmt.Fprintf(&b, "submitted %s %s: %s\n", noun, strings.Join(ids, ", "), elementsLine(p))
		fmt.Fprintf(&b, "scripts and logs: %s\n", p.Dir)
	case p.Left.Missing == 0:
		fmt.Fprintf(&b, "nothing to submit\n")
	}
	fmt.Fprintf(&b, "to follow: %s\n", shell.Line("slimfit", "batch", "status", filepath.Join(o.lab.Out, filepath.Base(folder.Dir))))
	return o.print([]byte(b.String()))
}

// leftLine is "24 trials: 3 finished, 6 queued, 15 to submit".
func leftLine(l batch.Left) string {
	states := []string{"finished", "in the queue", "in training outside of it", "to submit"}
	parts := text.Parts(states, l.Finished, l.Queued, l.Running, l.Missing)
	return strings.TrimSpace(text.Count(l.Total, "trial") + ": " + strings.Join(parts, ", "))
}

// elementsLine says how the trials are divided, and by what.
func elementsLine(p batch.Prepared) string {
	longest := 0.0
	for _, e := range p.Tasks.Elements {
		longest = max(longest, e.Seconds/float64(p.Tasks.Workers))
	}
	return fmt.Sprintf("%s of %s, up to %s each (%s)", text.Count(len(p.Tasks.Elements), "element"), text.Count(p.Tasks.Workers, "worker"),
		text.Roughly(longest), p.Speed.From)
}
