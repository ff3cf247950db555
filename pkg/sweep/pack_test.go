package sweep

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"slimfit/models"
	"slimfit/models/modelstest"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
)

// configuration of the paper's kind.
func configuration(t testing.TB, kernel, filters, pool, dense int, change func(*models.Config)) *experiment.Configuration {
	t.Helper()
	c := models.Config{Layers: []models.Layer{models.NewConv(kernel, filters), models.NewMaxPool(pool), models.NewDense(dense),
		models.NewDropout(0.5)},
		Recipe: models.DefaultRecipe(), Data: models.Data{Name: "mnist", Digest: "m", Input: models.Shape{H: 28, W: 28, C: 1},
			Classes: 10, Train: 55000, Validation: 5000, Test: 10000}}
	if change != nil {
		change(&c)
	}
	counts, err := footprint.Of(c.Spec())
	if err != nil {
		t.Fatal(err)
	}
	return &experiment.Configuration{ID: c.ID(), Config: c, Footprint: counts}
}

// grid is every configuration with every seed.
func grid(configs []*experiment.Configuration, seeds int) []experiment.Trial {
	var trials []experiment.Trial
	for _, c := range configs {
		for s := range seeds {
			trials = append(trials, experiment.Trial{Configuration: c, Seed: int64(s)})
		}
	}
	return trials
}

// describe is the packs without their costs.
func describe(packs []Pack) [][]result.Key {
	var all [][]result.Key
	for _, p := range packs {
		var keys []result.Key
		for _, t := range p.Trials {
			keys = append(keys, t.Key())
		}
		all = append(all, keys)
	}
	return all
}

func TestBuildPacksProperties(t *testing.T) {
	var configs []*experiment.Configuration
	for _, kernel := range []int{5, 3} {
		for _, filters := range []int{1, 2, 4, 7, 8, 9, 32} {
			for _, pool := range []int{2, 4} {
				for _, order := range []string{models.PerSeed, models.Shared} {
					configs = append(configs, configuration(t, kernel, filters, pool, 16, func(c *models.Config) { c.Recipe.Order = order }))
				}
			}
		}
	}
	configs = append(configs, configuration(t, 5, 2, 2, 16, func(c *models.Config) { c.Layers = []models.Layer{models.NewDense(16)} }),
		configuration(t, 5, 2, 2, 16, func(c *models.Config) { c.Recipe.Batch = 100 }),
		configuration(t, 5, 2, 2, 16, func(c *models.Config) { c.Data.Digest = "other" }))
	for i := range modelstest.Modern {
		r := rand.New(rand.NewPCG(uint64(i), 14))
		configs = append(configs, configuration(t, 5, 2, 2, 16, func(c *models.Config) {
			c.Layers = modelstest.RandomFor(i, c.Data.Input, c.Data.Classes, r).Layers
		}))
	}
	rapid.Check(t, func(rt *rapid.T) {
		all := grid(configs, 4)
		trials := rapid.Permutation(all).Draw(rt, "order")[:rapid.IntRange(0, len(all)).Draw(rt, "trials")]
		workers := rapid.IntRange(1, 9).Draw(rt, "workers")
		packs := BuildPacks(trials, workers, DefaultCost())
		seen := map[result.Key]int{}
		for i, p := range packs {
			if i > 0 && p.Cost > packs[i-1].Cost {
				rt.Fatal("a costlier pack comes later")
			}
			if p.Cost != DefaultCost().Pack(p.Trials) {
				rt.Fatal("the cost is another pack's")
			}
			first, channels := p.Trials[0], 0
			for _, tr := range p.Trials {
				seen[tr.Key()]++
				if len(p.Trials) == 1 {
					continue
				}
				channels += tr.Layers[0].Filters
				a, b := tr.Layers[0], first.Layers[0]
				a.Filters, b.Filters = 0, 0
				switch {
				case !reflect.DeepEqual(tr.Recipe, first.Recipe) || tr.Data != first.Data:
					rt.Fatal("recipe or data differ")
				case tr.Recipe.Order == models.PerSeed && tr.Seed != first.Seed:
					rt.Fatal("the batch order differs")
				case !a.Equal(b) || !tr.Layers[1].Equal(first.Layers[1]):
					rt.Fatal("the first layers do not fuse")
				case tr.Layers[0].Filters > maxNarrow:
					rt.Fatal("a wide convolution in a pack")
				}
			}
			if len(p.Trials) > maxMembers || channels > models.MaxFused {
				rt.Fatalf("%d members, %d channels", len(p.Trials), channels)
			}
		}
		if len(seen) != len(trials) {
			rt.Fatalf("%d trials in packs, want %d", len(seen), len(trials))
		}
		for k, n := range seen {
			if n != 1 {
				rt.Fatalf("%s is in %d packs", k, n)
			}
		}
		shuffled := slices.Clone(trials)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if again := BuildPacks(shuffled, workers, DefaultCost()); !reflect.DeepEqual(describe(again), describe(packs)) {
			rt.Fatal("another order of the same trials gives other packs")
		}
	})
}

