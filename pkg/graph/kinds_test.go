package graph

import (
	"math"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
	"slimfit/pkg/tflite"
)

// Every layer kind and every activation trains, and gives the same logits in
// training's graph, in a frozen graph and in a TensorFlow Lite file.
func TestEveryKind(t *testing.T) {
	r := testRecipe()
	r.LearningRate = 1e-3
	for name, spec := range modelstest.Each() {
		start, _, _ := trained(t, []Net{{Spec: spec}}, r, nil, 0, 1)
		losses, states, logits := trained(t, []Net{{Spec: spec}}, r, nil, 0, 20)
		if l := losses[0]; !(l[19] < 20*l[0]+1) || math.IsNaN(l[19]) || l[0] != start[0][0] {
			t.Errorf("%s: losses %v", name, l)
		}
		same(t, name, spec, states[0].Weights, logits[0])
	}
}

// same compares the logits of training's graph with those of exported files.
func same(t *testing.T, name string, spec models.Spec, w models.Weights, logits []float32) {
	t.Helper()
	pixels := fakeImages(testImages, spec.Input, spec.Classes).Pixels[:300*spec.Input.Elements()]
	scaled := spec.Scaling.Values(pixels)
	def, err := Frozen(spec, w)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	frozen, err := LoadFrozen(def, Device{Threads: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer frozen.Close()
	got, err := frozen.Logits(scaled, spec.Input)
	if err != nil {
		t.Fatal(err)
	}
	file, err := tflite.WriteFloat(spec, w)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	lite, err := tflite.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	lite.Scaling = spec.Scaling
	out, err := lite.Run(pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range logits {
		for what, x := range map[string]float32{"frozen graph": got[i], "TensorFlow Lite": out.Logits[i]} {
			if d := math.Abs(float64(x - want)); !(d <= 1e-4*(1+math.Abs(float64(want)))) {
				t.Errorf("%s: logit %d is %v in the %s, %v in training's graph", name, i, x, what, want)
				return
			}
		}
	}
}
