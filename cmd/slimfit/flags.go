package main

import (
	"cmp"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// prepare gives every command what all of them share: -q and -v, each flag's
// SLIMFIT_<FLAG> variable, its help, and one way to report a wrong command line.
func prepare(commands []*cli.Command, program string) []*cli.Command {
	for _, c := range commands {
		c.HideHelpCommand = true
		c.OnUsageError = usageError
		if len(c.Subcommands) > 0 {
			prepare(c.Subcommands, program+" "+c.Name)
			c.CustomHelpTemplate = help(c, program+" "+c.Name)
			if c.Action == nil {
				c.Action = groupAction
			}
			continue
		}
		c.Flags = append(c.Flags,
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only on stderr"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print details on stderr"})
		for _, f := range c.Flags { // every kind of flag has the field
			reflect.ValueOf(f).Elem().FieldByName("EnvVars").Set(reflect.ValueOf([]string{envVar(f.Names()[0])}))
		}
		c.CustomHelpTemplate = help(c, program+" "+c.Name)
	}
	return commands
}

// envVar is the environment variable of a flag: SLIMFIT_DRY_RUN for dry-run.
func envVar(flag string) string {
	return "SLIMFIT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
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
	return &cli.StringSliceFlag{Name: "set", Usage: "override a key of the experiment file, such as train.steps=2000 (`KEY=VALUE`, " +
		"repeatable; one a line in the variable)"}
}

func cacheFlag() cli.Flag {
	return &cli.StringFlag{Name: "cache", Value: dataset.DefaultCache(), DefaultText: "the user's cache folder",
		Usage: "the `FOLDER` of fetched data sets"}
}

// formatFlag offers the formats that a command can write; the first is the default.
func formatFlag(formats ...string) cli.Flag {
	return &cli.StringFlag{Name: "format", Value: formats[0], Usage: "`FORMAT` of the output: " + strings.Join(formats, ", "),
		Action: func(c *cli.Context, got string) error {
			if !slices.Contains(formats, got) {
				return exit.Usagef("%s %s: want one of %s", origin(c, "format"), got, strings.Join(formats, ", "))
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

// labOf reads the flags that say where a command works and with what; those
// that it does not have keep their defaults.
func labOf(c *cli.Context, o console) *lab.Lab {
	return &lab.Lab{Out: cmp.Or(c.String("out"), defaultOut), Cache: c.String("cache"), Worker: c.String("worker"), Python: c.String("python"),
		Trust: c.Bool("trust"), NoMeasure: c.Bool("no-measure") || c.Bool("dry-run"),
		Note: o.note, Detail: o.detail, Speak: o.speak,
		Watch: func() (func(sweep.Event), func()) {
			p := newProgress(o)
			return p.event, p.close
		}}
}
