package tflite

import (
	"fmt"
	"math"
	"slices"

	"slimfit/models"
)

// floatKernel is the step of one op of a float32 model.
func floatKernel(m *Model, op Op) (step[float32], error) {
	in, out := op.Inputs[0], op.Outputs[0]
	each := func(f func(x float32) float32) step[float32] {
		return func(v *values[float32]) {
			dst := v.t[out]
			for i, x := range v.t[in] {
				dst[i] = f(x)
			}
		}
	}
	lo, hi := clamp(op.Activation)
	switch op.Code {
	case Conv2D, FullyConnected:
		return floatConv(m, op), nil
	case DepthwiseConv2D:
		return floatDepthwise(m, op), nil
	case MaxPool2D:
		return maxPool(m, op, -math.MaxFloat32, lo, hi), nil
	case AveragePool2D:
		return floatAveragePool(m, op), nil
	case Mean:
		return floatMean(m, op), nil
	case Reshape:
		return reshape[float32](op), nil
	case Softmax:
		return func(v *values[float32]) { softmax(v.t[out], v.t[in]) }, nil
	case Logistic:
		return each(sigmoid), nil
	case Tanh:
		return each(tanh), nil
	case Elu:
		return each(elu), nil
	case Relu, Relu6:
		lo, hi = clamp(op.Code.rectifier())
		return each(func(x float32) float32 { return min(max(x, lo), hi) }), nil
	case HardSwish:
		return each(func(x float32) float32 { return x * min(max(x+3, 0), 6) / 6 }), nil
	case Prelu:
		return floatPrelu(m, op), nil
	case Add:
		return floatAdd(op), nil
	case LeakyRelu:
		return each(func(x float32) float32 {
			if x > 0 {
				return x
			}
			return x * op.Alpha
		}), nil
	}
	return nil, fmt.Errorf("no float32 kernel")
}

func reshape[T any](op Op) step[T] {
	return func(v *values[T]) { copy(v.t[op.Outputs[0]], v.t[op.Inputs[0]]) }
}

func exp32(x float32) float32 { return float32(math.Exp(float64(x))) }

func sigmoid(x float32) float32 { return 1 / (1 + exp32(-x)) }

func tanh(x float32) float32 { return float32(math.Tanh(float64(x))) }

func elu(x float32) float32 {
	if x < 0 {
		return float32(math.Expm1(float64(x)))
	}
	return x
}

// clamp returns the fused activation as a range.
func clamp(a models.Activation) (lo, hi float32) {
	lo, hi = -math.MaxFloat32, math.MaxFloat32
	if a == models.Relu || a == models.Relu6 {
		lo = 0
	}
	if a == models.Relu6 {
		hi = 6
	}
	return lo, hi
}

// lanes is the number of output channels that a float32 convolution computes
// at once.
const lanes = 8

// interleave packs [out][taps] weights as [out/lanes][taps][lanes], the last
// block filled with zeros.
func interleave(w []float32, taps, out int) [][lanes]float32 {
	p := make([][lanes]float32, (out+lanes-1)/lanes*taps)
	for c := range out {
		for t := range taps {
			p[c/lanes*taps+t][c%lanes] = w[c*taps+t]
		}
	}
	return p
}

func floatConv(m *Model, op Op) step[float32] {
	g := m.geometry(op)
	taps := g.taps()
	weights := interleave(m.floatWeights(op), taps, g.OutC)
	bias := fromBytes[float32](m.tensor(op, 2).Data)
	lo, hi := clamp(op.Activation)
	in, out := op.Inputs[0], op.Outputs[0]
	return func(v *values[float32]) {
		src, dst := v.t[in], v.t[out]
		g.fields(func(pixel int, at field) {
			row := (at.colTo - at.colFrom) * g.InC
			for c := 0; c < g.OutC; c += lanes {
				w := weights[c/lanes*taps : (c/lanes+1)*taps]
				var acc [lanes]float32
				for r := at.rowFrom; r < at.rowTo; r++ {
					x := src[((at.y+r-at.rowFrom)*g.InW+at.x)*g.InC:]
					dotFloat(x[:row], w[(r*g.WindowW+at.colFrom)*g.InC:], &acc)
				}
				for k := range min(lanes, g.OutC-c) {
					dst[pixel*g.OutC+c+k] = min(max(acc[k]+bias[c+k], lo), hi)
				}
			}
		})
	}
}

