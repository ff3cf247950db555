package batch

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"slimfit/pkg/experiment"
)

func text(t *testing.T, name string, s script) string {
	t.Helper()
	b, err := s.text(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func updating() bool { return os.Getenv("UPDATE_GOLDEN") != "" }

func TestScripts(t *testing.T) {
	source := `engine: slurm
partition: gpu
account: lab-7
qos: normal
time: 1-12
gpus: 2
cpus: 8
memory: 16G
extra: ["--constraint=a100", "--mail-type=FAIL"]
modules: [cuda/12.5, cudnn]
setup: ["export TF_CPP_MIN_LOG_LEVEL=2", "ulimit -c 0"]
`
	full, err := experiment.ParseBatch("b.yaml", []byte(source), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := "/shared/50%/my runs/e/batch/0003"
	program := Program{Slimfit: "/opt/slim fit/slimfit", Run: []string{"--worker=/opt/slimfit-worker", "--jobs=2"},
		Report: []string{"--cache=/shared/cache"}}
	for name, got := range map[string]string{
		"array-full.sh":   text(t, arrayName, script{full.Or(experiment.DefaultBatch()), program, dir, ""}),
		"array-plain.sh":  text(t, arrayName, script{experiment.DefaultBatch(), program, "/runs/e/batch/0001", ""}),
		"report-full.sh":  text(t, reportName, script{full.Or(experiment.DefaultBatch()), program, dir, "/shared/50%/my runs/e"}),
		"report-plain.sh": text(t, reportName, script{experiment.DefaultBatch(), program, "/runs/e/batch/0001", "/runs/e"}),
	} {
		file := filepath.Join("testdata", name)
		if updating() {
			put(t, "testdata", name, got)
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s", file, got)
		}
		if out, err := exec.Command("bash", "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", file, err, out)
		}
	}
}

// runArray prepares an element's script with a program in slimfit's place, as Slurm
// would.
func runArray(t *testing.T, program string) (cmd *exec.Cmd, out *strings.Builder) {
	t.Helper()
	dir := t.TempDir()
	slimfit := filepath.Join(dir, "slimfit")
	if err := os.WriteFile(slimfit, []byte("#!/bin/bash\n"+program), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "array.sh")
	put(t, dir, "array.sh", text(t, arrayName, script{experiment.DefaultBatch(), Program{Slimfit: slimfit}, dir, ""}))
	cmd = exec.Command("bash", file, "7")
	cmd.Env = append(os.Environ(), "SLURM_ARRAY_TASK_ID=5")
	out = &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

func code(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

func TestArrayScriptRuns(t *testing.T) {
	for want, program := range map[int]string{0: `echo "$@"`, 1: `echo "$@"; exit 1`, 75: `echo "$@"; exit 75`,
		137: `echo "$@"; kill -KILL $$`} {
		cmd, out := runArray(t, program)
		if got := code(cmd.Run()); got != want {
			t.Errorf("exit code %d, want %d", got, want)
		}
		if !strings.Contains(out.String(), "run --task ") || !strings.Contains(out.String(), " --gpus none --index 12\n") {
			t.Errorf("%q", out)
		}
	}
}

// The run gets the signals, may take its time, and its exit code is the
// element's. They come one after the other: of two at the same moment bash may
// lose one, which does not matter as both ask for the same.
func TestArrayScriptPassesSignals(t *testing.T) {
	cmd, out := runArray(t, `
cd "${0%/*}"
trap 'usr=1; touch USR1' USR1
trap 'term=1; touch TERM' TERM
touch ready
until [ "$usr$term" = 11 ]; do sleep 0.02; done
sleep 0.2
exit 75
`)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	appears := func(name string) {
		t.Helper()
		file := filepath.Join(filepath.Dir(cmd.Args[1]), name)
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if _, err := os.Stat(file); err == nil {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("no file %s", name)
			}
		}
	}
	appears("ready")
	for name, s := range map[string]syscall.Signal{"USR1": syscall.SIGUSR1, "TERM": syscall.SIGTERM} {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		appears(name)
	}
	if got := code(cmd.Wait()); got != 75 || !strings.Contains(out.String(), "element 12 ended with exit code 75") {
		t.Errorf("exit code %d: %q", got, out)
	}
}

func TestSlurmTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Minute: "00:01:00", 90 * time.Minute: "01:30:00", 36 * time.Hour: "1-12:00:00", 1500 * time.Millisecond: "00:00:02",
	} {
		if got := slurmTime(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestLead(t *testing.T) {
	for limit, want := range map[time.Duration]time.Duration{
		time.Minute: 20 * time.Second, 10 * time.Minute: time.Minute, time.Hour: 2 * time.Minute, 100 * time.Hour: 2 * time.Minute,
	} {
		if got := lead(limit); got != want {
			t.Errorf("%v: %v, want %v", limit, got, want)
		}
	}
}

func TestFolderNames(t *testing.T) {
	if err := checkDir("/a b/50%/c"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{`/a"b`, `/a\b`, "/a\nb"} {
		if err := checkDir(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
