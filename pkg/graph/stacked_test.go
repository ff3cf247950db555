package graph

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
)

// inForm trains the networks on the CPU in a form and returns the losses, the
// states and the logits.
func inForm(t *testing.T, nets []Net, r models.Recipe, f form, from []State, n int) (losses []float64, states []State, logits [][]float32) {
	t.Helper()
	in := nets[0].Spec.Input
	images := fakeImages(testImages, in, nets[0].Spec.Classes)
	p, err := unopened(nets, r, testImages, f)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[bool]string{true: "stacked", false: "plain"}[f.stacked]; !strings.HasPrefix(p.Form(), want) {
		t.Fatalf("the pack is %s, want %s", p.Form(), want)
	}
	if p.session, err = newSession(p.graph, Device{Threads: 1}); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.load(images); err != nil {
		t.Fatal(err)
	}
	for i := range nets {
		if err := p.reset(i); err != nil {
			t.Fatal(err)
		}
	}
	for i, st := range from {
		if err := p.SetState(i, st); err != nil {
			t.Fatal(err)
		}
	}
	losses = stepsFrom(t, p, n, 17)
	for i := range nets {
		st, err := p.State(i)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, st)
	}
	if logits, err = p.AllLogits(images.Pixels[:300*in.Elements()]); err != nil {
		t.Fatal(err)
	}
	return losses, states, logits
}

// eachAlone is what inForm returns of networks side by side that have each its own
// order.
func eachAlone(t *testing.T, nets []Net, r models.Recipe, n int) (losses []float64, states []State, logits [][]float32) {
	t.Helper()
	losses = make([]float64, n*len(nets))
	for i, net := range nets {
		l, s, g := inForm(t, []Net{net}, r, form{}, nil, n)
		states, logits = append(states, s...), append(logits, g...)
		for step := range n {
			losses[step*len(nets)+i] = l[step]
		}
	}
	return losses, states, logits
}

// apart is the largest difference of two lists of numbers.
func apart[T float32 | float64](a, b []T) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	most := 0.0
	for i := range a {
		most = max(most, math.Abs(float64(a[i])-float64(b[i])))
	}
	return most
}

// stackSpec is a random network that can be in a stack.
func stackSpec(g *rand.Rand) models.Spec {
	conv := models.NewConv(1+2*g.IntN(3), 1+g.IntN(6))
	conv.Activation = []models.Activation{models.Relu, models.Tanh, models.LeakyRelu, models.None}[g.IntN(4)]
	layers := []models.Layer{conv}
	for range g.IntN(3) {
		if g.IntN(2) == 0 {
			conv := models.NewConv(1+g.IntN(4), 1+g.IntN(5))
			conv.Padding = []models.Padding{models.Same, models.Valid}[g.IntN(2)]
			conv.Unbiased = g.IntN(3) == 0
			switch g.IntN(3) {
			case 0:
				conv.Stride = models.Square(2)
			case 1:
				conv.Dilation = models.Square(1 + g.IntN(2))
			}
			layers = append(layers, conv)
			continue
		}
		pool := models.NewMaxPool(2)
		if g.IntN(2) == 0 {
			pool.Kind = models.AvgPool
		}
		layers = append(layers, pool)
	}
	for range g.IntN(3) {
		layers = append(layers, models.NewDense(5+g.IntN(60)))
		if g.IntN(2) == 0 {
			layers = append(layers, models.NewDropout(0.25))
		}
	}
	in := models.Shape{H: 16 + g.IntN(6), W: 16 + g.IntN(6), C: 1 + 2*g.IntN(2)}
	return models.Spec{Input: in, Classes: 2 + g.IntN(9), Layers: layers}
}

