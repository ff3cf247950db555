package tflite

import "math"

func int8AveragePool(m *Model, op Op) step[int8] {
	g := m.geometry(op)
	lo, hi := clampInt8(op.Activation, m.Tensors[op.Outputs[0]].Quant)
	in, out := op.Inputs[0], op.Outputs[0]
	return func(v *values[int8]) {
		g.fields(func(pixel int, at field) {
			dst, acc := v.t[out][pixel*g.OutC:(pixel+1)*g.OutC], v.wide[:g.OutC]
			clear(acc)
			g.window(at, func(offset int) {
				for k, x := range v.t[in][offset : offset+g.InC] {
					acc[k] += int32(x)
				}
			})
			n := int32((at.rowTo - at.rowFrom) * (at.colTo - at.colFrom))
			for k, a := range acc {
				if a > 0 {
					a = (a + n/2) / n
				} else {
					a = (a - n/2) / n
				}
				dst[k] = int8(min(max(a, lo), hi))
			}
		})
	}
}

// int8Mean is TensorFlow Lite's QuantizedMeanOrSum; see meanScale.
func int8Mean(m *Model, op Op) step[int8] {
	in, out := op.Inputs[0], op.Outputs[0]
	qi, qo := m.Tensors[in].Quant, m.Tensors[out].Quant
	shape := m.Tensors[in].Shape
	channels, n := shape[3], int64(shape[1]*shape[2])
	scale := meanScale(qi, qo, n)
	return func(v *values[int8]) {
		acc := v.wide[:channels]
		clear(acc)
		for i, x := range v.t[in] {
			acc[i%channels] += int32(x)
		}
		for c, a := range acc {
			a -= int32(int64(qi.ZeroPoint) * n)
			v.t[out][c] = saturate(scale.apply(a) + int32(qo.ZeroPoint))
		}
	}
}

func int8Softmax(m *Model, op Op) step[int8] {
	in, out := op.Inputs[0], op.Outputs[0]
	scale := newMultiplier(min(float64(m.Tensors[in].Quant.Scale[0])*(1<<(31-scaledDiffBits)), math.MaxInt32))
	smallest := -int(math.Floor(float64(1<<scaledDiffBits-1) * (1 << (31 - scaledDiffBits)) / float64(int64(1)<<scale.Shift)))
	exp := func(diff int) int32 { return expNegative(mulHigh(int32(diff)<<scale.Shift, scale.Value)) }
	return func(v *values[int8]) {
		src, dst := v.t[in], v.t[out]
		largest := int8(math.MinInt8)
		for _, x := range src {
			largest = max(largest, x)
		}
		const sumBits = 12
		sum := int32(0)
		for _, x := range src {
			if d := int(x) - int(largest); d >= smallest {
				sum += divideByPowerOfTwo(exp(d), sumBits)
			}
		}
		inverse, shift := reciprocal(sum, sumBits)
		for i, x := range src {
			dst[i] = math.MinInt8
			if d := int(x) - int(largest); d >= smallest {
				p := divideByPowerOfTwo(mulHigh(inverse, exp(d)), shift+31-8)
				dst[i] = saturate(p + math.MinInt8)
			}
		}
	}
}
