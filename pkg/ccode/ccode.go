// Package ccode writes a network as freestanding C99: one function that takes an
// image's pixels and returns its class, without a runtime, without malloc and, in
// int8, without floating point. It is for devices with kilobytes, where a
// TensorFlow Lite runtime is larger than the network.
//
// # From a file to C
//
//  1. tflite.Model.Lower gives the ops as stages of plain integers.
//  2. fuse joins what need not be stored apart: a convolution, the function of
//     one value after it and the max pool after that are one step, so that the
//     full feature map never exists.
//  3. plan lays the steps' results into one static arena.
//  4. Generate writes the C, a function a step, all sizes as literals.
//
// The scores have the same bits as those of TensorFlow Lite's reference kernels
// for the model's Kernels (LiteRT's or TensorFlow Lite Micro's).
package ccode

import (
	"fmt"
	"math"
	"math/bits"
	"regexp"

	"slimfit/pkg/tflite"
)

// Options says how the C is written.
type Options struct {
	Name    string   // C identifier that all external names begin with
	Classes []string // names of the classes, in order; may be empty
	About   string   // a sentence for the comment at the top
	Golden  []uint8  // pixels of images for the self-test, n*h*w*c
}

// Source is a network in C.
type Source struct {
	C, H       []byte
	ArenaBytes int // static memory for activations, besides the pixels and the stack
	FlashBytes int // constants of the network: weights, biases, scales and tables
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// Generate writes the network of a model, in int8 or float32. It returns an
// error for a name that is no C identifier, for golden pixels
// that are no whole images, and for ops or ranges that the C form lacks.
func Generate(m *tflite.Model, o Options) (Source, error) {
	if !identifier.MatchString(o.Name) {
		return Source{}, fmt.Errorf("write C code: %q is no C identifier: use letters, digits and _, not a digit first", o.Name)
	}
	if n := len(o.Classes); n > 0 && n != m.Classes() {
		return Source{}, fmt.Errorf("write C code: %d names for %d classes", n, m.Classes())
	}
	steps, err := fuse(m)
	if err != nil {
		return Source{}, fmt.Errorf("write C code: %w", err)
	}
	n := &network{Options: o, Input: m.InputShape(), Outputs: m.Classes(), Steps: steps, model: m, plan: plan(steps)}
	n.Images, n.ArenaBytes = len(o.Golden)/n.Input.Elements(), n.plan.bytes
	if err := n.golden(); err != nil {
		return Source{}, fmt.Errorf("write C code: %w", err)
	}
	if n.Real() {
		n.ArenaBytes *= 4
	}
	out := Source{ArenaBytes: n.ArenaBytes}
	for i := range steps {
		flash, err := steps[i].prepare()
		if err != nil {
			return Source{}, fmt.Errorf("write C code: %w", err)
		}
		out.FlashBytes += flash
	}
	if out.C, err = n.write("c"); err == nil {
		out.H, err = n.write("h")
	}
	if err != nil {
		return Source{}, fmt.Errorf("write C code: %w", err)
	}
	return out, nil
}

// exactScale finds integers m and shift such that x * m / 2^shift, rounded
// once, halves away from zero, is round(x * real) in double precision for every
// sum x that is not beyond int8 either way. Both rise with x, so it is enough
// that they agree on both sides of each of their steps. m has 31 bits, or as many
// as the largest sum leaves in 64 where wide is set: small scales need more.
func exactScale(real float64, largest int64, wide bool) (m int64, shift int, err error) {
	if real <= 0 || math.IsInf(real, 0) || math.IsNaN(real) {
		return 0, 0, fmt.Errorf("a scale of %v", real)
	}
	fraction, exponent := math.Frexp(real)
	width := 31
	if wide {
		width = max(width, min(61-bits.Len64(uint64(largest)), 61+exponent))
	}
	shift = width - exponent
	if shift < 1 || shift > 62 {
		return 0, 0, fmt.Errorf("a scale of %v is out of range", real)
	}
	first := int64(math.Round(math.Ldexp(fraction, width)))
	for _, d := range []int64{0, -1, 1, -2, 2} {
		if v := first + d; v > 0 && v < 1<<width && sameRounding(real, v, shift, largest) {
			return v, shift, nil
		}
	}
	return 0, 0, fmt.Errorf("no multiplier of %d bits rounds as %v does", width, real)
}

// sameRounding compares at the sums around each step of the result.
func sameRounding(real float64, m int64, shift int, largest int64) bool {
	for step := -256; step <= 256; step++ { // an int8 result less a zero point lies in [-255, 255]
		at := int64((float64(step) + 0.5) / real)
		for x := at - 2; x <= at+2; x++ {
			if abs(x) <= largest && math.Round(float64(x)*real) != float64(roundedOnce(x, m, shift)) {
				return false
			}
		}
	}
	return true
}

func roundedOnce(x, m int64, shift int) int64 {
	p := x * m
	half := int64(1) << (shift - 1)
	if p < 0 {
		half--
	}
	return (p + half) >> shift
}

// arena says where the steps' results lie.
type arena struct {
	bytes  int         // elements, in a float32 network
	offset map[int]int // by tensor; the scores, which the caller has, are not in it
}

// plan places the results: each is needed until the last step that reads it. A
// step of one value after another works in place where nobody reads its input
// later.
func plan(steps []step) arena {
	last := map[int]int{} // the last step that reads a tensor
	for i := range steps {
		for _, t := range steps[i].reads() {
			last[t] = i
		}
	}
	var buffers []tflite.Buffer
	owner := map[int]int{} // of a tensor's buffer
	for i := range steps {
		s := &steps[i]
		in, stored := owner[s.In]
		switch {
		case s.last:
		case stored && s.inPlace() && last[s.In] == i:
			owner[s.out] = in
			buffers[in].Last = last[s.out]
		default:
			owner[s.out] = len(buffers)
			buffers = append(buffers, tflite.Buffer{Tensor: s.out, Bytes: s.Size, First: i, Last: last[s.out]})
		}
	}
	tflite.PlaceBuffers(buffers)
	a := arena{offset: map[int]int{}}
	for t, k := range owner {
		a.offset[t] = buffers[k].Offset
		a.bytes = max(a.bytes, buffers[k].Offset+buffers[k].Bytes)
	}
	return a
}

// inPlace says whether each value of the result needs only the same value of
// the first input.
func (s *step) inPlace() bool {
	return s.Function() || s.Op.Code == tflite.Prelu || s.Op.Code == tflite.Add && s.In != s.Other
}
