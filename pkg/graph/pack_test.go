package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
)

const testImages = 400

// trained trains the networks as one pack for the steps and returns each one's
// losses and final state digest, its logits with it.
func trained(t *testing.T, nets []Net, r models.Recipe, from []State, first, steps int) (losses [][]float64, states []State,
	logits [][]float32) {
	t.Helper()
	return trainedOn(t, DeviceFor(r, 1, false), nets, r, from, first, steps)
}

func trainedOn(t *testing.T, d Device, nets []Net, r models.Recipe, from []State, first, steps int) (losses [][]float64, states []State,
	logits [][]float32) {
	t.Helper()
	in := nets[0].Spec.Input
	images := fakeImages(testImages, in, nets[0].Spec.Classes)
	if r.ClassWeights != nil {
		for c := range nets[0].Spec.Classes {
			images.ClassWeights = append(images.ClassWeights, 0.5+float32(c)/8)
		}
	}
	p, err := NewPack(nets, r, images, d)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i, st := range from {
		if err := p.SetState(i, st); err != nil {
			t.Fatal(err)
		}
	}
	losses = make([][]float64, len(nets))
	batch := make([]int32, r.Batch)
	now := make([]float64, len(nets))
	for step := first; step < first+steps; step++ {
		for i := range batch {
			batch[i] = int32((step*r.Batch + i) % testImages)
		}
		if err := p.Step(step, batch, now); err != nil {
			t.Fatal(err)
		}
		for i, l := range now {
			losses[i] = append(losses[i], l)
		}
	}
	for i := range nets {
		st, err := p.State(i)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, st)
		l, err := p.Logits(i, images.Pixels[:300*in.Elements()])
		if err != nil {
			t.Fatal(err)
		}
		logits = append(logits, l)
	}
	return losses, states, logits
}

func sameState(a, b State) bool {
	if a.Weights.SHA256() != b.Weights.SHA256() || len(a.Slots) != len(b.Slots) {
		return false
	}
	for i := range a.Slots {
		if a.Slots[i].SHA256() != b.Slots[i].SHA256() {
			return false
		}
	}
	return true
}

func testRecipe() models.Recipe {
	r := models.DefaultRecipe()
	r.Steps = 1000
	return r
}

// mixedNets start with convolutions of several widths, kernels and pools, or
// none at all, so that packs of them fuse in many ways.
func mixedNets() []Net {
	tanh := models.NewConv(5, 3)
	tanh.Activation = models.Tanh
	sep := models.DefaultLayer(models.Separable)
	sep.Kernel, sep.Filters, sep.Padding, sep.Activation = [2]int{3, 3}, 5, models.Valid, models.LeakyRelu
	conv1, _ := models.Named("conv1")
	spec := func(layers ...models.Layer) Net {
		return Net{Seed: 3, Spec: models.Spec{Input: mnist, Classes: 10, Layers: layers}}
	}
	normed := models.NewConv(3, 6)
	normed.Norm, normed.Unbiased = models.OneNorm, true
	wider := normed
	wider.Filters, wider.Unbiased = 4, false
	flat := models.NewDense(24)
	flat.Norm = models.OneNorm
	nets := []Net{
		cellNet(5, 2, 4, 128, 3), cellNet(5, 2, 4, 64, 3), cellNet(5, 2, 2, 128, 3), cellNet(5, 4, 2, 128, 3),
		cellNet(5, 8, 2, 128, 3), cellNet(5, 16, 2, 32, 3), cellNet(3, 2, 2, 128, 3), cellNet(3, 32, 4, 16, 3),
		cellNet(1, 2, 2, 128, 3), cellNet(1, 16, 4, 20, 3), cellNet(5, 32, 2, 128, 3), cellNet(5, 7, 3, 50, 3),
		spec(tanh, models.NewMaxPool(2), models.NewDense(20)),
		spec(models.NewConv(3, 6), models.NewMaxPool(2), sep, models.DefaultLayer(models.GlobalAvgPool)),
		spec(models.NewDense(33), models.NewDropout(0.3)),
		spec(conv1[0], conv1[1], models.NewConv(5, 12), models.NewMaxPool(2), models.NewDense(100), models.NewDropout(0.5)),
		spec(normed, models.NewMaxPool(2), wider, flat), spec(wider, models.NewMaxPool(2), normed), spec(wider, flat),
	}
	for i := range 5 {
		nets = append(nets, Net{Seed: 3, Spec: modelstest.RandomFor(i, mnist, 10, rand.New(rand.NewPCG(uint64(i), 9)))})
	}
	return nets
}

