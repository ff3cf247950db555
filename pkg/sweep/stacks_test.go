package sweep

import (
	"os"
	"os/exec"
	"slices"
	"testing"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/workerproc"
)

// stackTrials are n seeds of each of some networks, that share their order.
func stackTrials(t *testing.T, n int, order string) []experiment.Trial {
	t.Helper()
	var all []experiment.Trial
	for _, filters := range []int{2, 16} {
		c := configuration(t, 5, filters, 4, 64, func(c *models.Config) { c.Recipe.Order = order })
		for seed := range n {
			all = append(all, experiment.Trial{Configuration: c, Seed: int64(seed)})
		}
	}
	return all
}

func TestBuildStacks(t *testing.T) {
	sizes := func(packs []Pack) (n []int) {
		for _, p := range packs {
			for _, t := range p.Trials[1:] {
				if stackKey(t) != stackKey(p.Trials[0]) {
					return nil
				}
			}
			n = append(n, len(p.Trials))
		}
		slices.Sort(n)
		return n
	}
	for _, c := range []struct {
		order string
		size  int
		want  []int
	}{
		{models.Shared, 64, []int{9, 9}},
		{models.Shared, 4, []int{3, 3, 3, 3, 3, 3}},
		{models.Shared, 1, slices.Repeat([]int{1}, 18)},
		{models.PerSeed, 64, slices.Repeat([]int{1}, 18)},
	} {
		packs := BuildStacks(stackTrials(t, 9, c.order), 1, DefaultCost(), func(experiment.Trial) int { return c.size })
		if got := sizes(packs); !slices.Equal(got, c.want) {
			t.Errorf("%s, %d: packs of %v, want %v", c.order, c.size, got, c.want)
		}
	}
}

// The best size of a stack is measured at the first use of a shape on a GPU, kept,
// and used.
func TestMeasureStacks(t *testing.T) {
	s := small(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	gpu := []Slot{{Threads: 1, Device: Device{Name: "GPU 0", Visible: "0"}}}
	o, err := s.options()
	if err != nil {
		t.Fatal(err)
	}
	o.Workers = gpu
	fake := o.Command
	started := 0
	o.Command = func(w workerproc.Settings) *exec.Cmd {
		started++
		cmd := fake(w)
		cmd.Args = append([]string{self, "fake-worker"}, workerproc.Command(self, w).Args[1:]...)
		return cmd
	}
	trials := stackTrials(t, 9, models.Shared)
	speeds := LoadSpeeds(dir, "m", DefaultCost())
	if n := speeds.Unmeasured(trials, gpu); n != 2 {
		t.Errorf("%d shapes to be measured, want 2", n)
	}
	var said []string
	if err := speeds.MeasureStacks(t.Context(), o, trials, func(text string) { said = append(said, text) }); err != nil {
		t.Fatal(err)
	}
	// The fake worker takes as long for a large pack as for a small one.
	if n := speeds.StackSize(trials[0], gpu[0].Device); n != 9 || started != 2 || len(said) != 2 {
		t.Errorf("best size %d, %d workers, %q", n, started, said)
	}
	if err := speeds.Save(); err != nil {
		t.Fatal(err)
	}
	again := LoadSpeeds(dir, "m", DefaultCost())
	o.Command = noWorker(t)
	if err := again.MeasureStacks(t.Context(), o, trials, func(string) {}); err != nil || again.Unmeasured(trials, gpu) != 0 {
		t.Errorf("measured again: %v", err)
	}
	if packs := again.Packs(trials, gpu); len(packs) != 2 {
		t.Errorf("%d packs, want one a network", len(packs))
	}
	if packs := again.Packs(trials, []Slot{{Threads: 1}}); len(packs) < 3 {
		t.Errorf("%d packs on the CPU", len(packs))
	}
}