func TestBuildPacksOfThePaper(t *testing.T) {
	var configs []*experiment.Configuration
	for _, kernel := range []int{5, 3, 1} {
		for _, filters := range []int{32, 16, 8, 4, 2} {
			configs = append(configs, configuration(t, kernel, filters, 2, 128, nil))
		}
	}
	sizes := map[int]int{}
	for _, p := range BuildPacks(grid(configs, 5), 2, DefaultCost()) {
		sizes[len(p.Trials)]++
	}
	// 2, 4 and 8 filters of a kernel and a seed go together; 16 and 32 do not.
	if want := map[int]int{3: 15, 1: 30}; !reflect.DeepEqual(sizes, want) {
		t.Errorf("packs by size %v, want %v", sizes, want)
	}
	shared := grid([]*experiment.Configuration{configuration(t, 5, 2, 4, 128, func(c *models.Config) { c.Recipe.Order = models.Shared })}, 9)
	if got := describe(BuildPacks(shared, 1, DefaultCost())); len(got) != 2 || len(got[0]) != 5 {
		t.Errorf("nine seeds of one order: %v, want 5 and 4", got)
	}
}

// A few packs are split so that no worker is idle.
func TestBuildPacksKeepsWorkersBusy(t *testing.T) {
	trials := grid([]*experiment.Configuration{configuration(t, 5, 2, 2, 128, func(c *models.Config) { c.Recipe.Order = models.Shared })}, 16)
	for workers, want := range map[int]int{1: 2, 2: 2, 4: 4, 16: 16} {
		packs := BuildPacks(trials, workers, DefaultCost())
		if len(packs) != want {
			t.Errorf("%d workers: %d packs, want %d", workers, len(packs), want)
		}
	}
}

func TestMakespan(t *testing.T) {
	packs := []Pack{{Cost: 5}, {Cost: 4}, {Cost: 3}, {Cost: 3}, {Cost: 3}}
	for workers, want := range map[int]float64{0: 0, 1: 18, 2: 10, 3: 7, 9: 5} {
		if got := Makespan(packs, workers); got != want {
			t.Errorf("%d workers: %v, want %v", workers, got, want)
		}
	}
}

