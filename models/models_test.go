package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TensorFlow's shapes: SAME ceil(in/stride), VALID floor((in-window)/stride)+1.
func TestShapes(t *testing.T) {
	conv := func(h, w, filters, stride int, p Padding) Layer {
		l := NewConv(1, filters)
		l.Kernel, l.Stride, l.Padding = Edges{h, w}, Square(stride), p
		return l
	}
	pool := func(size, stride int, p Padding) Layer {
		l := NewMaxPool(size)
		l.Stride, l.Padding = Square(stride), p
		return l
	}
	depth := DefaultLayer(Depthwise)
	depth.Kernel, depth.Multiplier, depth.Stride = Edges{3, 3}, 4, Square(2)
	for _, c := range []struct {
		layer Layer
		in    Shape
		want  string
	}{
		{conv(5, 5, 7, 1, Same), Shape{28, 28, 1}, "28x28x7"},
		{conv(5, 5, 7, 2, Same), Shape{27, 28, 3}, "14x14x7"},
		{conv(5, 3, 7, 1, Valid), Shape{28, 27, 3}, "24x25x7"},
		{conv(4, 4, 2, 3, Valid), Shape{28, 28, 1}, "9x9x2"},
		{conv(9, 9, 2, 1, Same), Shape{4, 4, 1}, "4x4x2"},
		{pool(2, 2, Same), Shape{7, 7, 5}, "4x4x5"},
		{pool(2, 2, Valid), Shape{7, 7, 5}, "3x3x5"},
		{pool(3, 1, Valid), Shape{7, 8, 5}, "5x6x5"},
		{depth, Shape{9, 9, 3}, "5x5x12"},
		{DefaultLayer(GlobalAvgPool), Shape{9, 5, 3}, "1x1x3"},
		{NewDense(11), Shape{9, 5, 3}, "1x1x11"},
		{NewDropout(0.5), Shape{9, 5, 3}, "9x5x3"},
	} {
		nodes, err := Spec{Input: c.in, Classes: 2, Layers: []Layer{c.layer}}.Nodes()
		if err != nil {
			t.Errorf("%+v: %v", c.layer, err)
			continue
		}
		if got := nodes[0].Out.String(); got != c.want {
			t.Errorf("%+v on %v: %s, want %s", c.layer, c.in, got, c.want)
		}
	}
}

func TestMisfits(t *testing.T) {
	valid := NewConv(9, 2)
	valid.Padding = Valid
	for want, layers := range map[string][]Layer{
		"does not fit":  {NewConv(3, 2), NewMaxPool(4), valid},
		"already flat":  {NewDense(3), NewConv(3, 2)},
		"filters is 0":  {NewConv(3, 0)},
		"rate is 1":     {NewDropout(1)},
		"more than":     {NewDense(1 << 30), NewDense(1 << 30)},
		"unknown layer": {{Kind: "lstm"}},
		"at most":       {NewConv(1<<20, 1)},
	} {
		_, err := Spec{Input: Shape{28, 28, 1}, Classes: 10, Layers: layers}.Nodes()
		var where *LayerError
		if !errors.As(err, &where) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", layers, err, want)
		}
	}
	if _, err := (Spec{Input: Shape{28, 28, 1}, Classes: 1}).Nodes(); err == nil {
		t.Error("one class was accepted")
	}
}

func TestNodeNames(t *testing.T) {
	sep := DefaultLayer(Separable)
	sep.Kernel, sep.Filters = [2]int{3, 3}, 4
	nodes, err := Spec{Input: Shape{28, 28, 1}, Classes: 10, Layers: []Layer{NewConv(3, 2), NewMaxPool(2), sep, sep, NewDense(5),
		NewDropout(0.1)}}.Nodes()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range nodes {
		names = append(names, fmt.Sprintf("%s:%t", n.Name, n.Bias))
	}
	want := "conv1:true pool1:false depthwise1:false pointwise1:true depthwise2:false pointwise2:true fc1:true dropout1:false fc2:true"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("nodes %s, want %s", got, want)
	}
	if last := nodes[len(nodes)-1]; !last.Linear || last.Layer.Activation != None || last.Out.C != 10 {
		t.Errorf("classifier %+v", last)
	}
}

