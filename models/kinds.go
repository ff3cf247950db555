package models

import (
	"errors"
	"fmt"
	"slices"
)

// kind is what this package knows of a layer kind: the one place that says
// which keys it has, what they are when left out, and what it makes of a shape.
// CONTRIBUTING.md lists the places beyond this table.
type kind struct {
	name     Kind
	fields   []string // keys of its mapping in an experiment file, in the documentation's order
	doc      string   // a sentence for the table of keys
	defaults Layer
	node     string             // its nodes are called node1, node2, ...
	inner    bool               // of nodes alone, no key of an experiment file
	bias     bool               // its nodes have a bias vector
	slug     func(Layer) string // its word in a configuration's ID; nil: left out
	out      func(in Shape, l Layer) (Shape, error)
	kernel   func(in Shape, l Layer) []int // TensorFlow's layout of its weights; nil: it has none
}

// table lists the kinds in the order the documentation uses. Nothing writes to it.
var table = [...]kind{
	{name: Conv, node: "conv", bias: true, fields: []string{"kernel", "filters", "stride", "dilation", "padding", "batchnorm", "bias", "activation"},
		doc:      "Convolution.",
		defaults: Layer{Stride: Square(1), Dilation: Square(1), Padding: Same, Activation: Relu},
		slug:     func(l Layer) string { return fmt.Sprintf("c%sx%d%s", l.Kernel, l.Filters, l.normWord()) },
		out:      func(in Shape, l Layer) (Shape, error) { return window(in, l.reach(), l, l.Filters) },
		kernel:   func(in Shape, l Layer) []int { return []int{l.Kernel[0], l.Kernel[1], in.C, l.Filters} }},
	{name: Depthwise, node: "depthwise", bias: true, fields: []string{"kernel", "multiplier", "stride", "dilation", "padding", "batchnorm", "bias", "activation"},
		doc:      "Depthwise convolution.",
		defaults: Layer{Stride: Square(1), Dilation: Square(1), Padding: Same, Activation: Relu, Multiplier: 1},
		slug:     func(l Layer) string { return fmt.Sprintf("w%sx%d%s", l.Kernel, l.Multiplier, l.normWord()) },
		out:      func(in Shape, l Layer) (Shape, error) { return window(in, l.reach(), l, in.C*l.Multiplier) },
		kernel:   func(in Shape, l Layer) []int { return []int{l.Kernel[0], l.Kernel[1], in.C, l.Multiplier} }},
	{name: Separable, fields: []string{"kernel", "filters", "multiplier", "stride", "padding", "batchnorm", "bias", "activation"}, // expand splits it
		doc:      "A depthwise convolution without bias and a 1x1 convolution: counted as those two layers.",
		defaults: Layer{Stride: Square(1), Padding: Same, Activation: Relu, Multiplier: 1},
		slug:     func(l Layer) string { return fmt.Sprintf("s%sx%d%s", l.Kernel, l.Filters, l.normWord()) }},
	{name: MaxPool, node: "pool", fields: []string{"size", "stride", "padding"},
		doc:      "Max pooling: the window's edge, or a mapping.",
		defaults: Layer{Padding: Same}, // Stride is Size where it is left out
		slug:     func(l Layer) string { return fmt.Sprintf("p%s", l.Size) },
		out:      pooled},
	{name: AvgPool, node: "pool", fields: []string{"size", "stride", "padding"},
		doc:      "Average pooling: the window's edge, or a mapping.",
		defaults: Layer{Padding: Same},
		slug:     func(l Layer) string { return fmt.Sprintf("a%s", l.Size) },
		out:      pooled},
	{name: GlobalAvgPool, node: "pool",
		doc:  "Mean of each channel; write `globalavgpool: {}`.",
		slug: func(Layer) string { return "g" },
		out:  func(in Shape, _ Layer) (Shape, error) { return Shape{1, 1, in.C}, nil }},
	{name: Dense, node: "fc", bias: true, fields: []string{"units", "batchnorm", "bias", "activation"},
		doc:      "Fully connected layer: its outputs, or a mapping. Flattening before the first one is implied; no conv or pool after it.",
		defaults: Layer{Activation: Relu},
		slug:     func(l Layer) string { return fmt.Sprintf("d%d%s", l.Units, l.normWord()) },
		out:      func(_ Shape, l Layer) (Shape, error) { return Shape{1, 1, l.Units}, nil },
		kernel:   func(in Shape, l Layer) []int { return []int{in.Elements(), l.Units} }},
	{name: Dropout, node: "dropout",
		doc: "The rate: share of units dropped while training. Counts nothing.",
		out: same},
	{name: Residual, fields: []string{"layers", "shortcut", "activation"}, // expand lists its parts
		doc:      "Layers, and the sum of what comes out of them and what went in, with an activation after it. May hold residuals.",
		defaults: Layer{Shortcut: AutoShortcut, Activation: Relu},
		slug:     func(l Layer) string { return fmt.Sprintf("r%d", len(l.Layers)) }},
	{name: Activate, node: "activation",
		doc:  "An activation by itself, such as `activation: relu`.",
		slug: func(l Layer) string { return string(l.Activation) },
		out:  same},
	{name: Add, node: "add", inner: true, out: same},
}

