// Package footprint counts what a network costs, before any training: each
// figure under its own name, with the convention it follows. All counts are
// for one image.
package footprint

import (
	"fmt"
	"slices"

	"slimfit/models"
)

// Footprint is a network's counts.
type Footprint struct {
	Parameters  int         `json:"parameters"`   // weights and biases of the network as deployed: batch normalisation is part of them
	Weights     int         `json:"weights"`      // without biases: what arXiv 1705.03338 calls parameters
	Biases      int         `json:"biases"`       //
	MACs        int         `json:"macs"`         // multiply-accumulates of conv, depthwise and dense layers; SAME counts the taps on padding too
	WeightBytes int         `json:"weight_bytes"` // all parameters at 4 bytes
	Activations Activations `json:"activations"`
	// Peak is the largest input + output of one layer, in elements. Dropout
	// works in place and is no layer here.
	Peak   int     `json:"peak_activation_elements"`
	Layers []Layer `json:"layers"`
	// ParametersTrained is as Keras counts: with gamma, beta and the moving averages
	// of batch normalisation. 0 where it is the same as Parameters; see Trained.
	ParametersTrained int `json:"parameters_trained,omitempty"`
	// Measured is what its files take; nil where nobody measured.
	Measured *Measured `json:"measured,omitempty"`
}

// Activations are sums of output elements over layers.
type Activations struct {
	Paper int `json:"paper"` // input, conv and pool layers: the paper's "memory"
	All   int `json:"all"`   // the same and the outputs of dense layers
}

// Layer is one primitive layer's share.
type Layer struct {
	Name       string       `json:"name"`
	Kind       models.Kind  `json:"kind"`
	Output     models.Shape `json:"output"`
	Parameters int          `json:"parameters"`
	Weights    int          `json:"weights"`
	Biases     int          `json:"biases"`
	MACs       int          `json:"macs"`
}

// bytesPerParameter is the size of a float32.
const bytesPerParameter = 4

// Trained is the number of parameters in training, as Keras counts them.
func (f Footprint) Trained() int {
	if f.ParametersTrained == 0 {
		return f.Parameters
	}
	return f.ParametersTrained
}

// Of counts the network. It fails where the layers do not fit together.
func Of(spec models.Spec) (Footprint, error) {
	trained, err := spec.Nodes()
	if err != nil {
		return Footprint{}, fmt.Errorf("count the footprint: %w", err)
	}
	nodes := trained
	if slices.ContainsFunc(trained, func(n models.Node) bool { return n.Norm }) {
		spec.Folded = true
		if nodes, err = spec.Nodes(); err != nil {
			return Footprint{}, fmt.Errorf("count the footprint: %w", err)
		}
	}
	f := Footprint{Activations: Activations{Paper: spec.Input.Elements(), All: spec.Input.Elements()}}
	for _, n := range nodes {
		if n.Layer.Kind == models.Dropout {
			continue
		}
		l := count(n)
		f.Layers = append(f.Layers, l)
		f.Weights += l.Weights
		f.Biases += l.Biases
		f.MACs += l.MACs
		f.Activations.All += n.Out.Elements()
		if n.Layer.Kind != models.Dense {
			f.Activations.Paper += n.Out.Elements()
		}
		f.Peak = max(f.Peak, n.In.Elements()+n.Out.Elements())
	}
	f.Parameters = f.Weights + f.Biases
	sum := 0
	for _, n := range trained {
		for _, p := range models.Parts() {
			sum += n.Size(p)
		}
	}
	if sum != f.Parameters {
		f.ParametersTrained = sum
	}
	f.WeightBytes = bytesPerParameter * f.Parameters
	return f, nil
}

// count applies the usual formula: a layer uses each of its weights once for
// each output position. A convolution has kh*kw*cin weights for each output
// channel.
func count(n models.Node) Layer {
	l := Layer{Name: n.Name, Kind: n.Layer.Kind, Output: n.Out}
	l.Weights, l.Biases = n.Size(models.Kernel), n.Size(models.Bias)
	l.MACs = l.Weights * n.Out.H * n.Out.W
	l.Parameters = l.Weights + l.Biases
	return l
}
