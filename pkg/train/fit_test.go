package train

import (
	"math"
	"reflect"
	"slices"
	"strings"
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

// Several steps at a time give what single ones give, bit for bit, with every look
// at the validation images at its step.
func TestFitUnrolled(t *testing.T) {
	r, nets, set := recipe(110), []graph.Net{net(1, 2), net(2, 3)}, barSet()
	r.Order = models.Shared
	want, err := Fit(t.Context(), set, nets, r, Options{Test: true})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Test: true, Device: graph.DeviceFor(r, 1, false)}
	o.Device.Unroll = 3
	var most, calls int
	last := 0
	o.Each = func(tr *Training) (bool, error) {
		calls, most, last = calls+1, max(most, tr.Step()-last), tr.Step()
		return true, nil
	}
	got, err := Fit(t.Context(), set, nets, r, o)
	if err != nil || most != 3 || calls >= 110 || last != 110 {
		t.Fatalf("%d calls for 110 steps, %d at most, the last %d, %v", calls, most, last, err)
	}
	for i := range want {
		if got[i].Result.WeightsSHA != want[i].Result.WeightsSHA || !reflect.DeepEqual(got[i].History, want[i].History) {
			t.Errorf("network %d: history %+v, want %+v", i, got[i].History, want[i].History)
		}
	}
}

// As a stack networks train each on the batches of its own seed, as they do alone.
func TestStackHasOwnOrders(t *testing.T) {
	set, r := barSet(), recipe(20)
	r.Optimizer, r.LearningRate = models.Momentum, 0.01
	nets := []graph.Net{net(1, 3), net(2, 3), net(3, 3)}
	device := graph.DeviceFor(r, 1, true) // a GPU's graph, on whatever there is
	tr, err := New(set, nets, r, nil, device)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if tr.Form() != "stacked, depthwise" {
		t.Fatalf("the form is %q", tr.Form())
	}
	advance(t, tr, 20)
	for i := range nets {
		alone := start(t, set, r, nets[i])
		advance(t, alone, 20)
		got, _ := tr.Loss(i)
		if want, _ := alone.Loss(0); math.Abs(got-want) > 1e-5 {
			t.Errorf("network %d: loss %v, alone %v", i, got, want)
		}
	}
	if _, err := New(set, nets, r, nil, graph.DeviceFor(r, 1, false)); err == nil || !strings.Contains(err.Error(), "need order: shared") {
		t.Errorf("side by side: %v", err)
	}
}
