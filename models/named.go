package models

import "slices"

// Named returns the layers of one of the paper's networks (arXiv 1705.03338)
// and whether the name is known.
//
//	base   Table I: conv5x5x32, pool2, conv5x5x64, pool2, fc1024, dropout
//	conv1  Table II: base without its second convolution and pool
//	final  Table VII: conv5x5x2, pool4, fc128, dropout
//	light  the author's later notebook: conv3x3x2 and conv1x1x2, all VALID, fc64
//
// The paper does not have light. The notebook (Light-MNIST.ipynb in
// dhingratul/Model-Compression) trains it, as all its networks, without dropout.
func Named(name string) ([]Layer, bool) {
	switch name {
	case "base":
		return []Layer{NewConv(5, 32), NewMaxPool(2), NewConv(5, 64), NewMaxPool(2), NewDense(1024), NewDropout(0.5)}, true
	case "conv1":
		return []Layer{NewConv(5, 32), NewMaxPool(2), NewDense(1024), NewDropout(0.5)}, true
	case "final":
		return []Layer{NewConv(5, 2), NewMaxPool(4), NewDense(128), NewDropout(0.5)}, true
	case "light":
		layers := []Layer{NewConv(3, 2), NewMaxPool(2), NewConv(1, 2), NewMaxPool(2), NewDense(64)}
		for i := range layers[:4] {
			layers[i].Padding = Valid
		}
		return layers, true
	}
	return nil, false
}

// Names lists the networks that Named knows.
func Names() []string { return slices.Clone([]string{"base", "conv1", "final", "light"}) }
