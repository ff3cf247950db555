package graph

import (
	"fmt"
	"math"
	"testing"

	"slimfit/models"
)

// Rounding as int8 does stays independent of the pack, and does nothing in the
// first half of the training.
func TestRoundingPackedEqualsAlone(t *testing.T) {
	r := testRecipe()
	r.Steps, r.Quantize = 10, models.Int8
	nets := []Net{mixedNets()[3], mixedNets()[13], mixedNets()[0], mixedNets()[2], mixedNets()[16], mixedNets()[18]}
	losses, states, _ := trained(t, nets, r, nil, 0, 10)
	plain := r
	plain.Quantize = ""
	float, _, _ := trained(t, nets, plain, nil, 0, 10)
	for i, n := range nets {
		alone, state, _ := trained(t, []Net{n}, r, nil, 0, 10)
		if fmt.Sprint(alone[0]) != fmt.Sprint(losses[i]) || !sameState(state[0], states[i]) {
			t.Errorf("network %d: rounded in a pack and alone differ", i)
		}
		if fmt.Sprint(losses[i][:5]) != fmt.Sprint(float[i][:5]) {
			t.Errorf("network %d: rounding is on in the first half", i)
		}
		if fmt.Sprint(losses[i][5:]) == fmt.Sprint(float[i][5:]) {
			t.Errorf("network %d: rounding changes nothing in the second half", i)
		}
	}
}

// With a temperature of 1 and a weight of 1 the loss is the cross-entropy with
// the teacher's probabilities, recomputed here by hand.
func TestTeacherLoss(t *testing.T) {
	r := testRecipe()
	r.Batch = 2
	r.Teacher = &models.Teacher{Temperature: 3, Weight: 0.25}
	spec := models.Spec{Input: models.Shape{H: 1, W: 1, C: 1}, Classes: 3}
	teacher := []float32{1, 2, 4, -1, 0, 5}
	p, err := NewPack([]Net{{Spec: spec}}, r, Images{Pixels: []uint8{0, 0}, Labels: []uint8{2, 0}, Teacher: teacher}, Device{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var w models.Weights
	bias := []float32{0.5, -1, 2}
	w.Set("fc1", models.Kernel, make([]float32, 3))
	w.Set("fc1", models.Bias, bias)
	if err := p.SetWeights(0, w); err != nil {
		t.Fatal(err)
	}
	got := make([]float64, 1)
	if err := p.Step(0, []int32{0, 1}, got); err != nil {
		t.Fatal(err)
	}
	softmax := func(z []float32, heat float64) []float64 {
		sum, out := 0.0, make([]float64, len(z))
		for i := range z {
			out[i] = math.Exp(float64(z[i]) / heat)
			sum += out[i]
		}
		for i := range out {
			out[i] /= sum
		}
		return out
	}
	want := 0.0
	for i, label := range []int{2, 0} {
		hard := -math.Log(softmax(bias, 1)[label])
		soft := 0.0
		for k, q := range softmax(teacher[3*i:3*i+3], 3) {
			soft -= q * math.Log(softmax(bias, 3)[k])
		}
		want += (0.75*hard + 0.25*9*soft) / 2
	}
	if math.Abs(got[0]-want) > 1e-5 {
		t.Errorf("loss %g, want %g", got[0], want)
	}
	if _, err := NewPack([]Net{{Spec: spec}}, r, Images{Pixels: []uint8{0, 0}, Labels: []uint8{2, 0}}, Device{Threads: 1}); err == nil {
		t.Error("a recipe with a teacher ran without its logits")
	}
}

// bfloat16 trains to about the same losses as float32.
func TestBFloat16(t *testing.T) {
	r := testRecipe()
	exact, _, _ := trained(t, []Net{mixedNets()[10]}, r, nil, 0, 10)
	r.Precision = models.BFloat16
	rough, _, _ := trained(t, []Net{mixedNets()[10]}, r, nil, 0, 10)
	for i := range exact[0] {
		if math.Abs(exact[0][i]-rough[0][i]) > 0.05*exact[0][i] {
			t.Errorf("step %d: loss %g in bfloat16, %g in float32", i, rough[0][i], exact[0][i])
		}
	}
}
