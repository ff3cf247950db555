// Package footprint counts what a network costs, before any training: each
// figure under its own name, with the convention it follows. All counts are
// for one image.
package footprint

import (
	"cmp"
	"fmt"
	"slices"

	"slimfit/models"
)

// Footprint is a network's counts.
type Footprint struct {
	Parameters int `json:"parameters"` // weights and biases of the network as deployed: batch normalisation is part of them
	Weights    int `json:"weights"`    // without biases, with the slopes of prelu: what arXiv 1705.03338 calls parameters
	Biases     int `json:"biases"`     //
	// multiply-accumulates of conv, depthwise and dense layers; SAME counts the taps on padding too
	MACs        int         `json:"macs"`
	WeightBytes int         `json:"weight_bytes"` // all parameters at 4 bytes
	Activations Activations `json:"activations"`
	// Peak is the largest input + output of one layer, in elements, with what a
	// residual's sum still needs. Dropout and activations by themselves work in
	// place and are no layers here, but for the slopes of prelu.
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
	All   int `json:"all"`   // the same and the outputs of dense layers and of residuals' sums
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
func (f Footprint) Trained() int { return cmp.Or(f.ParametersTrained, f.Parameters) }

// Of counts the network. It fails where the layers do not fit together.
func Of(spec models.Spec) (Footprint, error) {
	trained, err := spec.Nodes()
	if err != nil {
		return Footprint{}, fmt.Errorf("count the footprint: %w", err)
	}
	nodes := trained
	if spec.Scaling != nil || slices.ContainsFunc(trained, func(n models.Node) bool { return n.Norm }) {
		spec.Folded = true
		if nodes, err = spec.Nodes(); err != nil {
			return Footprint{}, fmt.Errorf("count the footprint: %w", err)
		}
	}
	f := Footprint{Activations: Activations{Paper: spec.Input.Elements(), All: spec.Input.Elements()}}
	for _, n := range nodes {
		if inPlace(n) && len(n.Parts()) == 0 {
			continue
		}
		l := count(n)
		f.Layers = append(f.Layers, l)
		f.Weights += l.Weights
		f.Biases += l.Biases
		f.MACs += l.MACs
		if inPlace(n) {
			continue
		}
		f.Activations.All += n.Out.Elements()
		if n.Layer.Kind != models.Dense && n.Layer.Kind != models.Add {
			f.Activations.Paper += n.Out.Elements()
		}
	}
	f.Peak = peak(spec.Input, nodes)
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
	l.Weights, l.Biases = n.Size(models.Kernel)+n.Size(models.Slope), n.Size(models.Bias)
	l.MACs = n.Size(models.Kernel) * n.Out.H * n.Out.W
	l.Parameters = l.Weights + l.Biases
	return l
}

func inPlace(n models.Node) bool {
	return n.Layer.Kind == models.Dropout || n.Layer.Kind == models.Activate
}

// peak is the largest sum of maps that are alive while a node runs: its
// inputs, its output and what a later node still reads.
func peak(input models.Shape, nodes []models.Node) int {
	home := make([]int, len(nodes)+1) // where each map lies, by node; 0 is the images, i+1 node i
	last := make([]int, len(nodes)+1) // the last node that reads it
	for i, n := range nodes {
		home[i+1] = i + 1
		if inPlace(n) {
			home[i+1] = home[n.Inputs[0]+1]
		}
		for _, from := range n.Inputs {
			last[home[from+1]] = i
		}
	}
	size := sizes(input, nodes)
	largest := 0
	for i := range nodes {
		alive := 0
		for at, size := range size {
			if home[at] == at && at <= i+1 && (last[at] >= i || at == i+1) {
				alive += size
			}
		}
		largest = max(largest, alive)
	}
	return largest
}

func sizes(input models.Shape, nodes []models.Node) []int {
	all := []int{input.Elements()}
	for _, n := range nodes {
		all = append(all, n.Out.Elements())
	}
	return all
}
