package slurm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// nobody is the user that is not root.
const nobody = 65534

// cluster is the Slurm that check.sh started, and a folder that its nodes and
// any user can read: programs, images, run folders.
type cluster struct {
	dir   string // of the cluster
	stage string
}

// newCluster puts programs and images where every user can read them.
func newCluster(t *testing.T, dir string) *cluster {
	t.Helper()
	c := &cluster{dir: dir, stage: filepath.Join(dir, "stage")}
	if err := os.Setenv("SLURM_CONF", filepath.Join(dir, "slurm.conf")); err != nil {
		t.Fatal(err)
	}
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"bin", "cache", "e"} {
		if err := os.MkdirAll(filepath.Join(c.stage, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cache := os.Getenv("SLIMFIT_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "slimfit")
	}
	for from, to := range map[string]string{filepath.Join(repo, "bin", "slimfit"): "bin",
		filepath.Join(repo, "bin", "slimfit-worker"): "bin", filepath.Join(cache, "mnist"): "cache"} {
		if _, err := os.Stat(from); err != nil {
			t.Fatalf("%v: `make data` builds the programs and fetches MNIST", err)
		}
		c.must(t, "cp", "-rL", from, filepath.Join(c.stage, to))
	}
	c.must(t, "chmod", "-R", "a+rX", c.stage)
	if c.command(nobody, c.program("slimfit-worker"), "--help").Run() != nil {
		// The repository is not everybody's to read: TensorFlow too must come along.
		lib := filepath.Join(c.stage, ".tensorflow", "lib")
		if err := os.MkdirAll(filepath.Dir(lib), 0o755); err != nil {
			t.Fatal(err)
		}
		c.must(t, "cp", "-rL", filepath.Join(repo, ".tensorflow", "lib"), lib)
		c.must(t, "chmod", "-R", "a+rX", c.stage)
	}
	return c
}

func (c *cluster) program(name string) string { return filepath.Join(c.stage, "bin", name) }

// command is run by the user, 0 being root.
func (c *cluster) command(user uint32, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "SLIMFIT_CACHE="+filepath.Join(c.stage, "cache"), "HOME="+c.stage, "XDG_CONFIG_HOME=",
		"CUDA_VISIBLE_DEVICES=")
	if user != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user, Groups: []uint32{}}}
	}
	return cmd
}

func (c *cluster) must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// run is an experiment's run folder.
type run struct {
	c         *cluster
	name      string
	file, dir string
	user      uint32
}

// experiment writes the experiment's file. Its run folder has a blank and a
// percent sign in its name, which Slurm's patterns must survive.
func (c *cluster) experiment(t *testing.T, name, source string) *run {
	t.Helper()
	r := &run{c: c, name: name, file: filepath.Join(c.stage, "e", name+".yaml"), dir: filepath.Join(c.stage, "50% runs", name)}
	if err := os.WriteFile(r.file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", r.batch(t, "status", r.dir))
			logs, _ := filepath.Glob(r.path("batch/*/log/*"))
			for _, log := range logs {
				b, _ := os.ReadFile(log)
				t.Logf("==> %s <==\n%s", log, b)
			}
		}
	})
	return r
}

// as gives the run to a user, who does everything from now on, in a folder of
// run folders of their own: looks at test images are written beside these.
func (r *run) as(user uint32) *run {
	r.user = user
	out := filepath.Join(r.c.stage, fmt.Sprintf("50%% runs of %d", user))
	r.dir = filepath.Join(out, r.name)
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		panic(err)
	}
	for _, dir := range []string{out, r.dir} {
		if err := os.Chown(dir, int(user), int(user)); err != nil {
			panic(err)
		}
	}
	return r
}

// local trains the experiment on this machine, without Slurm.
func (c *cluster) local(t *testing.T, name, source string) {
	t.Helper()
	file := filepath.Join(c.stage, "e", "local-"+name+".yaml")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := c.command(0, c.program("slimfit"), "run", file, "--out", filepath.Join(c.stage, "local"), "--jobs", "2").CombinedOutput()
	if err != nil {
		t.Fatalf("run %s: %v\n%s", name, err, out)
	}
}

