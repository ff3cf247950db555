package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts run the program itself, in a process of its own, as a person
// would: arguments, files, exact output and exit code.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"slimfit": main})
}

// Each script starts in an empty folder; $EXPERIMENTS is the repository's
// folder of experiment files, and the cache is empty. `exit CODE COMMAND...`
// runs a command that must end with that code.
func TestScripts(t *testing.T) {
	experiments, err := filepath.Abs("../../experiments")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXPERIMENTS", experiments)
			e.Setenv("SLIMFIT_CACHE", filepath.Join(e.WorkDir, ".cache"))
			return nil
		},
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exit": exitWith},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// exitWith is `exit CODE COMMAND...`.
func exitWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
