package graph

import (
	"fmt"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// networks are the networks of one graph with their params, built once and
// applied to training and to evaluation images.
type networks struct {
	builder
	nodes  [][]models.Node // of each network
	seeds  []int64         // of each network: the key of its dropout
	stems  []stem
	rest   []int
	params []param
	values []tf.Output // of each param, read from the variables
	index  map[string]int

	classes int
	orders  []int64       // see Pack.Orders
	stacked bool          // one stack, see stacked.go
	recipe  models.Recipe // of a stack
	convs   string        // of a stack, see Device.StackForm

	stemKind string           // see Device.Stem
	own      map[int]*ownStem // of the training step, by stem; those that TensorFlow's operations run are missing
}

// plan lists the params of the networks, fused ones first.
func plan(nets []Net) (*networks, error) {
	ns := &networks{index: map[string]int{}, own: map[int]*ownStem{}, classes: nets[0].Spec.Classes}
	for _, n := range nets {
		nodes, err := n.Spec.Nodes()
		if err != nil {
			return nil, err
		}
		ns.nodes = append(ns.nodes, nodes)
		ns.seeds = append(ns.seeds, n.Seed)
	}
	ns.stems, ns.rest = stems(ns.nodes)
	for i, s := range ns.stems {
		ns.addStem(i, s)
	}
	for net, nodes := range ns.nodes {
		for i, n := range nodes {
			for _, part := range models.Parts() {
				if i < ns.skip(net) && (part == models.Kernel || part == models.Bias) {
					continue // the stem's
				}
				if p, ok := nodeParam(paramName(net, n, part), net, n, part); ok {
					ns.add(p)
				}
			}
		}
	}
	return ns, nil
}

func paramName(net int, n models.Node, what models.Part) string {
	return fmt.Sprintf("net%d/%s/%s", net, n.Name, what)
}

func stemName(i int, what models.Part) string { return fmt.Sprintf("stem%d/%s", i, what) }

func (ns *networks) add(p param) {
	ns.index[p.name] = len(ns.params)
	ns.params = append(ns.params, p)
}

// addStem adds the fused kernel and bias of a group.
func (ns *networks) addStem(i int, s stem) {
	kernel, _ := nodeParam(stemName(i, models.Kernel), 0, s.conv, models.Kernel)
	kernel.shape[3], kernel.owners = int64(s.wide), nil
	bias := param{name: stemName(i, models.Bias), shape: []int64{int64(s.wide)}, part: models.Bias}
	first := 0
	for _, net := range s.nets {
		n := ns.nodes[net][0]
		in, out := n.Fans()
		o := owner{net: net, node: n.Name, first: first, count: n.Out.C, fanIn: in, fanOut: out}
		kernel.owners = append(kernel.owners, o)
		bias.owners = append(bias.owners, o)
		first += n.Out.C
	}
	ns.add(kernel)
	if s.conv.Bias {
		ns.add(bias)
	}
}

// skip is the number of leading nodes of the network that its stem replaces.
func (ns *networks) skip(net int) int {
	for _, s := range ns.stems {
		if slices.Contains(s.nets, net) {
			return s.used()
		}
	}
	return 0
}

func (ns *networks) value(name string) tf.Output { return ns.values[ns.index[name]] }

// training is what a training step has besides the layers; nil in evaluation.
type training struct {
	batch int
	step  tf.Output            // int64 scalar
	masks map[string]tf.Output // dropout by seed, layer and size: networks of one seed share them
	// batches are each batch normalisation's mean and variance, by the name of the
	// param that averages them.
	batches map[string]tf.Output
	quant   *tf.Output // float32 scalar, 1 while the numbers are rounded as int8 does; nil: never
}

// forward applies every network to x: [batch, h, w, c], float32 in [0, 1]. It
// returns the logits of each, [batch, classes].
func (ns *networks) forward(x tf.Output, tr *training) ([]tf.Output, error) {
	starts := make([]tf.Output, len(ns.nodes)) // of the networks in stems, behind them
	for i, s := range ns.stems {
		outs, err := ns.stem(i, s, x, tr)
		if err != nil {
			return nil, err
		}
		if err := ns.check("of a pack's first convolution: ", s.conv); err != nil {
			return nil, err
		}
		for k, net := range s.nets {
			starts[net] = outs[k]
		}
	}
	logits := make([]tf.Output, len(ns.nodes))
	for net := range ns.nodes {
		out, err := ns.tail(net, x, starts[net], tr)
		if err != nil {
			return nil, err
		}
		logits[net] = out
	}
	return logits, nil
}

// stem applies a group's convolution, pool, bias and activation once and
// splits the channels between its networks.
func (ns *networks) stem(i int, s stem, x tf.Output, tr *training) ([]tf.Output, error) {
	kernel := ns.roundKernel(ns.value(stemName(i, models.Kernel)), s.conv, tr)
	own, err := ns.runOwn(i, s, x, kernel)
	if err != nil {
		return nil, err
	}
	if own != nil {
		if tr != nil {
			ns.own[i] = own
		}
		outs := make([]tf.Output, len(own.outs))
		for k, y := range own.outs {
			outs[k] = ns.roundOutput(y, tr)
		}
		return outs, nil
	}
	y, err := ns.linear(x, kernel, s.conv)
	if err == nil && s.pool != nil {
		y, err = ns.pool(y, *s.pool)
	}
	if err != nil {
		return nil, err
	}
	if s.conv.Bias {
		y = op.BiasAdd(ns.at("bias"), y, ns.value(stemName(i, models.Bias)))
	}
	act := s.conv.Layer.Activation
	exact := !s.conv.Norm && maxBeforeBias(act)
	if exact {
		y = ns.activate(y, act, nil)
	}
	sizes := make([]int32, len(s.nets))
	for k, net := range s.nets {
		sizes[k] = int32(ns.nodes[net][0].Out.C)
	}
	outs := ns.split(y, 3, sizes)
	if !exact {
		// A vector unit's tanh may differ from its scalar one in the last bit, so a
		// network's values must not depend on where they lie in a wider tensor.
		for k, net := range s.nets {
			outs[k] = ns.act(ns.normalise(outs[k], net, ns.nodes[net][0], tr), net, ns.nodes[net][0])
		}
	}
	for k := range outs {
		outs[k] = ns.roundOutput(outs[k], tr)
	}
	return outs, nil
}

// tail applies the nodes of a network after its stem, whose output start is.
func (ns *networks) tail(net int, images, start tf.Output, tr *training) (tf.Output, error) {
	nodes, first := ns.nodes[net], ns.skip(net)
	w := walk{images: images, outs: make([]tf.Output, len(nodes)), flat: make([]bool, len(nodes))}
	if first > 0 {
		w.outs[first-1] = start
	}
	for i := first; i < len(nodes); i++ {
		n := nodes[i]
		x, flat := w.get(n.Inputs[0])
		var err error
		at := i
		switch {
		case n.Layer.Kind == models.Dropout:
			if tr != nil && n.Layer.Rate > 0 {
				x = ns.dropout(x, n, flat, ns.seeds[net], tr)
			}
		case n.Layer.Kind == models.Activate:
			x = ns.roundOutput(ns.act(x, net, n), tr)
		case n.Layer.Kind == models.Add:
			y, _ := w.get(n.Inputs[1])
			x = ns.roundOutput(ns.act(op.AddV2(ns.at(n.Name), x, y), net, n), tr)
		case n.KernelShape() != nil:
			if n.Layer.Kind == models.Dense && !flat {
				x, flat = ns.reshape(x, -1, int32(n.In.Elements())), true
			}
			var pool *models.Node
			if poolsFirst(nodes, i) {
				at++
				pool = &nodes[at]
			}
			x, err = ns.weighted(net, n, pool, x, tr)
		default:
			x, err = ns.pool(x, n)
		}
		if err != nil {
			return x, err
		}
		if err := ns.check("", n); err != nil {
			return x, err
		}
		i = at
		w.outs[i], w.flat[i] = x, flat
	}
	return w.outs[len(nodes)-1], nil
}

// walk holds what the nodes of a network give: [batch, h, w, c], or [batch, n]
// where flat.
type walk struct {
	images tf.Output
	outs   []tf.Output
	flat   []bool
}

func (w walk) get(i int) (x tf.Output, flat bool) {
	if i < 0 {
		return w.images, false
	}
	return w.outs[i], w.flat[i]
}

// act applies a node's activation.
func (ns *networks) act(x tf.Output, net int, n models.Node) tf.Output {
	return ns.activate(x, n.Layer.Activation, func() tf.Output { return ns.value(paramName(net, n, models.Slope)) })
}

// weighted applies a node's weights, the pool that may come before its bias,
// bias and activation.
func (ns *networks) weighted(net int, n models.Node, pool *models.Node, x tf.Output, tr *training) (tf.Output, error) {
	x, err := ns.linear(x, ns.roundFolded(net, n, tr), n)
	if err == nil && pool != nil {
		x, err = ns.pool(x, *pool)
	}
	if err != nil {
		return x, err
	}
	if n.Bias {
		x = op.BiasAdd(ns.at(n.Name+"_bias"), x, ns.value(paramName(net, n, models.Bias)))
	}
	return ns.roundOutput(ns.act(ns.normalise(x, net, n, tr), net, n), tr), nil
}

// dropout keeps each value with probability 1-rate, scaled by 1/(1-rate). The
// mask comes from (seed, layer, step) alone.
func (ns *networks) dropout(x tf.Output, n models.Node, flat bool, seed int64, tr *training) tf.Output {
	shape := []int32{int32(tr.batch), int32(n.In.H), int32(n.In.W), int32(n.In.C)}
	if flat {
		shape = []int32{int32(tr.batch), int32(n.In.Elements())}
	}
	key := fmt.Sprintf("%d %s %v %v", seed, n.Name, shape, n.Layer.Rate)
	mask, ok := tr.masks[key]
	if !ok {
		rate := float32(n.Layer.Rate)
		layerKey := int64(Generator(seed, "dropout", n.Name).Uint64())
		u := op.StatelessRandomUniform(ns.at("dropout_uniform"), ns.ints("dropout_shape", shape...), ns.key(layerKey, tr.step))
		keep := op.Cast(ns.at("dropout_keep"), op.GreaterEqual(ns.at("dropout_kept"), u, ns.scalar("rate", rate)), tf.Float)
		mask = op.Mul(ns.at("dropout_mask"), keep, ns.scalar("scale", 1/(1-rate)))
		tr.masks[key] = mask
	}
	return op.Mul(ns.at(n.Name), x, mask)
}