// A stack computes what its networks compute alone: to 1e-5, over random networks,
// numbers of them, seeds, optimizers, forms of convolutions, and orders, shared or
// their own.
func TestStackedEqualsPlain(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	for i := range 24 {
		spec, r := stackSpec(g), testRecipe()
		r.Batch = 20
		r.Optimizer, r.LearningRate = []string{models.SGD, models.Momentum, models.Adam}[i%3], 0.01
		if i%2 == 1 {
			r.WeightDecay = 0.01
		}
		if i%3 == 1 {
			r.LabelSmoothing, r.EMA, r.GradientClip = 0.2, 0.9, 0.3
			r.Augment = &models.Augment{Shift: 0.1, Flip: models.FlipBoth, Cutout: 0.2, Noise: 0.05, Probability: 0.8}
		}
		if i%4 < 2 {
			r.Order = models.Shared
		}
		r.Deterministic = i%8 == 3 // no depthwise convolution then
		steps := 8
		if r.Optimizer == models.Adam {
			steps = 1 // after it, gradients of next to nothing go where rounding sends them
		}
		nets := make([]Net, 2+g.IntN(4))
		for k := range nets {
			nets[k] = Net{Spec: spec, Seed: int64(g.IntN(4))}
		}
		f := form{stacked: true, convs: []string{models.Separate, models.Grouped, models.Patches}[i%3]}
		where := fmt.Sprintf("%d of %+v by %s, %s, order %s", len(nets), spec, r.Optimizer, f.convs, r.Order)
		losses, states, logits := eachAlone(t, nets, r, steps)
		gotLosses, gotStates, gotLogits := inForm(t, nets, r, f, nil, steps)
		p, err := unopened(nets, r, testImages, f)
		if err != nil {
			t.Fatal(err)
		}
		seen[fmt.Sprintf("%s, %d", p.Form(), min(len(p.Orders()), 2))] = true
		if d := apart(losses, gotLosses); d > 1e-5 {
			t.Errorf("%s: losses %g apart", where, d)
		}
		for k := range nets {
			if d := apart(logits[k], gotLogits[k]); r.Optimizer != models.Adam && d > 1e-5 {
				t.Errorf("%s: logits of network %d are %g apart", where, k, d)
			}
			for n := range states[k].Weights {
				if d := apart(states[k].Weights[n].Kernel, gotStates[k].Weights[n].Kernel); r.Optimizer != models.Adam && d > 1e-5 {
					t.Errorf("%s: kernel %s of network %d is %g apart", where, states[k].Weights[n].Node, k, d)
				}
			}
		}
	}
	t.Logf("%d kinds of stacks: %v", len(seen), slices.Sorted(maps.Keys(seen)))
	for _, want := range []string{"stacked, 1", "stacked, depthwise, 2", "stacked, separate, 1", "stacked, grouped, 1", "stacked, patches, 1",
		"stacked, separate, 2", "stacked, grouped, 2", "stacked, patches, 2"} {
		if !seen[want] {
			t.Errorf("no stack was %s", want)
		}
	}
}

// A network goes on in another form, bit for bit from where it stood.
func TestStackTakesStates(t *testing.T) {
	nets := []Net{cellNet(5, 4, 2, 64, 1), cellNet(5, 4, 2, 64, 2), cellNet(5, 4, 2, 64, 3)}
	r := testRecipe()
	deep := []models.Layer{models.NewConv(3, 3), models.NewMaxPool(4), models.NewConv(3, 2), models.NewDense(20), models.NewDropout(0.5)}
	for _, layers := range [][]models.Layer{nets[0].Spec.Layers, deep} {
		for i := range nets {
			nets[i].Spec.Layers = layers
		}
		_, states, _ := inForm(t, nets, r, form{}, nil, 3)
		for _, convs := range []string{models.Separate, models.Grouped, models.Patches} {
			_, same, _ := inForm(t, nets, r, form{stacked: true, convs: convs}, states, 0)
			for i := range nets {
				if !sameState(states[i], same[i]) {
					t.Errorf("network %d comes out of a stack as another", i)
				}
			}
		}
	}
}

// In bfloat16 a stack stays near what its networks compute in float32.
func TestStackInBFloat16(t *testing.T) {
	layers := []models.Layer{models.NewConv(3, 3), models.NewMaxPool(4), models.NewConv(3, 2), models.NewDense(20)}
	var nets []Net
	for seed := range 3 {
		nets = append(nets, Net{Seed: int64(seed), Spec: models.Spec{Input: mnist, Classes: 10, Layers: layers}})
	}
	r := testRecipe()
	r.Optimizer, r.LearningRate = models.SGD, 0.01
	losses, _, _ := eachAlone(t, nets, r, 3)
	for _, convs := range []string{models.Separate, models.Grouped, models.Patches} {
		got, _, _ := inForm(t, nets, r, form{stacked: true, convs: convs, casts: true}, nil, 3)
		if d := apart(losses, got); d > 2e-3 || d == 0 {
			t.Errorf("%s: losses %g apart", convs, d)
		}
	}
}

