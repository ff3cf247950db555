package graph

import (
	"bytes"
	"errors"
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// Net is one network of a pack.
type Net struct {
	Spec models.Spec
	Seed int64 // key of its initial weights and its dropout
}

// Images are examples for training: Pixels holds [n, h, w, c] bytes, Labels
// one class each.
type Images struct {
	Pixels []uint8
	Labels []uint8
	// Teacher holds a teacher's logits for each image, [n, classes], where the
	// recipe has a teacher.
	Teacher []float32
	// ClassWeights are the share that each class's losses have, where the recipe has
	// class_weights.
	ClassWeights []float32
}

// Pack is a set of networks for images of one shape that train in one graph, on
// the same batches or on their own, see Orders. It is not safe for concurrent use.
type Pack struct {
	nets    *networks
	recipe  models.Recipe
	input   models.Shape
	scaling *models.Scaling // of all networks
	graph   *tf.Graph
	session *tf.Session
	cells   []cell
	step    stepOps
	many    unrolled // none where the graph has single steps only
	eval    evalOps
	images  resource
	labels  resource
	teacher resource // logits, where the recipe has one
	weights resource // of the classes, where the recipe has some
}

// stepOps are the feeds and fetches of one training step.
type stepOps struct {
	batch   tf.Output // int32 [orders * batch]: indices of the training images
	step    tf.Output // int64: 0-based
	rate    tf.Output // float32
	decay   tf.Output // float32
	average tf.Output // float32: see averageShare
	quant   tf.Output // float32: 1 while numbers are rounded as int8 does, else 0
	images  tf.Output // float32 [orders * batch, h, w, c]: what the networks see, before scaling
	losses  tf.Output // float32 [networks, batch]
	targets []*tf.Operation
}

// evalOps classify a batch of any size.
type evalOps struct {
	pixels tf.Output // uint8 [n, h, w, c]
	logits []tf.Output
}

// NewPack builds the graph of the networks, which share the input shape, and
// puts the training images into it. Weights start as their seeds say.
func NewPack(nets []Net, recipe models.Recipe, train Images, device Device) (p *Pack, err error) {
	defer recovered("build the graph", &err)
	if len(nets) == 0 {
		return nil, errors.New("build the graph: no networks")
	}
	if p, err = unopened(nets, recipe, len(train.Labels), device.form()); err != nil {
		return nil, fmt.Errorf("build the graph: %w", err)
	}
	if p.session, err = newSession(p.graph, device); err != nil {
		return nil, err
	}
	if err := p.load(train); err != nil {
		p.Close()
		return nil, err
	}
	for net := range nets {
		if err := p.reset(net); err != nil {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

// unopened builds the graph for so many training images, without a session.
func unopened(nets []Net, recipe models.Recipe, images int, f form) (p *Pack, err error) {
	p = &Pack{recipe: recipe, input: nets[0].Spec.Input, scaling: nets[0].Spec.Scaling}
	if p.nets, err = plan(nets); err != nil {
		return nil, err
	}
	p.nets.stemKind, p.nets.orders = f.stem, []int64{recipe.OrderSeed(nets[0].Seed)}
	if f.stacked && stacks(p.nets.nodes, recipe) {
		p.nets.stack(recipe, f.convs)
	}
	if err := p.build(images, f); err != nil {
		return nil, err
	}
	p.graph, err = p.nets.root.Finalize()
	return p, plain(err)
}

// Close frees the session and its variables.
func (p *Pack) Close() error { return p.session.Close() }

// build adds everything to the graph.
func (p *Pack) build(images int, f form) error {
	ns := p.nets
	ns.builder = newBuilder()
	ns.casts = f.casts
	ns.values = make([]tf.Output, len(ns.params))
	p.cells = cells(ns.params)
	for i := range p.cells {
		ns.build(&p.cells[i], slots(p.recipe), ns.params, ns.values)
	}
	in := p.input
	p.images = ns.variable("images", tf.Uint8, []int64{int64(images), int64(in.Elements())})
	p.labels = ns.variable("labels", tf.Int64, []int64{int64(images)})
	if p.recipe.Teacher != nil {
		p.teacher = ns.variable("teacher", tf.Float, []int64{int64(images), int64(ns.classes)})
	}
	if p.recipe.ClassWeights != nil {
		p.weights = ns.variable("class_weights", tf.Float, []int64{int64(ns.classes)})
	}
	if err := ns.root.Err(); err != nil {
		return plain(err)
	}
	p.buildFeeds()
	if err := p.buildStep(); err != nil {
		return err
	}
	if f.unroll > 1 {
		if err := p.unroll(f.unroll); err != nil {
			return err
		}
	}
	return p.buildEval()
}

// scaled turns uint8 pixels into float32 in [0, 1], [batch, h, w, c].
func (p *Pack) scaled(pixels tf.Output) tf.Output {
	in := p.input
	x := op.Div(p.nets.at("scale"), op.Cast(p.nets.at("to_float"), pixels, tf.Float), p.nets.scalar("white", 255))
	return p.nets.reshape(x, -1, int32(in.H), int32(in.W), int32(in.C))
}

// standardised is x, in [0, 1], as the first layer reads it.
func (p *Pack) standardised(x tf.Output) tf.Output {
	if p.scaling == nil {
		return x
	}
	factor, offset := p.scaling.Affine()
	x = op.Mul(p.nets.at("spread"), x, op.Const(p.nets.at("factor"), factor))
	return op.AddV2(p.nets.at("centre"), x, op.Const(p.nets.at("offset"), offset))
}

// buildFeeds adds what a step is told.
func (p *Pack) buildFeeds() {
	ns, s := p.nets, &p.step
	batch := int64(len(ns.orders) * p.recipe.Batch)
	s.batch = op.Placeholder(ns.at("batch"), tf.Int32, op.PlaceholderShape(tf.MakeShape(batch)))
	s.step = op.Placeholder(ns.at("step"), tf.Int64, op.PlaceholderShape(tf.ScalarShape()))
	s.rate = op.Placeholder(ns.at("rate"), tf.Float, op.PlaceholderShape(tf.ScalarShape()))
	s.decay = op.Placeholder(ns.at("decay_share"), tf.Float, op.PlaceholderShape(tf.ScalarShape()))
	s.average = op.Placeholder(ns.at("average_share"), tf.Float, op.PlaceholderShape(tf.ScalarShape()))
	if p.recipe.Quantize == models.Int8 {
		s.quant = op.Placeholder(ns.at("quant"), tf.Float, op.PlaceholderShape(tf.ScalarShape()))
	}
}

// buildStep adds a step that reads what p.step and p.cells say.
func (p *Pack) buildStep() error {
	ns, s := p.nets, &p.step
	pixels := op.ResourceGather(ns.at("pixels"), p.images.handle, s.batch, tf.Uint8)
	labels := op.ResourceGather(ns.at("labels"), p.labels.handle, s.batch, tf.Int64)
	tr := &training{batch: p.recipe.Batch, step: s.step, masks: map[string]tf.Output{}, batches: map[string]tf.Output{}}
	if p.recipe.Quantize == models.Int8 {
		tr.quant = &s.quant
	}
	s.images = p.augmented(p.scaled(pixels), s.step)
	input := p.standardised(s.images)
	if len(ns.orders) > 1 {
		input = ns.abreast(input, p.input)
	}
	var logits, upstream []tf.Output
	if ns.stacked {
		all, slopes, err := p.stackedLosses(input, labels, tr)
		if err != nil {
			return err
		}
		logits, upstream = []tf.Output{all}, []tf.Output{slopes}
	} else {
		each, err := ns.forward(input, tr)
		if err != nil {
			return err
		}
		losses, slopes := p.losses(each, labels)
		s.losses = op.Pack(ns.at("losses"), losses)
		logits, upstream = each, slopes
	}
	grads, err := p.gradients(logits, upstream)
	if err != nil {
		return fmt.Errorf("differentiate the loss: %w", err)
	}
	p.buildUpdates(grads, tr)
	return plain(ns.root.Err())
}

// gradients of every trained param, in order. TensorFlow cannot differentiate
// a stem of ours: its gradients end there, at its outputs.
func (p *Pack) gradients(logits, upstream []tf.Output) ([]tf.Output, error) {
	ns := p.nets
	of := make([]tf.Output, len(ns.params))
	var ends []tf.Output
	for i := range ns.stems {
		if o := ns.own[i]; o != nil {
			ends = append(ends, o.outs...)
		}
	}
	var left []int // what TensorFlow differentiates
	for i, pm := range ns.params {
		if pm.part.Trained() && !ns.ofOwn(pm) {
			left, ends = append(left, i), append(ends, ns.values[i])
		}
	}
	grads := op.Gradients(ns.at("gradients"), logits, ends, upstream...)
	if err := ns.root.Err(); err != nil {
		return nil, plain(err)
	}
	for i := range ns.stems {
		o := ns.own[i]
		if o == nil {
			continue
		}
		kernel, bias, err := ns.ownGradients(o, grads[:len(o.outs)])
		if err != nil {
			return nil, err
		}
		grads = grads[len(o.outs):]
		of[ns.index[stemName(i, models.Kernel)]] = kernel
		if ns.stems[i].conv.Bias {
			of[ns.index[stemName(i, models.Bias)]] = bias
		}
	}
	for k, i := range left {
		of[i] = grads[k]
	}
	return of, nil
}

// ofOwn says whether the param belongs to a stem of ours.
func (ns *networks) ofOwn(pm param) bool {
	for i := range ns.own {
		if pm.name == stemName(i, models.Kernel) || pm.name == stemName(i, models.Bias) {
			return true
		}
	}
	return false
}

// buildUpdates adds the optimizer. It waits for every gradient: a variable
// that is still being read would be copied before it is changed.
func (p *Pack) buildUpdates(grads []tf.Output, tr *training) {
	ns := p.nets
	for i, pm := range ns.params {
		if !pm.part.Trained() { // a moving average: its new value
			grads[i] = ns.moved(ns.values[i], tr.batches[pm.name])
		}
	}
	if p.recipe.GradientClip > 0 {
		p.clip(grads)
	}
	flats := make([]tf.Output, len(p.cells))
	ready := []*tf.Operation{p.step.losses.Op}
	for i, c := range p.cells {
		parts := make([]tf.Output, len(c.params))
		for k, at := range c.params {
			parts[k] = grads[at]
			if len(c.shape) == 1 && len(ns.params[at].shape) > 1 {
				parts[k] = ns.reshape(grads[at], -1)
			}
		}
		flats[i] = ns.concat(0, parts...)
		ready = append(ready, flats[i].Op)
	}
	s := ns.root.SubScope("update").WithControlDependencies(ready...)
	for i, c := range p.cells {
		if c.moving {
			p.step.targets = append(p.step.targets, op.AssignVariableOp(s.SubScope("move"), c.value.handle, flats[i]))
			continue
		}
		after := s
		if p.recipe.WeightDecay > 0 {
			after = s.WithControlDependencies(ns.decay(s.SubScope("decay"), c, ns.params, p.step.decay))
		}
		last := ns.apply(after.SubScope("apply"), c, flats[i], p.step.rate, p.recipe)
		if p.recipe.EMA > 0 {
			last = ns.average(last, c, p.step.average)
		}
		p.step.targets = append(p.step.targets, last)
	}
}

func (p *Pack) buildEval() error {
	ns, e := p.nets, &p.eval
	in := p.input
	e.pixels = op.Placeholder(ns.at("eval_pixels"), tf.Uint8,
		op.PlaceholderShape(tf.MakeShape(-1, int64(in.H), int64(in.W), int64(in.C))))
	for _, c := range p.cells { // the averaged network is judged
		if p.recipe.EMA > 0 && !c.moving {
			ns.cut(c, c.slots[len(c.slots)-1].read, ns.params, ns.values)
		}
	}
	if ns.stacked {
		return p.stackedEval(p.standardised(p.scaled(e.pixels)))
	}
	logits, err := ns.forward(p.standardised(p.scaled(e.pixels)), nil)
	if err != nil {
		return err
	}
	e.logits = logits
	return plain(ns.root.Err())
}

// load puts the training images into the graph's variables.
func (p *Pack) load(train Images) error {
	n := int64(len(train.Labels))
	pixels, err := tf.ReadTensor(tf.Uint8, []int64{n, int64(p.input.Elements())}, bytes.NewReader(train.Pixels))
	if err != nil {
		return fmt.Errorf("load %d training images of %v: %w", n, p.input, err)
	}
	labels := make([]int64, n) // a GPU gathers no int32
	for i, l := range train.Labels {
		labels[i] = int64(l)
	}
	classes, err := tf.NewTensor(labels)
	if err != nil {
		return fmt.Errorf("load the training labels: %w", err)
	}
	if err := errors.Join(p.images.set(p.session, pixels), p.labels.set(p.session, classes)); err != nil {
		return fmt.Errorf("load the training images: %w", err)
	}
	return errors.Join(p.loadTeacher(train), p.loadClassWeights(train))
}
