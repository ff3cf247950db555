package tflite

import (
	"fmt"
	"math"

	"slimfit/models"
)

// int8Kernel is the step of one op of an int8 model. It gives the same bits as
// TensorFlow Lite's reference kernels.
func int8Kernel(m *Model, op Op) (step[int8], error) {
	in, out := op.Inputs[0], op.Outputs[0]
	qi, qo := m.Tensors[in].Quant, m.Tensors[out].Quant
	lo, hi := clampInt8(op.Activation, qo)
	switch op.Code {
	case Conv2D, FullyConnected:
		return int8Conv(m, op), nil
	case DepthwiseConv2D:
		return int8Depthwise(m, op), nil
	case MaxPool2D:
		return maxPool(m, op, math.MinInt8, int8(lo), int8(hi)), nil
	case AveragePool2D:
		return int8AveragePool(m, op), nil
	case Mean:
		return int8Mean(m, op), nil
	case Reshape:
		return reshape[int8](op), nil
	case Softmax:
		return int8Softmax(m, op), nil
	case Prelu:
		return int8Prelu(m, op), nil
	case Add:
		return int8Add(m, op), nil
	}
	table, err := op.table(qi, qo)
	if err != nil {
		return nil, err
	}
	return func(v *values[int8]) {
		dst := v.t[out]
		for i, x := range v.t[in] {
			dst[i] = table[uint8(x)]
		}
	}, nil
}

// table tabulates a function of one value by uint8 of its int8 argument.
func (op Op) table(in, out *Quant) (table [256]int8, err error) {
	switch op.Code {
	case Relu, Relu6:
		return reluTable(in, out, op.Code.rectifier()), nil
	case HardSwish:
		return hardSwishTable(in, out), nil
	case Logistic:
		return functionTable(in, out, sigmoid), nil
	case Tanh:
		return functionTable(in, out, tanh), nil
	case Elu:
		return functionTable(in, out, elu), nil
	case LeakyRelu:
		return leakyTable(in, out, op.Alpha), nil
	}
	return table, fmt.Errorf("no int8 kernel")
}

// tabulate calls f with each input less its zero point.
func tabulate(in *Quant, f func(x int) int32) (table [256]int8) {
	for q := math.MinInt8; q <= math.MaxInt8; q++ {
		table[uint8(int8(q))] = saturate(f(q - in.ZeroPoint))
	}
	return table
}

// functionTable tabulates a function of one value in float32, as TensorFlow
// Lite's LUTPopulate does.
func functionTable(in, out *Quant, f func(float32) float32) [256]int8 {
	inverse := 1 / out.Scale[0]
	return tabulate(in, func(x int) int32 {
		y := f(in.Scale[0] * float32(x))
		r := float32(math.Round(float64(y * inverse)))
		return int32(r + float32(out.ZeroPoint))
	})
}

// leakyTable tabulates TensorFlow Lite's QuantizeLeakyRelu.
func leakyTable(in, out *Quant, alpha float32) [256]int8 {
	slope := newMultiplier(math.Abs(float64(in.Scale[0] * alpha / out.Scale[0])))
	identity := newMultiplier(float64(in.Scale[0] / out.Scale[0]))
	return tabulate(in, func(x int) int32 {
		y, zero := int32(x), int32(out.ZeroPoint)
		switch {
		case y >= 0:
			return zero + identity.apply(y)
		case alpha < 0:
			return zero - slope.apply(y)
		}
		return zero + slope.apply(y)
	})
}

func saturate(x int32) int8 { return int8(min(max(x, math.MinInt8), math.MaxInt8)) }

// requantizer turns accumulators into int8 outputs.
type requantizer struct {
	bias   []int32
	scale  []Multiplier // one for each channel
	exact  []float64    // instead of scale, for dense layers of LiteRT
	zero   int32
	lo, hi int32 // the fused activation's range
}

func (m *Model) requantizer(op Op) requantizer {
	in, w, out := m.Tensors[op.Inputs[0]].Quant, m.tensor(op, 1).Quant, m.Tensors[op.Outputs[0]].Quant
	r := requantizer{bias: fromBytes[int32](m.tensor(op, 2).Data), zero: int32(out.ZeroPoint)}
	r.lo, r.hi = clampInt8(op.Activation, out)
	for c := range r.bias {
		s := w.Scale[0]
		if len(w.Scale) > 1 {
			s = w.Scale[c]
		}
		real := float64(in.Scale[0]) * float64(s) / float64(out.Scale[0])
		switch {
		case op.Code == FullyConnected && m.Kernels == LiteRT:
			r.exact = append(r.exact, real)
			continue
		case op.Code == FullyConnected && len(w.Scale) == 1:
			// The product of the scales is a float32 there.
			real = float64(in.Scale[0]*s) / float64(out.Scale[0])
		}
		r.scale = append(r.scale, newMultiplier(real))
	}
	return r
}

func (r *requantizer) value(acc int32, c int) int8 {
	acc += r.bias[c]
	if r.exact != nil {
		y := math.Round(float64(acc)*r.exact[c]) + float64(r.zero)
		return int8(min(max(y, float64(r.lo)), float64(r.hi)))
	}
	return int8(min(max(r.scale[c].apply(acc)+r.zero, r.lo), r.hi))
}

// clampInt8 returns the fused activation as a range of integers.
func clampInt8(a models.Activation, q *Quant) (lo, hi int32) {
	lo, hi = math.MinInt8, math.MaxInt8
	if a == models.Relu || a == models.Relu6 {
		lo = max(lo, int32(q.ZeroPoint))
	}
	if a == models.Relu6 {
		six := math.Round(float64(6 / q.Scale[0]))
		hi = int32(min(float64(hi), float64(q.ZeroPoint)+six))
	}
	return lo, hi
}