// The operations of a step hardly grow with the members of a stack, in the forms
// that are not one by one.
func TestStackedOperations(t *testing.T) {
	count := func(net Net, r models.Recipe, members int, f form) int {
		var nets []Net
		for seed := range members {
			net.Seed = int64(seed)
			nets = append(nets, net)
		}
		p, err := unopened(nets, r, testImages, f)
		if err != nil {
			t.Fatal(err)
		}
		all, err := p.placement("CPU", registeredKernels)
		if err != nil || len(all.OnCPU) > 0 {
			t.Fatalf("%v, %v", all, err)
		}
		return all.Operations
	}
	base, _ := models.Named("base")
	colours := cellNet(5, 2, 4, 128, 0)
	colours.Spec.Input.C = 3
	shared, own, more := testRecipe(), testRecipe(), testRecipe()
	shared.Order = models.Shared
	more.GradientClip, more.WeightDecay, more.EMA = 1, 0.01, 0.99
	shift := own
	shift.Augment = &models.Augment{Shift: 0.1, Probability: 1}
	for _, c := range []struct {
		name   string
		net    Net
		recipe models.Recipe
		convs  string
		each   float64 // operations a member: dropout and augmentation draw by a seed, a key and numbers
	}{
		{"cell, shared order", cellNet(5, 2, 4, 128, 0), shared, "", 4},
		{"cell", cellNet(5, 2, 4, 128, 0), own, "", 4},
		{"cell, clip, decay and ema", cellNet(5, 2, 4, 128, 0), more, "", 4},
		{"cell, shifted", cellNet(5, 2, 4, 128, 0), shift, "", 4 + 2*3},
		{"colours", colours, own, models.Grouped, 4},
		{"colours", colours, own, models.Patches, 4},
		{"base, shared order", Net{Spec: models.Spec{Input: mnist, Classes: 10, Layers: base}}, shared, models.Patches, 4},
		{"base", Net{Spec: models.Spec{Input: mnist, Classes: 10, Layers: base}}, own, models.Patches, 4},
		{"base", Net{Spec: models.Spec{Input: mnist, Classes: 10, Layers: base}}, own, models.Grouped, 4},
	} {
		f := form{stacked: true, convs: c.convs}
		two, many := count(c.net, c.recipe, 2, f), count(c.net, c.recipe, 64, f)
		if each := float64(many-two) / 62; each > c.each {
			t.Errorf("%s %s: %d operations for 2 members, %d for 64: %.1f each", c.name, c.convs, two, many, each)
		}
		alone := count(c.net, c.recipe, 1, form{})
		if 64*alone < 5*many {
			t.Errorf("%s %s: %d operations stacked, 64 times %d alone", c.name, c.convs, many, alone)
		}
		t.Logf("%s %s: operations of a step: alone %d, 2 members %d, 64 members %d", c.name, c.convs, alone, two, many)
	}
}

// A pack's form names what its convolutions are.
func TestForm(t *testing.T) {
	base, _ := models.Named("base")
	thin := []models.Layer{models.NewConv(3, 1), models.NewConv(3, 2), models.NewDense(9)}
	grey, colour := mnist, models.Shape{H: 8, W: 8, C: 3}
	own, shared, exact := testRecipe(), testRecipe(), testRecipe()
	shared.Order, exact.Deterministic = models.Shared, true
	for _, c := range []struct {
		layers []models.Layer
		input  models.Shape
		recipe models.Recipe
		want   string
	}{
		{base, grey, shared, "stacked, patches"},
		{base, grey, own, "stacked, depthwise, patches"},
		{base, grey, exact, "stacked, patches"},
		{base[1:], grey, own, "plain"},
		{thin, grey, shared, "stacked, depthwise"},
		{thin, colour, own, "stacked, patches, depthwise"},
	} {
		net := Net{Spec: models.Spec{Input: c.input, Classes: 10, Layers: c.layers}}
		other := net
		other.Seed = 1
		p, err := unopened([]Net{net, other}, c.recipe, testImages, form{stacked: true, convs: models.Patches})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Form(); got != c.want {
			t.Errorf("%v: %q, want %q", c.layers, got, c.want)
		}
	}
	two := []Net{cellNet(5, 2, 4, 64, 1), cellNet(5, 2, 4, 64, 2)}
	if _, err := unopened(two, exact, testImages, form{stacked: true, convs: "folded"}); err == nil ||
		!strings.Contains(err.Error(), `no form "folded"`) {
		t.Errorf("an unknown form: %v", err)
	}
}

// What cannot be a stack is built side by side.
func TestStacks(t *testing.T) {
	norm := models.NewConv(3, 4)
	pool := models.NewMaxPool(2)
	uneven, normed := norm, norm
	uneven.Stride, normed.Norm = models.Edges{1, 2}, models.OneNorm
	spec := func(layers ...models.Layer) Net {
		return Net{Spec: models.Spec{Input: mnist, Classes: 10, Layers: layers}}
	}
	a := spec(norm, pool, models.NewDense(20))
	int8 := testRecipe()
	int8.Quantize = models.Int8
	for name, c := range map[string]struct {
		nets   []Net
		recipe models.Recipe
		want   bool
	}{
		"alike":              {[]Net{a, a, a}, testRecipe(), true},
		"one":                {[]Net{a}, testRecipe(), false},
		"other widths":       {[]Net{a, spec(norm, pool, models.NewDense(21))}, testRecipe(), false},
		"two convolutions":   {[]Net{spec(norm, pool, norm, models.NewDense(20)), spec(norm, pool, norm, models.NewDense(20))}, testRecipe(), true},
		"two strides":        {[]Net{spec(uneven, models.NewDense(20)), spec(uneven, models.NewDense(20))}, testRecipe(), false},
		"averaged":           {[]Net{spec(normed, models.NewDense(20)), spec(normed, models.NewDense(20))}, testRecipe(), false},
		"dense alone":        {[]Net{spec(models.NewDense(20)), spec(models.NewDense(20))}, testRecipe(), false},
		"early dropout":      {[]Net{spec(norm, models.NewDropout(0.5), models.NewDense(9)), spec(norm, models.NewDropout(0.5), models.NewDense(9))}, testRecipe(), false},
		"rounded as in int8": {[]Net{a, a}, int8, false},
	} {
		ns, err := plan(c.nets)
		if err != nil {
			t.Fatal(err)
		}
		if got := stacks(ns.nodes, c.recipe); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