// batch runs `slimfit batch` and returns what it printed on both streams.
func (r *run) batch(t *testing.T, args ...string) string {
	t.Helper()
	if args[0] == "submit" {
		args = append(args, "--out="+filepath.Dir(r.dir))
	}
	out, err := r.c.command(r.user, r.c.program("slimfit"), append([]string{"batch"}, args...)...).CombinedOutput()
	if err != nil {
		t.Errorf("slimfit batch %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

func (r *run) path(name string) string { return filepath.Join(r.dir, name) }

// waitFor polls until ok.
func (r *run) waitFor(t *testing.T, patience time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: waited %v for %s", r.name, patience, what)
		}
	}
}

// waitUntilIdle waits until Slurm holds no job of the run, the report job too.
func (r *run) waitUntilIdle(t *testing.T, patience time.Duration) {
	t.Helper()
	prefix := "slimfit-" + r.name + "-"
	r.waitFor(t, patience, "its jobs to end", func() bool {
		return !strings.Contains(r.c.must(t, "squeue", "--noheader", "--format=%j"), prefix)
	})
}

func (r *run) submissions(t *testing.T) int {
	t.Helper()
	found, err := filepath.Glob(r.path("batch/[0-9]*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// grep lists, sorted and each once, what the pattern's group matches in the
// files.
func (r *run) grep(t *testing.T, glob, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(r.path(glob))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file %s: %v", glob, err)
	}
	var found []string
	for _, f := range files {
		rel, err := filepath.Rel(r.dir, f)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, r.matches(t, rel, pattern)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// matches lists what the pattern's group matches in a file, in its order.
func (r *run) matches(t *testing.T, file, pattern string) []string {
	t.Helper()
	b, err := os.ReadFile(r.path(file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(b), -1) {
		found = append(found, m[1])
	}
	return found
}

// trial is the folder of the only configuration's trial with the seed, relative
// to the run folder.
func (r *run) trial(t *testing.T, seed int) string {
	t.Helper()
	found, err := filepath.Glob(r.path(fmt.Sprintf("*/seed-%d", seed)))
	if err != nil || len(found) != 1 {
		t.Fatalf("trials of seed %d: %v, %v", seed, found, err)
	}
	rel, err := filepath.Rel(r.dir, found[0])
	if err != nil {
		t.Fatal(err)
	}
	return rel
}

// training waits until the trial of the seed trains.
func (r *run) training(t *testing.T, seed int) string {
	t.Helper()
	r.waitFor(t, 3*time.Minute, fmt.Sprintf("seed %d to train", seed), func() bool {
		found, _ := filepath.Glob(r.path(fmt.Sprintf("*/seed-%d/log.txt", seed)))
		return len(found) == 1 && len(r.starts(t, r.trial(t, seed))) > 0
	})
	return r.trial(t, seed)
}

// checkpoint waits for the trial's first checkpoint and returns its step.
func (r *run) checkpoint(t *testing.T, trial string, patience time.Duration) int {
	t.Helper()
	step := 0
	r.waitFor(t, patience, "a checkpoint of "+trial, func() bool {
		steps, err := store.Checkpoints(r.path(trial))
		if err == nil && len(steps) > 0 {
			step = steps[0]
		}
		return step > 0
	})
	return step
}

// process is what the process that trains the trial says of itself.
func (r *run) process(t *testing.T, trial string) (p store.Process, worker sweep.WorkerState, ok bool) {
	t.Helper()
	all, err := (&store.Folder{Dir: r.dir}).Processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		var s sweep.State
		if json.Unmarshal(p.Status, &s) != nil {
			continue
		}
		for _, w := range s.Workers {
			for _, m := range w.Members {
				if m.Key.String() == trial {
					return p, w, true
				}
			}
		}
	}
	return p, worker, false
}

// progress waits until the trial has trained so many steps.
func (r *run) progress(t *testing.T, trial string, steps int) {
	t.Helper()
	r.waitFor(t, 2*time.Minute, "progress of "+trial, func() bool {
		_, w, ok := r.process(t, trial)
		return ok && w.Step >= steps
	})
}

// runner is the process that supervises the trial.
func (r *run) runner(t *testing.T, trial string) int {
	t.Helper()
	pid := 0
	r.waitFor(t, time.Minute, "a process that trains "+trial, func() bool {
		p, _, ok := r.process(t, trial)
		pid = p.Owner.PID
		return ok
	})
	return pid
}

// nodeOf is the node on which the trial trains, by the log of its element.
func (r *run) nodeOf(t *testing.T, trial string) string {
	t.Helper()
	b, err := os.ReadFile(r.path("batch/0001/tasks.json"))
	if err != nil {
		t.Fatal(err)
	}
	var tasks struct{ Elements []struct{ Trials []string } }
	if err := json.Unmarshal(b, &tasks); err != nil {
		t.Fatal(err)
	}
	for n, e := range tasks.Elements {
		if slices.Contains(e.Trials, trial) {
			return strings.Join(r.grep(t, fmt.Sprintf("batch/0001/log/*.%d.txt", n), `starts on (\w+), `), " ")
		}
	}
	t.Fatalf("%s is in no element", trial)
	return ""
}

// results reads the result files that are there.
