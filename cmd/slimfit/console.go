package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/text"
)

// console is where a command speaks to the person or program that called it.
type console struct {
	out, err       io.Writer // results; everything else
	quiet, verbose bool
	format         string
	again          func(flags ...string) string // the command line once more, see again
}

func consoleOf(c *cli.Context) console {
	return console{out: c.App.Writer, err: c.App.ErrWriter, quiet: c.Bool("quiet"), verbose: c.Bool("verbose"), format: c.String("format"),
		again: func(flags ...string) string { return again(c, flags...) }}
}

// note prints a line for the person at the terminal, unless -q.
func (o console) note(format string, args ...any) {
	if !o.quiet {
		fmt.Fprintln(o.err, text.Lines(fmt.Sprintf(format, args...)))
	}
}

// detail prints a line with -v only.
func (o console) detail(format string, args ...any) {
	if o.verbose {
		o.note(format, args...)
	}
}

// print writes a result.
func (o console) print(b []byte) error {
	_, err := o.out.Write(b)
	return exit.Failed(err)
}

// json writes a result as indented JSON.
func (o console) json(v any) error {
	enc := json.NewEncoder(o.out)
	enc.SetIndent("", "  ")
	return exit.Failed(enc.Encode(v))
}

// table writes a result in the format that was asked for.
func (o console) table(t text.Table) error {
	switch o.format {
	case "markdown":
		return exit.Failed(t.Markdown(o.out))
	case "csv":
		return exit.Failed(t.CSV(o.out))
	}
	return exit.Failed(t.Text(o.out))
}
