// Package models describes what is trained: the layers of a CNN in reading
// order, the shapes that flow through them, and the training recipe. It is
// plain data: nothing here knows TensorFlow, files or the command line.
package models

import (
	"fmt"
	"reflect"
	"slices"
)

// Kind names a layer type by its key in an experiment file.
type Kind string

const (
	Conv          Kind = "conv"
	Depthwise     Kind = "depthwise"
	Separable     Kind = "separable" // a depthwise without bias, then a 1x1 conv with bias
	MaxPool       Kind = "maxpool"
	AvgPool       Kind = "avgpool"
	GlobalAvgPool Kind = "globalavgpool"
	Dense         Kind = "dense"
	Dropout       Kind = "dropout"
	Residual      Kind = "residual"   // layers, and the sum of what comes out of them and what went in
	Activate      Kind = "activation" // an activation by itself
	Add           Kind = "add"        // of nodes alone: the sum at a residual's end
)

// Padding is TensorFlow's padding rule of a convolution or a pool.
type Padding string

const (
	Same  Padding = "same"
	Valid Padding = "valid"
)

// Activation is the function after a layer's bias.
type Activation string

const (
	Relu      Activation = "relu"
	Relu6     Activation = "relu6"
	LeakyRelu Activation = "leaky_relu" // slope 0.2 below zero
	Elu       Activation = "elu"
	Tanh      Activation = "tanh"
	Sigmoid   Activation = "sigmoid"
	PRelu     Activation = "prelu"      // a trained slope a channel below zero
	HardSwish Activation = "hard_swish" // x min(max(x+3, 0), 6) / 6
	None      Activation = "none"
)

// PReluSlope is what PRelu's slopes start from (arXiv 1502.01852, section 2.2).
const PReluSlope = 0.25

// LeakySlope is the slope of LeakyRelu for negative inputs.
const LeakySlope = 0.2

// Activations lists every activation in the order the documentation uses.
func Activations() []Activation {
	return []Activation{Relu, Relu6, LeakyRelu, Elu, Tanh, Sigmoid, PRelu, HardSwish, None}
}

// Norm says which of a layer's parts are batch-normalised: y = gamma (x - mean)
// / sqrt(variance + NormEpsilon) + beta for each channel, between the weights
// and the activation. Training takes mean and biased variance of the batch,
// inference moving averages of them (arXiv 1502.03167, as Keras 3 has it).
type Norm string

const (
	NoNorm   Norm = ""
	OneNorm  Norm = "true" // of separable: after the pointwise part
	BothNorm Norm = "both" // separable: after both parts
)

// Constants of batch normalisation, the defaults of Keras.
const (
	NormEpsilon  = 1e-3
	NormMomentum = 0.99 // share of the moving averages that a step keeps
)

// Edges are a height and a width, each >= 1.
type Edges [2]int

// Square is an edge for both directions.
func Square(n int) Edges { return Edges{n, n} }

func (e Edges) String() string {
	if e[0] == e[1] {
		return fmt.Sprint(e[0])
	}
	return fmt.Sprintf("%dh%dw", e[0], e[1])
}

// Shortcut is the second way through a residual.
type Shortcut string

const (
	AutoShortcut Shortcut = "auto"      // what went in, by a strided 1x1 convolution with bias where shapes differ
	NormShortcut Shortcut = "batchnorm" // the same with batch normalisation in place of the bias
	NoProjection Shortcut = "none"      // what went in; shapes must agree
)

// Layer is one entry of a model with every default filled in. Only the fields
// of its Kind are set; the others are zero.
type Layer struct {
	Kind       Kind
	Kernel     Edges      // conv, depthwise, separable
	Filters    int        // conv, separable: output channels, >= 1
	Multiplier int        // depthwise, separable: outputs for each input channel, >= 1
	Stride     Edges      // conv, depthwise, separable, pools
	Dilation   Edges      // conv, depthwise: distance of the kernel's taps
	Padding    Padding    // conv, depthwise, separable, pools
	Activation Activation // conv, depthwise, separable, dense, residual, activation
	Norm       Norm       // conv, depthwise, separable, dense
	Unbiased   bool       // conv, depthwise, separable, dense: without bias, which is the default with Norm
	Size       Edges      // maxpool, avgpool: window
	Units      int        // dense: outputs, >= 1
	Rate       float64    // dropout: share of units dropped, in [0, 1)
	Shortcut   Shortcut   // residual
	Layers     []Layer    // residual
}

// Equal says whether the layers are the same.
func (l Layer) Equal(other Layer) bool { return reflect.DeepEqual(l, other) }

// Normed says whether the layer, or one in it, is batch-normalised.
func (l Layer) Normed() bool {
	return l.Norm != NoNorm || l.Shortcut == NormShortcut || slices.ContainsFunc(l.Layers, Layer.Normed)
}

// NewConv returns a stride-1 SAME ReLU convolution with a square kernel.
func NewConv(kernel, filters int) Layer {
	l := DefaultLayer(Conv)
	l.Kernel, l.Filters = Square(kernel), filters
	return l
}

// NewMaxPool returns a SAME max pool whose stride is its window.
func NewMaxPool(size int) Layer {
	l := DefaultLayer(MaxPool)
	l.Size, l.Stride = Square(size), Square(size)
	return l
}

// NewDense returns a ReLU dense layer.
func NewDense(units int) Layer {
	l := DefaultLayer(Dense)
	l.Units = units
	return l
}

// NewDropout returns a dropout layer that drops the share rate of its units.
func NewDropout(rate float64) Layer { return Layer{Kind: Dropout, Rate: rate} }
