package tflite

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// Output holds what a model says of a number of images, Classes values an image.
type Output struct {
	Classes       int
	Probabilities []float32 // nil if the file has no such output
	Logits        []float32 // nil if the file has no such output
}

// Images is the number of images.
func (o *Output) Images() int { return max(len(o.Probabilities), len(o.Logits)) / o.Classes }

// Class returns the class of image i: the largest logit, or the largest
// probability of a file without logits; the first of equals.
func (o *Output) Class(i int) int {
	v := o.Logits
	if v == nil {
		v = o.Probabilities
	}
	v = v[i*o.Classes : (i+1)*o.Classes]
	best := 0
	for c, x := range v {
		if x > v[best] {
			best = c
		}
	}
	return best
}

// Run evaluates images given as pixels, n*h*w*c in the order of the data sets,
// with the given number of goroutines (less than one means one). Values of an
// int8 model are the real values that its integers stand for.
func (m *Model) Run(pixels []uint8, workers int) (*Output, error) {
	if m.Scaling.Series() {
		return m.RunFloat(m.Scaling.Values(pixels), workers)
	}
	var table [256]int8
	if q := m.Tensors[m.Input].Quant; m.Quantized() {
		for p := range table {
			table[p] = quantize(float32(p)/255, q)
		}
	}
	return run(m, pixels, workers, pixelValue, func(p uint8) int8 { return table[p] })
}

// RunFloat is Run for images that are already real numbers in [0, 1], and for
// series in their own unit.
func (m *Model) RunFloat(images []float32, workers int) (*Output, error) {
	q := m.Tensors[m.Input].Quant
	if m.Quantized() {
		images = m.Scaling.Standard(images)
	}
	return run(m, images, workers, func(x float32) float32 { return x }, func(x float32) int8 { return quantize(x, q) })
}

func pixelValue(p uint8) float32 { return float32(p) / 255 }

// level is what an int8 network's input p-128 stands for.
func (m *Model) level(p uint8) float32 {
	if m.Scaling.Series() {
		return float32(m.Scaling.Step * (float64(p) - 128))
	}
	return pixelValue(p)
}

