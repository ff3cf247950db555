package search

import "testing"

// Layers as axis values are written as people write them.
func TestAssignmentText(t *testing.T) {
	layer := func(kind string, v any) any { return map[string]any{kind: v} }
	net := []any{layer("conv", map[string]any{"kernel": 3, "filters": 4}), layer("dense", 32)}
	got := assignmentText(map[string]any{"lr": 1e-5, "net": net})
	if want := "lr 0.00001, net conv 3x4, dense 32"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
