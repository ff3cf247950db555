package graph

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// losses adds each network's loss of each image, [batch], and the gradient of
// their mean with respect to the logits, [batch, classes].
func (p *Pack) losses(logits []tf.Output, labels tf.Output) (losses, upstream []tf.Output) {
	ns := p.nets
	share := ns.scalar("batch_share", 1/float32(p.recipe.Batch))
	soft, weights := p.softTargets(), p.classWeights(labels)
	for _, l := range logits {
		loss, grad := p.crossEntropy(l, labels)
		if soft != nil {
			loss, grad = p.distill(l, loss, grad, *soft)
		}
		if weights != nil {
			loss = op.Mul(ns.at("weighted_loss"), loss, *weights)
			grad = op.Mul(ns.at("weighted_grad"), grad, ns.reshape(*weights, -1, 1))
		}
		losses = append(losses, loss)
		upstream = append(upstream, op.Mul(ns.at("mean_loss"), grad, share))
	}
	return losses, upstream
}

// crossEntropy is each image's loss and its gradient. SparseSoftmaxCrossEntropyWithLogits
// has no gradient in C++; its second output is the gradient of each image's loss.
// With label smoothing s, the target is 1-s of the class and s spread evenly over
// all classes (arXiv 1512.00567, section 7).
func (p *Pack) crossEntropy(logits, labels tf.Output) (loss, grad tf.Output) {
	ns, smooth := p.nets, float32(p.recipe.LabelSmoothing)
	if smooth == 0 {
		return op.SparseSoftmaxCrossEntropyWithLogits(ns.at("loss"), logits, labels)
	}
	even := smooth / float32(ns.classes)
	targets := op.OneHot(ns.at("smoothed"), labels, ns.int("classes", int32(ns.classes)), ns.scalar("hit", 1-smooth+even),
		ns.scalar("miss", even))
	return op.SoftmaxCrossEntropyWithLogits(ns.at("loss"), logits, targets)
}

// classWeights are the weights of the batch's images, [batch]; nil without any.
func (p *Pack) classWeights(labels tf.Output) *tf.Output {
	if p.recipe.ClassWeights == nil {
		return nil
	}
	w := op.ResourceGather(p.nets.at("image_weights"), p.weights.handle, labels, tf.Float)
	return &w
}

// softTargets are the teacher's softened probabilities of the batch, [batch,
// classes]; nil without a teacher.
func (p *Pack) softTargets() *tf.Output {
	if p.recipe.Teacher == nil {
		return nil
	}
	ns := p.nets
	t := op.ResourceGather(ns.at("teacher_logits"), p.teacher.handle, p.step.batch, tf.Float)
	heat := ns.scalar("temperature", float32(p.recipe.Teacher.Temperature))
	soft := op.Softmax(ns.at("soft_targets"), op.Div(ns.at("soften_teacher"), t, heat))
	return &soft
}

// distill mixes the teacher's loss into a network's: (1-w) times the labels'
// cross-entropy plus w T^2 times the one with the soft targets at temperature
// T, whose square keeps the two gradients in proportion (arXiv 1503.02531,
// section 2).
func (p *Pack) distill(logits, loss, grad, soft tf.Output) (mixed, mixedGrad tf.Output) {
	ns, t := p.nets, p.recipe.Teacher
	heat := float32(t.Temperature)
	softened := op.Div(ns.at("soften"), logits, ns.scalar("temperature", heat))
	softLoss, softGrad := op.SoftmaxCrossEntropyWithLogits(ns.at("soft_loss"), softened, soft)
	hard, w := ns.scalar("hard", float32(1-t.Weight)), float32(t.Weight)
	mixed = op.AddV2(ns.at("mixed_loss"), op.Mul(ns.at("hard_loss"), loss, hard),
		op.Mul(ns.at("soft_share"), softLoss, ns.scalar("soft", w*heat*heat)))
	mixedGrad = op.AddV2(ns.at("mixed_grad"), op.Mul(ns.at("hard_grad"), grad, hard),
		op.Mul(ns.at("soft_grad"), softGrad, ns.scalar("soft_slope", w*heat)))
	return mixed, mixedGrad
}

// loadTeacher puts the teacher's logits into their variable.
func (p *Pack) loadTeacher(train Images) error {
	if p.recipe.Teacher == nil {
		return nil
	}
	n, classes := len(train.Labels), p.nets.classes
	if len(train.Teacher) != n*classes {
		return fmt.Errorf("load the teacher: %d logits for %d images of %d classes", len(train.Teacher), n, classes)
	}
	t, err := floatTensor(train.Teacher, int64(n), int64(classes))
	if err != nil {
		return fmt.Errorf("load the teacher: %w", err)
	}
	if err := p.teacher.set(p.session, t); err != nil {
		return fmt.Errorf("load the teacher: %w", err)
	}
	return nil
}

// loadClassWeights puts the classes' weights into their variable.
func (p *Pack) loadClassWeights(train Images) error {
	if p.recipe.ClassWeights == nil {
		return nil
	}
	if len(train.ClassWeights) != p.nets.classes {
		return fmt.Errorf("load the class weights: %d for %d classes", len(train.ClassWeights), p.nets.classes)
	}
	t, err := tf.NewTensor(train.ClassWeights)
	if err == nil {
		err = p.weights.set(p.session, t)
	}
	if err != nil {
		return fmt.Errorf("load the class weights: %w", err)
	}
	return nil
}
