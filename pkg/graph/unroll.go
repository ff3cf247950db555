package graph

import (
	"bytes"
	"fmt"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// A Session.Run has a cost of its own, and on a GPU it ends with a wait for the
// losses: where a step is as short, several in one run are faster. The bindings
// have no loops, so the steps stand in the graph one after the other, each
// reading the variables that the one before wrote.

// unrolled are the feeds and fetches of several steps at once.
type unrolled struct {
	feeds   map[tf.Output]tf.Output // [steps, ...], by the feed of the single step
	losses  tf.Output               // float32 [steps, networks, batch]
	targets []*tf.Operation
	steps   int
}

// Unroll is how many steps Steps trains; 1 where the graph has single steps only.
func (p *Pack) Unroll() int { return max(1, p.many.steps) }

// unroll adds so many steps in a row.
func (p *Pack) unroll(steps int) error {
	ns, one, cells, values := p.nets, p.step, p.cells, slices.Clone(p.nets.values)
	defer func() { p.step, p.cells, ns.values = one, cells, values }()
	p.many = unrolled{feeds: map[tf.Output]tf.Output{}, steps: steps}
	each := map[tf.Output][]tf.Output{}
	for _, from := range []tf.Output{one.batch, one.step, one.rate, one.decay, one.average, one.quant} {
		if from.Op == nil {
			continue
		}
		shape, err := from.Shape().ToSlice()
		if err != nil {
			return fmt.Errorf("unroll %d steps: %w", steps, err)
		}
		many := op.Placeholder(ns.at("steps"), from.DataType(), op.PlaceholderShape(tf.MakeShape(append([]int64{int64(steps)}, shape...)...)))
		// Cut where they arrive: a GPU would have to give small numbers back to the CPU.
		each[from] = op.Unpack(ns.at("each").WithDevice(onCPU), many, int64(steps))
		p.many.feeds[from] = many
	}
	at := func(from tf.Output, i int) tf.Output {
		if from.Op == nil {
			return from
		}
		return each[from][i]
	}
	losses := make([]tf.Output, steps)
	for i := range steps {
		p.cells = ns.reread(cells, p.many.targets)
		for _, c := range p.cells {
			ns.cut(c, c.value.read, ns.params, ns.values)
		}
		p.step = stepOps{batch: at(one.batch, i), step: at(one.step, i), rate: at(one.rate, i), decay: at(one.decay, i),
			average: at(one.average, i), quant: at(one.quant, i)}
		if err := p.buildStep(); err != nil {
			return fmt.Errorf("unroll %d steps: %w", steps, err)
		}
		losses[i], p.many.targets = p.step.losses, p.step.targets
	}
	p.many.losses = op.Pack(ns.at("all_losses"), losses)
	return plain(ns.root.Err())
}

// reread gives the cells' variables reads of their own, after the operations.
func (b builder) reread(cells []cell, after []*tf.Operation) []cell {
	s := b.at("reread").WithControlDependencies(after...)
	cells = slices.Clone(cells)
	for i := range cells {
		c := &cells[i]
		c.slots = slices.Clone(c.slots)
		c.value.read = op.ReadVariableOp(s.SubScope("read"), c.value.handle, tf.Float)
		for k := range c.slots {
			c.slots[k].read = op.ReadVariableOp(s.SubScope("read"), c.slots[k].handle, tf.Float)
		}
	}
	return cells
}

// Steps trains every network on Unroll batches, one after the other, as so many
// calls of Step would: losses[i] are those of step+i.
func (p *Pack) Steps(step int, batches [][]int32, losses [][]float64) (err error) {
	defer recovered("train steps", &err)
	feeds, err := p.manyFeeds(step, batches)
	if err != nil {
		return fmt.Errorf("train %d steps from step %d: %w", len(batches), step, err)
	}
	out, err := p.run(feeds, []tf.Output{p.many.losses}, p.many.targets)
	if err != nil {
		return fmt.Errorf("train %d steps from step %d: %w", len(batches), step, err)
	}
	all, ok := out[0].Value().([][][]float32)
	if !ok || len(all) != len(losses) {
		return fmt.Errorf("train steps from step %d: losses of %d steps wanted, got shape %v", step, len(losses), out[0].Shape())
	}
	for i := range all {
		if err := means(all[i], losses[i]); err != nil {
			return fmt.Errorf("train step %d: %w", step+i, err)
		}
	}
	return nil
}

// manyFeeds joins the feeds of single steps along a new first axis.
func (p *Pack) manyFeeds(step int, batches [][]int32) (map[tf.Output]*tf.Tensor, error) {
	if len(batches) != p.many.steps {
		return nil, fmt.Errorf("%d batches for a graph of %d steps", len(batches), p.many.steps)
	}
	contents := map[tf.Output]*bytes.Buffer{}
	shapes := map[tf.Output][]int64{}
	for i, batch := range batches {
		feeds, err := p.feeds(step+i, batch)
		if err != nil {
			return nil, err
		}
		for to, t := range feeds {
			if contents[to] == nil {
				contents[to] = &bytes.Buffer{}
				shapes[to] = append([]int64{int64(len(batches))}, t.Shape()...)
			}
			if _, err := t.WriteContentsTo(contents[to]); err != nil {
				return nil, err
			}
		}
	}
	joined := make(map[tf.Output]*tf.Tensor, len(contents))
	for to, b := range contents {
		t, err := tf.ReadTensor(to.DataType(), shapes[to], b)
		if err != nil {
			return nil, err
		}
		joined[p.many.feeds[to]] = t
	}
	return joined, nil
}
