package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
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
	if want := map[bool]string{true: "stacked", false: "plain"}[f.stacked]; p.Form() != want {
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
	losses = steps(t, p, n)
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
	in := models.Shape{H: 12 + g.IntN(6), W: 12 + g.IntN(6), C: 1 + 2*g.IntN(2)}
	return models.Spec{Input: in, Classes: 2 + g.IntN(9), Layers: layers}
}

// A stack computes what its networks compute side by side: to 1e-5, over random
// networks, numbers of them, seeds and optimizers.
func TestStackedEqualsPlain(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	for i := range 12 {
		spec, r := stackSpec(g), testRecipe()
		r.Batch = 20
		r.Optimizer, r.LearningRate = []string{models.SGD, models.Momentum, models.Adam}[i%3], 0.01
		if i%2 == 1 {
			r.WeightDecay = 0.01
		}
		if i%3 == 1 {
			r.LabelSmoothing, r.EMA, r.GradientClip, r.Order = 0.2, 0.9, 0.3, models.Shared
			r.Augment = &models.Augment{Shift: 0.1, Flip: models.FlipBoth, Cutout: 0.2, Probability: 1}
		}
		steps := 8
		if r.Optimizer == models.Adam {
			steps = 1 // after it, gradients of next to nothing go where rounding sends them
		}
		nets := make([]Net, 2+g.IntN(6))
		for k := range nets {
			nets[k] = Net{Spec: spec, Seed: int64(g.IntN(4))}
		}
		where := fmt.Sprintf("%d of %+v by %s", len(nets), spec, r.Optimizer)
		losses, states, logits := inForm(t, nets, r, form{}, nil, steps)
		gotLosses, gotStates, gotLogits := inForm(t, nets, r, form{stacked: true}, nil, steps)
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
}

// A network goes on in another form, bit for bit from where it stood.
func TestStackTakesStates(t *testing.T) {
	nets := []Net{cellNet(5, 4, 2, 64, 1), cellNet(5, 4, 2, 64, 2), cellNet(5, 4, 2, 64, 3)}
	r := testRecipe()
	_, states, _ := inForm(t, nets, r, form{}, nil, 3)
	_, same, _ := inForm(t, nets, r, form{stacked: true}, states, 0)
	for i := range nets {
		if !sameState(states[i], same[i]) {
			t.Errorf("network %d comes out of a stack as another", i)
		}
	}
}

// The operations of a step hardly grow with the members of a stack.
func TestStackedOperations(t *testing.T) {
	count := func(members int, f form) int {
		var nets []Net
		for seed := range members {
			nets = append(nets, cellNet(5, 2, 4, 128, int64(seed)))
		}
		p, err := unopened(nets, testRecipe(), testImages, f)
		if err != nil {
			t.Fatal(err)
		}
		all, err := p.placement("CPU", registeredKernels)
		if err != nil || len(all.OnCPU) > 0 {
			t.Fatalf("%v, %v", all, err)
		}
		return all.Operations
	}
	two, many := count(2, form{stacked: true}), count(64, form{stacked: true})
	if each := float64(many-two) / 62; each > 4 { // the draws of dropout: seed, key, numbers
		t.Errorf("%d operations for 2 members, %d for 64: %.1f each", two, many, each)
	}
	if plain := count(64, form{}); plain < 5*many {
		t.Errorf("%d operations stacked, %d side by side", many, plain)
	}
	t.Logf("operations of a step: 2 members %d, 64 members %d; side by side %d and %d", two, many, count(2, form{}), count(64, form{}))
}

// What cannot be a stack is built side by side.
func TestStacks(t *testing.T) {
	norm := models.NewConv(3, 4)
	pool := models.NewMaxPool(2)
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
		"two convolutions":   {[]Net{spec(norm, pool, norm, models.NewDense(20)), spec(norm, pool, norm, models.NewDense(20))}, testRecipe(), false},
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
