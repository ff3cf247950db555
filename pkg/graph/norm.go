package graph

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// normalise applies a node's batch normalisation, if it has one: in training by
// the batch's mean and biased variance, which it leaves in tr.batches, else by
// the moving averages. Each network has its own, in a pack too.
func (ns *networks) normalise(x tf.Output, net int, n models.Node, tr *training) tf.Output {
	if !n.Norm {
		return x
	}
	flat := n.Layer.Kind == models.Dense
	if flat {
		x = ns.reshape(x, -1, 1, 1, int32(n.Out.C))
	}
	part := func(p models.Part) tf.Output { return ns.value(paramName(net, n, p)) }
	s, epsilon := ns.at(n.Name+"_norm"), op.FusedBatchNormV3Epsilon(models.NormEpsilon)
	var y tf.Output
	if tr == nil {
		y, _, _, _, _, _ = op.FusedBatchNormV3(s, x, part(models.Gamma), part(models.Beta), part(models.Mean), part(models.Variance),
			epsilon, op.FusedBatchNormV3IsTraining(false))
	} else {
		none := op.Const(ns.at("none"), []float32{})
		var mean, variance tf.Output
		y, mean, variance, _, _, _ = op.FusedBatchNormV3(s, x, part(models.Gamma), part(models.Beta), none, none,
			epsilon, op.FusedBatchNormV3IsTraining(true))
		// The operation's variance is the unbiased one, over count-1; Keras keeps the
		// biased one.
		count := float32(tr.batch * n.Out.H * n.Out.W)
		tr.batches[paramName(net, n, models.Mean)] = mean
		tr.batches[paramName(net, n, models.Variance)] = op.Mul(ns.at("biased"), variance, ns.scalar("share", (count-1)/count))
	}
	if flat {
		y = ns.reshape(y, -1, int32(n.Out.C))
	}
	return y
}

// moved is a moving average after a step.
func (ns *networks) moved(average, batch tf.Output) tf.Output {
	return op.AddV2(ns.at("moved"), op.Mul(ns.at("kept"), average, ns.scalar("momentum", models.NormMomentum)),
		op.Mul(ns.at("joins"), batch, ns.scalar("share", 1-models.NormMomentum)))
}

// roundFolded is roundKernel of a node's weights as the int8 file will have
// them, with batch normalisation folded in by its moving averages. Where every
// channel has a scale of its own, a factor of the channel changes nothing.
func (ns *networks) roundFolded(net int, n models.Node, tr *training) tf.Output {
	kernel := ns.value(paramName(net, n, models.Kernel))
	if !n.Norm || n.Layer.Kind != models.Dense || tr == nil || tr.quant == nil {
		return ns.roundKernel(kernel, n, tr)
	}
	part := func(p models.Part) tf.Output { return ns.value(paramName(net, n, p)) }
	deviation := op.Sqrt(ns.at("deviation"), op.AddV2(ns.at("above_zero"), part(models.Variance), ns.scalar("epsilon", models.NormEpsilon)))
	factor := op.Div(ns.at("fold"), op.Abs(ns.at("size"), part(models.Gamma)), deviation)
	factor = op.Maximum(ns.at("above_zero"), factor, ns.scalar("least", 1e-12)) // one of 0 has no inverse
	folded := ns.rounded(op.Mul(ns.at("folded"), kernel, factor), n)
	return ns.straight(kernel, op.Div(ns.at("unfold"), folded, factor), tr)
}
