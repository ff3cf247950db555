package graph

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A SavedModel, loaded again through tfgo, gives the trained network's logits.
func TestSavedModelRoundTrip(t *testing.T) {
	for _, i := range []int{0, 12, 13, 14} {
		net := mixedNets()[i]
		_, states, logits := trained(t, []Net{net}, testRecipe(), nil, 0, 3)
		b, err := SavedModel(net.Spec, states[0].Weights)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "saved_model.pb"), b, 0o666); err != nil {
			t.Fatal(err)
		}
		m, err := LoadModel(dir, Device{Threads: 1}, false)
		if err != nil {
			t.Fatal(err)
		}
		var pixels []float32
		for _, p := range fakeImages(testImages, net.Spec.Input, 10).Pixels[:300*784] {
			pixels = append(pixels, float32(p)/255)
		}
		got, err := m.Logits(pixels, net.Spec.Input)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(logits[0]) {
			t.Fatalf("network %d: %d logits, want %d", i, len(got), len(logits[0]))
		}
		for k := range got {
			if math.Abs(float64(got[k]-logits[0][k])) > 1e-5 {
				t.Fatalf("network %d: logit %d is %g, want %g", i, k, got[k], logits[0][k])
			}
		}
	}
}

func TestLoadModelIsNoPanic(t *testing.T) {
	if _, err := LoadModel(t.TempDir(), Device{Threads: 1}, false); err == nil || !strings.Contains(err.Error(), "load the SavedModel") {
		t.Errorf("loaded from an empty folder: %v", err)
	}
}

func TestExportNamesMissingWeights(t *testing.T) {
	net := mixedNets()[0]
	if _, err := Frozen(net.Spec, nil); err == nil || !strings.Contains(err.Error(), "conv1: no weights") {
		t.Errorf("exported without weights: %v", err)
	}
}
