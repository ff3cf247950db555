package experiment

import (
	"reflect"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
)

// Floors are asked for by name. A number is a name where folders have numbers,
// and an index after # or where no class has a number for a name.
func TestRecallByName(t *testing.T) {
	const source = "name: x\ndataset: mnist\nmodel: [dense: 4]\ntrain: {steps: 1}\ntarget:\n  accuracy: 0.5\n  recall: RECALL\n"
	words, numbers, mixed := []string{"dent", "ok", "scratch"}, []string{"1", "2", "7"}, []string{"1", "N", "a,b"}
	at := func(class int) []Recall { return []Recall{{Class: class, Floor: 0.9}} }
	for _, c := range []struct {
		recall string
		names  []string
		want   []Recall
		err    string // ... or this, in the line of recall
	}{
		{"{scratch: 0.9}", words, at(2), ""},
		{"{7: 0.9}", numbers, at(2), ""},
		{`{"#1": 0.9}`, numbers, at(1), ""},
		{"{1: 0.9}", words, at(1), ""},
		{"{2: 0.9}", nil, at(2), ""},
		{`{"a,b": 0.9}`, mixed, at(2), ""},
		{"{all: 0.5, ok: 0.9}", words, at(1), ""},
		{"{scrach: 0.9}", words, nil, `there is no class scrach (did you mean "scratch"?); the data set has dent, ok, scratch`},
		{"{0: 0.9}", numbers, nil, "there is no class 0 (did you mean"},
		{"{2: 0.9}", mixed, nil, `the data set has 1, N, "a,b"`},
		{`{"#3": 0.9}`, words, nil, "there is no class #3"},
		{"{3: 0.9}", words, nil, "there is no class 3"},
		{"{cat: 0.9}", nil, nil, `the names are not known, "#0" to "#2" are the classes by number`},
		{`{ok: 0.9, "#1": 0.8}`, words, nil, "class ok has two floors"},
	} {
		from := Sources{Describe: func(dataset.Ref) (models.Data, error) {
			return models.Data{Name: "mnist", Input: models.Shape{H: 4, W: 4, C: 1}, Classes: 3, Train: 90, Validation: 9, Test: 9}, nil
		}, Classes: func(dataset.Ref) []string { return c.names }}
		e, err := parseFrom("f.yaml", []byte(strings.Replace(source, "RECALL", c.recall, 1)), nil, from)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) || !strings.HasPrefix(err.Error(), "f.yaml:7:") {
				t.Errorf("%s of %q: %v, want %q", c.recall, c.names, err, c.err)
			}
		case err != nil || !reflect.DeepEqual(e.Target.Recall, c.want):
			t.Errorf("%s of %q: %+v %v, want %v", c.recall, c.names, e, err, c.want)
		}
	}
}

// Weights are of classes that there are; where names are not known, workers look.
func TestClassWeightNames(t *testing.T) {
	names := []string{"dent", "ok", "scratch"}
	from := Sources{Describe: described, Classes: func(dataset.Ref) []string { return names }}
	const source = "name: x\ndataset: mnist\nmodel: final\ntrain:\n  class_weights: {ok: 2, scrach: 3, \"#2\": 1, \"#10\": 1}\n"
	_, err := parseFrom("f.yaml", []byte(source), nil, from)
	want := `f.yaml:5:26: train.class_weights: there is no class scrach (did you mean "scratch"?); the data set has dent, ok, scratch
f.yaml:5:46: train.class_weights: there is no class #10; the data set has dent, ok, scratch`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if _, err := Parse("f.yaml", []byte(source), nil, described); err != nil {
		t.Errorf("without names: %v", err)
	}
}

// What trains nothing takes a shape for a data set.
func TestShapeOnly(t *testing.T) {
	source := []byte("name: x\ndataset: {shape: [49, 10, 1], classes: 12}\nmodel: [dense: 4]\ntrain: {batch: 1000, select: best}\n")
	from := Sources{Shapes: true, Describe: func(ref dataset.Ref) (models.Data, error) { return dataset.Describe(ref, "") }}
	e, err := parseFrom("f.yaml", source, nil, from)
	if err != nil || e.Data.Input != (models.Shape{H: 49, W: 10, C: 1}) || e.Data.Classes != 12 ||
		e.Configs[0].Footprint.Parameters != 490*4+4+5*12 {
		t.Errorf("%+v, %v", e, err)
	}
}
