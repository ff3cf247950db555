package models

import "fmt"

// expansion turns layers into nodes, one after the other.
type expansion struct {
	folded bool
	nodes  []Node
	names  map[string]int
	at     int   // the node that the next layer reads, -1 for the images
	shape  Shape // that it gives
	stride Edges // of the layers since the residual that is open began
	flat   bool  // behind a dense layer
}

// add appends a node that reads the inputs and is read by the next layer.
func (e *expansion) add(name string, l Layer, bias bool, inputs ...int) error {
	in := e.shape
	out, err := outShape(in, l)
	if err != nil {
		return err
	}
	e.names[name]++
	norm := l.Norm != NoNorm
	e.nodes = append(e.nodes, Node{Name: fmt.Sprintf("%s%d", name, e.names[name]), Layer: l, Inputs: inputs,
		Bias: bias || norm && e.folded, Norm: norm && !e.folded, In: in, Out: out})
	e.at, e.shape = len(e.nodes)-1, out
	for i := range e.stride {
		// Bounded: it only grows while the map shrinks, or goes wrong in close.
		e.stride[i] = min(e.stride[i]*max(l.Stride[i], 1), maxEdge)
	}
	e.flat = e.flat || l.Kind == Dense
	return nil
}

// layer checks a layer's numbers and appends its nodes.
func (e *expansion) layer(l Layer) error {
	if err := l.check(); err != nil {
		return err
	}
	if e.flat && l.Kind != Dense && l.Kind != Dropout && l.Kind != Activate && l.Kind != Residual {
		return fmt.Errorf("a %s after a dense layer: the input is already flat; move it before the first dense", l.Kind)
	}
	switch l.Kind {
	case Separable:
		depth := Layer{Kind: Depthwise, Kernel: l.Kernel, Multiplier: l.Multiplier, Stride: l.Stride, Padding: l.Padding, Activation: None,
			Unbiased: true}
		if l.Norm == BothNorm {
			depth.Norm = OneNorm
		}
		if err := e.add("depthwise", depth, false, e.at); err != nil {
			return err
		}
		point := pointwise(l.Filters)
		point.Padding, point.Activation, point.Unbiased = Valid, l.Activation, l.Unbiased
		if l.Norm != NoNorm {
			point.Norm = OneNorm
		}
		return e.add("pointwise", point, !l.Unbiased, e.at)
	case Residual:
		return e.residual(l)
	default:
		f := l.Kind.facts()
		return e.add(f.node, l, f.bias && !l.Unbiased, e.at)
	}
}

// pointwise is a 1x1 convolution without activation.
func pointwise(filters int) Layer {
	l := NewConv(1, filters)
	l.Activation = None
	return l
}

// residual appends the layers, the shortcut's convolution where shapes differ,
// and the sum.
func (e *expansion) residual(l Layer) error {
	before := *e
	e.stride = Square(1)
	for i, inner := range l.Layers {
		if err := e.layer(inner); err != nil {
			return fmt.Errorf("residual: layer %d: %w", i+1, err)
		}
	}
	main, out, stride := e.at, e.shape, e.stride
	shortcut := before.at
	if out != before.shape {
		if l.Shortcut == NoProjection || e.flat {
			return fmt.Errorf("residual: %s goes in, %s comes out of its layers: the sum needs the same shape; change the last of them, or use "+
				"`shortcut: auto` between convolutions", before.shape, out)
		}
		project := pointwise(out.C)
		project.Stride = stride
		if l.Shortcut == NormShortcut {
			project.Norm, project.Unbiased = OneNorm, true
		}
		e.shape = before.shape
		if err := e.add("shortcut", project, !project.Unbiased, before.at); err != nil {
			return err
		}
		if e.shape != out {
			return fmt.Errorf("residual: %s goes in, %s comes out of its layers: a 1x1 convolution of stride %v gives %s; use `padding: same` "+
				"inside", before.shape, out, stride, e.shape)
		}
		shortcut = e.at
	}
	e.at, e.shape = main, out
	if err := e.add("add", Layer{Kind: Add, Activation: l.Activation}, false, main, shortcut); err != nil {
		return err
	}
	for i := range e.stride {
		e.stride[i] = min(before.stride[i]*stride[i], maxEdge)
	}
	return nil
}

// Readers counts the nodes that read each node.
func Readers(nodes []Node) []int {
	n := make([]int, len(nodes))
	for _, node := range nodes {
		for _, i := range node.Inputs {
			if i >= 0 {
				n[i]++
			}
		}
	}
	return n
}
