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
		if d := got.Int8 - want.Int8; d != 0 && (exact[name] || d < 0 || d > 128) {
			t.Errorf("%s: %d bytes in int8, the file has %d", name, got.Int8, want.Int8)
		}
		got.Int8 = want.Int8
		if got != want {
			t.Errorf("%s: %+v, the files have %+v", name, got, want)
		}
	}
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
