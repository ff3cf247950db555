package train

import (
	"slices"
	"testing"

	"slimfit/models"
	"slimfit/pkg/graph"
)

// Fit judges what has been trained to its end, one network at a time where it is
// asked to, and nothing that Begin or Each end.
func TestFit(t *testing.T) {
	r, nets, set := recipe(30), []graph.Net{net(1, 2), net(2, 3)}, barSet()
	r.Order = models.Shared
	whole, err := Fit(t.Context(), set, nets, r, Options{Test: true})
	if err != nil || len(whole) != 2 || whole[1].Result.Accuracy.Test == nil || whole[0].Result.WeightsSHA != whole[0].Weights.SHA256() {
		t.Fatalf("got %v, %v", whole, err)
	}
	steps, judged := 0, []string{}
	each := func(tr *Training) (bool, error) { steps++; return tr.Step() == steps, nil }
	none, err := Fit(t.Context(), set, nets, r, Options{Each: each, Judged: func(_ *Training, _ int, n Trained) error {
		judged = append(judged, n.Result.WeightsSHA)
		return nil
	}})
	want := []string{whole[0].Result.WeightsSHA, whole[1].Result.WeightsSHA}
	if err != nil || none != nil || steps != 30 || !slices.Equal(judged, want) {
		t.Errorf("%d steps, judged %v, want %v, %v", steps, judged, want, err)
	}
	ended := map[string]Options{
		"begin": {Begin: func(*Training) (bool, error) { return false, nil }},
		"each":  {Each: func(tr *Training) (bool, error) { return tr.Step() < 7, nil }},
	}
	for name, o := range ended {
		if got, err := Fit(t.Context(), set, nets, r, o); got != nil || err != nil {
			t.Errorf("ended by %s: %v, %v", name, got, err)
		}
	}
}
