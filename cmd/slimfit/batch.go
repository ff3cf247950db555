package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/batch"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/shell"
	"slimfit/pkg/store"
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
		Action: batchSubmit,
	}
}

// setting is a flag that stands for a key of batch.
type setting struct{ flag, key, value, usage string }

func batchSettings() []setting {
	return []setting{
		{"engine", "engine", "NAME", "the batch system: slurm"},
		{"partition", "partition", "NAME", "sbatch --partition"},
		{"account", "account", "NAME", "sbatch --account"},
		{"qos", "qos", "NAME", "sbatch --qos"},
		{"time", "time", "TIME", "limit of one array element: minutes, or as Slurm writes it"},
		{"gpus", "gpus", "N", "GPUs of one element"},
		{"cpus", "cpus", "N", "CPU cores of one element"},
		{"memory", "memory", "SIZE", "memory of one element, such as 16G"},
		{"throttle", "throttle", "N", "elements that run at once"},
		{"min-minutes", "min_minutes", "MINUTES", "short trials share an element until it runs about this long"},
		{"gpu-memory-fraction", "gpu_memory_fraction", "SHARE", "share of a GPU's memory that one worker may take"},
	}
}

// batchLists are the flags that add lines to a list of batch.
func batchLists() []setting {
	return []setting{
		{"extra", "extra", "OPTION", "one more sbatch option, such as --extra=--constraint=a100 (repeatable)"},
		{"module", "modules", "NAME", "an environment module to load first (repeatable)"},
		{"setup", "setup", "LINE", "a shell line before the work (repeatable)"},
	}
}

