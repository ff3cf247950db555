package graph

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// A step on a GPU costs its number of kernels rather than their sizes. Networks
// that agree in every layer are built as one stack there: their first
// convolutions fused, later ones in a form that a measurement prefers (see
// stackconv.go), pools and activations on the wide tensor, each dense layer
// one product [networks, batch, in] x [networks, in, out], one loss, and a few
// optimizer operations whatever their number (arXiv 2102.02344 calls it
// horizontal fusion). Only the draws of dropout and augmentation are each
// seed's own. The networks may see batches of their own.

// form is how a pack's graph is built.
type form struct {
	casts   bool   // see Device.casts
	stacked bool   // as one stack, where the networks allow it
	convs   string // see Device.StackForm
	unroll  int    // see Device.Unroll
	stem    string // see Device.Stem
}

// form is what the device is best served with. On the CPU a network is built the
// same way in every pack, so that its last bits are its own.
func (d Device) form() form {
	return form{casts: d.casts(), stacked: d.GPU, convs: cmp.Or(d.StackForm, models.Separate), unroll: d.Unroll, stem: d.Stem}
}

// Form names how the pack is built: plain, or stacked and what else than fused its
// convolutions are; and how often it is unrolled.
func (p *Pack) Form() string {
	name := []string{"plain"}
	if p.nets.stacked {
		name[0] = "stacked"
		for i, n := range p.nets.nodes[0] {
			if n.Layer.Kind != models.Conv {
				continue
			}
			if way := p.nets.way(n, i == 0 && len(p.nets.orders) == 1); way != fused && !slices.Contains(name, way) {
				name = append(name, way)
			}
		}
	}
	if n := p.Unroll(); n > 1 {
		name = append(name, fmt.Sprintf("unrolled %d times", n))
	}
	return strings.Join(name, ", ")
}

// Orders are the seeds of the orders whose batches Step wants, one after the other:
// one for all networks, or one for each.
func (p *Pack) Orders() []int64 { return p.nets.orders }

// stacks says whether the networks can be one stack: two or more that agree in
// all layers, see models.Stackable.
func stacks(nets [][]models.Node, r models.Recipe) bool {
	for _, n := range nets[1:] {
		if !reflect.DeepEqual(n, nets[0]) {
			return false
		}
	}
	return len(nets) > 1 && models.Stackable(nets[0], r)
}

func stackName(n models.Node, part models.Part) string { return "stack/" + n.Name + "/" + string(part) }

// stack plans the networks as one stack instead of side by side. A convolution's
// kernel is [h, w, in, networks * out] in all forms.
func (ns *networks) stack(r models.Recipe, convs string) {
	ns.stacked, ns.stems, ns.params, ns.index = true, nil, nil, map[string]int{}
	ns.convs, ns.recipe = convs, r
	if slices.ContainsFunc(ns.seeds, func(seed int64) bool { return r.OrderSeed(seed) != ns.orders[0] }) {
		ns.orders = nil
		for _, seed := range ns.seeds {
			ns.orders = append(ns.orders, r.OrderSeed(seed))
		}
	}
	count := int64(len(ns.nodes))
	for _, n := range ns.nodes[0] {
		for _, part := range []models.Part{models.Kernel, models.Bias} {
			p, ok := nodeParam(stackName(n, part), 0, n, part)
			if !ok {
				continue
			}
			own := p.owners[0]
			if n.Layer.Kind == models.Conv {
				p.shape[len(p.shape)-1] *= count
			} else {
				if part == models.Bias { // added to [networks, batch, out]
					p.shape = append([]int64{1}, p.shape...)
				}
				p.stacked, p.shape, own.count = true, append([]int64{count}, p.shape...), 1
			}
			p.owners = nil
			for net := range ns.nodes {
				own.net, own.first = net, net*own.count
				p.owners = append(p.owners, own)
			}
			ns.add(p)
		}
	}
}

// stackedForward applies the stack to x: [batch, h, w, c], or in training with
// orders of their own [batch, h, w, networks * c]. It returns the logits,
// [networks, batch, classes].
func (ns *networks) stackedForward(x tf.Output, tr *training) (_ tf.Output, err error) {
	nodes, flat := ns.nodes[0], false
	for i := 0; i < len(nodes); i++ {
		n := nodes[i]
		switch n.Layer.Kind {
		case models.Conv:
			x, err = ns.convolved(x, n, i == 0 && (tr == nil || len(ns.orders) == 1))
			if err == nil && poolsFirst(nodes, i) {
				i++
				x, err = ns.pool(x, nodes[i])
			}
			if err == nil && n.Bias {
				x = op.BiasAdd(ns.at("bias"), x, ns.value(stackName(n, models.Bias)))
			}
		case models.Dense:
			if !flat {
				x, flat = ns.reshape(ns.apart(x, n.In), int32(len(ns.nodes)), -1, int32(n.In.Elements())), true
			}
			x = ns.products(x, ns.value(stackName(n, models.Kernel)), n)
			if n.Bias {
				x = op.AddV2(ns.at(n.Name+"_bias"), x, ns.value(stackName(n, models.Bias)))
			}
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
		if n.KernelShape() != nil {
			x = ns.activate(x, n.Layer.Activation, nil)
		}
	}
	return x, plain(ns.root.Err())
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
		draws[net] = op.StatelessRandomUniform(ns.at("dropout_uniform"), shape, ns.key(key, tr.step))
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
	if len(ns.orders) == 1 {
		labels = op.Tile(ns.at("all_labels"), labels, ns.ints("times", count))
	}
	loss, grad := p.crossEntropy(logits, labels)
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

// clip is Pack.clip for all networks of a stack at once.
func (ns *networks) clip(grads []tf.Output, most tf.Output) {
	count := int32(len(ns.nodes))
	apart := make([]tf.Output, len(grads)) // [rows, networks, columns]
	squares := make([]tf.Output, len(grads))
	for i, pm := range ns.params {
		shape := []int32{-1, count, int32(pm.owners[0].count)}
		if pm.stacked {
			shape = []int32{1, count, -1}
		}
		apart[i] = ns.reshape(grads[i], shape...)
		squares[i] = op.Sum(ns.at("norm"), op.Square(ns.at("square"), apart[i]), ns.ints("axes", 0, 2))
	}
	norm := op.Sqrt(ns.at("norm"), op.AddN(ns.at("norm"), squares))
	factors := ns.reshape(op.Div(ns.at("clip"), most, op.Maximum(ns.at("norm"), norm, most)), 1, count, 1)
	for i, pm := range ns.params {
		grads[i] = ns.reshape(op.Mul(ns.at("clipped"), apart[i], factors), int32s(pm.shape)...)
	}
}
