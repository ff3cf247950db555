package models

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	conv := NewConv(1, 2)
	conv.Norm, conv.Unbiased = OneNorm, true
	spec := Spec{Input: Shape{1, 1, 1}, Classes: 2, Layers: []Layer{conv}}
	var w Weights
	w.Set("conv1", Kernel, []float32{2, 3})
	w.Set("conv1", Gamma, []float32{4, 1})
	w.Set("conv1", Beta, []float32{0.5, 0})
	w.Set("conv1", Mean, []float32{1, -2})
	w.Set("conv1", Variance, []float32{0.249, 0.999})
	w.Set("fc1", Kernel, []float32{1, 2, 3, 4})
	w.Set("fc1", Bias, []float32{5, 6})
	b, err := w.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var again Weights
	if err := again.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(again, w) {
		t.Errorf("read %v, %v", again, err)
	}
	for cut := range b {
		if again.UnmarshalBinary(b[:cut]) == nil {
			t.Fatalf("the first %d bytes of %d were read", cut, len(b))
		}
	}
	folded, f, err := w.Fold(spec)
	if err != nil {
		t.Fatal(err)
	}
	// Factors 4/0.5 and 1/1: 16 and 3; 0.5-1*8 and 0+2*1.
	for i, want := range []float32{16, 3} {
		if got := f[0].Kernel[i]; math.Abs(float64(got-want)) > 1e-5 {
			t.Errorf("kernel %d is %v, want %v", i, got, want)
		}
	}
	for i, want := range []float32{-7.5, 2} {
		if got := f[0].Bias[i]; math.Abs(float64(got-want)) > 1e-5 {
			t.Errorf("bias %d is %v, want %v", i, got, want)
		}
	}
	if f[0].Gamma != nil || !reflect.DeepEqual(f[1], w[1]) {
		t.Errorf("folded to %+v", f)
	}
	if _, g, err := f.Fold(folded); err != nil || g.SHA256() != f.SHA256() {
		t.Errorf("folding twice: %v", err)
	}
	w[0].Variance = nil
	if _, _, err := w.Fold(spec); err == nil || !strings.Contains(err.Error(), "conv1: variance has 0 values, its shape [2] needs 2") {
		t.Errorf("without variance: %v", err)
	}
}
