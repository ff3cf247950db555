package tflite

import "math"

// An int8 convolution computes two output channels with one 64-bit product:
// their weights lie in the two halves of a word, and so do the sums. The lower
// half is signed and may borrow from the upper one, which unpack undoes. The
// sums are TensorFlow Lite's int32 accumulators exactly.

// pairLanes is the number of words, twice as many channels, computed at once.
const pairLanes = 4

func pack(lower, upper int8) int64 { return int64(lower) + int64(upper)<<32 }

func unpack(sum int64) (lower, upper int32) {
	lower = int32(sum)
	return lower, int32((sum - int64(lower)) >> 32)
}

// packPairs packs [out][taps] weights as [out/8][taps][4] words, the last block
// filled with zeros.
func packPairs(w []byte, taps, out int) [][pairLanes]int64 {
	const block = 2 * pairLanes
	p := make([][pairLanes]int64, (out+block-1)/block*taps)
	for c := 0; c < out; c += 2 {
		for t := range taps {
			upper := int8(0)
			if c+1 < out {
				upper = int8(w[(c+1)*taps+t])
			}
			p[c/block*taps+t][c%block/2] = pack(int8(w[c*taps+t]), upper)
		}
	}
	return p
}

func int8Conv(m *Model, op Op) step[int8] {
	g := m.geometry(op)
	taps := g.taps()
	const block = 2 * pairLanes
	weights := packPairs(m.weights(op), taps, g.OutC)
	r := m.requantizer(op)
	in, out := op.Inputs[0], op.Outputs[0]
	zero := int32(m.Tensors[in].Quant.ZeroPoint)
	return func(v *values[int8]) {
		src, dst := v.wide[:len(v.t[in])], v.t[out]
		for i, x := range v.t[in] {
			src[i] = int32(x) - zero
		}
		g.fields(func(pixel int, at field) {
			row := (at.colTo - at.colFrom) * g.InC
			for c := 0; c < g.OutC; c += block {
				w := weights[c/block*taps : (c/block+1)*taps]
				var acc [pairLanes]int64
				pairs := min(pairLanes, (g.OutC-c+1)/2)
				for y := at.rowFrom; y < at.rowTo; y++ {
					x := src[((at.y+y-at.rowFrom)*g.InW+at.x)*g.InC:]
					dotPairs(x[:row], w[(y*g.WindowW+at.colFrom)*g.InC:], &acc, pairs)
				}
				for k := range min(block, g.OutC-c) {
					lower, upper := unpack(acc[k/2])
					if k%2 == 1 {
						lower = upper
					}
					dst[pixel*g.OutC+c+k] = r.value(lower, c+k)
				}
			}
		})
	}
}

// dotPairs adds x times the first words of each tap to acc.
func dotPairs(x []int32, w [][pairLanes]int64, acc *[pairLanes]int64, pairs int) {
	w = w[:len(x)]
	a0, a1, a2, a3 := acc[0], acc[1], acc[2], acc[3]
	switch pairs {
	case 1:
		for i, s := range x {
			a0 += int64(s) * w[i][0]
		}
	case 2:
		for i, s := range x {
			a0 += int64(s) * w[i][0]
			a1 += int64(s) * w[i][1]
		}
	default:
		for i, s := range x {
			p := &w[i]
			a0 += int64(s) * p[0]
			a1 += int64(s) * p[1]
			a2 += int64(s) * p[2]
			a3 += int64(s) * p[3]
		}
	}
	*acc = [pairLanes]int64{a0, a1, a2, a3}
}

func int8Depthwise(m *Model, op Op) step[int8] {
	g := m.geometry(op)
	weights := m.weights(op)
	r := m.requantizer(op)
	in, out, multiplier := op.Inputs[0], op.Outputs[0], g.OutC/g.InC
	zero := int32(m.Tensors[in].Quant.ZeroPoint)
	return func(v *values[int8]) {
		src, acc := v.t[in], v.wide[:g.OutC]
		g.fields(func(pixel int, at field) {
			clear(acc)
			for y := at.rowFrom; y < at.rowTo; y++ {
				for x := at.colFrom; x < at.colTo; x++ {
					s := src[((at.y+y-at.rowFrom)*g.InW+at.x+x-at.colFrom)*g.InC:]
					w := weights[(y*g.WindowW+x)*g.OutC : (y*g.WindowW+x+1)*g.OutC]
					if multiplier == 1 {
						for k, q := range s[:len(w)] {
							acc[k] += (int32(q) - zero) * int32(int8(w[k]))
						}
						continue
					}
					for k := range w {
						acc[k] += (int32(s[k/multiplier]) - zero) * int32(int8(w[k]))
					}
				}
			}
			for k, a := range acc {
				v.t[out][pixel*g.OutC+k] = r.value(a, k)
			}
		})
	}
}

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
