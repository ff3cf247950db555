package tflite

import (
	"fmt"
	"math"

	"slimfit/models"
)

// Weights holds the trained parameters of a network by the names of
// models.Spec.Nodes. Nodes without parameters have no entry.
type Weights map[string]NodeWeights

// NodeWeights are one node's parameters in TensorFlow's layout: a convolution's
// kernel is [height, width, in, out], a depthwise kernel [height, width, in,
// multiplier], a dense kernel [in, out], each flattened with the last index
// running fastest. Bias has one value for each output channel, or is nil where
// the node has none.
type NodeWeights struct {
	Kernel []float32
	Bias   []float32
}

// check compares the parameters of a node with what its shape needs. A NaN or
// an infinity is an error: it comes from a run that diverged.
func (w Weights) check(n models.Node) (NodeWeights, error) {
	v, ok := w[n.Name]
	if !ok {
		return v, fmt.Errorf("%s: no weights", n.Name)
	}
	if want := product(kernelShape(n)); len(v.Kernel) != want {
		return v, fmt.Errorf("%s: kernel has %d values, its shape %v needs %d", n.Name, len(v.Kernel), kernelShape(n), want)
	}
	want := 0
	if n.Bias {
		want = n.Out.C
	}
	if len(v.Bias) != want {
		return v, fmt.Errorf("%s: bias has %d values, need %d", n.Name, len(v.Bias), want)
	}
	for _, s := range [][]float32{v.Kernel, v.Bias} {
		for i, x := range s {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return v, fmt.Errorf("%s: value %d is %v: the run diverged", n.Name, i, x)
			}
		}
	}
	return v, nil
}

// kernelShape is the shape of a node's kernel in TensorFlow's layout, nil for a
// node without one.
func kernelShape(n models.Node) []int {
	switch l := n.Layer; l.Kind {
	case models.Conv:
		return []int{l.Kernel[0], l.Kernel[1], n.In.C, l.Filters}
	case models.Depthwise:
		return []int{l.Kernel[0], l.Kernel[1], n.In.C, l.Multiplier}
	case models.Dense:
		return []int{n.In.Elements(), l.Units}
	}
	return nil
}

// transpose returns the rows x columns matrix a as columns x rows. It turns
// TensorFlow's [..., out] kernels into TensorFlow Lite's [out, ...].
func transpose(a []float32, rows, columns int) []float32 {
	t := make([]float32, len(a))
	for r := range rows {
		for c := range columns {
			t[c*rows+r] = a[r*columns+c]
		}
	}
	return t
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
