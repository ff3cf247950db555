package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/text"
	"slimfit/pkg/yamlkeys"
)

func TestExitCode(t *testing.T) {
	stopped := func(s os.Signal) context.Context {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(&signalError{s})
		return ctx
	}
	background := context.Background()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want int
	}{
		{background, nil, 0},
		{background, exit.With(exit.Unmet, nil), 3},
		{background, fmt.Errorf("wrapped: %w", exit.With(exit.Trials, errors.New("x"))), 1},
		{background, exit.Usagef("x"), 2},
		{background, errors.New("the cli library's own"), 2},
		{background, exit.Failed(errors.New("x")), 4},
		{background, fmt.Errorf("write: %w", &fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}), 4},
		{background, fmt.Errorf("write: %w", syscall.ENOSPC), 4},
		{background, exit.Usagef("e.yaml:1:1: dataset: open x: too many open files"), 4},
		{background, exit.With(exit.Trials, &fs.PathError{Op: "open", Path: "x", Err: syscall.ENFILE}), 4},
		{background, context.Canceled, 2}, // no signal: a fault of the program, not an interruption
		{stopped(os.Interrupt), context.Canceled, 130},
		{stopped(os.Interrupt), fmt.Errorf("train: %w", context.Canceled), 130},
		{stopped(syscall.SIGTERM), context.Canceled, 75},
		{stopped(syscall.SIGUSR1), context.Canceled, 75},
		{stopped(syscall.SIGUSR1), context.Cause(stopped(syscall.SIGUSR1)), 75},
		{stopped(os.Interrupt), exit.Failed(errors.New("disk full")), 4},
		{stopped(os.Interrupt), nil, 0},
	} {
		if got := exitCode(c.ctx, c.err); got != c.want {
			t.Errorf("%v after %v: %d, want %d", c.err, context.Cause(c.ctx), got, c.want)
		}
	}
	if exit.Failed(nil) != nil {
		t.Error("ioError(nil) is an error")
	}
}

