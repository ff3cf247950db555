package sweep

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
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
		{models.PerSeed, 64, []int{9, 9}},
	} {
		packs := BuildStacks(stackTrials(t, 9, c.order), 1, DefaultCost(), func(experiment.Trial) int { return c.size })
		if got := sizes(packs); !slices.Equal(got, c.want) {
			t.Errorf("%s, %d: packs of %v, want %v", c.order, c.size, got, c.want)
		}
	}
	// Those that cannot be a stack share their batches or train alone.
	trials := stackTrials(t, 9, models.PerSeed)
	for i, trial := range trials {
		c := *trial.Configuration
		c.Recipe.Quantize = models.Int8
		trials[i].Configuration = &c
	}
	packs := BuildStacks(trials, 1, DefaultCost(), func(experiment.Trial) int { return 64 })
	if got := sizes(packs); !slices.Equal(got, slices.Repeat([]int{1}, 18)) {
		t.Errorf("int8: packs of %v", got)
	}
}

// The best size of a stack is measured at the first use of a shape on a GPU, kept,
// and used.
func TestMeasureStacks(t *testing.T) {
	dir := t.TempDir()
	o, started := onGPUs(t, small(t), 1, alike)
	gpu := o.Workers
	trials := stackTrials(t, 9, models.Shared)
	speeds := LoadSpeeds(dir, "m", DefaultCost())
	if n := speeds.Unmeasured(trials, gpu, 1); n != 2 {
		t.Errorf("%d shapes to be measured, want 2", n)
	}
	var said []string
	if err := speeds.MeasureStacks(t.Context(), o, trials, func(text string) { said = append(said, text) }); err != nil {
		t.Fatal(err)
	}
	// The fake worker takes as long for a large pack as for a small one.
	if n := speeds.StackSize(trials[0], gpu[0].Device); n != 9 || started.Load() != 2 || len(said) != 2 {
		t.Errorf("best size %d, %d workers, %q", n, started.Load(), said)
	}
	if err := speeds.Save(); err != nil {
		t.Fatal(err)
	}
	again := LoadSpeeds(dir, "m", DefaultCost())
	o.Command = noWorker(t)
	if err := again.MeasureStacks(t.Context(), o, trials, func(string) {}); err != nil || again.Unmeasured(trials, gpu, 1) != 0 {
		t.Errorf("measured again: %v", err)
	}
	if packs := again.Packs(trials, gpu); len(packs) != 2 {
		t.Errorf("%d packs, want one a network", len(packs))
	}
	if packs := again.Packs(trials, []Slot{{Threads: 1}}); len(packs) < 3 {
		t.Errorf("%d packs on the CPU", len(packs))
	}
}

// Of the forms of a stack's convolutions the fastest is measured, kept, and what
// workers are told; one that cannot be trained is left out.
func TestMeasureForms(t *testing.T) {
	s := small(t)
	s.Worker.FormMillis = map[string]float64{models.Separate: 3, models.Grouped: -1, models.Patches: 2}
	o, started := onGPUs(t, s, 1, alike)
	c := *s.trials()[0].Configuration
	c.Layers = append([]models.Layer{models.NewConv(3, 2)}, c.Layers...)
	c.ID = c.Config.ID()
	var trials []experiment.Trial
	for seed := range 3 {
		trials = append(trials, experiment.Trial{Configuration: &c, Seed: int64(seed)})
	}
	o.Speeds = LoadSpeeds(t.TempDir(), "m", DefaultCost())
	var said []string
	o.Events = func(e Event) { said = append(said, e.Message) }
	if _, err := Run(t.Context(), o, trials); err != nil {
		t.Fatal(err)
	}
	if n := started.Load(); n != 2 { // one that measures, and the run's
		t.Errorf("%d workers", n)
	}
	if !slices.ContainsFunc(said, func(text string) bool {
		return strings.HasSuffix(text, "fastest on GPU 0 (A) are packs of 3, with convolutions in the form patches")
	}) {
		t.Errorf("said %q", said)
	}
	for _, trial := range trials {
		r, err := o.Folder.ReadResult(trial.Key())
		want := result.Pack{Form: "stacked, patches, unrolled 1 times", Members: 3}
		if err != nil || r.Environment.Pack == nil || *r.Environment.Pack != want {
			t.Errorf("%v, %v", r.Environment.Pack, err)
		}
	}
	if err := o.Speeds.Save(); err != nil {
		t.Fatal(err)
	}
	again := LoadSpeeds(filepath.Dir(filepath.Dir(o.Speeds.path)), "m", DefaultCost())
	if fit, ok := again.stack(trials[2], o.Workers[0].Device); !ok || fit != (stackFit{3, models.Patches, 1, 0}) {
		t.Errorf("kept: %+v, %v", fit, ok)
	}
}