func batchSettingFlags() []cli.Flag {
	var flags []cli.Flag
	for _, s := range batchSettings() {
		flags = append(flags, &cli.StringFlag{Name: s.flag, Usage: fmt.Sprintf("`%s`: %s", s.value, s.usage)})
	}
	for _, s := range batchLists() {
		flags = append(flags, &cli.StringSliceFlag{Name: s.flag, Usage: fmt.Sprintf("`%s`: %s", s.value, s.usage)})
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

// batchOf joins flags, experiment, site file and defaults; the first that says
// something holds.
func batchOf(c *cli.Context, e *experiment.Experiment) (experiment.Batch, error) {
	var given []string
	for _, s := range batchSettings() {
		if v := c.String(s.flag); v != "" {
			given = append(given, "batch."+s.key+"="+v)
		}
	}
	for _, s := range batchLists() {
		var quoted []string
		for _, v := range c.StringSlice(s.flag) {
			quoted = append(quoted, strconv.Quote(v))
		}
		if len(quoted) > 0 {
			given = append(given, "batch."+s.key+"=["+strings.Join(quoted, ", ")+"]")
		}
	}
	flags, err := experiment.ParseBatch("", []byte("{}"), given)
	if err != nil {
		return flags, &exitError{code: exitUsage, err: flagErrors(err)}
	}
	site, err := experiment.LoadBatch(c.String("site"), nil)
	if errors.Is(err, fs.ErrNotExist) && (!c.IsSet("site") || c.String("site") == "") {
		err = nil
	}
	if err != nil {
		return site, &exitError{code: exitUsage, err: err}
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
		for _, s := range append(batchSettings(), batchLists()...) {
			if value, ok := strings.CutPrefix(f.File, "--set batch."+s.key+"="); ok {
				f.File = "--" + s.flag + " " + value
			}
		}
	}
	return faults
}

// maxTrialMinutes is a year.
const maxTrialMinutes = 365 * 24 * 60

// checkBatchFlags refuses what would fail in every element, or makes no sense.
func checkBatchFlags(c *cli.Context) error {
	if t := c.Float64("trial-minutes"); c.IsSet("trial-minutes") && !(t > 0 && t <= maxTrialMinutes) {
		return usagef("--trial-minutes %g: need more than 0, and at most the %d of a year", t, maxTrialMinutes)
	}
	return checkWorkFlags(c)
}

func batchSubmit(c *cli.Context) error {
	if err := checkBatchFlags(c); err != nil {
		return err
	}
	file, err := oneArg(c, "experiment file")
	if err != nil {
		return err
	}
	e, err := loadExperiment(c, file)
	if err != nil {
		return err
	}
	r, err := batchRequest(c, e)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		p, err := batch.Prepare(c.Context, r)
		if err != nil {
			return ioError(err)
		}
		return ioError(writePrepared(c, p))
	}
	if err := checkData(c, e); err != nil {
		return err
	}
	if r.Folder, err = store.Create(c.String("out"), e.Name, e.Source); err != nil {
		return ioError(err)
	}
	p, ids, err := batch.Submit(c.Context, r)
	for _, n := range p.Notes {
		note(c, "%s", n)
	}
	if len(ids) > 0 || err == nil {
		if werr := writeSubmitted(c, p, ids, r.Folder); err == nil {
			err = werr
		}
	}
	return ioError(err)
}

func batchRequest(c *cli.Context, e *experiment.Experiment) (batch.Request, error) {
	var r batch.Request
	b, err := batchOf(c, e)
	if err != nil {
		return r, err
	}
	dir, err := filepath.Abs(filepath.Join(c.String("out"), e.Name))
	if err != nil {
		return r, ioError(fmt.Errorf("find the run folder: %w", err))
	}
	workers := c.Int("jobs")
	if workers < 1 {
		workers = max(1, b.CPUs/c.Int("threads"))
		if b.GPUs > 0 {
			workers = b.GPUs * c.Int("workers-per-gpu")
		}
	}
	program, err := batchProgram(c, b, workers)
	if err != nil {
		return r, err
	}
	return batch.Request{Folder: &store.Folder{Dir: dir}, Experiment: e, Settings: b, Workers: workers, RetryFailed: c.Bool("retry-failed"),
		TrialMinutes: c.Float64("trial-minutes"), Report: !c.Bool("no-report"), Program: program,
		Say: func(format string, args ...any) { note(c, format, args...) }}, nil
}

// batchProgram is the command line of an element, every path absolute.
func batchProgram(c *cli.Context, b experiment.Batch, workers int) (batch.Program, error) {
	self, err := os.Executable()
	if err != nil {
		return batch.Program{}, ioError(fmt.Errorf("find slimfit itself: %w", err))
	}
	worker, err := workerFile(c)
	if err != nil {
		return batch.Program{}, err
	}
	cache, err := filepath.Abs(c.String("cache"))
	if err != nil {
		return batch.Program{}, ioError(fmt.Errorf("find the cache: %w", err))
	}
	p := batch.Program{Slimfit: self, Run: []string{"--worker=" + worker, "--cache=" + cache, fmt.Sprintf("--jobs=%d", workers)}, Report: []string{"--cache=" + cache}}
	if n := c.Int("threads"); n != 1 {
		p.Run = append(p.Run, fmt.Sprintf("--threads=%d", n))
	}
	if n := c.Int("workers-per-gpu"); n != 1 && b.GPUs > 0 {
		p.Run = append(p.Run, fmt.Sprintf("--workers-per-gpu=%d", n))
	}
	if b.GPUMemoryFraction < 1 && b.GPUs > 0 {
		p.Run = append(p.Run, fmt.Sprintf("--gpu-memory-fraction=%g", b.GPUMemoryFraction))
	}
	for _, name := range []string{"checkpoint", "lease"} {
		if c.IsSet(name) {
			p.Run = append(p.Run, fmt.Sprintf("--%s=%v", name, c.Duration(name)))
		}
	}
	if keep := c.String("keep"); keep != "" {
		p.Run = append(p.Run, "--keep="+keep)
	}
	return p, nil
}

// writePrepared prints what a submission would be.
func writePrepared(c *cli.Context, p batch.Prepared) error {
	for _, n := range p.Notes {
		note(c, "%s", n)
	}
	note(c, "%s", leftLine(p.Left))
	if len(p.Tasks.Elements) == 0 {
		note(c, "nothing to submit")
		return nil
	}
	note(c, "%s", elementsLine(p))
	text := p.Array
	if p.Report != "" {
		text += "\n# ---- the report job, after any outcome ----\n\n" + p.Report
	}
	_, err := io.WriteString(c.App.Writer, text)
	return err
}

// writeSubmitted says what was submitted, and what to do next.
func writeSubmitted(c *cli.Context, p batch.Prepared, ids []string, folder *store.Folder) error {
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
	fmt.Fprintf(&b, "to follow: %s\n", shell.Line("slimfit", "batch", "status", filepath.Join(c.String("out"), filepath.Base(folder.Dir))))
	_, err := io.WriteString(c.App.Writer, b.String())
	return err
}

// leftLine is "24 trials: 3 finished, 6 queued, 15 to submit".
func leftLine(l batch.Left) string {
	text := count(l.Total, "trial") + ":"
	sep := " "
	for _, n := range []struct {
		count int
		what  string
	}{{l.Finished, "finished"}, {l.Queued, "in the queue"}, {l.Running, "in training outside of it"}, {l.Missing, "to submit"}} {
		if n.count > 0 {
			text, sep = text+sep+thousands(n.count)+" "+n.what, ", "
		}
	}
	return text
}

// elementsLine says how the trials are divided, and by what.
func elementsLine(p batch.Prepared) string {
	longest := 0.0
	for _, e := range p.Tasks.Elements {
		longest = max(longest, e.Seconds/float64(p.Tasks.Workers))
	}
	return fmt.Sprintf("%s of %s, up to %s each (%s)", count(len(p.Tasks.Elements), "element"), count(p.Tasks.Workers, "worker"),
		roughly(time.Duration(longest*float64(time.Second))), p.Speed.From)
}

// folderExperiment reads a run folder's experiment; nil, with a note, where
// that is not possible.
func folderExperiment(c *cli.Context, folder *store.Folder) *experiment.Experiment {
	e, err := experiment.Load(folder.ExperimentPath(), nil, func(ref dataset.Ref) (models.Data, error) {
		return dataset.Describe(ref, c.String("cache"))
	})
	if err != nil {
		note(c, "how many trials there should be is not known: %v", err)
		return nil
	}
	return e
}
