package main

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts run the program itself, in a process of its own, as a person
// would: arguments, files, exact output and exit code.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"slimfit":     main,
		"make-images": makeImages,
		"interrupt":   interrupt,
		"make-run":    makeRun,
		"fault":       fault,
	})
}

// buildFakeWorker makes the worker of the tests of pkg/sweep, which needs no
// TensorFlow.
func buildFakeWorker(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "fake-worker")
	if b, err := exec.Command("go", "test", "-c", "-o", file, "slimfit/pkg/sweep").CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", file, err, b)
	}
	return file
}

// Each script starts in an empty folder; $EXPERIMENTS is the repository's
// folder of experiment files, and the cache is empty. `exit CODE COMMAND...`
// runs a command that must end with that code. $WORKER is a worker that needs no
// TensorFlow, see buildFakeWorker; `make-images DIR` draws a few pictures to
// train it on.
func TestScripts(t *testing.T) {
	experiments, err := filepath.Abs("../../experiments")
	if err != nil {
		t.Fatal(err)
	}
	worker := buildFakeWorker(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXPERIMENTS", experiments)
			e.Setenv("SLIMFIT_CACHE", filepath.Join(e.WorkDir, ".cache"))
			e.Setenv("WORKER", worker)
			return nil
		},
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exit": exitWith},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// interrupt is `interrupt SIGNAL GLOB COMMAND...`: it sends the command the
// signal once its workers are at work and GLOB matches a file, and ends with its
// exit code.
func interrupt() {
	sig := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1}[os.Args[1]]
	cmd := exec.Command(os.Args[3], append(os.Args[4:], "-v")...)
	cmd.Stdout = os.Stdout
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		panic(err)
	}
	lines, sent := bufio.NewScanner(log), false
	for lines.Scan() {
		fmt.Fprintln(os.Stderr, lines.Text())
		if sent || !strings.Contains(lines.Text(), "training starts") {
			continue
		}
		for found := []string(nil); len(found) == 0; time.Sleep(time.Millisecond) {
			found, _ = filepath.Glob(os.Args[2])
		}
		sent = true
		cmd.Process.Signal(sig)
	}
	cmd.Wait()
	os.Exit(cmd.ProcessState.ExitCode())
}

// makeImages is `make-images DIR [N]`: N or twelve grey pictures of 8x8 in two
// classes, all different.
func makeImages() {
	n := 12
	if len(os.Args) > 2 {
		n, _ = strconv.Atoi(os.Args[2])
	}
	for i := range n {
		dir := filepath.Join(os.Args[1], []string{"dark", "light"}[i%2])
		if err := os.MkdirAll(dir, 0o777); err != nil {
			panic(err)
		}
		f, err := os.Create(filepath.Join(dir, strconv.Itoa(i)+".png"))
		if err != nil {
			panic(err)
		}
		m := image.NewGray(image.Rect(0, 0, 8, 8))
		for p := range m.Pix {
			m.Pix[p] = uint8(p*(i+3) + 100*(i%2))
		}
		m.Pix[1] += uint8(i >> 7)
		if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
			panic(err)
		}
	}
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
