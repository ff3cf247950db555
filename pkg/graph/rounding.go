package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// Quantization-aware training rounds weights and layer outputs as an int8 file
// will, forward only: the gradient passes straight through (arXiv 1308.3432,
// as section 3 of arXiv 1712.05877 uses it).

// roundingAt is 1 in the second half of the training, where rounding is on.
func roundingAt(r models.Recipe, step int) float32 {
	if step >= r.Steps/2 {
		return 1
	}
	return 0
}

// straight returns x, or rounded while tr.quant is 1, with x's gradient.
func (ns *networks) straight(x, rounded tf.Output, tr *training) tf.Output {
	error := op.StopGradient(ns.at("rounding"), op.Sub(ns.at("rounding_error"), rounded, x))
	return op.AddV2(ns.at("straight"), x, op.Mul(ns.at("rounding_on"), error, *tr.quant))
}

// roundKernel rounds weights to 255 levels around zero: one scale an output
// channel for convolutions, one for all of a dense layer, as
// pkg/tflite writes them.
func (ns *networks) roundKernel(w tf.Output, n models.Node, tr *training) tf.Output {
	if tr == nil || tr.quant == nil {
		return w
	}
	return ns.straight(w, ns.rounded(w, n), tr)
}

func (ns *networks) rounded(w tf.Output, n models.Node) tf.Output {
	size := ns.at("weight_size")
	abs := op.Abs(size.SubScope("abs"), w)
	if n.Layer.Kind == models.Dense {
		largest := op.Max(size, abs, ns.ints("axes", 0, 1))
		return op.FakeQuantWithMinMaxVars(ns.at("round_weights"), w, op.Neg(ns.at("least"), largest), largest,
			op.FakeQuantWithMinMaxVarsNarrowRange(true))
	}
	shape, _ := w.Shape().ToSlice() // known: it comes from a variable
	channels := int32(shape[3])
	if n.Layer.Kind == models.Depthwise {
		channels *= int32(shape[2]) // a channel of the output is (input channel, multiplier)
	}
	rows := ns.reshape(w, -1, channels)
	largest := op.Max(size, ns.reshape(abs, -1, channels), ns.ints("axes", 0))
	rounded := op.FakeQuantWithMinMaxVarsPerChannel(ns.at("round_weights"), rows, op.Neg(ns.at("least"), largest), largest,
		op.FakeQuantWithMinMaxVarsPerChannelNarrowRange(true))
	return ns.reshape(rounded, int32s(shape)...)
}

// roundOutput rounds one network's layer output to 256 levels over the range
// of its values in the batch, zero included.
func (ns *networks) roundOutput(x tf.Output, tr *training) tf.Output {
	if tr == nil || tr.quant == nil {
		return x
	}
	all := ns.reshape(x, -1)
	zero := ns.scalar("zero", 0)
	least := op.Minimum(ns.at("range_low"), op.Min(ns.at("least"), all, ns.ints("axes", 0)), zero)
	largest := op.Maximum(ns.at("range_high"), op.Max(ns.at("largest"), all, ns.ints("axes", 0)), zero)
	return ns.straight(x, op.FakeQuantWithMinMaxVars(ns.at("round_output"), x, least, largest), tr)
}
