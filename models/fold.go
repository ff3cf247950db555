package models

import (
	"fmt"
	"math"
)

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