// anyLayer draws a layer with every field that its kind has.
func anyLayer(t *rapid.T) Layer {
	l := DefaultLayer(rapid.SampledFrom(Kinds()).Draw(t, "kind"))
	n := rapid.IntRange(1, 64)
	switch l.Kind {
	case Conv, Separable:
		l.Kernel, l.Filters, l.Stride = Edges{n.Draw(t, "h"), n.Draw(t, "w")}, n.Draw(t, "filters"), Square(n.Draw(t, "stride"))
		l.Activation = rapid.SampledFrom(Activations()).Draw(t, "activation")
	case Depthwise:
		l.Kernel, l.Multiplier = [2]int{n.Draw(t, "h"), n.Draw(t, "w")}, n.Draw(t, "multiplier")
	case MaxPool, AvgPool:
		l.Size, l.Stride, l.Padding = Square(n.Draw(t, "size")), Square(n.Draw(t, "stride")), Valid
	case Dense:
		l.Units = n.Draw(t, "units")
	case Dropout:
		l.Rate = rapid.Float64Range(0, 0.99).Draw(t, "rate")
	}
	return l
}

func TestLayerJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyLayer(t)
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Layer
		if err := json.Unmarshal(b, &got); err != nil || !got.Equal(want) {
			t.Fatalf("%s: read as %+v, %v; want %+v", b, got, err, want)
		}
	})
	b, err := json.Marshal(NewConv(5, 32))
	if want := `{"conv":{"kernel":[5,5],"filters":32,"stride":1,"padding":"same","activation":"relu"}}`; err != nil || string(b) != want {
		t.Errorf("%s, %v; want %s", b, err, want)
	}
}

func config() Config {
	layers, _ := Named("final")
	return Config{Layers: layers, Recipe: DefaultRecipe(),
		Data: Data{Name: "mnist", Digest: "d", Input: Shape{28, 28, 1}, Classes: 10, Train: 55000, Validation: 5000, Test: 10000}}
}

// The ID changes with everything that changes training, and with nothing else.
func TestConfigID(t *testing.T) {
	want := config().ID()
	if !strings.HasPrefix(want, "c5x2-p4-d128-") || len(want) != len("c5x2-p4-d128-")+8 {
		t.Errorf("ID %s", want)
	}
	renamed := config()
	renamed.Data.Name = "digits"
	if renamed.ID() != want {
		t.Error("the data set's name changes the ID")
	}
	seen := map[string]string{want: "nothing"}
	for name, change := range map[string]func(*Config){
		"filters":     func(c *Config) { c.Layers[0].Filters = 3 },
		"activation":  func(c *Config) { c.Layers[0].Activation = Relu6 },
		"dropout":     func(c *Config) { c.Layers[3].Rate = 0.4 },
		"data":        func(c *Config) { c.Data.Digest = "e" },
		"train":       func(c *Config) { c.Data.Train = 100 },
		"steps":       func(c *Config) { c.Recipe.Steps = 7 },
		"rate":        func(c *Config) { c.Recipe.LearningRate = 2e-4 },
		"order":       func(c *Config) { c.Recipe.Order = Shared },
		"precision":   func(c *Config) { c.Recipe.Precision = BFloat16 },
		"quantize":    func(c *Config) { c.Recipe.Quantize = Int8 },
		"teacher":     func(c *Config) { c.Recipe.Teacher = &Teacher{Run: "x/seed-0", Weight: 0.9} },
		"determinism": func(c *Config) { c.Recipe.Deterministic = true },
	} {
		c := config()
		change(&c)
		if other, ok := seen[c.ID()]; ok {
			t.Errorf("a change of %s has the ID of a change of %s", name, other)
		}
		seen[c.ID()] = name
	}
}

// IDs of finished trials must stay what they are: results are kept under them.
func TestConfigIDIsStable(t *testing.T) {
	c := config()
	c.Data.Digest = "1677c5208f65e349df303aea6dc07235190fbb11cc21544f1bf93767b54bb003"
	if got, want := c.ID(), "c5x2-p4-d128-000b2cbf"; got != want {
		t.Errorf("the paper's final network on MNIST is %s, was %s", got, want)
	}
}

func TestWeightsRoundTrip(t *testing.T) {
	var w Weights
	w.Set("fc2", Kernel, []float32{1, -2, 3e-40})
	w.Set("conv1", Kernel, []float32{5})
	w.Set("fc2", Bias, []float32{7, 8})
	b, err := w.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var got Weights
	if err := got.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("read %+v, %v; want %+v", got, err, w)
	}
	if _, ok := got.Get("conv1", Bias); ok || got[0].Node != "conv1" {
		t.Error("a bias that is not there, or nodes out of order")
	}
	w[0].Kernel[0] = 5.0000005
	if w.SHA256() == got.SHA256() {
		t.Error("one changed bit gives the same digest")
	}
}
