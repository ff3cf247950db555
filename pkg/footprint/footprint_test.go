package footprint

import (
	"fmt"
	"testing"

	"slimfit/models"
)

var mnist = models.Shape{H: 28, W: 28, C: 1}

func named(t *testing.T, name string) Footprint {
	t.Helper()
	layers, ok := models.Named(name)
	if !ok {
		t.Fatalf("no network %q", name)
	}
	return of(t, layers...)
}

func of(t *testing.T, layers ...models.Layer) Footprint {
	t.Helper()
	f, err := Of(models.Spec{Input: mnist, Classes: 10, Layers: layers})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The paper's own networks, every convention recomputed by hand.
func TestPaperNetworks(t *testing.T) {
	for _, c := range []struct {
		name                                            string
		parameters, weights, macs, paper, all, peakElem int
	}{
		{"base", 3274634, 3273504, 13883904, 47824, 48858, 31360},
		{"conv1", 6434634, 6433568, 0, 0, 0, 0},
		{"final", 14014, 13874, 53024, 2450, 2588, 2352},
		{"light", 5348, 0, 0, 0, 0, 0},
	} {
		f := named(t, c.name)
		for _, v := range []struct {
			what      string
			got, want int
		}{
			{"parameters", f.Parameters, c.parameters}, {"weights", f.Weights, c.weights},
			{"macs", f.MACs, c.macs}, {"paper activations", f.Activations.Paper, c.paper},
			{"all activations", f.Activations.All, c.all}, {"peak", f.Peak, c.peakElem},
		} {
			if v.want != 0 && v.got != v.want {
				t.Errorf("%s: %s = %d, want %d", c.name, v.what, v.got, v.want)
			}
		}
		if f.WeightBytes != 4*f.Parameters || f.Parameters != f.Weights+f.Biases {
			t.Errorf("%s: totals do not add up: %+v", c.name, f)
		}
	}
}

func TestPaperRatios(t *testing.T) {
	r := named(t, "final").Against(named(t, "base"))
	got := fmt.Sprintf("%.1f %.1f %.2f %.1f %.1f %.1f", r.Weights, r.Parameters, r.Activations, r.ActivationsAll, r.MACs, r.Peak)
	if want := "235.9 233.7 19.52 18.9 261.8 13.3"; got != want {
		t.Errorf("ratios %s, want %s", got, want)
	}
	light := named(t, "light").Against(named(t, "base"))
	if got := fmt.Sprintf("%.0f", light.Parameters); got != "612" {
		t.Errorf("light: ratio %s, want 612", got)
	}
}

// The 697-parameter network of JoshWarn/Parameter-Efficient-MNIST.
func TestSmallModernNetwork(t *testing.T) {
	separable := func(filters int) models.Layer {
		l := models.DefaultLayer(models.Separable)
		l.Kernel, l.Filters, l.Padding, l.Activation = [2]int{3, 3}, filters, models.Valid, models.LeakyRelu
		return l
	}
	f := of(t, models.NewConv(3, 6), models.NewMaxPool(2), separable(5), separable(9), separable(10), separable(8),
		models.DefaultLayer(models.GlobalAvgPool))
	if f.Parameters != 697 {
		t.Errorf("parameters = %d, want 697", f.Parameters)
	}
}

// By hand: depthwise 3x3 with 2 outputs a channel on 28x28x1, stride 2.
func TestDepthwise(t *testing.T) {
	l := models.DefaultLayer(models.Depthwise)
	l.Kernel, l.Multiplier, l.Stride = models.Square(3), 2, models.Square(2)
	got := of(t, l).Layers[0]
	want := Layer{Name: "depthwise1", Kind: models.Depthwise, Output: models.Shape{H: 14, W: 14, C: 2},
		Parameters: 20, Weights: 18, Biases: 2, MACs: 18 * 14 * 14}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A measured cost is there only where it was measured.
func TestMeasuredCosts(t *testing.T) {
	f := named(t, "final")
	for _, c := range MeasuredCosts() {
		if !c.Measured() || f.Has(c) || f.Get(c) != 0 {
			t.Errorf("%s: %d without a measurement", c, f.Get(c))
		}
		if got, err := ParseCost(string(c)); err != nil || got != c {
			t.Errorf("%s: %q, %v", c, got, err)
		}
	}
	f.Measured = &Measured{TFLite: 3, TFLiteInt8: 2, Arena: 1, Latency: &Latency{Median: 41.6e-6}}
	for c, want := range map[Cost]int{TFLiteBytes: 3, TFLiteInt8Bytes: 2, ArenaBytes: 1, LatencyMicros: 42, Parameters: 14014} {
		if got := f.Get(c); got != want || !f.Has(c) {
			t.Errorf("%s is %d, want %d", c, got, want)
		}
	}
	if Parameters.Measured() {
		t.Error("parameters are counted")
	}
}
