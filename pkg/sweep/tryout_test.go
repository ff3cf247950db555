package sweep

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/machine"
	"slimfit/pkg/workerproc"
)

// onGPUs gives a setting's options fake GPUs; slower says how many times as long
// the n-th worker takes that is started, counted from 0. The number counts them.
func onGPUs(t *testing.T, s setting, gpus int, slower func(n int) float64) (Options, *atomic.Int32) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.options()
	if err != nil {
		t.Fatal(err)
	}
	cards := []machine.Device{{Visible: "0", Name: "A"}, {Visible: "1", Name: "A"}}
	o.Workers = Placement{Devices: cards[:gpus]}.Slots(nil)
	started := &atomic.Int32{}
	o.Command = func(w workerproc.Settings) *exec.Cmd {
		s := s
		s.Worker.StepMillis *= slower(int(started.Add(1)) - 1)
		command, err := s.command()
		if err != nil {
			t.Error(err)
		}
		fake, cmd := command(w), workerproc.Command(self, w)
		cmd.Args = slices.Insert(cmd.Args, 1, "fake-worker")
		cmd.Env = append(cmd.Env, fake.Env[len(fake.Env)-1])
		return cmd
	}
	return o, started
}

func alike(int) float64 { return 1 }

// Where workers on one GPU run at once, their number is measured for the shape
// that costs most, kept beside what another process has found, and started.
func TestMeasureSharing(t *testing.T) {
	for name, c := range map[string]struct {
		slower func(n int) float64
		run    float64 // ms of a run besides its steps
		want   stackFit
	}{
		"two halves of a card":    {func(n int) float64 { return []float64{1, 1, 50, 50}[n%4] }, 0, stackFit{9, "", 1, 2}},
		"room for four":           {alike, 0, stackFit{9, "", 1, 4}},
		"the second gains little": {func(n int) float64 { return []float64{1, 100, 100, 100}[n%4] }, 0, stackFit{9, "", 1, 1}},
		"runs cost as much":       {func(n int) float64 { return []float64{1, 1, 50, 50}[n%4] }, 1, stackFit{9, "", 16, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			s := small(t)
			s.Worker.RunMillis = c.run
			trials := stackTrials(t, 9, models.Shared)[9:] // one shape
			for dense := range 10 {
				trials = append(trials, experiment.Trial{Configuration: configuration(t, 5, 2, 4, 1+dense, nil)})
			}
			o, _ := onGPUs(t, s, 2, c.slower)
			o.Sharing = 4
			speeds := LoadSpeeds(t.TempDir(), "m", DefaultCost())
			if err := speeds.MeasureStacks(t.Context(), o, trials[:9], func(string) {}); err != nil {
				t.Fatal(err)
			}
			if got, _ := speeds.stack(trials[0], o.Workers[0].Device); got != c.want {
				t.Errorf("best %+v, want %+v", got, c.want)
			}
			old := LoadSpeeds(t.TempDir(), "m", DefaultCost())
			old.putFit(fitKey(trials[0], o.Workers[0].Device), stackFit{Members: 4})
			if speeds.LearnFits(old); speeds.Unmeasured(trials[:9], o.Workers, 4) != 0 {
				t.Error("what another process knows less of takes its place")
			}
			shared, said := speeds.Shared(trials, o.Workers, 4)
			if len(shared) != 2*c.want.Workers || !strings.Contains(said, c.want.String()) {
				t.Errorf("%d workers on two GPUs, said %q", len(shared), said)
			}
			for i, s := range shared {
				if s.Index != i || s.Device != o.Workers[i%2].Device {
					t.Errorf("worker %d: %+v", i, s)
				}
			}
			if alone, _ := speeds.Shared(trials, o.Workers, 1); len(alone) != 2 {
				t.Errorf("%d workers where they would take turns", len(alone))
			}
			if few, _ := speeds.Shared(trials[:9], o.Workers[:1], 4); len(few) != 1 {
				t.Errorf("%d workers for one pack", len(few))
			}
		})
	}
}

// Several workers are tried only where they run at once, and nobody chose.
func TestSharing(t *testing.T) {
	cards := []machine.Device{{Visible: "0"}, {Visible: "1"}}
	for _, c := range []struct {
		p    Placement
		want int
	}{
		{Placement{Devices: cards, MPS: true}, 4},
		{Placement{Devices: cards}, 1},
		{Placement{MPS: true}, 1},
		{Placement{Devices: cards, MPS: true, PerDevice: 1}, 1},
		{Placement{Devices: cards, MPS: true, Jobs: 4}, 2},
		{Placement{Devices: cards, MPS: true, Jobs: 1}, 1},
	} {
		if got := c.p.Sharing(); got != c.want {
			t.Errorf("%+v: up to %d workers a GPU, want %d", c.p, got, c.want)
		}
	}
}

// A card without room for a large stack, or for a second worker, gets what fits.
func TestTryoutWithoutRoom(t *testing.T) {
	s := small(t)
	o, _ := onGPUs(t, s, 1, alike)
	fits := o.Command
	started := 0
	o.Command = func(w workerproc.Settings) *exec.Cmd {
		if started++; started > 1 {
			return exec.Command("false")
		}
		return fits(w)
	}
	o.Sharing = 4
	trials := stackTrials(t, 5, models.Shared)[:5]
	speeds := LoadSpeeds(t.TempDir(), "m", DefaultCost())
	if err := speeds.MeasureStacks(t.Context(), o, trials, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if got, _ := speeds.stack(trials[0], o.Workers[0].Device); got != (stackFit{5, "", 1, 1}) {
		t.Errorf("best %+v", got)
	}
	o.Command = func(workerproc.Settings) *exec.Cmd { return exec.Command("false") }
	err := LoadSpeeds(t.TempDir(), "m", DefaultCost()).MeasureStacks(t.Context(), o, trials, func(string) {})
	if err == nil {
		t.Error("no worker starts, and nothing is said")
	}
}

// A run starts the workers that were measured to be best, says so first, and lets
// them train as many steps at a time.
func TestRunShares(t *testing.T) {
	s := small(t)
	s.Filters, s.Seeds, s.Worker.RunMillis = []int{2, 4, 6}, 2, 3
	o, _ := onGPUs(t, s, 1, alike)
	trials := s.trials()
	for i := range trials {
		c := *trials[i].Configuration
		c.Recipe.Order = models.Shared
		trials[i].Configuration = &c
	}
	rec := &recorder{}
	o.Events, o.Sharing, o.Speeds = rec.add, 2, LoadSpeeds(t.TempDir(), "m", DefaultCost())
	if _, err := Run(t.Context(), o, trials); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(rec.events, func(e Event) bool { return e.Kind == Planned })
	if n := len(rec.events[at].State.Workers); n != 2 {
		t.Errorf("%d workers on the GPU, want 2", n)
	}
	if said := rec.messages(Notice); !strings.Contains(said, "packs of 2, 16 steps at a time, 2 side by side on each GPU, as measured") {
		t.Errorf("said %q", said)
	}
	unrolled := 0
	for _, trial := range trials {
		r, err := o.Folder.ReadResult(trial.Key())
		if err != nil {
			t.Fatal(err)
		}
		if p := r.Environment.Pack; p != nil && strings.HasSuffix(p.Form, "unrolled 16 times") {
			unrolled++
		}
	}
	if unrolled < 2 { // those that trained alone are not
		t.Errorf("%d trials were unrolled", unrolled)
	}
}