// run evaluates images whose values become a network's input by real or, of an
// int8 one, by integer.
func run[P any](m *Model, images []P, workers int, real func(P) float32, integer func(P) int8) (*Output, error) {
	n, err := m.count(len(images))
	if err != nil {
		return nil, err
	}
	o := m.newOutput(n)
	if m.Quantized() {
		err = forEach(m, int8Kernel, n, workers, loader(m, images, integer), func(i int, v *values[int8]) {
			for _, t := range m.Outputs {
				q, dst := m.Tensors[t].Quant, m.place(o, t)[i*o.Classes:]
				for c, x := range v.t[t] {
					dst[c] = q.Scale[0] * float32(int(x)-q.ZeroPoint)
				}
			}
		})
	} else {
		err = forEach(m, floatKernel, n, workers, loader(m, images, real), func(i int, v *values[float32]) {
			for _, t := range m.Outputs {
				copy(m.place(o, t)[i*o.Classes:], v.t[t])
			}
		})
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}

// loader fills the input tensor with an image.
func loader[P, T any](m *Model, images []P, value func(P) T) func(i int, dst []T) {
	size := m.InputShape().Elements()
	return func(i int, dst []T) {
		for k, p := range images[i*size : (i+1)*size] {
			dst[k] = value(p)
		}
	}
}

// count is the number of images in a number of values.
func (m *Model) count(values int) (int, error) {
	s := m.InputShape()
	if values%s.Elements() != 0 {
		return 0, fmt.Errorf("%d values are no whole number of %s images", values, s)
	}
	return values / s.Elements(), nil
}

// quantize rounds a real number to its int8, as a runtime's user does; NaN
// becomes the zero point.
func quantize(x float32, q *Quant) int8 {
	v := math.Round(float64(x / q.Scale[0]))
	if math.IsNaN(v) {
		v = 0
	}
	return int8(min(max(v+float64(q.ZeroPoint), math.MinInt8), math.MaxInt8))
}

func (m *Model) newOutput(n int) *Output {
	o := &Output{Classes: m.Classes()}
	for _, t := range m.Outputs {
		if m.fromSoftmax(t) {
			o.Probabilities = make([]float32, n*o.Classes)
		} else {
			o.Logits = make([]float32, n*o.Classes)
		}
	}
	return o
}

// place is where output tensor t of the model goes.
func (m *Model) place(o *Output, t int) []float32 {
	if m.fromSoftmax(t) {
		return o.Probabilities
	}
	return o.Logits
}

// fromSoftmax tells probabilities from logits by the op that computes them.
func (m *Model) fromSoftmax(t int) bool {
	for _, op := range m.Ops {
		if op.Outputs[0] == t {
			return op.Code == Softmax
		}
	}
	return false
}

// values are one goroutine's activations of one image.
type values[T any] struct {
	t    [][]T   // by tensor; nil for constants
	wide []int32 // an int8 kernel's input, or its accumulators
}

// step computes one op.
type step[T any] func(v *values[T])

// compile turns the ops into steps, by the kernels of one type of element.
func compile[T any](m *Model, kernel func(m *Model, op Op) (step[T], error)) ([]step[T], error) {
	var steps []step[T]
	for i, op := range m.Ops {
		s, err := kernel(m, op)
		if err != nil {
			return nil, fmt.Errorf("operator %d, %s: %w", i, op.Code, err)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// chunk is the number of consecutive images that one goroutine takes at a time.
const chunk = 16

// forEach runs the ops on images 0 to n-1. load fills an image, done sees all
// of its activations. Both may run on several goroutines, but images i of the
// same i/chunk follow each other on one.
func forEach[T any](m *Model, kernel func(*Model, Op) (step[T], error), n, workers int, load func(i int, dst []T),
	done func(i int, v *values[T])) error {
	steps, err := compile(m, kernel)
	if err != nil {
		return err
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range max(1, min(workers, (n+chunk-1)/chunk)) {
		wait.Go(func() {
			v := newValues[T](m)
			for {
				first := int(next.Add(chunk)) - chunk
				if first >= n {
					return
				}
				for i := first; i < min(first+chunk, n); i++ {
					load(i, v.t[m.Input])
					for _, s := range steps {
						s(v)
					}
					done(i, v)
				}
			}
		})
	}
	wait.Wait()
	return nil
}

func newValues[T any](m *Model) *values[T] {
	v := &values[T]{t: make([][]T, len(m.Tensors))}
	largest := 0
	v.t[m.Input] = make([]T, m.Tensors[m.Input].Elements())
	for _, op := range m.Ops {
		n := m.Tensors[op.Outputs[0]].Elements()
		v.t[op.Outputs[0]] = make([]T, n)
		largest = max(largest, n, m.Tensors[op.Inputs[0]].Elements())
	}
	v.wide = make([]int32, largest)
	return v
}

// Scores runs an int8 model on images, as Run does, and returns the logits as
// the integers that the model computes, Classes values an image. It returns an
// error for a float32 model and for one that gives probabilities only.
func (m *Model) Scores(pixels []uint8, workers int) ([]int8, error) {
	o, err := m.Run(pixels, workers)
	if err != nil {
		return nil, err
	}
	if !m.Quantized() || o.Logits == nil {
		return nil, fmt.Errorf("the model has no int8 logits")
	}
	var q *Quant
	for _, t := range m.Outputs {
		if !m.fromSoftmax(t) {
			q = m.Tensors[t].Quant
		}
	}
	scores := make([]int8, len(o.Logits))
	for i, v := range o.Logits { // exact: a float32 holds scale x integer up to half a step
		scores[i] = quantize(v, q)
	}
	return scores, nil
}
