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
	n, err := m.count(len(pixels))
	if err != nil {
		return nil, err
	}
	size := m.InputShape().Elements()
	if m.Quantized() {
		q := m.Tensors[m.Input].Quant
		var table [256]int8
		for p := range table {
			table[p] = quantize(float32(p)/255, q)
		}
		return runInt8(m, n, workers, func(i int, dst []int8) {
			for k, p := range pixels[i*size : (i+1)*size] {
				dst[k] = table[p]
			}
		})
	}
	return runFloat(m, n, workers, loadPixels(pixels, size))
}

// RunFloat is Run for images that are already real numbers in [0, 1].
func (m *Model) RunFloat(images []float32, workers int) (*Output, error) {
	n, err := m.count(len(images))
	if err != nil {
		return nil, err
	}
	size := m.InputShape().Elements()
	if m.Quantized() {
		q := m.Tensors[m.Input].Quant
		return runInt8(m, n, workers, func(i int, dst []int8) {
			for k, x := range images[i*size : (i+1)*size] {
				dst[k] = quantize(x, q)
			}
		})
	}
	return runFloat(m, n, workers, func(i int, dst []float32) { copy(dst, images[i*size:]) })
}

func loadPixels(pixels []uint8, size int) func(i int, dst []float32) {
	return func(i int, dst []float32) {
		for k, p := range pixels[i*size : (i+1)*size] {
			dst[k] = float32(p) / 255
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

func runInt8(m *Model, n, workers int, load func(int, []int8)) (*Output, error) {
	steps, err := compileInt8(m)
	if err != nil {
		return nil, err
	}
	o := m.newOutput(n)
	forEach(m, steps, n, workers, load, func(i int, v *values[int8]) {
		for _, t := range m.Outputs {
			q, dst := m.Tensors[t].Quant, m.place(o, t)[i*o.Classes:]
			for c, x := range v.t[t] {
				dst[c] = q.Scale[0] * float32(int(x)-q.ZeroPoint)
			}
		}
	})
	return o, nil
}

func runFloat(m *Model, n, workers int, load func(int, []float32)) (*Output, error) {
	steps, err := compileFloat(m)
	if err != nil {
		return nil, err
	}
	o := m.newOutput(n)
	forEach(m, steps, n, workers, load, func(i int, v *values[float32]) {
		for _, t := range m.Outputs {
			copy(m.place(o, t)[i*o.Classes:], v.t[t])
		}
	})
	return o, nil
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

// chunk is the number of consecutive images that one goroutine takes at a time.
const chunk = 16

// forEach runs the steps on images 0 to n-1. load fills an image, done sees all
// of its activations. Both may run on several goroutines, but images i of the
// same i/chunk follow each other on one.
func forEach[T any](m *Model, steps []step[T], n, workers int, load func(i int, dst []T), done func(i int, v *values[T])) {
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
