package tflite

import (
	"encoding/binary"
	"fmt"
	"math"

	"slimfit/models"
)

// Sizes are bytes of a network's files, and of their activations in TensorFlow
// Lite Micro's arena.
type Sizes struct{ Float, Int8, NPZ, ArenaFloat, Arena int }

// SizesOf computes the sizes of what WriteFloat, Quantize and WriteNPZ make of a network
// whose weights and ranges of activations all differ, from its shapes alone and
// with little memory. It fails where a file has no form, or needs more than 2
// GiB.
func SizesOf(spec models.Spec) (s Sizes, err error) {
	spec.Folded = true
	nodes, err := spec.Nodes()
	if err != nil {
		return s, err
	}
	b := &builder{blank: &blanks{shared: map[string]bool{}}}
	if err := b.build(spec, nodes, nil); err != nil {
		return s, err
	}
	s.NPZ = npzBytes(nodes)
	if s.Float, err = b.blank.size(b.m); err != nil {
		return s, err
	}
	s.ArenaFloat = ArenaBytes(b.m)
	if scaling := spec.Scaling; scaling.Series() { // see Quantize
		spec.Scaling, b.maps, b.blank = nil, nil, &blanks{shared: map[string]bool{}}
		if nodes, err = spec.Nodes(); err == nil {
			err = b.build(spec, nodes, nil)
		}
		if err != nil {
			return s, err
		}
		b.m.Scaling = scaling
	}
	b.blank = &blanks{shared: map[string]bool{}, short: map[int]int{}}
	b.blank.quantize(b.m)
	b.m.Description = b.m.int8Words()
	if err := checkSums(b.m); err != nil {
		return s, err
	}
	if s.Int8, err = b.blank.size(b.m); err != nil {
		return s, err
	}
	s.Arena = ArenaBytes(b.m)
	return s, nil
}

// blanks stand for the constants of a model that is only measured: few bytes,
// which are aligned as all of them, and differ where these differ.
type blanks struct {
	n      int             // made so far
	left   int             // bytes that they are short of what they stand for
	shared map[string]bool // what a file holds once
	short  map[int]int     // by the length of a list of scales, that of its blank
}

func (k *blanks) size(m *Model) (int, error) {
	size := k.left + len(encode(m, true))
	return size, fits(size)
}

// fits says whether a FlatBuffer can be so large.
func fits(bytes int) error {
	if bytes > math.MaxInt32 {
		return fmt.Errorf("a TensorFlow Lite file of it would have %d bytes, more than such files can", bytes)
	}
	return nil
}

const blankBytes = 64 // at most, of a constant

// data stands for constant data of so many bytes, all zero or unlike any other.
func (k *blanks) data(bytes int, zero bool) []byte {
	size := bytes
	if size > blankBytes {
		size = blankBytes - bufferAlignment + bytes%bufferAlignment
	}
	mark := uint64(bytes) | 1<<63
	if !zero {
		k.n++
		mark = uint64(k.n)
	}
	b := binary.LittleEndian.AppendUint64(nil, mark)
	b = append(b, make([]byte, blankBytes)...)[:size]
	if !k.shared[string(b)] {
		k.left += bytes - size
	}
	k.shared[string(b)] = zero && bytes > blankBytes
	return b
}

// scales stands for the scales of n channels, unlike any others.
func (k *blanks) scales(n int) []float32 {
	const few = 1024
	short := n
	if n > few {
		if _, ok := k.short[n]; !ok {
			k.short[n] = few + bufferAlignment*(len(k.short)+1) + n%bufferAlignment
			k.left += 8 * (n - k.short[n]) // their zero points, which all lists of a length share
		}
		short = k.short[n]
		k.left += 4 * (n - short)
	}
	k.n++
	s := make([]float32, short)
	for i := range s {
		s[i] = float32(k.n)
	}
	return s
}

// quantize is quantizer.model for a model of blanks.
func (k *blanks) quantize(m *Model) {
	positive := map[int]bool{m.Input: !m.Scaling.Series()} // nothing below zero: all have one zero point
	m.Tensors[m.Input].Type, m.Tensors[m.Input].Quant = Int8, m.inputQuant()
	for _, op := range m.Ops {
		in, out := &m.Tensors[op.Inputs[0]], &m.Tensors[op.Outputs[0]]
		out.Type = Int8
		lo, _ := clamp(op.Activation)
		switch op.Code {
		case MaxPool2D, AveragePool2D:
			out.Quant, positive[op.Outputs[0]] = in.Quant, positive[op.Inputs[0]]
			continue
		case Softmax, Logistic:
			out.Quant, positive[op.Outputs[0]] = unitQuant(), true
			continue
		case Tanh:
			out.Quant = tanhQuant()
			continue
		case Mean:
			positive[op.Outputs[0]] = positive[op.Inputs[0]]
		case Relu, Relu6:
			positive[op.Outputs[0]] = true
		case Add:
			positive[op.Outputs[0]] = lo == 0 || positive[op.Inputs[0]] && positive[op.Inputs[1]]
		case Prelu:
			t := m.tensor(op, 1)
			t.Type, t.Quant, t.Data = Int8, &Quant{Scale: k.scales(1)}, k.data(t.Elements(), false)
		case Conv2D, DepthwiseConv2D, FullyConnected:
			positive[op.Outputs[0]] = lo == 0
			k.weighted(m, op)
		}
		out.Quant = &Quant{Scale: k.scales(1), ZeroPoint: k.n} // beyond 8 bits: like no other
		if positive[op.Outputs[0]] {
			out.Quant.ZeroPoint = math.MinInt8
		}
	}
}

func (k *blanks) weighted(m *Model, op Op) {
	w, b := m.tensor(op, 1), m.tensor(op, 2)
	n := b.Elements()
	if op.Code == FullyConnected {
		n = 1
	}
	w.Type, w.Quant, w.Data = Int8, &Quant{Scale: k.scales(n)}, k.data(w.Elements(), false)
	b.Type, b.Quant, b.Data = Int32, &Quant{Scale: k.scales(n)}, k.data(4*b.Elements(), false)
	if op.Code == DepthwiseConv2D {
		w.Quant.Axis = 3
	}
}

// checkSums refuses layers of so many inputs that their sums leave int32 with
// weights that lie evenly over their range, as roundBiases does with real ones.
func checkSums(m *Model) error {
	for _, op := range m.Ops {
		if op.Code != FullyConnected && op.Code != Conv2D {
			continue
		}
		w := m.tensor(op, 1)
		if taps := w.Elements() / w.Shape[0]; taps > math.MaxInt32/(127*255/2) {
			return fmt.Errorf("%s: %d inputs of a channel can sum up to more than 32 bits hold: use fewer inputs, or the float32 format",
				m.Tensors[op.Outputs[0]].Name, taps)
		}
	}
	return nil
}
