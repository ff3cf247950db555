package models_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
)

// Random networks and recipes are the same after JSON, and so are their IDs; the
// weights have every node's shapes, folded or not.
func TestRandomNetworks(t *testing.T) {
	for i := range 40 {
		r := rand.New(rand.NewPCG(uint64(i), 10))
		spec := modelstest.Random(i, r)
		want := models.Config{Layers: spec.Layers, Recipe: modelstest.Recipe(i, r, 30, spec.Classes),
			Data: models.Data{Name: "d", Input: spec.Input, Classes: spec.Classes}}
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got models.Config
		if err := json.Unmarshal(b, &got); err != nil || got.ID() != want.ID() || !reflect.DeepEqual(got, want) {
			t.Errorf("network %d: %+v is %s in JSON and %+v back, %v", i, want, b, got, err)
		}
		w, err := modelstest.Weights(r, spec)
		if err != nil {
			t.Fatal(err)
		}
		folded, f, err := w.Fold(spec)
		if err != nil {
			t.Fatalf("network %d: %v", i, err)
		}
		if _, again, err := f.Fold(folded); err != nil || again.SHA256() != f.SHA256() {
			t.Errorf("network %d: folded twice it is another one: %v", i, err)
		}
	}
}

func FuzzWeights(f *testing.F) {
	add := func(w models.Weights) []byte {
		b, err := w.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		return b
	}
	var w models.Weights
	w.Set("fc1", models.Kernel, []float32{1, 2})
	b := add(w)
	f.Add(append(b[:len(b):len(b)], 0xff, 0xff, 0xff, 0xff))
	f.Add([]byte("\xff\xff\xff\xff"))
	w.Set("fc1", models.Gamma, []float32{3})
	add(w)
	for i := range modelstest.Modern {
		r := rand.New(rand.NewPCG(uint64(i), 11))
		w, err := modelstest.Weights(r, modelstest.Random(i, r))
		if err != nil {
			f.Fatal(err)
		}
		add(w)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var w models.Weights
		if w.UnmarshalBinary(b) == nil {
			again, err := w.MarshalBinary()
			if err != nil || string(again) != string(b) {
				t.Errorf("%x was read and written as %x, %v", b, again, err)
			}
		}
	})
}
