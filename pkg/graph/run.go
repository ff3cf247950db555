package graph

// #include "subnormal.h"
import "C"

import (
	"bytes"
	"fmt"
	"runtime"

	tf "github.com/wamuir/graft/tensorflow"

	"slimfit/models"
)

// Step trains every network on one batch, given as indices of the training
// images, or on its own one: a batch of each of Orders, one after the other. step is
// 0-based. It fills losses with each network's mean loss
// before the update.
func (p *Pack) Step(step int, batch []int32, losses []float64) (err error) {
	defer recovered("train a step", &err)
	feeds, err := p.feeds(step, batch)
	if err != nil {
		return fmt.Errorf("train step %d: %w", step, err)
	}
	out, err := p.run(feeds, []tf.Output{p.step.losses}, p.step.targets)
	if err != nil {
		return fmt.Errorf("train step %d: %w", step, err)
	}
	all, ok := out[0].Value().([][]float32)
	if !ok {
		return fmt.Errorf("train step %d: losses of shape %v", step, out[0].Shape())
	}
	if err := means(all, losses); err != nil {
		return fmt.Errorf("train step %d: %w", step, err)
	}
	return nil
}

// means fills losses with the means of each network's losses of the images.
func means(all [][]float32, losses []float64) error {
	if len(all) != len(losses) {
		return fmt.Errorf("losses of %d networks wanted, got %d", len(losses), len(all))
	}
	for i, images := range all {
		sum := 0.0
		for _, l := range images {
			sum += float64(l)
		}
		losses[i] = sum / float64(len(images))
	}
	return nil
}

// run runs the session with subnormal numbers taken for zero: the single-threaded
// executor computes in the caller's thread, which lacks that mode of TensorFlow's
// own. Without it a step takes two to three times as long once Adam's moments of
// weights without a gradient, after some 700 steps, have become such numbers.
func (p *Pack) run(feeds map[tf.Output]*tf.Tensor, fetch []tf.Output, targets []*tf.Operation) ([]*tf.Tensor, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	mode := C.slimfit_flush_subnormals()
	defer C.slimfit_float_mode(mode)
	return p.session.Run(feeds, fetch, targets)
}

// feeds are what a step needs to know.
func (p *Pack) feeds(step int, batch []int32) (map[tf.Output]*tf.Tensor, error) {
	s, r := p.step, p.recipe
	values := map[tf.Output]any{s.batch: batch, s.step: int64(step), s.rate: stepRate(r, step)}
	if r.WeightDecay > 0 {
		values[s.decay] = float32(Rate(r, step) * r.WeightDecay)
	}
	if r.EMA > 0 {
		values[s.average] = averageShare(r, step)
	}
	if r.Quantize == models.Int8 {
		values[s.quant] = roundingAt(r, step)
	}
	feeds := make(map[tf.Output]*tf.Tensor, len(values))
	for to, v := range values {
		t, err := tf.NewTensor(v)
		if err != nil {
			return nil, err
		}
		feeds[to] = t
	}
	return feeds, nil
}

// Seen returns the images of a batch as the networks see them at a step: floats in
// [0, 1], [batch, h, w, c].
func (p *Pack) Seen(step int, batch []int32) (images []float32, err error) {
	defer recovered("augment images", &err)
	feeds, err := p.feeds(step, batch)
	if err != nil {
		return nil, fmt.Errorf("augment images: %w", err)
	}
	out, err := p.run(feeds, []tf.Output{p.step.images}, nil)
	if err != nil {
		return nil, fmt.Errorf("augment images: %w", err)
	}
	return floats(out[0])
}

// evalBatch is how many images one evaluation step classifies: with our stems
// 50 cost up to 31 % more of the processor's time an image (BenchmarkEvaluation).
const evalBatch = 250

// Logits returns one network's logits for each image: [n*classes].
func (p *Pack) Logits(net int, pixels []uint8) (logits []float32, err error) {
	defer recovered("compute logits", &err)
	err = p.evaluate(pixels, []tf.Output{p.eval.logits[net]}, func(out []*tf.Tensor) error {
		v, err := floats(out[0])
		logits = append(logits, v...)
		return err
	})
	return logits, err
}

// AllLogits returns every network's logits for each image: [networks][n*classes].
func (p *Pack) AllLogits(pixels []uint8) (logits [][]float32, err error) {
	defer recovered("compute logits", &err)
	logits = make([][]float32, len(p.eval.logits))
	err = p.evaluate(pixels, p.eval.logits, func(out []*tf.Tensor) error {
		for net := range out {
			v, err := floats(out[net])
			if err != nil {
				return err
			}
			logits[net] = append(logits[net], v...)
		}
		return nil
	})
	return logits, err
}

// evaluate feeds pixels in batches and hands each batch's outputs to take.
func (p *Pack) evaluate(pixels []uint8, fetch []tf.Output, take func([]*tf.Tensor) error) error {
	in := p.input
	size := in.Elements()
	if len(pixels)%size != 0 {
		return fmt.Errorf("classify images: %d bytes are no whole number of %v images", len(pixels), in)
	}
	once := evalBatch * size
	if p.nets.stacked { // it fits into the memory where a step does
		once = min(evalBatch, p.recipe.Batch) * size
	}
	for at := 0; at < len(pixels); at += once {
		part := pixels[at:min(at+once, len(pixels))]
		t, err := tf.ReadTensor(tf.Uint8, []int64{int64(len(part) / size), int64(in.H), int64(in.W), int64(in.C)}, bytes.NewReader(part))
		if err != nil {
			return fmt.Errorf("classify images: %w", err)
		}
		out, err := p.run(map[tf.Output]*tf.Tensor{p.eval.pixels: t}, fetch, nil)
		if err != nil {
			return fmt.Errorf("classify images: %w", err)
		}
		if err := take(out); err != nil {
			return fmt.Errorf("classify images: %w", err)
		}
	}
	return nil
}
