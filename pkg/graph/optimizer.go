package graph

import (
	"math"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// Adam's decay rates, TensorFlow's defaults.
const (
	adamBeta1 = 0.9
	adamBeta2 = 0.999
)

// slots is how many variables the optimizer keeps beside each weight.
func slots(optimizer string) int {
	switch optimizer {
	case models.Adam:
		return 2
	case models.Momentum:
		return 1
	}
	return 0
}

// Rate is the schedule's learning rate at a step (0-based): a warm-up scales the
// schedule's rate by (step+1)/warmup until that is 1.
func Rate(r models.Recipe, step int) float64 {
	rate := r.LearningRate
	switch r.Schedule {
	case models.Cosine:
		rate *= (1 + math.Cos(math.Pi*float64(step)/float64(r.Steps))) / 2
	case models.Stepwise:
		rate *= math.Pow(r.Factor, float64(step/max(r.Every, 1)))
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
	}
	return op.ResourceApplyGradientDescent(s, c.value.handle, rate, grad)
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
