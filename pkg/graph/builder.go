package graph

import (
	"fmt"
	"strings"

	tg "github.com/galeone/tfgo"
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// builder adds operations to one graph. Every operation gets a scope of its
// own, as graft does not make node names unique within one.
type builder struct {
	root  *op.Scope
	casts bool // convolutions and matrix products in bfloat16, see Device.casts
}

func newBuilder() builder { return builder{root: tg.NewRoot()} }

// at returns a new scope below the root.
func (b builder) at(name string) *op.Scope { return b.root.SubScope(name) }

// check returns the graph's first error, if any, with the layer and its
// shapes. It is called after each layer: an output of a failed operation
// panics when it is used.
func (b builder) check(what string, n models.Node) error {
	if err := b.root.Err(); err != nil {
		return fmt.Errorf("layer %s%s (%s, %v -> %v): %w", what, n.Name, n.Layer.Kind, n.In, n.Out, plain(err))
	}
	return nil
}

func (b builder) ints(name string, v ...int32) tf.Output  { return tg.Const(b.at(name), v) }
func (b builder) scalar(name string, v float32) tf.Output { return tg.Const(b.at(name), v) }
func (b builder) int(name string, v int32) tf.Output      { return tg.Const(b.at(name), v) }

// key is what the draws of a step start from, int64 [2]. GPUs read it from the
// CPU's memory: made on a GPU, each would be a kernel and a copy back.
func (b builder) key(word int64, step tf.Output) tf.Output {
	s := b.at("key").WithDevice(onCPU)
	return op.Pack(s, []tf.Output{tg.Const(s.SubScope("word"), word), step})
}

// onCPU is the device of what is small and read by the CPU, whatever the session has.
const onCPU = "/device:CPU:0"

// reshape gives x the shape; -1 is inferred.
func (b builder) reshape(x tf.Output, shape ...int32) tf.Output {
	return op.Reshape(b.at("reshape"), x, b.ints("shape", shape...))
}

// concat joins xs along the axis; one tensor is returned as it is.
func (b builder) concat(axis int32, xs ...tf.Output) tf.Output {
	if len(xs) == 1 {
		return xs[0]
	}
	return op.ConcatV2(b.at("concat"), xs, b.int("axis", axis))
}

// split cuts x along the axis into parts of the given sizes.
func (b builder) split(x tf.Output, axis int32, sizes []int32) []tf.Output {
	if len(sizes) == 1 {
		return []tf.Output{x}
	}
	return op.SplitV(b.at("split"), x, b.ints("sizes", sizes...), b.int("axis", axis), int64(len(sizes)))
}

// activate applies the activation; the bias is already added. slope is prelu's.
func (b builder) activate(x tf.Output, a models.Activation, slope func() tf.Output) tf.Output {
	s := b.at(string(a))
	switch a {
	case models.Relu:
		return op.Relu(s, x)
	case models.Relu6:
		return op.Relu6(s, x)
	case models.LeakyRelu:
		return op.LeakyRelu(s, x, op.LeakyReluAlpha(models.LeakySlope))
	case models.Elu:
		return op.Elu(s, x)
	case models.Tanh:
		return op.Tanh(s, x)
	case models.Sigmoid:
		return op.Sigmoid(s, x)
	case models.PRelu:
		below := op.Neg(b.at("below"), op.Relu(b.at("minus"), op.Neg(b.at("negative"), x)))
		return op.AddV2(b.at("both"), op.Relu(s, x), op.Mul(b.at("sloped"), below, slope()))
	case models.HardSwish:
		gate := op.Relu6(s, op.AddV2(b.at("up"), x, b.scalar("three", 3)))
		return op.Mul(b.at("gated"), x, op.Mul(b.at("gate"), gate, b.scalar("sixth", 1.0/6)))
	case models.None:
	default:
		b.root.UpdateErr("activate", fmt.Errorf("no TensorFlow operation for activation %q", a))
	}
	return x
}

// padding is TensorFlow's name of the rule.
func padding(p models.Padding) string { return strings.ToUpper(string(p)) }

func edges4(e models.Edges) []int64 { return []int64{1, int64(e[0]), int64(e[1]), 1} }

// linear applies a node's weights without bias and activation.
// x: [batch, h, w, c], or [batch, n] for a dense node.
func (b builder) linear(x, kernel tf.Output, n models.Node) (tf.Output, error) {
	l := n.Layer
	s := b.at(n.Name)
	if b.casts {
		x, kernel = op.Cast(b.at("narrow"), x, tf.Bfloat16), op.Cast(b.at("narrow"), kernel, tf.Bfloat16)
	}
	switch l.Kind {
	case models.Conv:
		x = op.Conv2D(s, x, b.spread(kernel, n), edges4(l.Stride), padding(l.Padding))
	case models.Depthwise:
		x = op.DepthwiseConv2dNative(s, x, b.spread(kernel, n), edges4(l.Stride), padding(l.Padding))
	case models.Dense:
		x = op.MatMul(s, x, kernel)
	default:
		return x, fmt.Errorf("%s: no TensorFlow operation for layer kind %q", n.Name, l.Kind)
	}
	if b.casts {
		x = op.Cast(b.at("widen"), x, tf.Float)
	}
	return x, nil
}

// spread puts zeros between the taps of a dilated kernel: oneDNN ends the
// process at some gradients of dilated convolutions.
func (b builder) spread(kernel tf.Output, n models.Node) tf.Output {
	k, d := n.Layer.Kernel, n.Layer.Dilation
	if max(d[0], d[1]) <= 1 || k == models.Square(1) {
		return kernel
	}
	shape, _ := kernel.Shape().ToSlice() // known: it comes from a variable
	in, out := int32(shape[2]), int32(shape[3])
	h, w, dh, dw := int32(k[0]), int32(k[1]), int32(d[0]), int32(d[1])
	apart := b.reshape(kernel, h, 1, w, 1, in, out)
	zeros := tg.Const(b.at("zeros"), [][]int32{{0, 0}, {0, dh - 1}, {0, 0}, {0, dw - 1}, {0, 0}, {0, 0}})
	wide := b.reshape(op.Pad(b.at("spread"), apart, zeros), h*dh, w*dw, in, out)
	return op.Slice(b.at("reach"), wide, b.ints("begin", 0, 0, 0, 0), b.ints("size", (h-1)*dh+1, (w-1)*dw+1, in, out))
}

// pool applies a pooling node. x: [batch, h, w, c].
func (b builder) pool(x tf.Output, n models.Node) (tf.Output, error) {
	l := n.Layer
	s := b.at(n.Name)
	switch l.Kind {
	case models.MaxPool:
		return op.MaxPool(s, x, edges4(l.Size), edges4(l.Stride), padding(l.Padding)), nil
	case models.AvgPool:
		return op.AvgPool(s, x, edges4(l.Size), edges4(l.Stride), padding(l.Padding)), nil
	case models.GlobalAvgPool:
		// The gradient of Mean works out its divisor at run time, and what the graph
		// optimizer makes of that depends on the rest of the graph: a pool over the
		// whole map is exact and does not.
		window := []int64{1, int64(n.In.H), int64(n.In.W), 1}
		return op.AvgPool(s, x, window, window, padding(models.Valid)), nil
	default:
		return x, fmt.Errorf("%s: no TensorFlow operation for layer kind %q", n.Name, l.Kind)
	}
}
