package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/doctor"
	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/sweep"
	"slimfit/pkg/text"
	"slimfit/pkg/workerproc"
)

// doctorCommand looks at the machine and says what to do about each fault.
func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:      "doctor",
		ArgsUsage: "[FILE]",
		Usage:     "look at TensorFlow, processor, memory, disk, data sets and GPUs; say what to do about faults",
		Description: "Starts the worker to learn what it can do. Exit code 0: no fault; 1: at least one, " +
			"each printed with what to do about it. With the FILE of an experiment the number of workers is that experiment's: large networks " +
			"take memory.",
		Flags: []cli.Flag{workerFlag(), outFlag(), cacheFlag(), formatFlag("text", "json"),
			&cli.DurationFlag{Name: "timeout", Value: time.Minute, Usage: "how long to wait for the worker's answer (`TIME`, such as 90s)"}},
		Action: doctorAction,
	}
}

func doctorAction(c *cli.Context) error {
	if c.NArg() > 1 {
		return exit.Usagef("doctor: unexpected argument %q; see %s --help", c.Args().Get(1), c.Command.HelpName)
	}
	o := consoleOf(c)
	l := labOf(c, o)
	file, err := l.WorkerFile()
	if err != nil {
		return err
	}
	options := doctor.Options{Version: lab.Version(), Worker: file, Cache: l.Cache, Out: l.Out, Timeout: c.Duration("timeout")}
	if c.NArg() == 1 {
		e, err := l.Load(c.Context, c.Args().First(), nil)
		if err != nil {
			return err
		}
		options.Trials = e.Trials()
	}
	return examine(c.Context, o, options)
}

func examine(ctx context.Context, o console, options doctor.Options) error {
	r := doctor.Examine(ctx, options)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var err error
	if o.format == "json" {
		err = o.json(r)
	} else {
		err = writeDoctor(o.out, r)
	}
	if err != nil {
		return exit.Failed(fmt.Errorf("print what the doctor found: %w", err))
	}
	if len(r.Faults) > 0 {
		return exit.With(exit.Trials, nil)
	}
	return nil
}

// writeDoctor prints the report for a person: what there is, then what is wrong.
func writeDoctor(w io.Writer, r doctor.Report) error {
	t := text.Table{Head: []string{"slimfit", r.Slimfit + ", " + r.OS}, Left: 2}
	line := func(name, format string, args ...any) {
		t.Rows = append(t.Rows, []string{name, fmt.Sprintf(format, args...)})
	}
	line("worker", "%s", r.Worker.File)
	line("TensorFlow", "%s", tensorflowLine(r.Worker))
	line("CPU", "%s (%s)", text.OrUnknown(r.Machine.CPU), text.OrUnknown(strings.Join(r.Machine.Features, " ")))
	line("cores", "%d%s: %s by default", r.Machine.Cores, quotaText(r.Machine.Quota), workersText(r.Workers))
	line("memory", "%s available of %s", doctor.Bytes(r.Machine.MemoryAvailable), doctor.Bytes(r.Machine.MemoryTotal))
	line("GPUs", "%s", gpuLine(r.Worker, r.MPS))
	for _, d := range r.Datasets {
		line("data set", "%s: %s", d.Name, d.State)
	}
	for _, d := range r.Disks {
		line("disk", "%s for %s in %s", doctor.Bytes(d.Free), d.Use, d.Folder)
	}
	if err := t.Text(w); err != nil {
		return err
	}
	writeFaults(w, "to know", r.Advice)
	writeFaults(w, "FAULT", r.Faults)
	_, err := fmt.Fprintf(w, "\n%s\n", verdict(len(r.Faults)))
	return err
}

func writeFaults(w io.Writer, head string, faults []doctor.Fault) {
	for _, f := range faults {
		fmt.Fprintf(w, "\n%s (%s): %s\n  -> %s\n", head, f.Subject, f.Problem, f.Remedy)
	}
}

func verdict(faults int) string {
	if faults == 0 {
		return "No fault found."
	}
	return text.Count(faults, "fault") + " found."
}

func tensorflowLine(w doctor.Worker) string {
	version := "none: the worker does not start"
	if w.Environment != nil {
		version = fmt.Sprintf("%s on %s", w.Environment.TensorFlow, w.Environment.Device)
	}
	if w.Library.File == "" {
		return version
	}
	build := "unknown build"
	switch w.Library.Build {
	case workerproc.CPU:
		build = "CPU build"
	case workerproc.CUDA:
		build = "CUDA build"
	}
	return fmt.Sprintf("%s, %s, %s", version, build, w.Library.File)
}

func gpuLine(w doctor.Worker, mps bool) string {
	if w.Environment == nil {
		return "not known without the worker"
	}
	if len(w.GPUs) == 0 {
		return "none"
	}
	var names []string
	for _, g := range w.GPUs {
		names = append(names, fmt.Sprintf("%d: %s, %s, compute capability %s", g.Index, text.OrUnknown(g.Name), doctor.Bytes(int64(g.Memory)),
			text.OrUnknown(g.Capability)))
	}
	return fmt.Sprintf("%s (driver %s, CUDA %s, cuDNN %s, MPS %s)", strings.Join(names, "; "), text.OrUnknown(w.Environment.Driver),
		text.OrUnknown(w.Environment.CUDA), text.OrUnknown(w.Environment.CuDNN), map[bool]string{true: "runs", false: "does not run"}[mps])
}

func quotaText(quota float64) string {
	if quota == 0 {
		return ""
	}
	return fmt.Sprintf(", %.3g by the cgroup", quota)
}

func workersText(workers []sweep.Slot) string {
	words := text.Count(len(workers), "worker")
	if workers[0].Device.Visible != "" {
		words += " on GPUs"
	}
	return words
}
