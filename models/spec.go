package models

import (
	"fmt"
	"slices"
)

// Shape is the size of one image or feature map: height, width, channels. A
// dense output of n units is {1, 1, n}.
type Shape struct{ H, W, C int }

// Elements is the number of values in the shape.
func (s Shape) Elements() int { return s.H * s.W * s.C }

func (s Shape) String() string { return fmt.Sprintf("%dx%dx%d", s.H, s.W, s.C) }

// Spec is a network for one data set: the layers in reading order, without the
// last dense layer, which Nodes adds (one unit a class, no activation).
type Spec struct {
	Input   Shape
	Classes int // >= 2
	Layers  []Layer
	// Folded says that the network is meant as it is deployed: batch normalisation
	// is part of its weights and biases; see Weights.Fold.
	Folded bool
	// Scaling standardises the input; nil: it is taken as it is. A folded network
	// does it in a node of its own, the first.
	Scaling *Scaling
}

// normalize is the name of the node that Scaling becomes.
const normalize = "normalize"

// Node is one primitive operation of a network with its shapes inferred: a
// separable layer becomes two nodes, a residual those of its layers, of its
// shortcut where it needs a convolution, and a sum; every other layer one.
type Node struct {
	Name   string // conv1, depthwise1, pool1, fc1, dropout1: unique in the network
	Layer  Layer  // Kind is never Separable or Residual
	Inputs []int  // the nodes that it reads, -1 for the images; Add reads two, the shortcut second
	Bias   bool   // conv, depthwise and dense: has a bias vector
	Norm   bool   // conv, depthwise and dense: is batch-normalised before the activation
	Linear bool   // the classifier itself: the last dense layer
	In     Shape  // of the first input, before the implied flattening of a dense layer
	Out    Shape
}

// KernelShape is TensorFlow's layout of the node's weights: conv [h, w, in,
// out], depthwise [h, w, in, multiplier], dense [in, out]; nil for a node
// without weights.
func (n Node) KernelShape() []int {
	if f := n.Layer.Kind.facts(); f != nil && f.kernel != nil {
		return f.kernel(n.In, n.Layer)
	}
	return nil
}

// Fans are the inputs and outputs of one unit, as Keras counts them for its
// initializers: kernel taps times channels. Both are 0 without weights.
func (n Node) Fans() (in, out int) {
	shape := n.KernelShape()
	if shape == nil {
		return 0, 0
	}
	last := len(shape) - 1
	return product(shape[:last]), product(shape[:max(last-1, 0)]) * shape[last]
}

// Shape is the shape of one of the node's arrays of trained numbers; nil where
// it has none.
func (n Node) Shape(p Part) []int {
	switch {
	case p == Kernel:
		return n.KernelShape()
	case p == Bias && n.Bias, n.Norm && slices.Contains([]Part{Gamma, Beta, Mean, Variance}, p):
		return []int{n.Out.C}
	case p == Slope && n.Layer.Activation == PRelu:
		return []int{n.Out.C}
	}
	return nil
}

// Parts lists the arrays of trained numbers that the node has.
func (n Node) Parts() []Part {
	return slices.DeleteFunc(Parts(), func(p Part) bool { return n.Shape(p) == nil })
}

// Size is how many numbers one of the node's arrays holds.
func (n Node) Size(p Part) int {
	if shape := n.Shape(p); shape != nil {
		return product(shape)
	}
	return 0
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// FullLayers returns the layers with the last dense layer included.
func (s Spec) FullLayers() []Layer {
	last := NewDense(s.Classes)
	last.Activation = None
	return append(append([]Layer{}, s.Layers...), last)
}

// LayerError says which layer of a model does not fit, and why.
type LayerError struct {
	Index int // in Spec.Layers
	Err   error
}

func (e *LayerError) Error() string { return fmt.Sprintf("layer %d: %v", e.Index+1, e.Err) }
func (e *LayerError) Unwrap() error { return e.Err }

// maxElements bounds one feature map or weight array, so that products of
// hostile sizes cannot overflow.
const maxElements = 1 << 31

// Nodes infers the shape of every primitive node, the last dense layer
// included. It returns a *LayerError for a layer that does not fit.
func (s Spec) Nodes() ([]Node, error) {
	if s.Input.H < 1 || s.Input.W < 1 || s.Input.C < 1 || s.Classes < 2 {
		return nil, fmt.Errorf("input %s with %d classes: need at least 1x1x1 and 2 classes", s.Input, s.Classes)
	}
	e := expansion{folded: s.Folded, names: map[string]int{}, at: -1, shape: s.Input, stride: Square(1)}
	if err := s.Scaling.Check(s.Input.C); err != nil {
		return nil, err
	}
	if s.Folded && s.Scaling != nil {
		l := Layer{Kind: Depthwise, Kernel: Square(1), Multiplier: 1, Stride: Square(1), Padding: Same, Activation: None}
		e.nodes = []Node{{Name: normalize, Layer: l, Inputs: []int{-1}, Bias: true, In: s.Input, Out: s.Input}}
		e.at = 0
	}
	layers := s.FullLayers()
	for i, l := range layers {
		if err := e.layer(l); err != nil {
			return nil, &LayerError{Index: i, Err: err}
		}
	}
	e.nodes[e.at].Linear = true
	return e.nodes, nil
}

// outShape is the layer's output, small enough to count; see checkSize.
func outShape(in Shape, l Layer) (Shape, error) {
	f := l.Kind.facts()
	out, err := f.out(in, l)
	if err != nil || f.kernel == nil {
		return out, err
	}
	shape := f.kernel(in, l)
	last := len(shape) - 1
	return out, checkSize(out, product(shape[:last]), shape[last], l.Kind)
}

// pooled is the output of a pool.
func pooled(in Shape, l Layer) (Shape, error) { return window(in, l.Size, l, in.C) }

// window applies TensorFlow's shape rules: SAME gives ceil(in/stride), VALID
// gives floor((in-window)/stride)+1.
func window(in Shape, k Edges, l Layer, channels int) (Shape, error) {
	if max(k[0], k[1], l.Stride[0], l.Stride[1]) > maxEdge {
		return Shape{}, fmt.Errorf("%s: window %dx%d, stride %v: at most %d", l.Kind, k[0], k[1], l.Stride, maxEdge)
	}
	if l.Padding == Valid {
		if k[0] > in.H || k[1] > in.W {
			return Shape{}, fmt.Errorf("%s: window %dx%d does not fit into the %s input with valid padding", l.Kind, k[0], k[1], in)
		}
		return Shape{(in.H-k[0])/l.Stride[0] + 1, (in.W-k[1])/l.Stride[1] + 1, channels}, nil
	}
	return Shape{ceilDiv(in.H, l.Stride[0]), ceilDiv(in.W, l.Stride[1]), channels}, nil
}

// maxEdge bounds a window or stride.
const maxEdge = 1 << 14

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func checkSize(out Shape, fanIn, fanOut int, k Kind) error {
	if fanOut > maxElements || fanIn > maxElements/max(fanOut, 1) || out.H*out.W > maxElements/max(out.C, 1) {
		return fmt.Errorf("%s: %d inputs x %d outputs is more than %d weights or values", k, fanIn, fanOut, maxElements)
	}
	return nil
}

// MaxFused is the most output channels of first convolutions that a pack of
// networks computes as one: beyond about 32 a wider convolution costs in
// proportion.
const MaxFused = 32
