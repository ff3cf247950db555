package sweep

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"slimfit/models"
	"slimfit/pkg/workerproc"
)

// A worker that does not see the GPU that it was given would train on the CPU,
// and nobody would know.
func TestWorkerWithoutItsGPU(t *testing.T) {
	s := small(t)
	summary, _, err := tryRun(t, context.Background(), s, func(o *Options) {
		o.Workers[1].Device = Device{Name: "GPU 1 (Tesla T4)", Visible: "1"}
	})
	wantFatal(t, err, "does not see GPU 1 (Tesla T4)", "--gpus none")
	if failed := summary.State.Failed; failed != 0 {
		t.Errorf("%d trials are blamed", failed)
	}
	if summary, _ := mustRun(t, s, nil); summary.State.Done != len(s.trials()) {
		t.Errorf("afterwards: %+v", summary)
	}
}

// A worker computes in float32 or in tf32 for all its life: a run that has both
// starts another for the other.
func TestArithmeticIsTheWorkers(t *testing.T) {
	s := small(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	trials := s.trials()
	recipe := models.DefaultRecipe()
	recipe.Steps, recipe.Precision = s.Steps, models.TF32
	for i := range trials {
		if i < 4 {
			c := *trials[i].Configuration
			c.Recipe, c.ID = recipe, c.ID+"-tf32"
			trials[i].Configuration = &c
		}
	}
	o, err := s.options()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var started []workerproc.Settings
	o.Workers = []Slot{{Threads: 1, Device: Device{Name: "GPU 0", Visible: "0"}}}
	o.Command = func(s workerproc.Settings) *exec.Cmd {
		mu.Lock()
		defer mu.Unlock()
		started = append(started, s)
		cmd := workerproc.Command(self, s)
		cmd.Args = slices.Insert(cmd.Args, 1, "fake-worker")
		return cmd
	}
	if _, err := Run(t.Context(), o, trials); err != nil {
		t.Fatal(err)
	}
	for i, trial := range trials {
		r, err := o.Folder.ReadResult(trial.Key())
		if err != nil {
			t.Fatal(err)
		}
		if want := i < 4; r.Environment.TF32 != want || r.Environment.Device != "fake GPU 0" {
			t.Errorf("%s, tf32 %v: computed on %s, tf32 %v", trial.ID, want, r.Environment.Device, r.Environment.TF32)
		}
	}
	if len(started) < 2 || len(started) > 4 {
		t.Errorf("%d workers for two kinds of arithmetic", len(started))
	}
}

// The first step on a GPU may compile kernels for a minute, whatever --hang says.
func TestPatience(t *testing.T) {
	r := &run{Options: Options{Hang: 10 * time.Second, Workers: []Slot{{}, {Device: Device{Visible: "0"}}}}}
	for _, c := range []struct {
		slot  int
		moved bool
		want  time.Duration
	}{{0, false, 10 * time.Second}, {0, true, 10 * time.Second}, {1, false, firstStep}, {1, true, 10 * time.Second}} {
		if got := r.patience(c.slot, c.moved); got != c.want {
			t.Errorf("slot %d, moved %v: %v, want %v", c.slot, c.moved, got, c.want)
		}
	}
	if firstStep < time.Minute {
		t.Error("a first step may take a minute")
	}
}
