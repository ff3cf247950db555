package sweep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/workerproc"
)

// TestMain lets tests start this binary again, as a worker or as a supervisor.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "fake-worker" {
		os.Exit(fakeMain(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "fake-worker":
			os.Exit(fakeMain(os.Args[2:], os.Stdin, os.Stdout, os.Stderr))
		case "supervisor":
			os.Exit(supervisor(os.Args[2]))
		}
	}
	os.Exit(m.Run())
}

// setting is a run as a test describes it, also to another process.
type setting struct {
	Out        string
	Name       string
	Filters    []int // one configuration each
	Seeds      int
	Steps      int
	Jobs       int
	Checkpoint time.Duration
	Lease      time.Duration
	Worker     fakeOptions
}

func (s setting) trials() []experiment.Trial {
	var all []experiment.Trial
	for _, f := range s.Filters {
		layers := []models.Layer{models.NewConv(5, f), models.NewMaxPool(2), models.NewDense(8)}
		recipe := models.DefaultRecipe()
		recipe.Steps = s.Steps
		c := models.Config{Layers: layers, Recipe: recipe, Data: models.Data{Name: "tiny", Digest: "d",
			Input: models.Shape{H: 8, W: 8, C: 1}, Classes: 10, Train: 100, Validation: 50, Test: 80}}
		counts, err := footprint.Of(c.Spec())
		if err != nil {
			panic(err)
		}
		full := &experiment.Configuration{ID: c.ID(), Assignment: map[string]any{"filters": f}, Config: c, Footprint: counts}
		for seed := range s.Seeds {
			all = append(all, experiment.Trial{Configuration: full, Seed: int64(seed)})
		}
	}
	return all
}

// options are the run's, with the fake worker.
func (s setting) options() (Options, error) {
	folder, err := store.Create(s.Out, s.Name, []byte("name: "+s.Name+"\n"))
	if err != nil {
		return Options{}, err
	}
	o := Options{Folder: folder, Experiment: s.Name, Test: true, CheckpointEvery: s.Checkpoint, Lease: s.Lease, Retries: DefaultRetries}
	for i := range s.Jobs {
		o.Workers = append(o.Workers, Slot{Index: i, Threads: 1})
	}
	o.Command, err = s.command()
	return o, err
}

func (s setting) command() (func(workerproc.Settings) *exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(s.Worker)
	if err != nil {
		return nil, err
	}
	return func(workerproc.Settings) *exec.Cmd {
		cmd := exec.Command(self, "fake-worker")
		cmd.Env = append(os.Environ(), fakeVariable+"="+string(text))
		return cmd
	}, nil
}

// supervisor is another process that runs a setting; it prints its summary as
// JSON, and every event's message on stderr.
func supervisor(text string) int {
	var s setting
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	o, err := s.options()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	o.Events = func(e Event) {
		if e.Message != "" {
			fmt.Fprintln(os.Stderr, e.Kind, e.Message)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	summary, err := Run(ctx, o, s.trials())
	json.NewEncoder(os.Stdout).Encode(summary)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// small is a run that takes a moment.
func small(t *testing.T) setting {
	t.Helper()
	return setting{Out: t.TempDir(), Name: "small", Filters: []int{2, 4, 6, 16}, Seeds: 2, Steps: 60, Jobs: 2,
		Checkpoint: 20 * time.Millisecond, Lease: time.Minute, Worker: fakeOptions{StepMillis: 1}}
}

// recorder keeps events.
type recorder struct {
	mu     sync.Mutex
	events []Event
}

func (r *recorder) add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// messages are those of one kind, joined.
func (r *recorder) messages(k EventKind) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, e := range r.events {
		if e.Kind == k {
			all = append(all, e.Message)
		}
	}
	return strings.Join(all, "\n")
}

// mustRun runs the setting in this process.
func mustRun(t *testing.T, s setting, change func(*Options)) (Summary, *recorder) {
	t.Helper()
	summary, rec, err := tryRun(t, context.Background(), s, change)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return summary, rec
}

func tryRun(t *testing.T, ctx context.Context, s setting, change func(*Options)) (Summary, *recorder, error) {
	t.Helper()
	o, err := s.options()
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{}
	o.Events = rec.add
	if change != nil {
		change(&o)
	}
	summary, err := Run(ctx, o, s.trials())
	return summary, rec, err
}

// files reads result.json and history.csv of every trial in the run folder, and
// fails if temporary files or damage are left.
func files(t *testing.T, s setting) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	root := filepath.Join(s.Out, s.Name)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if strings.Contains(rel, ".tmp-") {
			t.Errorf("left behind: %s", rel)
		}
		switch filepath.Base(path) {
		case "result.json", "history.csv", "weights.bin":
			all[rel], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// same compares two run folders' files byte for byte.
func same(t *testing.T, got, want map[string][]byte) {
	t.Helper()
	var names []string
	for name := range want {
		names = append(names, name)
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s should not be there", name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if b, ok := got[name]; !ok {
			t.Errorf("%s is missing", name)
		} else if !bytes.Equal(b, want[name]) {
			t.Errorf("%s differs:\n%.600s\nwant\n%.600s", name, b, want[name])
		}
	}
}

// undisturbed is what a setting's run writes when nothing happens to it.
func undisturbed(t *testing.T, s setting) map[string][]byte {
	t.Helper()
	s.Out = t.TempDir()
	s.Jobs = 2
	s.Worker = fakeOptions{}
	s.Checkpoint = 0
	summary, _ := mustRun(t, s, nil)
	if n := len(s.trials()); summary.State.Done != n || summary.Trained != n || summary.Left != 0 {
		t.Fatalf("undisturbed: %+v", summary)
	}
	return files(t, s)
}

func keyString(t experiment.Trial) string { return t.Key().String() }

// signalled says whether err, or what it wraps, is a fatal error of the run
// that contains all of want.
func wantFatal(t *testing.T, err error, want ...string) {
	t.Helper()
	var f *fatal
	if !errors.As(err, &f) {
		t.Fatalf("error %v, want one that ends the run", err)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// process starts the setting's run in another process group.
func process(t *testing.T, s setting) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "supervisor", string(text))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout = &out
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	return cmd, &out
}

// workers lists the PIDs of the workers of a supervisor, from its status file.
func workers(t *testing.T, s setting, supervisor int) []int {
	t.Helper()
	folder, err := store.Open(filepath.Join(s.Out, s.Name))
	if err != nil {
		return nil
	}
	all, err := folder.Processes()
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, p := range all {
		var state State
		if p.Owner.PID != supervisor || json.Unmarshal(p.Status, &state) != nil {
			continue
		}
		for _, w := range state.Workers {
			if w.PID != 0 {
				pids = append(pids, w.PID)
			}
		}
	}
	return pids
}

func trialResult(t *testing.T, s setting, i int) result.Result {
	t.Helper()
	folder, err := store.Open(filepath.Join(s.Out, s.Name))
	if err != nil {
		t.Fatal(err)
	}
	r, err := folder.ReadResult(s.trials()[i].Key())
	if err != nil {
		t.Fatal(err)
	}
	return r
}
