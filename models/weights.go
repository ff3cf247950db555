package models

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Part names one of a node's arrays of trained numbers.
type Part string

const (
	Kernel   Part = "kernel"   // see Node.KernelShape
	Bias     Part = "bias"     // one number a channel, as have the following
	Gamma    Part = "gamma"    // batch normalisation's factor
	Beta     Part = "beta"     // and what it adds
	Mean     Part = "mean"     // moving averages of the batches: not trained
	Variance Part = "variance" //
	Slope    Part = "slope"    // of the activation prelu
)

// Parts lists the parts in the order that files have them.
func Parts() []Part { return []Part{Kernel, Bias, Gamma, Beta, Mean, Variance, Slope} }

// Trained says whether gradients change the part.
func (p Part) Trained() bool { return p != Mean && p != Variance }

// NodeWeights are the trained numbers of one node (see Spec.Nodes), row-major;
// a part that the node does not have is nil.
type NodeWeights struct {
	Node                        string
	Kernel                      []float32
	Bias                        []float32
	Gamma, Beta, Mean, Variance []float32
	Slope                       []float32
}

// Weights are a network's trained numbers, sorted by node name. Nodes without
// any have no entry.
type Weights []NodeWeights

// array is where the node keeps the part.
func (n *NodeWeights) array(p Part) *[]float32 {
	switch p {
	case Kernel:
		return &n.Kernel
	case Bias:
		return &n.Bias
	case Gamma:
		return &n.Gamma
	case Beta:
		return &n.Beta
	case Mean:
		return &n.Mean
	case Variance:
		return &n.Variance
	default:
		return &n.Slope
	}
}

// Set stores one part of a node.
func (w *Weights) Set(node string, p Part, values []float32) {
	i, ok := w.find(node)
	if !ok {
		*w = slices.Insert(*w, i, NodeWeights{Node: node})
	}
	*(*w)[i].array(p) = values
}

// Get returns one part of a node, and whether it is there.
func (w Weights) Get(node string, p Part) ([]float32, bool) {
	i, ok := w.find(node)
	if !ok {
		return nil, false
	}
	values := *w[i].array(p)
	return values, values != nil
}

// Of returns the node's numbers once they are checked: every part that the node
// has is there, with as many numbers as its shape needs, and all are finite. A
// NaN or an infinity comes from a run that diverged.
func (w Weights) Of(n Node) (NodeWeights, error) {
	i, ok := w.find(n.Name)
	if !ok {
		return NodeWeights{}, fmt.Errorf("%s: no weights", n.Name)
	}
	v := w[i]
	for _, p := range Parts() {
		values := *v.array(p)
		if len(values) != n.Size(p) {
			return v, fmt.Errorf("%s: %s has %d values, its shape %v needs %d", n.Name, p, len(values), n.Shape(p), n.Size(p))
		}
		for i, x := range values {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return v, fmt.Errorf("%s: value %d is %v: the run diverged", n.Name, i, x)
			}
		}
	}
	return v, nil
}

// Array is one part of a node with its shape.
type Array struct {
	Node   string
	Part   Part
	Shape  []int
	Values []float32
}

// Name is the array's name in files: node/part.
func (a Array) Name() string { return a.Node + "/" + string(a.Part) }

// Arrays lists the network's weights in reading order, each node's parts in the
// order of Parts. It fails where they do not fit the network; see Of.
func (w Weights) Arrays(spec Spec) ([]Array, error) {
	nodes, err := spec.Nodes()
	if err != nil {
		return nil, err
	}
	var all []Array
	for _, n := range nodes {
		if len(n.Parts()) == 0 {
			continue
		}
		v, err := w.Of(n)
		if err != nil {
			return nil, err
		}
		for _, p := range n.Parts() {
			all = append(all, Array{n.Name, p, n.Shape(p), *v.array(p)})
		}
	}
	return all, nil
}

func (w Weights) find(node string) (int, bool) {
	return slices.BinarySearchFunc(w, node, func(n NodeWeights, name string) int { return strings.Compare(n.Node, name) })
}

// Fold returns the network as it is deployed and its weights: each batch
// normalisation by moving averages becomes part of its node's kernel and bias,
// w gamma / sqrt(variance + epsilon) and beta + (bias - mean) of that factor; and
// Spec.Scaling a node of its own.
// A folded network is returned as it is. It fails where the weights do not fit.
func (w Weights) Fold(spec Spec) (Spec, Weights, error) {
	if _, err := w.Arrays(spec); err != nil {
		return spec, nil, err
	}
	nodes, err := spec.Nodes()
	if err != nil {
		return spec, nil, err
	}
	var folded Weights
	if spec.Scaling != nil && !spec.Folded {
		kernel, bias := spec.Scaling.weights()
		folded.Set(normalize, Kernel, kernel)
		folded.Set(normalize, Bias, bias)
	}
	spec.Folded = true
	for _, n := range nodes {
		i, ok := w.find(n.Name)
		if !ok {
			continue
		}
		v := w[i]
		if n.Norm {
			v = fold(v)
		}
		for _, p := range Parts() {
			if values := *v.array(p); values != nil {
				folded.Set(n.Name, p, values)
			}
		}
	}
	if _, err := folded.Arrays(spec); err != nil {
		return spec, nil, fmt.Errorf("fold batch normalisation into the weights: %w", err)
	}
	return spec, folded, nil
}

// fold relies on every kernel's last axis, of a depthwise one the last two,
// being the node's channels.
func fold(v NodeWeights) NodeWeights {
	channels := len(v.Gamma)
	kernel, bias := make([]float32, len(v.Kernel)), make([]float32, channels)
	for i, x := range v.Kernel {
		kernel[i] = float32(float64(x) * v.factor(i%channels))
	}
	for c := range bias {
		b := 0.0
		if v.Bias != nil {
			b = float64(v.Bias[c])
		}
		bias[c] = float32(float64(v.Beta[c]) + (b-float64(v.Mean[c]))*v.factor(c))
	}
	return NodeWeights{Node: v.Node, Kernel: kernel, Bias: bias, Slope: v.Slope}
}

func (n NodeWeights) factor(c int) float64 {
	return float64(n.Gamma[c]) / math.Sqrt(float64(n.Variance[c])+NormEpsilon)
}
