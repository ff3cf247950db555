package graph

import (
	"slices"
	"strings"
	"testing"

	"slimfit/models"
)

// Several steps in one run are as many runs, bit for bit: for every optimizer, for
// all that reads a variable beside the weights, stacked and side by side.
func TestUnrolledEqualsSingle(t *testing.T) {
	norm := models.NewConv(3, 4)
	norm.Norm, norm.Unbiased = models.OneNorm, true
	same := []Net{cellNet(5, 4, 4, 32, 1), cellNet(5, 4, 4, 32, 2), cellNet(5, 4, 4, 32, 1)}
	layers := []models.Layer{norm, models.NewMaxPool(4), models.NewDense(20)}
	normed := []Net{{Seed: 1, Spec: models.Spec{Input: mnist, Classes: 10, Layers: layers}}, cellNet(3, 2, 4, 20, 2)}
	for name, c := range map[string]struct {
		nets   []Net
		f      form
		change func(*models.Recipe)
	}{
		"adam":     {same, form{stacked: true}, func(r *models.Recipe) { r.WeightDecay, r.Schedule = 0.01, models.Cosine }},
		"averaged": {same, form{stacked: true}, func(r *models.Recipe) { r.EMA, r.GradientClip = 0.9, 0.3 }},
		"momentum": {same, form{stacked: true}, func(r *models.Recipe) { r.Optimizer, r.Momentum, r.Nesterov = models.Momentum, 0.9, true }},
		"adadelta": {same, form{stacked: true}, func(r *models.Recipe) {
			r.Optimizer, r.Rho, r.LearningRate = models.Adadelta, 0.95, 1
			r.Augment = &models.Augment{Shift: 0.1, Noise: 0.1, Probability: 1}
		}},
		"own orders": {same, form{stacked: true}, func(r *models.Recipe) {
			r.Order = models.PerSeed
			r.Augment = &models.Augment{Shift: 0.1, Probability: 1}
		}},
		"batchnorm":   {normed, form{}, func(r *models.Recipe) { r.Optimizer = models.SGD }},
		"rounded":     {same[:2], form{}, func(r *models.Recipe) { r.Quantize = models.Int8 }},
		"own kernels": {same, form{stem: "own-c"}, func(r *models.Recipe) { r.LabelSmoothing = 0.1 }},
		"one network": {same[:1], form{}, func(*models.Recipe) {}},
	} {
		t.Run(name, func(t *testing.T) {
			r := testRecipe()
			r.Batch, r.Order, r.Epsilon = 20, models.Shared, 1e-8
			c.change(&r)
			losses, states, logits := inForm(t, c.nets, r, c.f, nil, 8)
			c.f.unroll = 4
			gotLosses, gotStates, gotLogits := inForm(t, c.nets, r, c.f, nil, 8)
			if !slices.Equal(losses, gotLosses) {
				t.Errorf("losses %v, want %v", gotLosses, losses)
			}
			for i := range c.nets {
				if !sameState(states[i], gotStates[i]) || !slices.Equal(logits[i], gotLogits[i]) {
					t.Errorf("network %d is another", i)
				}
			}
		})
	}
}

// A single step of an unrolled graph goes on where several ended, and the graph
// refuses another number of them.
func TestUnrolledAndSingle(t *testing.T) {
	nets, r := []Net{cellNet(5, 2, 4, 32, 1), cellNet(5, 2, 4, 32, 2)}, testRecipe()
	trained := func(unroll int) ([]float64, State) {
		p, err := NewPack(nets, r, fakeImages(testImages, mnist, 10), Device{Threads: 1, Unroll: unroll})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		losses := steps(t, p, 4)
		batch, last := make([]int32, r.Batch), make([]float64, 2)
		if err := p.Step(4, batch, last); err != nil {
			t.Fatal(err)
		}
		if unroll > 1 {
			if want := "plain, unrolled 4 times"; p.Form() != want {
				t.Errorf("the form is %s, want %s", p.Form(), want)
			}
			err := p.Steps(5, [][]int32{batch}, [][]float64{last})
			if err == nil || !strings.Contains(err.Error(), "1 batches for a graph of 4 steps") {
				t.Errorf("error %v", err)
			}
		}
		st, err := p.State(1)
		if err != nil {
			t.Fatal(err)
		}
		return append(losses, last...), st
	}
	want, wantState := trained(1)
	if got, state := trained(4); !slices.Equal(got, want) || !sameState(state, wantState) {
		t.Errorf("losses %v, want %v", got, want)
	}
}