func TestShardsPartition(t *testing.T) {
	var configs []*experiment.Configuration
	for filters := range 40 {
		configs = append(configs, configuration(t, 5, filters+1, 2, 16, nil))
	}
	trials := grid(configs, 5)
	for _, n := range []int{1, 2, 3, 7, 300} {
		seen := map[result.Key]int{}
		var least, most float64
		for i := range n {
			part := Shard(trials, i+1, n)
			for _, tr := range part {
				seen[tr.Key()]++
			}
			work := Counted(part)
			if i == 0 {
				least, most = work, work
			}
			least, most = min(least, work), max(most, work)
		}
		if len(seen) != len(trials) {
			t.Errorf("%d shards cover %d of %d trials", n, len(seen), len(trials))
		}
		for k, times := range seen {
			if times != 1 {
				t.Errorf("%d shards: %s is in %d", n, k, times)
			}
		}
		if n <= 7 && most > 1.2*least {
			t.Errorf("%d shards: work from %.3g to %.3g", n, least, most)
		}
	}
	reversed := slices.Clone(trials)
	slices.Reverse(reversed)
	a, b := describe([]Pack{{Trials: Shard(trials, 2, 3)}}), describe([]Pack{{Trials: Shard(reversed, 2, 3)}})
	slices.Reverse(b[0])
	if !reflect.DeepEqual(a, b) {
		t.Error("another order of the same trials gives other shards")
	}
}

func TestTogether(t *testing.T) {
	for _, c := range []struct {
		steps      [][]int
		step       int
		now, later []int // trials
	}{
		{[][]int{{0}, {0}, {0}}, 0, []int{0, 1, 2}, nil},
		{[][]int{{200, 100, 0}, {200, 100, 0}}, 200, []int{0, 1}, nil},
		{[][]int{{200, 100, 0}, {100, 0}}, 100, []int{0, 1}, nil},
		{[][]int{{200, 0}, {100, 0}}, 200, []int{0}, []int{1}},
		{[][]int{{200, 0}, {0}, {0}}, 0, []int{1, 2}, []int{0}},
		{[][]int{{200, 0}, {200, 0}, {0}}, 200, []int{0, 1}, []int{2}},
		{[][]int{{0}, {50, 0}}, 50, []int{1}, []int{0}},
	} {
		var got []held
		for i, s := range c.steps {
			got = append(got, held{trial: i, steps: s})
		}
		step, now, later := together(got)
		if step != c.step || fmt.Sprint(trialsIn(now)) != fmt.Sprint(c.now) || fmt.Sprint(trialsIn(later)) != fmt.Sprint(c.later) {
			t.Errorf("%v: step %d, now %v, later %v; want %d, %v, %v", c.steps, step, trialsIn(now), trialsIn(later), c.step, c.now, c.later)
		}
	}
}

func trialsIn(all []held) (trials []int) {
	for _, h := range all {
		trials = append(trials, h.trial)
	}
	return trials
}

// BenchmarkPlan packs 100,000 trials.
func BenchmarkPlan(b *testing.B) {
	var configs []*experiment.Configuration
	for filters := range 20_000 {
		configs = append(configs, configuration(b, 5, filters%100+1, 2, filters/100+1, nil))
	}
	trials := grid(configs, 5)
	b.ReportAllocs()
	for b.Loop() {
		BuildPacks(trials, 8, DefaultCost())
	}
}

// A pack says where its recipe's teacher lies.
func TestPackHasItsTeacher(t *testing.T) {
	recipe := models.DefaultRecipe()
	recipe.Teacher = &models.Teacher{Run: "c5x2-00000000/seed-1", Digest: "d", Temperature: 4, Weight: 0.9}
	teacher := &experiment.Teacher{Dir: "/runs/x/c5x2-00000000/seed-1", Layers: []models.Layer{models.NewConv(5, 2)}}
	p := newPack(3, models.Source{}, experiment.Trial{Configuration: &experiment.Configuration{Config: models.Config{Recipe: recipe},
		Teacher: teacher}})
	if p.ID != 3 || p.Teacher == nil || p.Teacher.Dir != teacher.Dir || len(p.Teacher.Layers) != 1 || p.Recipe.Teacher != recipe.Teacher {
		t.Errorf("pack %+v", p)
	}
	if p := newPack(3, models.Source{}, experiment.Trial{Configuration: &experiment.Configuration{}}); p.Teacher != nil {
		t.Errorf("teacher %+v", p.Teacher)
	}
}
