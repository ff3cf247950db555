package tflite

import (
	"math/rand/v2"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
)

func mnist(layers ...models.Layer) models.Spec {
	return models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: layers}
}

// int8Model returns a network with random weights as Load reads it.
func int8Model(t testing.TB, spec models.Spec, opts Options) *Model {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	b, err := Quantize(spec, randomWeights(t, r, spec), randomPixels(r, 4*spec.Input.Elements()), opts)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, b)
}

func load(t testing.TB, b []byte) *Model {
	t.Helper()
	m, err := Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The expected numbers are worked out by hand from the planner's rule.
func TestArenaBytes(t *testing.T) {
	final, _ := models.Named("final")
	base, _ := models.Named("base")
	gap := models.Layer{Kind: models.GlobalAvgPool}
	for _, tt := range []struct {
		name string
		spec models.Spec
		want int
	}{
		// conv 28x28x2 = 1568 at 0; the input, 784, beside it at 1568. All later
		// buffers fit below.
		{"final", mnist(final...), 1568 + 784},
		// conv1 28x28x32 = 25088 at 0 [1,2]; conv2 14x14x64 = 12544 at 0 [3,4]; pool1
		// 14x14x32 = 6272 must miss both [2,3]: at 25088; the input fits above
		// conv1 as well, before pool1 lives.
		{"base", mnist(base...), 25088 + 6272},
		// conv 28x28x8 = 6272 at 0 [1,2]; input 784 [0,1] at 6272; mean 8 -> 16 and
		// its scratch of 32 (8 sums), 16 (an index) and 16 (2 axes) live at 2 with
		// conv: 80 bytes from 6272 on, below the input's end at 7056.
		{"mean", mnist(models.NewConv(3, 8), gap), 6272 + 784},
		// input 5x5 = 25 -> 32 [0,1]; mean 1 -> 16 [1,2], scratch 16 three times [1,1]:
		// side by side at time 1. The rest fits below.
		{"small mean", models.Spec{Input: models.Shape{H: 5, W: 5, C: 1}, Classes: 2, Layers: []models.Layer{gap}}, 32 + 4*16},
		// Nothing but a dense layer: input 784 at 0, logits 10 -> 16 at 784,
		// probabilities 16 at time 2 when the input is gone: at 0.
		{"linear", mnist(), 784 + 16},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ArenaBytes(int8Model(t, tt.spec, Options{})); got != tt.want {
				t.Errorf("arena of %d bytes, want %d", got, tt.want)
			}
		})
	}
}

func TestArenaOfFloatIsFourTimesInt8(t *testing.T) {
	final, _ := models.Named("final")
	spec := mnist(final...)
	b, err := WriteFloat(spec, randomWeights(t, rand.New(rand.NewPCG(1, 1)), spec))
	if err != nil {
		t.Fatal(err)
	}
	if got := ArenaBytes(load(t, b)); got != 4*(1568+784) {
		t.Errorf("arena of %d bytes", got)
	}
}

// The planner is greedy: a buffer goes to the first gap, not to the best one,
// and of equal sizes the later tensor is placed first.
func TestPlanArenaOrder(t *testing.T) {
	m := int8Model(t, mnist(models.NewMaxPool(1), models.NewMaxPool(1)), Options{})
	keep(m, Logits)
	// Tensors: input [0,1], pool1 [1,2], pool2 [2,3] of 784 each, logits 16 [3,3].
	// pool2 is placed first at 0, pool1 above it at 784, the input does not meet
	// pool2: at 0.
	want := map[string][3]int{"images": {0, 0, 1}, "pool1": {784, 1, 2}, "pool2": {0, 2, 3}, "logits": {784, 3, 3}}
	for _, b := range PlanArena(m) {
		name := m.Tensors[b.Tensor].Name
		if got := [3]int{b.Offset, b.First, b.Last}; got != want[name] {
			t.Errorf("%s: offset and life %v, want %v", name, got, want[name])
		}
	}
}

func TestPlanArenaNeverOverlaps(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		spec := modelstest.Random(int(seed), r)
		buffers := PlanArena(int8Model(t, spec, Options{}))
		for i, a := range buffers {
			if a.Offset%ArenaAlignment != 0 || a.Bytes%ArenaAlignment != 0 {
				t.Errorf("seed %d: buffer %+v is not aligned", seed, a)
			}
			for _, b := range buffers[:i] {
				time := a.First <= b.Last && b.First <= a.Last
				space := a.Offset < b.Offset+b.Bytes && b.Offset < a.Offset+a.Bytes
				if time && space {
					t.Errorf("seed %d: %+v and %+v overlap", seed, a, b)
				}
			}
		}
	}
}
