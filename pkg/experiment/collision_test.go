package experiment

import (
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
)

// Two learning rates whose short IDs are the same by chance are two
// configurations, whatever their order; a third has no part in it.
func TestCollidingIDs(t *testing.T) {
	describe := func(dataset.Ref) (models.Data, error) {
		return models.Data{Name: "tiny", Digest: "ff5ee607235c62c09ba10ea7411609cc366f467013d2421505b82e3ba435c94f",
			Input: models.Shape{H: 14, W: 14, C: 1}, Classes: 4, Train: 1000, Validation: 200, Test: 400}, nil
	}
	ids := func(rates string) map[float64]string {
		t.Helper()
		e, err := Parse("f.yaml", []byte(`name: a
dataset: {path: tiny, validation: 200}
matrix:
  lr: [`+rates+`]
model:
  - dense: 24
  - dropout: 0.5
train: {learning_rate: $lr, steps: 4000, batch: 20, optimizer: momentum, schedule: cosine}
seeds: 1
`), nil, describe)
		if err != nil {
			t.Fatal(err)
		}
		all := map[float64]string{}
		for _, c := range e.Configs {
			all[c.Recipe.LearningRate] = c.ID
			if !models.IsConfigID(c.ID) || !c.Config.Named(c.ID) {
				t.Errorf("%s is not taken for the ID that it is", c.ID)
			}
		}
		return all
	}
	a, b := ids("0.00049283, 0.00183236"), ids("0.1, 0.00183236, 0.00049283")
	const one, other, apart = "d24-4fe417978f54e2d5235f805e4be8871f", "d24-4fe417974938beae5e888e943440323d", 0.1
	for _, got := range []map[float64]string{a, b} {
		if got[0.00049283] != one || got[0.00183236] != other {
			t.Errorf("%v, want the two as %s and %s", got, one, other)
		}
	}
	if len(a) != 2 || len(b) != 3 || len(b[apart]) != len("d24-12345678") {
		t.Errorf("%v and %v, want 2 and 3 configurations, that of 0.1 with a short ID", a, b)
	}
	if alone := ids("0.00049283")[0.00049283]; !strings.HasPrefix(one, alone) || len(alone) != len("d24-12345678") {
		t.Errorf("alone it is %s, want the beginning of %s", alone, one)
	}
}
