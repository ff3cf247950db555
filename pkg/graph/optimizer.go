package graph

import (
	"math"
	"sort"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// Adam's decay rates, TensorFlow's defaults.
const (
	adamBeta1 = 0.9
	adamBeta2 = 0.999
)

// slots is how many variables a training keeps beside each weight: the
// optimizer's, then the averaged weight where the recipe has one.
func slots(r models.Recipe) (n int) {
	switch r.Optimizer {
	case models.Adam, models.Adadelta:
		n = 2
	case models.Momentum:
		n = 1
	}
	if r.EMA > 0 {
		n++
	}
	return n
}

// Rate is the schedule's learning rate at a step (0-based): a warm-up scales the
// schedule's rate by (step+1)/warmup until that is 1.
func Rate(r models.Recipe, step int) float64 {
	rate := r.LearningRate
	switch r.Schedule {
	case models.Cosine:
		rate *= (1 + math.Cos(math.Pi*float64(step)/float64(r.Steps))) / 2
	case models.Stepwise:
		falls := step / max(r.Every, 1)
		if r.At != nil {
			falls = sort.SearchInts(r.At, step+1) // how many are at or before the step
		}
		rate *= math.Pow(r.Factor, float64(falls))
	case models.Exponential:
		rate *= math.Pow(r.Factor, float64(step)/float64(max(r.Every, 1)))
	}
	if step+1 < r.Warmup {
		rate *= float64(step+1) / float64(r.Warmup)
	}
	return rate
}

// stepRate is the rate that the optimizer's operation gets: Adam's bias
// correction is folded into it (section 2 of arXiv 1412.6980, as TensorFlow
// does: epsilon is "epsilon hat").
func stepRate(r models.Recipe, step int) float32 {
	rate := Rate(r, step)
	if r.Optimizer == models.Adam {
		t := float64(step + 1)
		rate *= math.Sqrt(1-math.Pow(adamBeta2, t)) / (1 - math.Pow(adamBeta1, t))
	}
	return float32(rate)
}

// apply adds the operation that moves a cell against its gradient, after the
// operations in s's control dependencies. rate is the fed stepRate.
func (b builder) apply(s *op.Scope, c cell, grad, rate tf.Output, r models.Recipe) *tf.Operation {
	switch r.Optimizer {
	case models.Adam:
		// A beta power of 0 leaves the bias correction to the fed rate.
		zero := b.scalar("no_power", 0)
		return op.ResourceApplyAdam(s, c.value.handle, c.slots[0].handle, c.slots[1].handle, zero, zero, rate,
			b.scalar("beta1", adamBeta1), b.scalar("beta2", adamBeta2), b.scalar("epsilon", float32(r.Epsilon)), grad)
	case models.Momentum:
		return op.ResourceApplyMomentum(s, c.value.handle, c.slots[0].handle, rate, grad, b.scalar("momentum", float32(r.Momentum)),
			op.ResourceApplyMomentumUseNesterov(r.Nesterov))
	case models.Adadelta:
		return b.adadelta(s, c, grad, rate, r)
	}
	return op.ResourceApplyGradientDescent(s, c.value.handle, rate, grad)
}

// adadelta is arXiv 1212.5701's algorithm 1, its step times the rate. TensorFlow's
// own operation takes rsqrt, whose last bits depend on a number's place in the
// variable, thus on the pack.
func (b builder) adadelta(s *op.Scope, c cell, grad, rate tf.Output, r models.Recipe) *tf.Operation {
	averaged := func(average, x tf.Output) tf.Output {
		kept := op.Mul(b.at("kept"), average, b.scalar("rho", float32(r.Rho)))
		return op.AddV2(b.at("averaged"), kept, op.Mul(b.at("joins"), op.Square(b.at("square"), x), b.scalar("share", float32(1-r.Rho))))
	}
	root := func(x tf.Output) tf.Output {
		return op.Sqrt(b.at("root"), op.AddV2(b.at("above_zero"), x, b.scalar("epsilon", float32(r.Epsilon))))
	}
	grads, steps := c.slots[0], c.slots[1]
	now := averaged(grads.read, grad)
	step := op.Mul(b.at("step"), op.Div(b.at("unit"), root(steps.read), root(now)), grad)
	s = s.WithControlDependencies(op.AssignVariableOp(s.SubScope("grads"), grads.handle, now),
		op.AssignVariableOp(s.SubScope("steps"), steps.handle, averaged(steps.read, step)))
	return op.AssignSubVariableOp(s, c.value.handle, op.Mul(b.at("scaled_step"), step, rate))
}

// averageShare is what a step's weights get of their average: 1 - min(d, (1+t) /
// (10+t)) with t the steps done, as TensorFlow's ExponentialMovingAverage has it.
func averageShare(r models.Recipe, step int) float32 {
	t := float64(step + 1)
	return float32(1 - min(r.EMA, (1+t)/(10+t)))
}

// average adds the operation that moves a cell's average towards its value once
// the step is done.
func (b builder) average(done *tf.Operation, c cell, share tf.Output) *tf.Operation {
	s := b.at("average").WithControlDependencies(done)
	average := c.slots[len(c.slots)-1]
	off := op.Sub(s.SubScope("off"), average.read, op.ReadVariableOp(s.SubScope("now"), c.value.handle, tf.Float))
	return op.AssignSubVariableOp(s, average.handle, op.Mul(s.SubScope("share"), off, share))
}

// clip scales each network's gradients, so that all its numbers together measure
// no more than the recipe's gradient_clip (arXiv 1211.5063, section 3.2).
func (p *Pack) clip(grads []tf.Output) {
	ns, most := p.nets, p.nets.scalar("most", float32(p.recipe.GradientClip))
	if ns.stacked {
		ns.clip(grads, most)
		return
	}
	shares := make([][]tf.Output, len(ns.params)) // of each param, by owner
	squares := make([][]tf.Output, len(ns.nodes))
	for i, pm := range ns.params {
		if !pm.part.Trained() {
			continue
		}
		sizes := make([]int32, len(pm.owners))
		for k, o := range pm.owners {
			sizes[k] = int32(o.count)
		}
		shares[i] = ns.split(grads[i], pm.axis(), sizes)
		for k, o := range pm.owners {
			square := op.Square(ns.at("square"), ns.reshape(shares[i][k], -1))
			squares[o.net] = append(squares[o.net], op.Sum(ns.at("norm"), square, ns.ints("axes", 0)))
		}
	}
	factors := make([]tf.Output, len(ns.nodes))
	for net, all := range squares {
		norm := op.Sqrt(ns.at("norm"), op.AddN(ns.at("norm"), all))
		factors[net] = op.Div(ns.at("clip"), most, op.Maximum(ns.at("norm"), norm, most))
	}
	for i, pm := range ns.params {
		for k, share := range shares[i] {
			shares[i][k] = op.Mul(ns.at("clipped"), share, factors[pm.owners[k].net])
		}
		if shares[i] != nil {
			grads[i] = ns.concat(pm.axis(), shares[i]...)
		}
	}
}

// decay adds the decoupled weight decay of a cell (arXiv 1711.05101): before
// the step, weights shrink by the schedule's rate times weight_decay; biases
// do not. share is the fed product of the two.
func (b builder) decay(s *op.Scope, c cell, params []param, share tf.Output) *tf.Operation {
	amount := op.Mul(b.at("decay"), c.value.read, share)
	if len(c.params) > 1 || params[c.params[0]].part != models.Kernel {
		var mask []float32
		for _, i := range c.params {
			for range params[i].size() {
				v := float32(0)
				if params[i].part == models.Kernel {
					v = 1
				}
				mask = append(mask, v)
			}
		}
		amount = op.Mul(b.at("decay_weights"), amount, op.Const(b.at("decay_mask"), mask))
	}
	return op.AssignSubVariableOp(s, c.value.handle, amount)
}
