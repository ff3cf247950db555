package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/text"
)

// helpWidth is how wide help is: any terminal shows it.
const helpWidth = 80

type commandGroup struct {
	title    string
	commands []string
}

// groups are the commands in the order of the work.
var groups = []commandGroup{
	{"Begin", []string{"init", "data", "plan", "footprint", "doctor"}},
	{"Train", []string{"run", "search", "status", "batch"}},
	{"Read", []string{"report", "serve", "compare", "verify", "quantize"}},
	{"Use", []string{"export", "predict", "evaluate"}},
	{"Set up", []string{"schema", "completion", "version"}},
}

// examples are two command lines of each command.
var examples = map[string][2]string{
	"init":         {"slimfit init --data my-pictures own.yaml", "slimfit init --template meter own.yaml"},
	"plan":         {"slimfit plan own.yaml", "slimfit plan own.yaml --set train.steps=500 --format json"},
	"footprint":    {"slimfit footprint base", "slimfit footprint own.yaml --measured"},
	"doctor":       {"slimfit doctor", "slimfit doctor own.yaml"},
	"run":          {"slimfit run own.yaml", "slimfit run own.yaml --set train.steps=200 --set seeds=2 -o quick"},
	"search":       {"slimfit search own.yaml", "slimfit search own.yaml --set target.accuracy=0.9 --reuse runs/own"},
	"status":       {"slimfit status own.yaml", "slimfit status runs/own --watch"},
	"report":       {"slimfit report own.yaml", "slimfit report runs/own --format html > own.html"},
	"serve":        {"slimfit serve runs/own", "slimfit serve runs/own --port 8080"},
	"compare":      {"slimfit compare runs/own runs/own-he", "slimfit compare a.yaml b.yaml --format markdown"},
	"verify":       {"slimfit verify runs/own/certificate.json", "slimfit verify runs/own/certificate.json --retrain 1"},
	"quantize":     {"slimfit quantize runs/own", "slimfit quantize runs/a runs/b --format csv"},
	"export":       {"slimfit export runs/own/certificate.json --format tflite-int8,c", "slimfit export runs/own --format all --quick"},
	"predict":      {"slimfit predict runs/own/export/ID-seed-0 new.png --resize", "slimfit predict model.tflite new-pictures/*.png --resize --format csv"},
	"evaluate":     {"slimfit evaluate model-int8.tflite my-pictures", "slimfit evaluate export/model-int8.tflite export/golden.npz"},
	"schema":       {"slimfit schema > slimfit.schema.json", "slimfit schema -q"},
	"completion":   {"source <(slimfit completion bash)", "slimfit completion zsh > _slimfit"},
	"version":      {"slimfit version", "slimfit --version"},
	"data list":    {"slimfit data list", "slimfit data list --format json"},
	"data fetch":   {"slimfit data fetch mnist", "slimfit data fetch cifar10 --from downloads"},
	"data verify":  {"slimfit data verify my-pictures --resize 32x32", "slimfit data verify mnist"},
	"batch submit": {"slimfit batch submit own.yaml --partition short", "slimfit batch submit own.yaml -n"},
	"batch status": {"slimfit batch status runs/own", "slimfit batch status runs/own --format json"},
	"batch logs":   {"slimfit batch logs runs/own ID/seed-0", "slimfit batch logs runs/own/ID/seed-0 --lines 0"},
	"batch cancel": {"slimfit batch cancel runs/own", "slimfit batch cancel own.yaml"},
}

// common are the flags that people look for, in the order that they look.
var common = []string{"data", "template", "set", "out", "jobs", "dry-run", "format", "resize", "into", "seed", "watch", "reuse",
	"retry-failed"}

// help is a command's help text; name is all of its words.
func help(c *cli.Command, name string) string {
	var b strings.Builder
	b.WriteString(text.Wrap(name+" - "+c.Usage, helpWidth, "", "  "))
	options := " [options]"
	if len(c.Subcommands) > 0 {
		options = " COMMAND"
	}
	fmt.Fprintf(&b, "\nUSAGE: %s%s %s\n", name, options, c.ArgsUsage)
	if c.Description != "" {
		b.WriteString("\n")
		for part := range strings.SplitSeq(c.Description, "\n\n") {
			b.WriteString(text.Wrap(part, helpWidth, "", ""))
		}
	}
	if e, ok := examples[strings.TrimPrefix(name, "slimfit ")]; ok {
		fmt.Fprintf(&b, "\nEXAMPLES:\n  %s\n  %s\n", e[0], e[1])
	}
	if len(c.Subcommands) > 0 {
		b.WriteString("\n")
		for _, s := range c.Subcommands {
			entry(&b, s.Name, s.Usage)
		}
		return b.String()
	}
	flags := slices.Clone(c.Flags)
	place := func(f cli.Flag) int {
		if i := slices.Index(common, f.Names()[0]); i >= 0 {
			return i
		}
		return len(common)
	}
	slices.SortStableFunc(flags, func(x, y cli.Flag) int { return place(x) - place(y) })
	b.WriteString("\nOPTIONS:\n")
	for _, f := range flags {
		writeFlag(&b, f)
	}
	entry(&b, "-h, --help", "show this")
	fmt.Fprintf(&b, "\nEach option is also read from a variable: --dry-run from %s.\n", envVar("dry-run"))
	return b.String()
}

// entry writes a word and what it means beside or below it.
func entry(b *strings.Builder, word, meaning string) {
	const column = 24
	lead := strings.Repeat(" ", column)
	first := fmt.Sprintf("  %-*s", column-2, word)
	if len(first) > column {
		fmt.Fprintf(b, "  %s\n", word)
		first = lead
	}
	b.WriteString(text.Wrap(meaning, helpWidth, first, lead))
}

func writeFlag(b *strings.Builder, f cli.Flag) {
	d, ok := f.(cli.DocGenerationFlag)
	if v, shown := f.(cli.VisibleFlag); !ok || shown && !v.IsVisible() {
		return
	}
	usage, word := d.GetUsage(), "--"+f.Names()[0]
	for _, short := range f.Names()[1:] {
		word = "-" + short + ", " + word
	}
	if d.TakesValue() {
		value := "VALUE"
		if parts := strings.SplitN(usage, "`", 3); len(parts) == 3 {
			value, usage = parts[1], strings.Join(parts, "")
		}
		word += " " + value
	}
	switch of := d.GetDefaultText(); {
	case strings.Contains(usage, "(default"), slices.Contains([]string{"", "0", "-1", "false", `""`}, of):
	default:
		usage += " (default: " + strings.Trim(of, `"`) + ")"
	}
	entry(b, word, usage)
}

// appHelp is the help of the program: its commands in groups.
func appHelp(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "slimfit - %s\n\nUSAGE: slimfit COMMAND [options] [arguments]\n", app.Usage)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s:\n", g.title)
		for _, name := range g.commands {
			if c := find(app.Commands, name); c != nil {
				entry(&b, name, c.Usage)
			}
		}
	}
	b.WriteString("\nYour own pictures, one folder a class:\n  slimfit init --data my-pictures own.yaml\n  slimfit search own.yaml\n" +
		"\n`slimfit COMMAND --help` says more of each; --version prints the version.\n")
	return b.String()
}
