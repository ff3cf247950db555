package tflite

// Geometry is the shape of a convolution, a pool or, with one pixel, a dense
// layer.
type Geometry struct {
	InH, InW, InC    int
	OutH, OutW, OutC int
	WindowH, WindowW int
	StrideH, StrideW int
	PadH, PadW       int // before the first row and column
}

func (m *Model) geometry(op Op) Geometry {
	in, out := m.Tensors[op.Inputs[0]], m.Tensors[op.Outputs[0]]
	if op.Code == FullyConnected {
		return Geometry{InH: 1, InW: 1, InC: in.Elements(), OutH: 1, OutW: 1, OutC: out.Elements(),
			WindowH: 1, WindowW: 1, StrideH: 1, StrideW: 1}
	}
	window := op.Window
	if op.Code == Conv2D || op.Code == DepthwiseConv2D {
		w := m.tensor(op, 1).Shape
		window = op.spread([2]int{w[1], w[2]})
	}
	return Geometry{
		InH: in.Shape[1], InW: in.Shape[2], InC: in.Shape[3],
		OutH: out.Shape[1], OutW: out.Shape[2], OutC: out.Shape[3],
		WindowH: window[0], WindowW: window[1], StrideH: op.Stride[0], StrideW: op.Stride[1],
		PadH: padBefore(in.Shape[1], out.Shape[1], window[0], op.Stride[0]),
		PadW: padBefore(in.Shape[2], out.Shape[2], window[1], op.Stride[1]),
	}
}

// spread is the window of a dilated kernel from its first to its last tap.
func (op Op) spread(window [2]int) [2]int {
	for d := range window {
		window[d] = (window[d]-1)*max(op.Dilation[d], 1) + 1
	}
	return window
}

// spreadOut puts zeros between the taps of a dilated kernel, [out, h, w, in], so
// that it runs as any other: a zero adds nothing to a sum.
func spreadOut[T any](op Op, shape []int, weights []T) []T {
	window := op.spread([2]int{shape[1], shape[2]})
	if window == [2]int{shape[1], shape[2]} {
		return weights
	}
	n := shape[3]
	wide := make([]T, shape[0]*window[0]*window[1]*n)
	for i := range len(weights) / n {
		o, y, x := i/(shape[1]*shape[2]), i/shape[2]%shape[1], i%shape[2]
		at := (o*window[0]+y*max(op.Dilation[0], 1))*window[1] + x*max(op.Dilation[1], 1)
		copy(wide[at*n:(at+1)*n], weights[i*n:(i+1)*n])
	}
	return wide
}

// weights are a convolution's, spread out, or a dense layer's.
func (m *Model) weights(op Op) []byte {
	w := m.tensor(op, 1)
	if op.Code == FullyConnected {
		return w.Data
	}
	return spreadOut(op, w.Shape, w.Data)
}

func (m *Model) floatWeights(op Op) []float32 {
	w := m.tensor(op, 1)
	if op.Code == FullyConnected {
		return fromBytes[float32](w.Data)
	}
	return spreadOut(op, w.Shape, fromBytes[float32](w.Data))
}

// taps is the number of inputs of one output of a convolution.
func (g Geometry) taps() int { return g.WindowH * g.WindowW * g.InC }

// field is the part of a window that lies on the image: rows and columns of
// the window, ends excluded, and the image row and column of its first tap.
type field struct {
	rowFrom, rowTo, colFrom, colTo int
	y, x                           int
}

// fields calls f for every output pixel in order.
func (g Geometry) fields(f func(pixel int, at field)) {
	for oy := range g.OutH {
		y := oy*g.StrideH - g.PadH
		rowFrom, rowTo := max(0, -y), min(g.WindowH, g.InH-y)
		for ox := range g.OutW {
			x := ox*g.StrideW - g.PadW
			colFrom, colTo := max(0, -x), min(g.WindowW, g.InW-x)
			f(oy*g.OutW+ox, field{rowFrom, rowTo, colFrom, colTo, y + rowFrom, x + colFrom})
		}
	}
}
