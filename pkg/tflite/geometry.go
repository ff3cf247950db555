package tflite

// geometry is the shape of a convolution, a pool or, with one pixel, a dense
// layer.
type geometry struct {
	inH, inW, inC    int
	outH, outW, outC int
	windowH, windowW int
	strideH, strideW int
	padH, padW       int // before the first row and column
}

func (m *Model) geometry(op Op) geometry {
	in, out := m.Tensors[op.Inputs[0]], m.Tensors[op.Outputs[0]]
	if op.Code == FullyConnected {
		return geometry{inH: 1, inW: 1, inC: in.Elements(), outH: 1, outW: 1, outC: out.Elements(),
			windowH: 1, windowW: 1, strideH: 1, strideW: 1}
	}
	window := op.Window
	if op.Code == Conv2D || op.Code == DepthwiseConv2D {
		w := m.tensor(op, 1).Shape
		window = op.spread([2]int{w[1], w[2]})
	}
	return geometry{
		inH: in.Shape[1], inW: in.Shape[2], inC: in.Shape[3],
		outH: out.Shape[1], outW: out.Shape[2], outC: out.Shape[3],
		windowH: window[0], windowW: window[1], strideH: op.Stride[0], strideW: op.Stride[1],
		padH: padBefore(in.Shape[1], out.Shape[1], window[0], op.Stride[0]),
		padW: padBefore(in.Shape[2], out.Shape[2], window[1], op.Stride[1]),
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
		return float32s(w.Data)
	}
	return spreadOut(op, w.Shape, float32s(w.Data))
}

// taps is the number of inputs of one output of a convolution.
func (g geometry) taps() int { return g.windowH * g.windowW * g.inC }

// field is the part of a window that lies on the image: rows and columns of
// the window, ends excluded, and the image row and column of its first tap.
type field struct {
	rowFrom, rowTo, colFrom, colTo int
	y, x                           int
}

// fields calls f for every output pixel in order.
func (g geometry) fields(f func(pixel int, at field)) {
	for oy := range g.outH {
		y := oy*g.strideH - g.padH
		rowFrom, rowTo := max(0, -y), min(g.windowH, g.inH-y)
		for ox := range g.outW {
			x := ox*g.strideW - g.padW
			colFrom, colTo := max(0, -x), min(g.windowW, g.inW-x)
			f(oy*g.outW+ox, field{rowFrom, rowTo, colFrom, colTo, y + rowFrom, x + colFrom})
		}
	}
}
