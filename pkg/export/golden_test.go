package export_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/export"
	"slimfit/pkg/tflite"
)

// TestGolden writes golden vectors, reads them again, and changes what they are
// of: one step of an int8 score and 1e-4 of a logit are found, 1e-6 is rounding.
func TestGolden(t *testing.T) {
	r, _ := makeRun(t)
	trial, set := open(t, export.Choice{Folder: r.Folder, ConfigID: r.Good}), loadSet(t, r)
	files, err := export.Build(trial, pureFormats(), set.Train.Pixels, tflite.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	made, err := export.NewGolden(trial, files, export.Formats(), set.Train)
	if err != nil {
		t.Fatal(err)
	}
	b, err := made.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := made.Marshal(); err != nil || !bytes.Equal(again, b) {
		t.Error("the same vectors make other bytes", err)
	}
	g, err := export.ReadGolden(b)
	if err != nil {
		t.Fatal(err)
	}
	if g.Images() != 10 || g.Input != trial.Spec.Input || !slices.Equal(g.Forms(), export.Formats()) || len(g.Labels) != 10 {
		t.Fatalf("%d images of %v, forms %v, %d labels", g.Images(), g.Input, g.Forms(), len(g.Labels))
	}
	for _, f := range g.Forms() {
		got := slices.Clone(made.Outputs[f])
		if d := g.Check(f, got); d != nil {
			t.Errorf("%s: %+v", f, d)
		}
		small, large := float32(0), float32(1)
		if !f.Quantized() {
			small, large = 1e-6, 1e-4*max(1, slices.Max(got), -slices.Min(got))
		}
		got[7] += small
		if d := g.Check(f, got); d != nil {
			t.Errorf("%s: %v more is %+v", f, small, d)
		}
		got[7] += large
		if d := g.Check(f, got); d == nil || d.Image != 2 || d.Class != 1 || d.Got != got[7] {
			t.Errorf("%s: %v more is %+v", f, large, d)
		}
	}
	got := slices.Clone(made.Outputs[export.NPZ])
	got[0] = float32(math.NaN())
	if g.Check(export.NPZ, got) == nil {
		t.Error("NaN is not found")
	}
	g.Labels = g.Labels[:9]
	if _, err = g.Marshal(); err == nil || !strings.Contains(err.Error(), "labels") {
		t.Error("nine labels of ten images:", err)
	}
}

func FuzzReadGolden(f *testing.F) {
	g := &export.Golden{Input: models.Shape{H: 2, W: 1, C: 1}, Classes: 2, Pixels: []uint8{1, 2}, Labels: []uint8{1},
		Outputs: map[export.Format][]float32{export.TFLiteInt8: {3, 4}, export.NPZ: {0.5, 1}}}
	b, err := g.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := export.ReadGolden(b)
		if err != nil {
			return
		}
		for _, form := range g.Forms() {
			if n := len(g.Outputs[form]); n != g.Images()*g.Classes {
				t.Errorf("%s: %d outputs of %d images in %d classes", form, n, g.Images(), g.Classes)
			}
		}
	})
}
