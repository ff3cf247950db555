package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/store"
)

// prepare gives every command what all of them share: -q and -v, each flag's
// SLIMFIT_<FLAG> variable, and one way to report a wrong command line.
func prepare(commands []*cli.Command) []*cli.Command {
	for _, c := range commands {
		c.HideHelpCommand = true
		c.OnUsageError = usageError
		if len(c.Subcommands) > 0 {
			prepare(c.Subcommands)
			if c.Action == nil {
				c.Action = groupAction
			}
			continue
		}
		c.Flags = append(c.Flags,
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only on stderr"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print details on stderr"})
		for _, f := range c.Flags {
			fromEnvironment(f)
		}
	}
	return commands
}

// envVar is the environment variable of a flag: SLIMFIT_DRY_RUN for dry-run.
func envVar(flag string) string {
	return "SLIMFIT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func fromEnvironment(f cli.Flag) {
	env := []string{envVar(f.Names()[0])}
	switch f := f.(type) {
	case *cli.BoolFlag:
		f.EnvVars = env
	case *cli.StringFlag:
		f.EnvVars = env
	case *cli.StringSliceFlag:
		f.EnvVars = env
	case *cli.PathFlag:
		f.EnvVars = env
	case *cli.IntFlag:
		f.EnvVars = env
	case *cli.Int64Flag:
		f.EnvVars = env
	case *cli.UintFlag:
		f.EnvVars = env
	case *cli.Float64Flag:
		f.EnvVars = env
	case *cli.DurationFlag:
		f.EnvVars = env
	}
}

// dropEmptyVariables makes an empty SLIMFIT_<FLAG> the same as none.
func dropEmptyVariables() {
	for _, entry := range os.Environ() {
		if name, ok := strings.CutSuffix(entry, "="); ok && strings.HasPrefix(name, "SLIMFIT_") {
			os.Unsetenv(name)
		}
	}
}

// Flags that several commands take, in one wording.

// defaultOut is where run folders go.
const defaultOut = store.DefaultOut

func outFlag() cli.Flag {
	return &cli.StringFlag{Name: "out", Aliases: []string{"o"}, Value: defaultOut, Usage: "the `FOLDER` above the run folders <name>/"}
}

func jobsFlag() cli.Flag {
	return &cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "worker processes, `N` side by side (default: what the machine allows)"}
}

func dryRunFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done and do nothing"}
}

func setFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "set", Usage: "override a key of the experiment file, such as train.steps=2000 (`KEY=VALUE`, repeatable; one a line in the variable)"}
}

func cacheFlag() cli.Flag {
	return &cli.StringFlag{Name: "cache", Value: dataset.DefaultCache(), DefaultText: "the user's cache folder", Usage: "the `FOLDER` of fetched data sets"}
}

// formatFlag offers the formats that a command can write; the first is the default.
func formatFlag(formats ...string) cli.Flag {
	return &cli.StringFlag{Name: "format", Value: formats[0], Usage: "`FORMAT` of the output: " + strings.Join(formats, ", "),
		Action: func(c *cli.Context, got string) error {
			if !slices.Contains(formats, got) {
				return usagef("%s %s: want one of %s", origin(c, "format"), got, strings.Join(formats, ", "))
			}
			return nil
		}}
}

// sets returns the --set values; in the environment variable each line is one.
func sets(c *cli.Context) []string {
	var all []string
	for _, s := range c.StringSlice("set") {
		all = append(all, strings.FieldsFunc(s, func(r rune) bool { return r == '\n' })...)
	}
	return all
}

// typed says whether a flag stands on the command line. A variable may be set
// for other commands: that one has no use for it is no fault.
func typed(c *cli.Context, flag string) bool {
	i := slices.IndexFunc(c.Command.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), flag) })
	if i < 0 || !c.IsSet(flag) {
		return false
	}
	for _, a := range commandLine(c) {
		if a == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if strings.HasPrefix(a, "-") && slices.Contains(c.Command.Flags[i].Names(), name) {
			return true
		}
	}
	return false
}

// origin is what gave a flag its value: itself, or its variable.
func origin(c *cli.Context, flag string) string {
	if c.IsSet(flag) && !typed(c, flag) {
		return envVar(flag)
	}
	return "--" + flag
}

// atLeast refuses a number that is too small.
func atLeast(c *cli.Context, flag string, least int) error {
	if n := c.Int(flag); n < least {
		return usagef("%s %d: need at least %d", origin(c, flag), n, least)
	}
	return nil
}

// loadExperiment reads one experiment file with the command's --set and
// --cache; its errors are usage errors, but for a signal. Warnings go to stderr.
func loadExperiment(c *cli.Context, file string) (*experiment.Experiment, error) {
	out := c.String("out")
	if out == "" { // the command has no such flag
		out = defaultOut
	}
	from := experiment.Sources{
		Describe: func(ref dataset.Ref) (models.Data, error) { return dataset.Describe(ref, c.String("cache")) },
		Teacher:  func(run string) (experiment.Teacher, error) { return findTeacher(run, out) },
	}
	e, err := untilStopped(c.Context, func() (*experiment.Experiment, error) { return experiment.LoadFrom(file, sets(c), from) })
	if c.Context.Err() != nil {
		return nil, context.Cause(c.Context)
	}
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	detail(c, "%s: data set %s, digest %.12s: %d training, %d validation and %d test images of %s in %d classes", file, e.Data.Name, e.Data.Digest,
		e.Data.Train, e.Data.Validation, e.Data.Test, e.Data.Input, e.Data.Classes)
	for _, w := range e.Warnings {
		note(c, "%s: %s", file, w)
	}
	return e, nil
}

// note prints a line for the person at the terminal, unless -q.
func note(c *cli.Context, format string, args ...any) {
	if !c.Bool("quiet") {
		fmt.Fprintln(c.App.ErrWriter, printableLines(fmt.Sprintf(format, args...)))
	}
}

// detail prints a line with -v only.
func detail(c *cli.Context, format string, args ...any) {
	if c.Bool("verbose") && !c.Bool("quiet") {
		fmt.Fprintln(c.App.ErrWriter, printableLines(fmt.Sprintf(format, args...)))
	}
}
