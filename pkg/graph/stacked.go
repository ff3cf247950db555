package graph

import (
	"reflect"
	"slices"

	tg "github.com/galeone/tfgo"
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// A step on a GPU costs its number of kernels rather than their sizes. Networks
// that agree in every layer are built as one stack there: their first
// convolutions fused, pools and activations on the wide tensor, each dense layer
// one product [networks, batch, in] x [networks, in, out], one loss, and a few
// optimizer operations whatever their number (arXiv 2102.02344 calls it
// horizontal fusion). Only the draws of dropout are each seed's own.

// form is how a pack's graph is built.
type form struct {
	casts   bool   // see Device.casts
	stacked bool   // as one stack, where the networks allow it
	stem    string // see Device.Stem
}

// form is what the device is best served with. On the CPU a network is built the
// same way in every pack, so that its last bits are its own.
func (d Device) form() form { return form{casts: d.casts(), stacked: d.GPU, stem: d.Stem} }

// Form names how the pack is built: plain or stacked.
func (p *Pack) Form() string {
	if p.nets.stacked {
		return "stacked"
	}
	return "plain"
}

// stacks says whether the networks can be one stack: two or more that agree in
// all layers, which are a convolution, pools, then dense layers and dropout,
// without parts that are averaged or rounded.
func stacks(nets [][]models.Node, r models.Recipe) bool {
	if len(nets) < 2 || r.Quantize == models.Int8 || r.Teacher != nil || r.ClassWeights != nil {
		return false
	}
	for _, n := range nets[1:] {
		if !reflect.DeepEqual(n, nets[0]) {
			return false
		}
	}
	dense := false
	for i, n := range nets[0] {
		for _, part := range models.Parts() {
			if part != models.Kernel && part != models.Bias && n.Shape(part) != nil {
				return false
			}
		}
		switch n.Layer.Kind {
		case models.Conv:
			if i > 0 {
				return false
			}
		case models.Dense:
			dense = true
		case models.Dropout:
			if !dense {
				return false
			}
		case models.MaxPool, models.AvgPool, models.GlobalAvgPool:
		default:
			return false
		}
		if i == 0 && n.Layer.Kind != models.Conv {
			return false
		}
	}
	return dense
}

func stackName(n models.Node, part models.Part) string { return "stack/" + n.Name + "/" + string(part) }

// stack plans the networks as one stack instead of side by side.
func (ns *networks) stack() {
	s := ns.stems[0]
	s.nets, s.wide = nil, 0
	for net, nodes := range ns.nodes {
		s.nets = append(s.nets, net)
		s.wide += nodes[0].Out.C
	}
	ns.stacked, ns.stems, ns.params, ns.index = true, []stem{s}, nil, map[string]int{}
	ns.addStem(0, s)
	for _, n := range ns.nodes[0][s.used():] {
		for _, part := range []models.Part{models.Kernel, models.Bias} {
			p, ok := nodeParam(stackName(n, part), 0, n, part)
			if !ok {
				continue
			}
			if part == models.Bias { // added to [networks, batch, out]
				p.shape = append([]int64{1}, p.shape...)
			}
			p.stacked, p.shape = true, append([]int64{int64(len(ns.nodes))}, p.shape...)
			own := p.owners[0]
			p.owners = nil
			for net := range ns.nodes {
				own.net, own.first, own.count = net, net, 1
				p.owners = append(p.owners, own)
			}
			ns.add(p)
		}
	}
}

// stackedForward applies the stack to x: [batch, h, w, c]. It returns the logits,
// [networks, batch, classes].
func (ns *networks) stackedForward(x tf.Output, tr *training) (tf.Output, error) {
	s, count := ns.stems[0], int32(len(ns.nodes))
	x, err := ns.linear(x, ns.value(stemName(0, models.Kernel)), s.conv)
	if err == nil && s.pool != nil {
		x, err = ns.pool(x, *s.pool)
	}
	if err != nil {
		return x, err
	}
	if s.conv.Bias {
		x = op.BiasAdd(ns.at("bias"), x, ns.value(stemName(0, models.Bias)))
	}
	x = ns.activate(x, s.conv.Layer.Activation, nil)
	flat := false
	for _, n := range ns.nodes[0][s.used():] {
		switch n.Layer.Kind {
		case models.Dense:
			if !flat { // [batch, h, w, networks * c] -> [networks, batch, h * w * c]
				apart := ns.reshape(x, -1, int32(n.In.H*n.In.W), count, int32(n.In.C))
				x = ns.reshape(op.Transpose(ns.at("apart"), apart, ns.ints("order", 2, 0, 1, 3)), count, -1, int32(n.In.Elements()))
				flat = true
			}
			x = ns.products(x, ns.value(stackName(n, models.Kernel)), n)
			if n.Bias {
				x = op.AddV2(ns.at(n.Name+"_bias"), x, ns.value(stackName(n, models.Bias)))
			}
			x = ns.activate(x, n.Layer.Activation, nil)
		case models.Dropout:
			if tr != nil && n.Layer.Rate > 0 {
				x = ns.stackedDropout(x, n, tr)
			}
		default:
			x, err = ns.pool(x, n)
		}
		if err == nil {
			err = ns.check("of a stack: ", n)
		}
		if err != nil {
			return x, err
		}
	}
	return x, nil
}

// products multiplies every network's x with its kernel.
func (b builder) products(x, kernel tf.Output, n models.Node) tf.Output {
	s := b.at(n.Name)
	if !b.casts {
		return op.BatchMatMulV2(s, x, kernel)
	}
	y := op.BatchMatMulV2(s, op.Cast(b.at("narrow"), x, tf.Bfloat16), op.Cast(b.at("narrow"), kernel, tf.Bfloat16))
	return op.Cast(b.at("widen"), y, tf.Float)
}

// stackedDropout draws what dropout would draw for each network alone.
func (ns *networks) stackedDropout(x tf.Output, n models.Node, tr *training) tf.Output {
	draws := make([]tf.Output, len(ns.nodes))
	shape := ns.ints("dropout_shape", int32(tr.batch), int32(n.In.Elements()))
	for net, seed := range ns.seeds {
		if at := slices.Index(ns.seeds[:net], seed); at >= 0 {
			draws[net] = draws[at]
			continue
		}
		key := int64(Generator(seed, "dropout", n.Name).Uint64())
		seeds := op.Pack(ns.at("dropout_key"), []tf.Output{tg.Const(ns.at("dropout_seed"), key), tr.step})
		draws[net] = op.StatelessRandomUniform(ns.at("dropout_uniform"), shape, seeds)
	}
	rate := float32(n.Layer.Rate)
	kept := op.GreaterEqual(ns.at("dropout_kept"), op.Pack(ns.at("dropout_draws"), draws), ns.scalar("rate", rate))
	mask := op.Mul(ns.at("dropout_mask"), op.Cast(ns.at("dropout_keep"), kept, tf.Float), ns.scalar("scale", 1/(1-rate)))
	return op.Mul(ns.at(n.Name), x, mask)
}

// stackedLosses adds the losses, [networks, batch], and returns the logits in the
// form that is differentiated, with the gradient of the mean losses.
func (p *Pack) stackedLosses(x, labels tf.Output, tr *training) (logits, upstream tf.Output, err error) {
	ns, count := p.nets, int32(len(p.nets.nodes))
	if logits, err = ns.stackedForward(x, tr); err != nil {
		return logits, upstream, err
	}
	logits = ns.reshape(logits, -1, int32(ns.classes))
	all := op.Tile(ns.at("all_labels"), labels, ns.ints("times", count))
	loss, grad := p.crossEntropy(logits, all)
	p.step.losses = ns.reshape(loss, count, -1)
	return logits, op.Mul(ns.at("mean_loss"), grad, ns.scalar("batch_share", 1/float32(p.recipe.Batch))), nil
}

// stackedEval adds what classifies images.
func (p *Pack) stackedEval(x tf.Output) error {
	ns, e := p.nets, &p.eval
	logits, err := ns.stackedForward(x, nil)
	if err != nil {
		return err
	}
	e.logits = op.Unpack(ns.at("logits"), logits, int64(len(ns.nodes)))
	return plain(ns.root.Err())
}
