package experiment

import (
	"reflect"
	"strings"
	"sync"
	"testing"

	"slimfit/pkg/footprint"
)

const wide = `name: x
dataset: mnist
matrix:
  kernel: [1, 3]
  filters: {from: 1, to: 32}
  second: {from: 1, to: 32}
  extra: [true, false]
  rate: [0.1, 0.01, 0.001]
  include: [{kernel: 1, padding: valid}, {kernel: 3, padding: same}]
model:
  - conv: {kernel: $kernel, filters: $filters, padding: $padding}
  - {conv: {kernel: 3, filters: $second}, when: $extra}
  - maxpool: 4
train: {learning_rate: $rate, steps: 100*$kernel}
baseline: {kernel: 3, filters: 32, second: 32, extra: true, rate: 0.1}
`

// A space has the configurations that a list would have, in its order.
func TestSpaceIsTheList(t *testing.T) {
	list := parse(t, wide)
	counted, err := parseFrom("f.yaml", []byte(wide), nil, Sources{Describe: described, Space: true})
	if err != nil {
		t.Fatal(err)
	}
	s := counted.Space
	// 2 x 32 x 3 with 32 second layers, and without one.
	if want := 2 * 32 * 3 * (32 + 1); s.Len() != want || len(list.Configs) != want || list.Space.Len() != want {
		t.Fatalf("%d configurations counted, %d listed, want %d", s.Len(), len(list.Configs), want)
	}
	if counted.Baseline.ID != list.Baseline.ID || counted.Baseline.Name != list.Baseline.Name {
		t.Errorf("the baseline %+v, want %+v", counted.Baseline, list.Baseline)
	}
	var wg sync.WaitGroup // as the race detector may look at it
	for part := range 4 {
		wg.Go(func() {
			for i := part; i < s.Len(); i += 4 {
				got, want := s.Config(i), list.Configs[i]
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%d: %+v, want %+v", i, got, want)
					return
				}
				if s.Cost(i, footprint.MACs) != want.Footprint.MACs || s.Steps(i) != want.Recipe.Steps {
					t.Errorf("%d: costs %d MACs and %d steps, want %+v", i, s.Cost(i, footprint.MACs), s.Steps(i), want)
				}
				for a, axis := range counted.Axes {
					if !reflect.DeepEqual(axis.Values[s.Position(i, a)], want.Assignment[axis.Name]) {
						t.Errorf("%d: %s at %d", i, axis.Name, s.Position(i, a))
					}
				}
			}
		})
	}
	wg.Wait()
	low, high := s.Range(footprint.Parameters)
	cheapest := s.Cheapest(footprint.Parameters, 3)
	if len(cheapest) != 3 || s.Cost(cheapest[0], footprint.Parameters) != low || high != list.Baseline.Footprint.Parameters {
		t.Errorf("from %d to %d, cheapest %v", low, high, cheapest)
	}
}

// Above MaxListed only those who can do with a space get one.
func TestLargeSpaceIsCounted(t *testing.T) {
	source := strings.Replace(wide, "rate: [0.1, 0.01, 0.001]", "rate: {from: 0.1, to: 0.6, step: 0.1}", 1)
	counted, err := parseFrom("f.yaml", []byte(source), nil, Sources{Describe: described, Space: true})
	if err != nil {
		t.Fatal(err)
	}
	if counted.Configs != nil || counted.Space.Len() != 2*32*6*33 {
		t.Errorf("%d listed, %d counted", len(counted.Configs), counted.Space.Len())
	}
	if list := parse(t, source); len(list.Configs) != 2*32*6*33 {
		t.Errorf("%d listed", len(list.Configs))
	}
	for change, want := range map[string]string{
		"{from: 1, to: 32}>{from: 1, to: 100000000}": "matrix.filters: 100000000 values, at most 1000000",
		"{from: 1, to: 32}>{from: 1, to: 100000}":    "matrix: more than 1000000 combinations",
	} {
		old, now, _ := strings.Cut(change, ">")
		_, err := parseFrom("f.yaml", []byte(strings.Replace(source, old, now, 1)), nil, Sources{Describe: described, Space: true})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", change, err, want)
		}
	}
}