// everything is a recipe with all that can be in one.
func everything() models.Recipe {
	r := testRecipe()
	r.Augment, r.EMA, r.GradientClip, r.ClassWeights = allAugments(), 0.99, 0.5, &models.ClassWeights{Balanced: true}
	r.WeightDecay, r.LabelSmoothing, r.Schedule, r.At, r.Factor = 0.01, 0.1, models.Stepwise, []int{2, 5}, 0.3
	return r
}

// A network's losses, weights, optimizer state and logits do not depend on the
// pack it trains in, bit for bit.
func TestPackedEqualsAlone(t *testing.T) {
	packedEqualsAlone(t, testRecipe(), mixedNets())
	few := mixedNets()
	few = []Net{few[0], few[3], few[8], few[12], few[14], few[16], few[18], few[20]}
	packedEqualsAlone(t, everything(), few)
	adadelta := testRecipe()
	adadelta.Optimizer, adadelta.LearningRate, adadelta.Rho, adadelta.Epsilon = models.Adadelta, 1, 0.9, 1e-6
	packedEqualsAlone(t, adadelta, few)
}

// Random networks of today's layers with random recipes, the same: all bits.
func TestPackedEqualsAloneAtRandom(t *testing.T) {
	const classes = 4
	in := models.Shape{H: 10, W: 9, C: 2}
	for i := range 8 {
		g := rand.New(rand.NewPCG(uint64(i), 20))
		r := modelstest.Recipe(i, g, 6, classes)
		if i == 7 {
			r.Quantize = models.Int8
		}
		var nets []Net
		for k := range modelstest.Modern {
			nets = append(nets, Net{Seed: 3, Spec: modelstest.RandomFor(k, in, classes, g)})
		}
		losses, states, logits := trained(t, nets, r, nil, 0, 6)
		pair, order := []Net{nets[i%5], nets[(i+2)%5]}, []int{i % 5, (i + 2) % 5}
		if i%2 == 0 { // in turns: alone, and in another pack
			pair, order = pair[:1], order[:1]
		}
		gotLosses, gotStates, gotLogits := trained(t, pair, r, nil, 0, 6)
		for p, k := range order {
			if !slices.Equal(gotLosses[p], losses[k]) || !sameState(gotStates[p], states[k]) || fmt.Sprint(gotLogits[p]) != fmt.Sprint(logits[k]) {
				t.Errorf("network %d of recipe %d (%+v) differs in a pack of %d", k, i, r, len(pair))
			}
		}
	}
}

func packedEqualsAlone(t *testing.T, r models.Recipe, nets []Net) {
	t.Helper()
	var aloneLoss [][]float64
	var aloneState []State
	var aloneLogits [][]float32
	for _, n := range nets {
		l, s, g := trained(t, []Net{n}, r, nil, 0, 12)
		aloneLoss, aloneState, aloneLogits = append(aloneLoss, l[0]), append(aloneState, s[0]), append(aloneLogits, g[0])
	}
	packs := [][]int{
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}, {16, 17, 18}, {18, 16}, {0, 1}, {1, 0, 2}, {3, 4, 2}, {5, 4}, {11, 4, 3}, {14, 0}, {12, 3, 13}, {8, 6},
	}
	if len(nets) < 24 {
		packs = [][]int{{7, 6, 5, 4, 3, 2, 1, 0}, {1, 0}, {5, 6}, {4, 1}}
	}
	for _, pack := range packs {
		var members []Net
		for _, i := range pack {
			members = append(members, nets[i])
		}
		losses, states, logits := trained(t, members, r, nil, 0, 12)
		for k, i := range pack {
			where := fmt.Sprintf("network %d in pack %v", i, pack)
			if fmt.Sprint(losses[k]) != fmt.Sprint(aloneLoss[i]) {
				t.Errorf("%s: losses %v, alone %v", where, losses[k], aloneLoss[i])
			}
			if !sameState(states[k], aloneState[i]) {
				t.Errorf("%s: weights or optimizer state differ from alone", where)
			}
			if fmt.Sprint(logits[k]) != fmt.Sprint(aloneLogits[i]) {
				t.Errorf("%s: logits differ from alone", where)
			}
		}
	}
}

