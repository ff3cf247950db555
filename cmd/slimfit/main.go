// Command slimfit plans, trains, searches and reports on slices of a CNN
// design. It is pure Go: training happens in slimfit-worker.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/text"
)

func main() {
	withoutDumps()
	dropEmptyVariables()
	ctx, second := signalContext(context.Background())
	code := make(chan int, 1)
	go func() { code <- run(ctx, os.Args, os.Stdout, os.Stderr) }()
	var status int
	select {
	case status = <-code:
	case sig := <-second: // the person does not want to wait for an orderly end
		status = signalCode(sig)
	}
	os.Exit(status)
}

// run is the whole program. args[0] is the program's name. Results go to
// stdout, everything else to stderr, and nothing steers a terminal; what it
// returns is the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) (code int) {
	stdout, stderr := &text.Neutral{To: out}, &text.Neutral{To: errs}
	defer stdout.Close()
	defer stderr.Close()
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(stderr, "slimfit: a fault of this program: %v\n", p)
			if os.Getenv(traceback) != "" {
				stderr.Write(debug.Stack())
			}
			code = exit.IO
		}
	}()
	app := &cli.App{
		Name:                      "slimfit",
		Usage:                     "find the smallest CNN that still meets a target accuracy",
		Writer:                    stdout,
		ErrWriter:                 stderr,
		HideVersion:               true, // its -v would hide --verbose
		HideHelpCommand:           true,
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true, // --set values contain commas
		Metadata:                  map[string]any{argsKey: args},
		Flags:                     []cli.Flag{&cli.BoolFlag{Name: "version", Usage: "print the version and exit"}},
		Commands:                  prepare(commands(), "slimfit"),
		Action:                    rootAction,
		OnUsageError:              usageError,
		ExitErrHandler:            func(*cli.Context, error) {}, // run decides, see exitCode
	}
	app.CustomAppHelpTemplate = appHelp(app)
	err := app.RunContext(ctx, flagsFirst(app, args))
	if err != nil && err.Error() != "" {
		fmt.Fprintln(stderr, message(err))
	}
	return exitCode(ctx, err)
}

// commands lists every command in the order of the help text.
func commands() []*cli.Command {
	return []*cli.Command{
		planCommand((*lab.Lab).RunSources),
		runCommand((*lab.Lab).RunSources),
		statusCommand(),
		serveCommand(),
		reportCommand(),
		compareCommand(),
		searchCommand(lab.WorkerTrainer),
		verifyCommand(lab.WorkerTrainer),
		footprintCommand(),
		exportCommand(),
		quantizeCommand(),
		predictCommand(),
		evaluateCommand(),
		schemaCommand(),
		initCommand(),
		dataCommand(),
		batchCommand(),
		doctorCommand(),
		completionCommand(),
		{Name: "version", Usage: "print the version", Action: printVersion},
	}
}

// rootAction runs when no command is named.
func rootAction(c *cli.Context) error {
	if c.Bool("version") {
		return printVersion(c)
	}
	if name := c.Args().First(); name != "" {
		return unknownCommand(c.App.Commands, name, "slimfit")
	}
	return cli.ShowAppHelp(c)
}

func printVersion(c *cli.Context) error {
	_, err := fmt.Fprintln(c.App.Writer, "slimfit "+lab.Version())
	return exit.Failed(err)
}
