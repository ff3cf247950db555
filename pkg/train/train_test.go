package train

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
	"slimfit/pkg/dataset"
	"slimfit/pkg/graph"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
)

// bars are images of 12x12 with one bright row each: the row's third is the
// class, so that a small network can learn it.
func bars(n int, seed uint64) dataset.Images {
	g := rand.New(rand.NewPCG(seed, 0))
	im := dataset.Images{Pixels: make([]uint8, n*144), Labels: make([]uint8, n)}
	for i := range n {
		row := g.IntN(12)
		im.Labels[i] = uint8(row / 4)
		for k := range 144 {
			im.Pixels[i*144+k] = uint8(g.IntN(60))
			if k/12 == row {
				im.Pixels[i*144+k] = uint8(180 + g.IntN(60))
			}
		}
	}
	return im
}

func barSet() *dataset.Set {
	s := &dataset.Set{Train: bars(600, 1), Validation: bars(100, 2), Test: bars(120, 3)}
	s.Data = models.Data{Name: "bars", Input: models.Shape{H: 12, W: 12, C: 1}, Classes: 3, Train: 600, Validation: 100, Test: 120}
	return s
}

func net(seed int64, filters int) graph.Net {
	return graph.Net{Seed: seed, Spec: models.Spec{Input: models.Shape{H: 12, W: 12, C: 1}, Classes: 3, Layers: []models.Layer{
		models.NewConv(3, filters), models.NewMaxPool(2), models.NewDense(16), models.NewDropout(0.25)}}}
}

func recipe(steps int) models.Recipe {
	r := models.DefaultRecipe()
	r.Steps, r.Batch, r.LearningRate = steps, 40, 3e-3
	return r
}

