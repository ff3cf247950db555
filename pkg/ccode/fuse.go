package ccode

import (
	"fmt"
	"math"

	"slimfit/pkg/tflite"
)

// step is what one C function computes: a stage, then the function of one
// value and the max pool that follow it, where they are fused.
type step struct {
	tflite.Stage
	N    int           // of the step, from 0
	then *tflite.Stage // a function of one value, applied to the stage's result
	Pool *tflite.Stage // a max pool over it
	out  int           // the tensor that is stored
	Size int           // its elements

	pixels bool // the input is the image's pixels
	others bool // the second input is
	last   bool // the result is the scores
	Late   bool // the largest of sums may be rounded once, after the pool

	// factor is the multiplier of all channels of a layer that rounds once, where it
	// takes more than 32 bits; Scale then has its shift alone.
	factor int64

	Kind   string // see kind
	Arrays string // the constants as C
}

// fuse turns the model's ops into steps. The softmax is left out: scores are
// the logits.
func fuse(m *tflite.Model) ([]step, error) {
	stages, err := m.Lower()
	if err != nil {
		return nil, err
	}
	scores := m.Outputs[0]
	same := map[int]int{} // a tensor that holds the same values in the same order as another
	at := func(t int) int {
		if s, ok := same[t]; ok {
			return s
		}
		return t
	}
	readers := map[int]int{} // of a tensor: how many ops read it
	for i := range stages {
		s := &stages[i]
		s.In = at(s.In)
		if s.Op.Code == tflite.Reshape {
			same[s.Out] = s.In
			continue
		}
		readers[s.In]++
		if s.Op.Code == tflite.Add {
			s.Other = at(s.Other)
			readers[s.Other]++
		}
	}
	pixels := !m.Scaling.Series() // a series' levels are int8
	var steps []step
	for _, s := range stages {
		switch s.Op.Code {
		case tflite.Softmax:
			if at(s.Out) == at(scores) || len(m.Outputs) > 1 && s.Out != scores {
				scores = s.In
			}
			continue
		case tflite.Reshape:
			continue
		}
		if n := len(steps); n > 0 && readers[s.In] == 1 && steps[n-1].take(s) {
			continue
		}
		steps = append(steps, step{Stage: s, out: s.Out, pixels: pixels && s.In == m.Input,
			others: pixels && s.Op.Code == tflite.Add && s.Other == m.Input})
	}
	if err := wellFormed(m, steps, at(scores)); err != nil {
		return nil, err
	}
	for i := range steps {
		s := &steps[i]
		s.N, s.last, s.Size = i, i == len(steps)-1, m.Tensors[s.out].Elements()
		s.Late = s.Pool != nil && (s.then == nil || rising(s.then)) && (s.Real || safeShift(s.Stage))
		if s.Real {
			continue
		}
		if err := checkSums(s.Stage); err != nil {
			return nil, fmt.Errorf("operator %d, %s: %w", i, s.Op.Code, err)
		}
	}
	return steps, nil
}

// take fuses the next stage into s where it can: a table after any stage, a
// max pool without overlap after a convolution.
func (s *step) take(next tflite.Stage) bool {
	if next.In != s.out {
		return false
	}
	convolves := s.Op.Code == tflite.Conv2D || s.Op.Code == tflite.DepthwiseConv2D
	switch {
	case next.Function() && s.then == nil && s.Pool == nil && !s.Function():
		s.then = &next
	case next.Op.Code == tflite.MaxPool2D && convolves && s.Pool == nil &&
		next.StrideH >= next.WindowH && next.StrideW >= next.WindowW:
		s.Pool = &next
	default:
		return false
	}
	s.out = next.Out
	return true
}

// reads lists the tensors that a step reads.
func (s *step) reads() []int {
	if s.Op.Code == tflite.Add {
		return []int{s.In, s.Other}
	}
	return []int{s.In}
}

// wellFormed checks that every step reads what is there, and that the last one
// gives the scores.
func wellFormed(m *tflite.Model, steps []step, scores int) error {
	there := map[int]bool{m.Input: true}
	for _, s := range steps {
		for _, t := range s.reads() {
			if !there[t] {
				return fmt.Errorf("%s reads what no layer before it gives", s.Op.Code)
			}
		}
		there[s.out] = true
	}
	if len(steps) == 0 || steps[len(steps)-1].out != scores {
		return fmt.Errorf("the last layer does not give the scores")
	}
	q := m.Tensors[m.Input].Quant
	if !m.Quantized() {
		return nil
	}
	if !m.Scaling.Series() && (q.ZeroPoint != -128 || q.Scale[0] != float32(1)/255) {
		return fmt.Errorf("the input's scale is %v with zero point %d, not a pixel's 1/255 and -128", q.Scale[0], q.ZeroPoint)
	}
	return nil
}

// rising says whether a function never falls, so that it commutes with a
// maximum.
func rising(f *tflite.Stage) bool {
	if f.Real {
		return f.Op.Code != tflite.HardSwish && f.Op.Code != tflite.LeakyRelu
	}
	t := f.Table
	for q := math.MinInt8; q < math.MaxInt8; q++ {
		if t[uint8(int8(q))] > t[uint8(int8(q+1))] {
			return false
		}
	}
	return true
}

// largestSum bounds the absolute value of a channel's sum, bias included.
func largestSum(s tflite.Stage, c int) int64 {
	widest := int64(max(127-s.InZero, s.InZero+128))
	sum := abs(int64(s.Bias[c]))
	taps := len(s.Weights) / s.OutC
	for t := range taps {
		w := s.Weights[c*taps+t%taps]
		if s.Op.Code == tflite.DepthwiseConv2D {
			w = s.Weights[t*s.OutC+c]
		}
		sum += abs(int64(w)) * widest
	}
	return sum
}

func abs(x int64) int64 { return max(x, -x) }

// checkSums refuses a layer whose sums could leave 32 bits.
func checkSums(s tflite.Stage) error {
	for c := range s.Bias {
		if largestSum(s, c) > math.MaxInt32 {
			return fmt.Errorf("sums of channel %d could leave 32 bits", c)
		}
	}
	return nil
}

// safeShift says whether rounding to int8 keeps the order of sums: a shift to
// the left must not overflow.
func safeShift(s tflite.Stage) bool {
	for c, x := range s.Scale {
		if x.Shift > 0 && largestSum(s, c)<<x.Shift > math.MaxInt32 {
			return false
		}
	}
	return true
}
