package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

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

// speak gives what is printed a noun; what programs read stays as it is.
func (o console) speak(of text.Noun) {
	for _, w := range []io.Writer{o.err, o.out} {
		if n, ok := w.(*text.Neutral); ok && (w == o.err || o.format != "csv") {
			n.Speak(of)
		}
	}
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

// columns is how wide the output's terminal is; wide where it is none.
func (o console) columns() int {
	const wide = 120
	f, ok := steered(o.out).(*os.File)
	if !ok || !isTerminal(f) {
		return wide
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 {
		return 80
	}
	return max(20, int(size.Col)-1) // a full line would break in some terminals
}

// print writes a result.
func (o console) print(b []byte) error {
	_, err := o.out.Write(b)
	return exit.Failed(err)
}

// json writes a result as indented JSON.
func (o console) json(v any) error {
	enc := json.NewEncoder(o.out)
	enc.SetEscapeHTML(false)
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
