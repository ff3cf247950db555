package tflite

import "slices"

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