// dotFloat adds x times each lane of w to acc. The conversions keep a compiler
// from fusing the products into the sums, so that every processor gets the same
// sums and Quantize writes the same file.
func dotFloat(x []float32, w [][lanes]float32, acc *[lanes]float32) {
	w = w[:len(x)]
	a0, a1, a2, a3, a4, a5, a6, a7 := acc[0], acc[1], acc[2], acc[3], acc[4], acc[5], acc[6], acc[7]
	for i, s := range x {
		p := &w[i]
		a0 += float32(s * p[0])
		a1 += float32(s * p[1])
		a2 += float32(s * p[2])
		a3 += float32(s * p[3])
		a4 += float32(s * p[4])
		a5 += float32(s * p[5])
		a6 += float32(s * p[6])
		a7 += float32(s * p[7])
	}
	*acc = [lanes]float32{a0, a1, a2, a3, a4, a5, a6, a7}
}

func floatDepthwise(m *Model, op Op) step[float32] {
	g := m.geometry(op)
	weights, bias := m.floatWeights(op), fromBytes[float32](m.tensor(op, 2).Data)
	lo, hi := clamp(op.Activation)
	in, out, multiplier := op.Inputs[0], op.Outputs[0], g.OutC/g.InC
	return func(v *values[float32]) {
		src := v.t[in]
		g.fields(func(pixel int, at field) {
			dst := v.t[out][pixel*g.OutC : (pixel+1)*g.OutC]
			clear(dst)
			for r := at.rowFrom; r < at.rowTo; r++ {
				for c := at.colFrom; c < at.colTo; c++ {
					x := src[((at.y+r-at.rowFrom)*g.InW+at.x+c-at.colFrom)*g.InC:]
					w := weights[(r*g.WindowW+c)*g.OutC : (r*g.WindowW+c+1)*g.OutC]
					if multiplier == 1 {
						for k, y := range x[:len(w)] {
							dst[k] += float32(y * w[k])
						}
						continue
					}
					for k := range w {
						dst[k] += float32(x[k/multiplier] * w[k])
					}
				}
			}
			for k := range dst {
				dst[k] = min(max(dst[k]+bias[k], lo), hi)
			}
		})
	}
}

// maxPool starts at the lowest value there is and ends within [lo, hi].
func maxPool[T int8 | float32](m *Model, op Op, lowest, lo, hi T) step[T] {
	g := m.geometry(op)
	in, out := op.Inputs[0], op.Outputs[0]
	return func(v *values[T]) {
		g.fields(func(pixel int, at field) {
			dst := v.t[out][pixel*g.OutC : (pixel+1)*g.OutC]
			for k := range dst {
				dst[k] = lowest
			}
			g.window(at, func(offset int) {
				for k, x := range v.t[in][offset : offset+g.InC] {
					dst[k] = max(dst[k], x)
				}
			})
			for k := range dst {
				dst[k] = min(max(dst[k], lo), hi)
			}
		})
	}
}

// floatAveragePool divides by the number of pixels in the window that lie on
// the image.
func floatAveragePool(m *Model, op Op) step[float32] {
	g := m.geometry(op)
	lo, hi := clamp(op.Activation)
	in, out := op.Inputs[0], op.Outputs[0]
	return func(v *values[float32]) {
		g.fields(func(pixel int, at field) {
			dst := v.t[out][pixel*g.OutC : (pixel+1)*g.OutC]
			clear(dst)
			g.window(at, func(offset int) {
				for k, x := range v.t[in][offset : offset+g.InC] {
					dst[k] += x
				}
			})
			n := float32((at.rowTo - at.rowFrom) * (at.colTo - at.colFrom))
			for k := range dst {
				dst[k] = min(max(dst[k]/n, lo), hi)
			}
		})
	}
}

// window calls f with the offset of every pixel of the field.
func (g Geometry) window(at field, f func(offset int)) {
	for r := range at.rowTo - at.rowFrom {
		for c := range at.colTo - at.colFrom {
			f(((at.y+r)*g.InW + at.x + c) * g.InC)
		}
	}
}

func floatMean(m *Model, op Op) step[float32] {
	in, out := op.Inputs[0], op.Outputs[0]
	channels := m.Tensors[in].Shape[3]
	return func(v *values[float32]) {
		dst := v.t[out]
		clear(dst)
		for i, x := range v.t[in] {
			dst[i%channels] += x
		}
		for c := range dst {
			dst[c] /= float32(len(v.t[in]) / channels)
		}
	}
}

// softmax is exp(x - max) over its sum.
func softmax(dst, src []float32) {
	largest := slices.Max(src)
	sum := float32(0)
	for i, x := range src {
		dst[i] = exp32(x - largest)
		sum += dst[i]
	}
	for i := range dst {
		dst[i] /= sum
	}
}
