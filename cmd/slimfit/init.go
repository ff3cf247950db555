package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/draft"
	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/result"
	"slimfit/pkg/shell"
)

// initCommand writes an experiment file to start from.
func initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "look at a folder of data and write an experiment file that fits it",
		ArgsUsage: "[FILE] (default experiment.yaml)",
		Description: "With --data, `plan` takes the file as it is. Templates: images; inspection, with floors for rare classes; meter, for int8 files; series; " +
			"paper, which is about MNIST.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "data", Usage: "the `FOLDER` of your own data, or a .npz or .csv of series"},
			&cli.StringFlag{Name: "template", Usage: "`KIND` of experiment: " + strings.Join(draft.Templates(), ", ") +
				" (default: by what lies in the folder; without one, paper)"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "overwrite the file"}},
		Action: func(c *cli.Context) error {
			file := result.ExperimentName
			if c.NArg() > 1 {
				return exit.Usagef("init: want at most one file, got %d", c.NArg())
			} else if c.NArg() == 1 {
				file = c.Args().First()
			}
			return runInit(c.Context, consoleOf(c), initOptions{file: file, data: c.String("data"), template: c.String("template"),
				force: c.Bool("force")})
		},
	}
}

// initOptions are what init is asked for.
type initOptions struct {
	file, data, template string
	force                bool
}

func runInit(ctx context.Context, o console, opts initOptions) error {
	if kinds := draft.Templates(); opts.template != "" && !slices.Contains(kinds, opts.template) {
		return exit.Usagef("init: --template %s: want one of %s", opts.template, strings.Join(kinds, ", "))
	}
	d, err := draftOf(ctx, opts)
	if err != nil {
		return err
	}
	b, err := d.Text()
	if err != nil {
		return err
	}
	if err := writeNew(opts.file, string(b), opts.force); err != nil {
		return err
	}
	for _, line := range d.Seen {
		o.note("%s", line)
	}
	o.note("wrote %s; next: %s", opts.file, shell.Line("slimfit", "plan", opts.file))
	return nil
}

func draftOf(ctx context.Context, o initOptions) (*draft.Draft, error) {
	if o.data == "" {
		return draft.Empty(cmp.Or(o.template, "paper"), o.file), nil
	}
	folder, err := filepath.Abs(o.data)
	if err != nil {
		return nil, exit.Failed(err)
	}
	d, err := lab.UntilStopped(ctx, func() (*draft.Draft, error) { return draft.Of(folder, o.template, o.file) })
	if err != nil && ctx.Err() == nil {
		return nil, exit.Usagef("init: %w", err)
	}
	return d, err
}

// writeNew writes a file that must not exist yet, unless force.
func writeNew(file, content string, force bool) error {
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(file, mode, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return exit.Usagef("init: %s exists already; --force overwrites it", file)
	}
	if err != nil {
		return exit.Failed(fmt.Errorf("init: %w", err))
	}
	_, err = f.WriteString(content)
	return exit.Failed(errors.Join(err, f.Close()))
}
