package tflite

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"slimfit/models/modelstest"
)

// Every layer kind and every activation has a form in files of both types,
// which are read back and run.
func TestEveryKind(t *testing.T) {
	for name, spec := range modelstest.Each() {
		r := rand.New(rand.NewPCG(7, 7))
		w := randomWeights(t, r, spec)
		pixels := randomPixels(r, 20*spec.Input.Elements())
		exact, err := WriteFloat(spec, w)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		rounded, err := Quantize(spec, w, pixels, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, file := range [][]byte{exact, rounded} {
			m := load(t, file)
			out, err := m.Run(pixels, 1)
			if err != nil || out.Images() != 20 || ArenaBytes(m) == 0 {
				t.Errorf("%s: %v images, arena of %d bytes, %v", name, out, ArenaBytes(m), err)
			}
		}
		var npz bytes.Buffer
		if err := WriteNPZ(&npz, spec, w); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, folded, _ := w.Fold(spec)
		got, err := ReadNPZ(npz.Bytes(), spec)
		if err != nil || got.SHA256() != folded.SHA256() {
			t.Errorf("%s: the npz holds other weights: %v", name, err)
		}
	}
}
