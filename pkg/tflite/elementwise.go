package tflite

import (
	"math"

	"slimfit/models"
)

// rectifier is what the operators RELU and RELU6 do, as a fused activation.
func (c OpCode) rectifier() models.Activation {
	if c == Relu6 {
		return models.Relu6
	}
	return models.Relu
}

func floatAdd(op Op) step[float32] {
	lo, hi := clamp(op.Activation)
	a, b, out := op.Inputs[0], op.Inputs[1], op.Outputs[0]
	return func(v *values[float32]) {
		dst, other := v.t[out], v.t[b]
		for i, x := range v.t[a] {
			dst[i] = min(max(x+other[i], lo), hi)
		}
	}
}

func floatPrelu(m *Model, op Op) step[float32] {
	slopes := fromBytes[float32](m.tensor(op, 1).Data)
	in, out := op.Inputs[0], op.Outputs[0]
	return func(v *values[float32]) {
		dst := v.t[out]
		for i, x := range v.t[in] {
			if x < 0 {
				x *= slopes[i%len(slopes)]
			}
			dst[i] = x
		}
	}
}

// AddBits is how many more bits than its result the sum of two inputs has.
const AddBits = 20

// addition is TensorFlow Lite's AddElementwise: both inputs are brought to twice
// the larger of their scales with AddBits more bits, added and scaled back.
type addition struct {
	inputs [2]Multiplier
	back   Multiplier
}

func newAddition(a, b, out *Quant) addition {
	twice := 2 * float64(max(a.Scale[0], b.Scale[0]))
	return addition{
		inputs: [2]Multiplier{newMultiplier(float64(a.Scale[0]) / twice), newMultiplier(float64(b.Scale[0]) / twice)},
		back:   newMultiplier(twice / (float64(1<<AddBits) * float64(out.Scale[0]))),
	}
}

func int8Add(m *Model, op Op) step[int8] {
	a, b, out := op.Inputs[0], op.Inputs[1], op.Outputs[0]
	qa, qb, qo := m.Tensors[a].Quant, m.Tensors[b].Quant, m.Tensors[out].Quant
	add := newAddition(qa, qb, qo)
	table := func(q *Quant, scale Multiplier) (t [256]int32) {
		for x := math.MinInt8; x <= math.MaxInt8; x++ {
			t[uint8(int8(x))] = scale.apply(int32(x-q.ZeroPoint) << AddBits)
		}
		return t
	}
	ta, tb := table(qa, add.inputs[0]), table(qb, add.inputs[1])
	lo, hi := clampInt8(op.Activation, qo)
	return func(v *values[int8]) {
		dst, other := v.t[out], v.t[b]
		for i, x := range v.t[a] {
			sum := add.back.apply(ta[uint8(x)] + tb[uint8(other[i])])
			dst[i] = int8(min(max(sum+int32(qo.ZeroPoint), lo), hi))
		}
	}
}

// preluScales are those of values that stay, and of products with slopes.
func preluScales(in, slopes, out *Quant) [2]Multiplier {
	return [2]Multiplier{newMultiplier(float64(in.Scale[0] / out.Scale[0])),
		newMultiplier(float64(in.Scale[0] * slopes.Scale[0] / out.Scale[0]))}
}

// int8Prelu is TensorFlow Lite's BroadcastPrelu4DSlow.
func int8Prelu(m *Model, op Op) step[int8] {
	in, out, slopes := op.Inputs[0], op.Outputs[0], m.tensor(op, 1)
	qi, qo, qs := m.Tensors[in].Quant, m.Tensors[out].Quant, slopes.Quant
	scales := preluScales(qi, qs, qo)
	identity, sloped := scales[0], scales[1]
	return func(v *values[int8]) {
		dst := v.t[out]
		for i, q := range v.t[in] {
			x := int32(q) - int32(qi.ZeroPoint)
			y := int32(0)
			if x >= 0 {
				y = identity.apply(x)
			} else {
				y = sloped.apply(x * (int32(int8(slopes.Data[i%len(slopes.Data)])) - int32(qs.ZeroPoint)))
			}
			dst[i] = saturate(y + int32(qo.ZeroPoint))
		}
	}
}

// reluTable tabulates TensorFlow Lite's QuantizedReluX.
func reluTable(in, out *Quant, a models.Activation) [256]int8 {
	scale := newMultiplier(float64(in.Scale[0] / out.Scale[0]))
	lo, hi := clampInt8(a, out)
	return tabulate(in, func(x int) int32 { return min(max(int32(out.ZeroPoint)+scale.apply(int32(x)), lo), hi) })
}

// mulHigh16 is mulHigh for 16 bits.
func mulHigh16(a, b int16) int16 {
	if a == math.MinInt16 && b == math.MinInt16 {
		return math.MaxInt16
	}
	ab, nudge := int32(a)*int32(b), int32(1<<14)
	if ab < 0 {
		nudge = 1 - 1<<14
	}
	return int16((ab + nudge) / (1 << 15))
}

// multiplier16 rounds a multiplier's value to 16 bits.
func (m Multiplier) value16() int16 {
	if m.Value >= math.MaxInt32-1<<15 {
		return math.MaxInt16
	}
	return int16((m.Value + 1<<15) >> 16)
}

// hardSwishTable tabulates TensorFlow Lite's HardSwish: x in 1/128 steps of the
// input's scale, times a gate from 0 to 1 in 2^-15 steps; 16 bits throughout.
func hardSwishTable(in, out *Quant) [256]int8 {
	fine := 1.0 / 128 * in.Scale[0]
	output := newMultiplier(float64(fine / out.Scale[0]))
	gate := newMultiplier(float64(fine / (float32(3.0) / 32768)))
	left := func(x int16, n int) int16 { return int16(min(max(int32(x)<<n, math.MinInt16), math.MaxInt16)) }
	return tabulate(in, func(offset int) int32 {
		x := int16(offset) * (1 << 7)
		y := mulHigh16(x, output.value16())
		g := x
		if gate.Shift > 0 {
			g = left(g, gate.Shift-1)
		}
		g = mulHigh16(g, gate.value16())
		if gate.Shift > 0 {
			g = left(g, 1)
		}
		if gate.Shift < 0 {
			g = int16(divideByPowerOfTwo(int32(g), -gate.Shift))
		}
		g = int16((int32(g) + 1<<15) >> 1)
		product := int16(int32(g) * int32(y) / (1 << 15)) // truncated; g is never negative
		product = int16(divideByPowerOfTwo(int32(product), -output.Shift))
		return int32(product) + int32(out.ZeroPoint)
	})
}