func TestMessage(t *testing.T) {
	faults := yamlkeys.Errors{{File: "e.yaml", Line: 3, Column: 5, Msg: "wrong"}}
	for _, c := range []struct {
		err  error
		want string
	}{
		{exit.Usagef("bad flag"), "slimfit: bad flag"},
		{exit.With(exit.Usage, errors.Join(faults, faults)), "e.yaml:3:5: wrong\ne.yaml:3:5: wrong"},
	} {
		if got := message(c.err); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestSignalContext(t *testing.T) {
	ctx, second := signalContext(context.Background())
	send := func(s syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
	}
	if ctx.Err() != nil {
		t.Fatal("cancelled before any signal")
	}
	send(syscall.SIGUSR1)
	<-ctx.Done()
	var sig *signalError
	if !errors.As(context.Cause(ctx), &sig) || sig.signal != syscall.SIGUSR1 {
		t.Errorf("cause %v", context.Cause(ctx))
	}
	for _, again := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGINT} {
		send(again)
	}
	if s := <-second; s != os.Interrupt || signalCode(s) != exit.Interrupted {
		t.Errorf("second signal %v", s)
	}
}

func TestFlagsFirst(t *testing.T) {
	app := &cli.App{Commands: []*cli.Command{
		{Name: "run", Flags: []cli.Flag{jobsFlag(), dryRunFlag(), setFlag()}},
		{Name: "data", Subcommands: []*cli.Command{{Name: "fetch", Flags: []cli.Flag{cacheFlag()}}}},
	}}
	for in, want := range map[string]string{
		"run f.yaml -j 2 -n --set a=b":        "run -j 2 -n --set a=b -- f.yaml",
		"run -n f.yaml":                       "run -n -- f.yaml",
		"run f.yaml --jobs=2 g.yaml":          "run --jobs=2 -- f.yaml g.yaml",
		"run f.yaml -- -j":                    "run -- f.yaml -j",
		"run - -j 3":                          "run -j 3 -- -",
		"run f.yaml -j":                       "run -j -- f.yaml",
		"data fetch mnist --cache c":          "data fetch --cache c -- mnist",
		"data mnist --cache c":                "data mnist --cache c",
		"other f -j 2":                        "other f -j 2",
		"run f -j --generate-bash-completion": "run f -j --generate-bash-completion",
		"run f.yaml --help":                   "run --help",
		"run f.yaml -j 2 -h g":                "run --help",
		"run f.yaml --set -h":                 "run --set -h -- f.yaml",
		"run f.yaml -- -h":                    "run -- f.yaml -h",
		"data fetch mnist -h":                 "data fetch --help",
		"help":                                "--help",
		"help run":                            "run --help",
		"help data fetch":                     "data fetch --help",
		"help data":                           "data --help",
		"":                                    "",
	} {
		got := flagsFirst(app, append([]string{"slimfit"}, strings.Fields(in)...))
		if !slices.Equal(got[1:], strings.Fields(want)) {
			t.Errorf("%q: got %q, want %q", in, got[1:], want)
		}
	}
}

// What comes from elsewhere must not steer the terminal that it is printed on.
func TestSpellOut(t *testing.T) {
	for in, want := range map[string]string{
		"im/x\x1b[2Jy.png": `im/x\x1b[2Jy.png`,
		"two\nlines\tand":  `two\nlines\tand`,
		"\u009b1m\x07\xff": `\u009b1m\a\xff`,
		"a\u202eb":         `a\u202eb`,
		`Größe "5" \x`:     `Größe "5" \x`,
	} {
		if got := text.Printable(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	if got, want := text.Lines("a:\n\t\x1b[2J"), "a:\n\t"+`\x1b[2J`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := message(exit.Usagef("no \x1b]0;x")); strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}

func TestAgain(t *testing.T) {
	for _, row := range []struct{ line, flag, want string }{
		{"run e.yaml", "", "slimfit run e.yaml"},
		{"run e.yaml -o out --set a=b", "--retry-failed", "slimfit run e.yaml -o out --set a=b --retry-failed"},
		{"run --retry-failed e.yaml", "--retry-failed", "slimfit run --retry-failed e.yaml"},
		{"run --set a=1 e.yaml --set ab=2 --set=a=3", "--set=a=4", "slimfit run e.yaml --set ab=2 --set=a=4"},
		{"run --set=a=1 e.yaml", "--set=a=4", "slimfit run e.yaml --set=a=4"},
		{"run -- -e.yaml", "--retry-failed", "slimfit run --retry-failed -- -e.yaml"},
		{"run $e.yaml", "", "slimfit run '$e.yaml'"},
	} {
		app := &cli.App{Name: "slimfit", Metadata: map[string]any{argsKey: strings.Fields("bin/slimfit " + row.line)}}
		if got := again(cli.NewContext(app, nil, nil), strings.Fields(row.flag)...); got != row.want {
			t.Errorf("%s: got %s, want %s", row.line, got, row.want)
		}
	}
}

// Every flag of every command has its variable, whatever its type.
func TestEveryFlagHasItsVariable(t *testing.T) {
	var visit func(commands []*cli.Command)
	visit = func(commands []*cli.Command) {
		for _, c := range commands {
			visit(c.Subcommands)
			for _, f := range c.Flags {
				d, ok := f.(cli.DocGenerationFlag)
				if name := f.Names()[0]; !ok || !slices.Equal(d.GetEnvVars(), []string{envVar(name)}) {
					t.Errorf("%s --%s has no %s", c.Name, name, envVar(name))
				}
			}
		}
	}
	visit(prepare(commands(), "slimfit"))
}

// fault is `fault KIND`: it ends as a fault of the program does.
func fault() {
	withoutDumps()
	debug.SetMaxStack(1 << 20)
	var deep func([]byte) int
	deep = func(b []byte) int { return deep(append(b, 1)) + len(b) }
	switch done := make(chan bool); os.Args[1] {
	case "stack":
		deep(nil)
	case "memory":
		huge := uint64(1) << 46
		fmt.Println(len(make([]byte, huge)))
	case "goroutine":
		go panic("a fault")
		<-done
	case "asleep":
		<-done
	}
}
