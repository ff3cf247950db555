package models

import (
	"slices"
	"testing"
)

// There is a form to choose where a stack has convolutions of several channels that
// are each network's own.
func TestStackForms(t *testing.T) {
	base, _ := Named("base")
	cell := []Layer{NewConv(5, 2), NewMaxPool(4), NewDense(64)}
	all := []string{Separate, Grouped, Patches}
	own, shared, exact, int8 := DefaultRecipe(), DefaultRecipe(), DefaultRecipe(), DefaultRecipe()
	shared.Order, exact.Deterministic, int8.Quantize = Shared, true, Int8
	for name, c := range map[string]struct {
		layers   []Layer
		channels int
		recipe   Recipe
		want     []string
	}{
		"one convolution, one order": {cell, 3, shared, []string{""}},
		"one channel, own orders":    {cell, 1, own, []string{""}},
		"colours, own orders":        {cell, 3, own, all},
		"no depthwise gradient":      {cell, 1, exact, all},
		"two convolutions":           {base, 1, shared, all},
		"no stack":                   {base, 1, int8, []string{""}},
	} {
		nodes, err := Spec{Input: Shape{28, 28, c.channels}, Classes: 10, Layers: c.layers}.Nodes()
		if err != nil {
			t.Fatal(err)
		}
		if got := StackForms(nodes, c.recipe); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