// Training interrupted and restored into a pack of other partners goes on bit
// for bit, for every optimizer.
func TestStateRoundTrip(t *testing.T) {
	for _, optimizer := range []string{models.Adam, models.SGD, models.Momentum, models.Adadelta} {
		r := everything()
		r.Optimizer, r.Rho, r.Order = optimizer, 0.9, models.Shared
		a, b := mixedNets()[16], cellNet(5, 2, 2, 64, 2)
		_, straight, _ := trained(t, []Net{a, b}, r, nil, 0, 8)
		_, half, _ := trained(t, []Net{a, b}, r, nil, 0, 4)
		_, other, _ := trained(t, []Net{cellNet(5, 3, 2, 32, 5), b, a}, r, []State{}, 0, 1)
		_, resumed, _ := trained(t, []Net{b, cellNet(5, 3, 2, 32, 5), a}, r, []State{half[1], other[0], half[0]}, 4, 4)
		if !sameState(straight[0], resumed[2]) || !sameState(straight[1], resumed[0]) {
			t.Errorf("%s: a restored network does not go on as an uninterrupted one", optimizer)
		}
	}
}

// The first step of Adam by hand: m = 0.1 g, v = 0.001 g^2, so the corrected
// ratio is g / (|g| + epsilon'), and each weight moves by about the rate.
func TestFirstAdamStep(t *testing.T) {
	r := testRecipe()
	net := []Net{{Seed: 1, Spec: models.Spec{Input: mnist, Classes: 10, Layers: []models.Layer{models.NewDense(16)}}}}
	_, before, _ := trained(t, net, r, nil, 0, 0)
	_, after, _ := trained(t, net, r, nil, 0, 1)
	rate := 1e-4 * math.Sqrt(1-0.999) / (1 - 0.9)
	moved := 0
	for i, n := range before[0].Weights {
		for k, w := range n.Kernel {
			m, v := float64(after[0].Slots[0][i].Kernel[k]), float64(after[0].Slots[1][i].Kernel[k])
			g := m / 0.1
			if math.Abs(v-0.001*g*g) > 1e-4*v+1e-20 {
				t.Fatalf("%s[%d]: m %g and v %g are not of one gradient", n.Node, k, m, v)
			}
			want := float64(w) - rate*m/(math.Sqrt(v)+1e-8)
			if got := float64(after[0].Weights[i].Kernel[k]); math.Abs(got-want) > 1e-7 {
				t.Fatalf("%s[%d]: %g -> %g, want %g", n.Node, k, w, got, want)
			}
			if g != 0 {
				moved++
			}
		}
	}
	if moved == 0 {
		t.Error("no weight moved")
	}
}

// A step takes subnormal numbers for zero, which make it several times as slow:
// here moments of weights without a gradient. Go's own arithmetic keeps them.
func TestSubnormalsAreZero(t *testing.T) {
	runtime.LockOSThread() // whose arithmetic is looked at afterwards
	defer runtime.UnlockOSThread()
	black := Images{Pixels: make([]uint8, 100*mnist.Elements()), Labels: make([]uint8, 100)}
	p, err := NewPack([]Net{cellNet(5, 2, 4, 16, 1)}, testRecipe(), black, Device{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	st, err := p.State(0)
	if err != nil {
		t.Fatal(err)
	}
	least := math.Float32frombits(0x00800000) // normal number
	for i := range st.Slots[0][0].Kernel {
		st.Slots[0][0].Kernel[i] = least / 2
	}
	if err := p.SetState(0, st); err != nil {
		t.Fatal(err)
	}
	if err := p.Step(0, make([]int32, testRecipe().Batch), make([]float64, 1)); err != nil {
		t.Fatal(err)
	}
	after, err := p.State(0)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range after.Slots[0][0].Kernel {
		if m != 0 {
			t.Fatalf("the first moment of a black image's weight %d is %g after a step, want 0", i, m)
		}
	}
	if half := least / 2; half == 0 {
		t.Error("a step leaves the thread without subnormal numbers")
	}
}
