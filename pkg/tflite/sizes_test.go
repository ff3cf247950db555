package tflite

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
)

// built are the sizes of files that are really made.
func built(t *testing.T, spec models.Spec, r *rand.Rand) (s Sizes, int8 error) {
	t.Helper()
	w, err := modelstest.Weights(r, spec)
	if err != nil {
		t.Fatal(err)
	}
	float, err := WriteFloat(spec, w)
	if err != nil {
		t.Fatal(err)
	}
	var npz bytes.Buffer
	if err := WriteNPZ(&npz, spec, w); err != nil {
		t.Fatal(err)
	}
	s = Sizes{Float: len(float), NPZ: npz.Len(), ArenaFloat: arena(t, float)}
	quantized, err := Quantize(spec, w, randomPixels(r, 4*spec.Input.Elements()), Options{})
	if err == nil {
		s.Int8, s.Arena = len(quantized), arena(t, quantized)
	}
	return s, err
}

func arena(t *testing.T, file []byte) int {
	t.Helper()
	m, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return ArenaBytes(m)
}

// Sizes that are computed are those of the files that are made.
func TestSizesOf(t *testing.T) {
	specs := map[string]models.Spec{}
	for name, s := range modelstest.Each() {
		specs[name] = s
	}
	for i := range 12 {
		specs[fmt.Sprint("random ", i)] = modelstest.Random(i, rand.New(rand.NewPCG(uint64(i), 8)))
	}
	for _, name := range []string{"base", "conv1", "final", "light"} {
		layers, _ := models.Named(name)
		specs[name] = models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: layers}
	}
	wide := models.DefaultLayer(models.Conv)
	wide.Kernel, wide.Filters, wide.Activation = models.Square(1), 1500, models.Relu
	wider := wide
	wider.Filters = 3001
	specs["wide"] = models.Spec{Input: models.Shape{H: 2, W: 2, C: 3}, Classes: 3, Layers: []models.Layer{wide, wider, wide}}
	exact := map[string]bool{"base": true, "conv1": true, "final": true, "light": true, "wide": true}
	for name, spec := range specs {
		want, int8 := built(t, spec, rand.New(rand.NewPCG(5, 5)))
		got, err := SizesOf(spec)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if int8 != nil {
			want.Int8, want.Arena = got.Int8, got.Arena
		}
		// In a small file quantization tables may be equal by chance, and are written once.
		if d := got.Int8 - want.Int8; d != 0 && exact[name] || d < 0 {
			t.Errorf("%s: %d bytes in int8, the file has %d", name, got.Int8, want.Int8)
		}
		got.Int8 = want.Int8
		if got != want {
			t.Errorf("%s: %+v, the files have %+v", name, got, want)
		}
	}
}

// An int8 file is as large as computed where its weights share no record, else
// smaller.
func TestInt8SizeIsABound(t *testing.T) {
	equal, smaller := 0, 0
	for i := range 30 {
		r := rand.New(rand.NewPCG(uint64(i), 9))
		spec := modelstest.Random(i, r)
		w, err := modelstest.Weights(r, spec)
		if err != nil {
			t.Fatal(err)
		}
		file, err := Quantize(spec, w, randomPixels(r, 4*spec.Input.Elements()), Options{})
		if err != nil {
			continue // it has no int8 form
		}
		sizes, err := SizesOf(spec)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		spec.Folded = true
		nodes, err := spec.Nodes()
		if err != nil {
			t.Fatal(err)
		}
		b := &builder{blank: &blanks{shared: map[string]bool{}}}
		if err := b.build(spec, nodes, nil); err != nil {
			t.Fatal(err)
		}
		b.blank = &blanks{shared: map[string]bool{}, short: map[int]int{}}
		b.blank.quantize(b.m)
		switch shared := records(b.m) - records(m); {
		case len(file) > sizes.Int8 || shared < 0:
			t.Errorf("network %d: %d bytes, at most %d; %d shared", i, len(file), sizes.Int8, shared)
		case shared == 0 && len(file) != sizes.Int8:
			t.Errorf("network %d: %d bytes of %d, and nothing is shared", i, len(file), sizes.Int8)
		case shared == 0:
			equal++
		default:
			smaller++
		}
	}
	t.Logf("%d files share nothing by chance, %d do", equal, smaller)
	if equal < 3 || smaller < 3 {
		t.Error("the networks do not put it to the test")
	}
}

// records counts a model's records that weights decide: constants, scales, zero
// points, and the tables of both.
func records(m *Model) int {
	seen := map[string]bool{}
	for _, t := range m.Tensors {
		if t.Data != nil {
			seen["data "+string(t.Data)] = true
		}
		if q := t.Quant; q != nil {
			seen[fmt.Sprint("scales ", q.Scale)], seen[fmt.Sprint("points ", q.ZeroPoint, len(q.Scale))] = true, true
			seen[fmt.Sprint("quant ", q.Scale, q.ZeroPoint, q.Axis)] = true
		}
	}
	return len(seen)
}

// Memory is bounded, and what no file can hold is an error.
func TestSizesOfHugeNetworks(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for units, fits := range map[int]bool{60_000: true, 1_000_000_000: false} {
		dense := models.DefaultLayer(models.Dense)
		dense.Units = units
		s, err := SizesOf(models.Spec{Input: models.Shape{H: 14, W: 14, C: 1}, Classes: 4, Layers: []models.Layer{dense}})
		if (err == nil) != fits || fits && s.Int8 < 196*units {
			t.Errorf("%d units: %+v, %v", units, s, err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 10<<20 {
		t.Errorf("%d bytes were taken", got)
	}
}
