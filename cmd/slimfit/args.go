package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/shell"
	"slimfit/pkg/store"
	"slimfit/pkg/yamlkeys"
)

// flagsFirst moves the flags of a command before its arguments, as the cli
// library stops reading flags at the first argument: `run FILE -j 2` becomes
// `run -j 2 FILE`. Everything after "--" stays where it is. Who asks for help
// gets it, whatever else is on the line, and `help run` is `run --help`.
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) < 2 || args[len(args)-1] == "--generate-bash-completion" { // which must stay last
		return args
	}
	if args[1] == "help" {
		args = append(append(args[:1:1], args[2:]...), "--help")
	}
	head, rest := args[:1], args[1:]
	flags, commands := app.Flags, app.Commands
	for len(rest) > 0 { // down to the innermost command
		c := find(commands, rest[0])
		if c == nil {
			break
		}
		head = append(head[:len(head):len(head)], rest[0])
		rest, flags, commands = rest[1:], c.Flags, c.Subcommands
	}
	if len(head) == 1 || len(commands) > 0 {
		return args
	}
	var options, values []string
	for i := 0; i < len(rest); i++ {
		a := rest[i]
		if a == "--" {
			values = append(values, rest[i+1:]...)
			break
		}
		if a == "-" || !strings.HasPrefix(a, "-") {
			values = append(values, a)
			continue
		}
		if isHelp(a) {
			return append(head[:len(head):len(head)], "--help")
		}
		options = append(options, a)
		if i+1 < len(rest) && !strings.Contains(a, "=") && takesValue(flags, strings.TrimLeft(a, "-")) {
			i++
			options = append(options, rest[i])
		}
	}
	return append(append(append(head[:len(head):len(head)], options...), "--"), values...)
}

// argsKey is where the app keeps its command line.
const argsKey = "args"

// commandLine is what follows the program's name.
func commandLine(c *cli.Context) []string {
	args, _ := c.App.Metadata[argsKey].([]string)
	return args[min(1, len(args)):]
}

// again is the command line once more, with these flags if they are not in it:
// any flag left out could mean other work, or work in another folder. A --set
// takes the place of those of the same key.
func again(c *cli.Context, flags ...string) string {
	words := append([]string{c.App.Name}, commandLine(c)...)
	for _, f := range flags {
		if set, ok := strings.CutPrefix(f, "--set="); ok {
			words = unset(words, set[:strings.Index(set+"=", "=")+1])
		}
	}
	end := slices.Index(words, "--")
	if end < 0 {
		end = len(words)
	}
	for _, f := range flags {
		if !slices.Contains(words[:end], f) {
			words = slices.Insert(words, end, f)
			end++
		}
	}
	return shell.Line(words...)
}

// unset leaves out each --set that starts with key.
func unset(words []string, key string) (out []string) {
	for i := 0; i < len(words); i++ {
		switch {
		case words[i] == "--set" && i+1 < len(words) && strings.HasPrefix(words[i+1], key):
			i++
		case !strings.HasPrefix(words[i], "--set="+key):
			out = append(out, words[i])
		}
	}
	return out
}

func find(commands []*cli.Command, name string) *cli.Command {
	if i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(name) }); i >= 0 {
		return commands[i]
	}
	return nil
}

// isHelp says whether a flag asks for help; the cli library takes one dash too.
func isHelp(flag string) bool {
	return slices.Contains(cli.HelpFlag.Names(), strings.TrimPrefix(strings.TrimPrefix(flag, "-"), "-"))
}

func takesValue(flags []cli.Flag, name string) bool {
	return slices.ContainsFunc(flags, func(f cli.Flag) bool {
		_, isBool := f.(*cli.BoolFlag)
		return !isBool && slices.Contains(f.Names(), name)
	})
}

// usageError reports a command line that the cli library refuses.
func usageError(c *cli.Context, err error, _ bool) error {
	words := err.Error()
	if name, ok := strings.CutPrefix(words, "flag provided but not defined: "); ok {
		var known []string
		for _, f := range c.Command.Flags {
			known = append(known, f.Names()...)
		}
		name = strings.TrimLeft(name, "-") // the library names it with one dash, whatever was typed
		dashes := "--"[:min(2, len([]rune(name)))]
		words = "unknown flag " + dashes + name + yamlkeys.DidYouMean(name, known, "--%s")
	}
	return exit.Usagef("%s; see %s --help", words, c.Command.HelpName)
}

// unknownCommand says that there is no such command, and which ones come near.
func unknownCommand(commands []*cli.Command, name, program string) error {
	var known []string
	for _, c := range commands {
		known = append(known, c.Name)
	}
	return exit.Usagef("unknown command %q%s; see %s --help", name, yamlkeys.DidYouMean(name, known, "%q"), program)
}

// groupAction runs when a command with subcommands is given none of them.
func groupAction(c *cli.Context) error {
	if name := c.Args().First(); name != "" {
		return unknownCommand(c.Command.Subcommands, name, c.Command.HelpName)
	}
	return cli.ShowSubcommandHelp(c)
}

// oneArg returns the only argument of a command; what names it in the error.
func oneArg(c *cli.Context, what string) (string, error) {
	if c.NArg() != 1 {
		return "", exit.Usagef("%s: want one %s, got %d; see %s --help", c.Command.Name, what, c.NArg(), c.Command.HelpName)
	}
	return c.Args().First(), nil
}

// folderArg opens the run folder that is the only argument of a command.
func folderArg(c *cli.Context) (*store.Folder, error) {
	dir, err := oneArg(c, "run folder or experiment file")
	if err != nil {
		return nil, err
	}
	return labOf(c, consoleOf(c)).OpenFolder(dir)
}

// someArgs returns the arguments of a command that needs at least one.
func someArgs(c *cli.Context, what string) ([]string, error) {
	if c.NArg() == 0 {
		return nil, exit.Usagef("%s: want at least one %s; see %s --help", c.Command.Name, what, c.Command.HelpName)
	}
	return c.Args().Slice(), nil
}