func start(t *testing.T, set *dataset.Set, r models.Recipe, nets ...graph.Net) *Training {
	t.Helper()
	tr, err := New(set, nets, r, nil, graph.DeviceFor(r, 1, false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

func advance(t *testing.T, tr *Training, to int) {
	t.Helper()
	for tr.Step() < to {
		if err := tr.Next(); err != nil {
			t.Fatal(err)
		}
	}
}

func digest(t *testing.T, tr *Training, net int) string {
	t.Helper()
	w, err := tr.Weights(net)
	if err != nil {
		t.Fatal(err)
	}
	return w.SHA256()
}

func TestLearns(t *testing.T) {
	tr := start(t, barSet(), recipe(300), net(1, 4), net(1, 2))
	advance(t, tr, 300)
	results, err := tr.Results(true)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if *r.Accuracy.Test < 0.9 || *r.Accuracy.Validation < 0.9 {
			t.Errorf("network %d: test %v, validation %v after 300 steps", i, *r.Accuracy.Test, *r.Accuracy.Validation)
		}
		if got := *r.Correct.Test + len(r.Wrong.Test); got != 120 {
			t.Errorf("network %d: right and wrong are %d images, want 120", i, got)
		}
		history := tr.History(i)
		if last := history[len(history)-1]; last.Step != 300 || *last.Validation != *r.Accuracy.Validation {
			t.Errorf("network %d: history ends with %+v", i, last)
		}
	}
	sealed, err := tr.Results(false)
	if err != nil {
		t.Fatal(err)
	}
	if sealed[0].Accuracy.Test != nil || sealed[0].Wrong.Test != nil {
		t.Error("the test images were judged though they are sealed")
	}
}

// A training that is saved at any step and restored, with other partners,
// ends as one that was never interrupted: weights and history, bit for bit.
func TestResumeIsExact(t *testing.T) {
	set, r := barSet(), recipe(60)
	set.Validation, set.Data.Validation = bars(700, 2), 700
	straight := start(t, set, r, net(1, 4), net(1, 3))
	advance(t, straight, 60)
	measured := slices.DeleteFunc(slices.Clone(straight.History(0)), func(p result.Point) bool { return p.Validation == nil })
	if len(measured) != 20 {
		t.Fatalf("60 steps are measured at %v, want 20 of them", measured)
	}
	for i, images := range map[int]float64{0: 234, 18: 234, 19: 700} { // every third of them between looks
		if right := *measured[i].Validation * images; math.Abs(right-math.Round(right)) > 1e-9 {
			t.Errorf("measurement %d is no share of %v images: %v", i, images, *measured[i].Validation)
		}
	}
	for _, at := range []int{1, 31, 59} {
		first := start(t, set, r, net(1, 3), net(1, 4))
		advance(t, first, at)
		saved, err := first.Save(1, Origin{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		second := start(t, set, r, net(1, 4))
		if _, err := second.Restore(0, saved); err != nil {
			t.Fatal(err)
		}
		advance(t, second, 60)
		if digest(t, second, 0) != digest(t, straight, 0) {
			t.Errorf("resumed at step %d: other weights", at)
		}
		if !reflect.DeepEqual(second.History(0), straight.History(0)) {
			t.Errorf("resumed at step %d: history %v, uninterrupted %v", at, second.History(0), straight.History(0))
		}
	}
}

// Random networks of today's layers with random recipes, the same: all bits.
func TestResumeIsExactAtRandom(t *testing.T) {
	set := barSet()
	for i := range 8 {
		g := rand.New(rand.NewPCG(uint64(i), 20))
		r := modelstest.Recipe(i, g, 9, 3)
		if r.Select == models.Best {
			r.Steps, r.Batch = stats.LookEvery+4, 3 // there is something to select
		}
		var nets []graph.Net
		for k := range modelstest.Modern {
			nets = append(nets, graph.Net{Seed: 5, Spec: modelstest.RandomFor(k, set.Data.Input, 3, g)})
		}
		a, b, c := nets[i%5], nets[(i+1)%5], nets[(i+2)%5]
		straight := start(t, set, r, a, b)
		advance(t, straight, r.Steps)
		first := start(t, set, r, c, a)
		advance(t, first, r.Steps-1-g.IntN(5))
		saved, err := first.Save(1, Origin{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		second := start(t, set, r, a)
		if _, err := second.Restore(0, saved); err != nil {
			t.Fatal(err)
		}
		advance(t, second, r.Steps)
		want, err := straight.Results(true)
		if err != nil {
			t.Fatal(err)
		}
		got, err := second.Results(true)
		if err != nil {
			t.Fatal(err)
		}
		if digest(t, second, 0) != digest(t, straight, 0) || got[0].Selected != want[0].Selected ||
			!bytes.Equal(encodeHistory(second.History(0)), encodeHistory(straight.History(0))) || // NaN is no equal of itself
			!reflect.DeepEqual(got[0].Correct, want[0].Correct) {
			t.Errorf("recipe %d (%+v), resumed at step %d, ends as another network", i, r, first.Step())
		}
	}
}

// Short trainings are measured some twenty times, on the grid of their losses;
// long ones at looks alone, as ever.
func TestDue(t *testing.T) {
	for steps, want := range map[int][2]int{1: {1, 1}, 7: {7, 7}, 20: {20, 20}, 60: {20, 20}, 399: {20, 20}, 1000: {20, 20}, 1234: {18, 20},
		2500: {18, 22}, 15_000: {30, 30}, 19_999: {35, 45}, 20_000: {20, 20}, 20_500: {21, 21}, 100_000: {100, 100}} {
		n := 0
		for s := 1; s <= steps; s++ {
			loss, accuracy, whole := due(s, steps)
			old := s%max(1, steps/pointsWanted) == 0 || s == steps
			if look := s%stats.LookEvery == 0; loss != old || whole != (look || s == steps) || whole && !accuracy || accuracy && !loss && !look {
				t.Fatalf("step %d of %d: loss %v, accuracy %v", s, steps, loss, accuracy)
			}
			if accuracy {
				n++
			}
		}
		if n < want[0] || n > want[1] {
			t.Errorf("%d steps: measured %d times, want %v", steps, n, want)
		}
	}
}

func TestSeedsDiffer(t *testing.T) {
	set, r := barSet(), recipe(5)
	seen := map[string]string{}
	for name, n := range map[string]graph.Net{"seed 1": net(1, 4), "seed 2": net(2, 4)} {
		for _, order := range []string{models.PerSeed, models.Shared} {
			r.Order = order
			tr := start(t, set, r, n)
			advance(t, tr, 5)
			d := digest(t, tr, 0)
			if other, ok := seen[d]; ok {
				t.Errorf("%s, %s order: the same weights as %s", name, order, other)
			}
			seen[d] = name + " " + order
		}
	}
	r.Order = models.PerSeed
	if _, err := New(set, []graph.Net{net(1, 2), net(2, 2)}, r, nil, graph.Device{Threads: 1}); err == nil {
		t.Error("two seeds with orders of their own share a pack")
	}
}

// A network whose loss overflows is stopped; its partner is not touched.
func TestDivergence(t *testing.T) {
	set, r := barSet(), recipe(40)
	r.Optimizer = models.SGD
	r.LearningRate = 0.05
	alone := start(t, set, r, net(1, 4))
	advance(t, alone, 40)
	tr := start(t, set, r, net(1, 4), net(1, 3))
	w, err := tr.Weights(1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range w {
		for k := range w[i].Kernel {
			w[i].Kernel[k] *= 1e25
		}
	}
	if err := tr.SetWeights(1, w); err != nil {
		t.Fatal(err)
	}
	advance(t, tr, 40)
	if reason := tr.Diverged(1); !strings.Contains(reason, "step 1") {
		t.Errorf("diverged: %q", reason)
	}
	if tr.Diverged(0) != "" || digest(t, tr, 0) != digest(t, alone, 0) {
		t.Error("the partner of a diverged network changed")
	}
	results, err := tr.Results(true)
	if err != nil {
		t.Fatal(err)
	}
	if results[1].Status != "diverged" || results[1].Accuracy.Test != nil || results[0].Status != "done" {
		t.Errorf("statuses %s, %s", results[0].Status, results[1].Status)
	}
}

func TestRestoreRefusesDamage(t *testing.T) {
	set, r := barSet(), recipe(10)
	tr := start(t, set, r, net(1, 4))
	advance(t, tr, 3)
	good, err := tr.Save(0, Origin{Threads: 1, Device: "CPU"})
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(good); cut += len(good)/50 + 1 {
		if _, err := tr.Restore(0, good[:cut]); err == nil {
			t.Errorf("%d of %d bytes were taken as a checkpoint", cut, len(good))
		}
	}
	if _, err := start(t, set, r, net(1, 5)).Restore(0, good); err == nil {
		t.Error("a checkpoint of another network was taken")
	}
	from, err := tr.Restore(0, good)
	if err != nil {
		t.Fatal(err)
	}
	if d := from.Differences(Origin{Threads: 2, Device: "CPU"}); len(d) != 1 || !strings.Contains(d[0], "threads") {
		t.Errorf("differences %q", d)
	}
}

func TestHistoryRoundTrip(t *testing.T) {
	tr := start(t, barSet(), recipe(20), net(1, 2))
	advance(t, tr, 20)
	got, err := decodeHistory(encodeHistory(tr.History(0)))
	if err != nil || !reflect.DeepEqual(got, tr.History(0)) {
		t.Errorf("%v, %v", got, err)
	}
	if math.IsNaN(got[0].Loss) {
		t.Error("NaN in the history")
	}
}

// A training that selects the best weights ends with those of the step that was
// best on the validation images, also when it was interrupted after it.
func TestSelectBest(t *testing.T) {
	set, r := barSet(), recipe(2*stats.LookEvery+5)
	r.Select, r.Batch, r.EMA = models.Best, 2, 0.9
	r.Schedule, r.At, r.Factor = models.Stepwise, []int{stats.LookEvery + 1}, 0.999
	run := func(stop int) (string, result.Result, []result.Point) {
		tr := start(t, set, r, net(1, 1))
		advance(t, tr, stop)
		saved, err := tr.Save(0, Origin{})
		if err != nil {
			t.Fatal(err)
		}
		tr = start(t, set, r, net(1, 1))
		if _, err := tr.Restore(0, saved); err != nil {
			t.Fatal(err)
		}
		advance(t, tr, r.Steps)
		results, err := tr.Results(true)
		if err != nil {
			t.Fatal(err)
		}
		return digest(t, tr, 0), results[0], tr.History(0)
	}
	w, res, history := run(0)
	best := 0
	for i, p := range history {
		look := p.Validation != nil && (p.Step%stats.LookEvery == 0 || p.Step == r.Steps)
		if look && (history[best].Validation == nil || *p.Validation > *history[best].Validation) {
			best = i
		}
	}
	if b := history[best]; res.Selected != b.Step || *res.Accuracy.Validation != *b.Validation {
		t.Errorf("step %d with %v is selected, the best was %d with %v", res.Selected, *res.Accuracy.Validation, b.Step, *b.Validation)
	}
	again, other, _ := run(res.Selected + 1)
	if again != w || other.Selected != res.Selected || *other.Accuracy.Test != *res.Accuracy.Test {
		t.Errorf("an interrupted training ends with step %d, %s, an uninterrupted one with %d, %s", other.Selected, again, res.Selected, w)
	}
}

// Networks that average their weights are judged and kept by the averages.
func TestAveragedIsJudged(t *testing.T) {
	set, r := barSet(), recipe(40)
	r.EMA = 0.95
	tr := start(t, set, r, net(1, 4))
	advance(t, tr, 40)
	averaged, err := tr.Results(true)
	if err != nil {
		t.Fatal(err)
	}
	w, err := tr.Weights(0)
	if err != nil {
		t.Fatal(err)
	}
	plain := r
	plain.EMA = 0
	other := start(t, set, plain, net(1, 4))
	advance(t, other, 40)
	if digest(t, other, 0) == w.SHA256() {
		t.Error("the averages are the last weights")
	}
	if !reflect.DeepEqual(tr.History(0)[0].Loss, other.History(0)[0].Loss) {
		t.Error("averaging changes the training")
	}
	if err := other.SetWeights(0, w); err != nil {
		t.Fatal(err)
	}
	same, err := other.Results(true)
	if err != nil || !reflect.DeepEqual(same[0].Wrong, averaged[0].Wrong) {
		t.Errorf("the exported averages are judged otherwise: %v", err)
	}
}

func TestClassWeights(t *testing.T) {
	set := barSet()
	set.ClassNames = []string{"top", "middle", "bottom"}
	set.Train.Labels = []uint8{0, 0, 0, 1, 0, 0, 2, 2}
	got, err := ClassWeights(&models.ClassWeights{Balanced: true}, set)
	if want := []float32{8.0 / 15, 8.0 / 3, 8.0 / 6}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("balanced: %v, %v, want %v", got, err, want)
	}
	got, err = ClassWeights(&models.ClassWeights{Named: map[string]float64{"bottom": 3, "#1": 0.5}}, set)
	if want := []float32{1, 0.5, 3}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("named: %v, %v, want %v", got, err, want)
	}
	for _, name := range []string{"left", "#3", "#-1", "1"} {
		if _, err := ClassWeights(&models.ClassWeights{Named: map[string]float64{name: 3}}, set); err == nil {
			t.Errorf("the class %s, which is not there, has a weight", name)
		}
	}
}