func same(in Shape, _ Layer) (Shape, error) { return in, nil }

// facts finds the kind's entry; nil for a kind that is not in the table.
func (k Kind) facts() *kind {
	for i := range table {
		if table[i].name == k {
			return &table[i]
		}
	}
	return nil
}

// Kinds lists every layer kind in the order the documentation uses.
func Kinds() []Kind {
	var kinds []Kind
	for _, k := range table {
		if !k.inner {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}

// Fields lists the keys of the kind's mapping in an experiment file; none for
// a kind that takes one number or nothing.
func (k Kind) Fields() []string {
	if f := k.facts(); f != nil {
		return slices.Clone(f.fields)
	}
	return nil
}

// Doc says in a sentence what the kind is.
func (k Kind) Doc() string {
	if f := k.facts(); f != nil {
		return f.doc
	}
	return ""
}

// DefaultLayer returns a layer of the kind with the defaults of the experiment
// file; Filters, Kernel, Size and Units have no default and stay zero, and so
// does the stride of a pool, which is its Size.
func DefaultLayer(k Kind) Layer {
	l := Layer{}
	if f := k.facts(); f != nil {
		l = f.defaults
	}
	l.Kind = k
	return l
}

// numbers are the whole numbers that a key of the layer's mapping sets; none
// for a key that is a word.
func (l *Layer) numbers(field string) []*int {
	switch field {
	case "kernel":
		return []*int{&l.Kernel[0], &l.Kernel[1]}
	case "filters":
		return []*int{&l.Filters}
	case "multiplier":
		return []*int{&l.Multiplier}
	case "stride":
		return []*int{&l.Stride[0], &l.Stride[1]}
	case "dilation":
		return []*int{&l.Dilation[0], &l.Dilation[1]}
	case "size":
		return []*int{&l.Size[0], &l.Size[1]}
	case "units":
		return []*int{&l.Units}
	}
	return nil
}

// check reports a number of the layer that is outside its range.
func (l Layer) check() error {
	f := l.Kind.facts()
	if f == nil {
		return fmt.Errorf("unknown layer kind %q", l.Kind)
	}
	for _, field := range f.fields {
		for _, n := range l.numbers(field) {
			if *n < 1 {
				return fmt.Errorf("%s: %s is %d, need at least 1", l.Kind, field, *n)
			}
		}
	}
	switch l.Norm {
	case NoNorm:
	case OneNorm, BothNorm:
		if !slices.Contains(f.fields, "batchnorm") || (l.Norm == BothNorm && l.Kind != Separable) {
			return fmt.Errorf("%s: batchnorm %s: it does not have that", l.Kind, l.Norm)
		}
	default:
		return fmt.Errorf("%s: batchnorm %q: want true, false or, of separable, both", l.Kind, l.Norm)
	}
	return l.checkKind()
}

// checkKind reports what a kind cannot do though each of its numbers is right.
func (l Layer) checkKind() error {
	one := Square(1)
	switch {
	case l.Kind == Dropout && !(l.Rate >= 0 && l.Rate < 1):
		return fmt.Errorf("dropout: rate is %v, need a number in [0, 1)", l.Rate)
	case (l.Kind == Depthwise || l.Kind == Separable) && l.Stride[0] != l.Stride[1]:
		return fmt.Errorf("%s: stride %v: TensorFlow has one stride for both directions of a depthwise convolution", l.Kind, l.Stride)
	case max(l.Dilation[0], l.Dilation[1]) > 1 && l.Stride != one:
		return fmt.Errorf("%s: dilation %v with stride %v: one of them has to be 1", l.Kind, l.Dilation, l.Stride)
	case l.Kind == Residual && len(l.Layers) == 0:
		return errors.New("residual: no layers: list those that the sum goes around")
	case l.Kind == Residual && !slices.Contains([]Shortcut{AutoShortcut, NormShortcut, NoProjection}, l.Shortcut):
		return fmt.Errorf("residual: shortcut %q: want auto, none or {batchnorm: true}", l.Shortcut)
	case l.Activation != "" && !slices.Contains(Activations(), l.Activation), l.Kind == Activate && l.Activation == "":
		return fmt.Errorf("%s: unknown activation %q", l.Kind, l.Activation)
	}
	return nil
}

// reach is the window of a convolution from its first to its last tap.
func (l Layer) reach() Edges {
	return Edges{(l.Kernel[0]-1)*max(l.Dilation[0], 1) + 1, (l.Kernel[1]-1)*max(l.Dilation[1], 1) + 1}
}

// normWord marks a batch-normalised layer in a configuration's ID.
func (l Layer) normWord() string {
	if l.Norm != NoNorm {
		return "n"
	}
	return ""
}
