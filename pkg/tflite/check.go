package tflite

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"slimfit/models"
)

// checkOp checks one op against the tensors it names. ready tells which tensors
// hold values when it runs.
func (m *Model) checkOp(op Op, ready []bool) error {
	known, ok := operators()[op.Code]
	if !ok {
		return fmt.Errorf("builtin operator %d is not among those this reader runs", int32(op.Code))
	}
	want := cmp.Or(known.inputs, len(op.Inputs))
	if len(op.Inputs) != want || want == 0 || len(op.Outputs) != 1 {
		return fmt.Errorf("%d inputs and %d outputs: want %d and 1", len(op.Inputs), len(op.Outputs), want)
	}
	for _, i := range op.Inputs {
		if i < 0 || i >= len(ready) || !ready[i] {
			return fmt.Errorf("input tensor %d has no value yet", i)
		}
	}
	o := op.Outputs[0]
	if o < 0 || o >= len(ready) || ready[o] {
		return fmt.Errorf("output tensor %d does not exist or has a value already", o)
	}
	in, out := m.Tensors[op.Inputs[0]], m.Tensors[o]
	computed := min(op.activations(), len(op.Inputs))
	for _, i := range op.Inputs[:computed] {
		if m.Tensors[i].Data != nil {
			return fmt.Errorf("tensor %d is constant: want an activation", i)
		}
		if kind := m.Tensors[m.Input].Type; m.Tensors[i].Type != kind || out.Type != kind {
			return fmt.Errorf("%s to %s in a network of %s", m.Tensors[i].Type, out.Type, kind)
		}
	}
	for _, i := range op.Inputs[computed:] {
		if m.Tensors[i].Data == nil {
			return fmt.Errorf("tensor %d is not constant", i)
		}
	}
	if err := m.checkShapes(op, in, out); err != nil {
		return err
	}
	if in.Type == Int8 {
		return m.checkInt8(op, in, out)
	}
	for i := 1; i < len(op.Inputs) && (want == 3 || op.Code == Prelu); i++ {
		if t := m.tensor(op, i); t.Type != Float32 {
			return fmt.Errorf("%s weights in a network of float32", t.Type)
		}
	}
	return nil
}

func (m *Model) checkShapes(op Op, in, out Tensor) error {
	bad := func(expected []int) error {
		if slices.Equal(out.Shape, expected) {
			return nil
		}
		return fmt.Errorf("output of shape %v from %v: want %v", out.Shape, in.Shape, expected)
	}
	switch op.Code {
	case Conv2D, DepthwiseConv2D, MaxPool2D, AveragePool2D:
		return m.checkWindow(op, in, out)
	case FullyConnected:
		w, b := m.tensor(op, 1).Shape, m.tensor(op, 2).Shape
		if len(w) != 2 || w[1] != in.Elements() || !slices.Equal(b, []int{w[0]}) {
			return fmt.Errorf("weights %v and bias %v for an input of %v", w, b, in.Shape)
		}
		return bad([]int{1, w[0]})
	case Mean:
		axes := m.tensor(op, 1)
		if axes.Type != Int32 || !slices.Equal(fromBytes[int32](axes.Data), []int32{1, 2}) || len(in.Shape) != 4 {
			return fmt.Errorf("mean over other dimensions than height and width")
		}
		if op.KeepDims {
			return bad([]int{1, 1, 1, in.Shape[3]})
		}
		return bad([]int{1, in.Shape[3]})
	case Reshape:
		if in.Elements() != out.Elements() || len(out.Shape) == 0 || out.Shape[0] != 1 {
			return fmt.Errorf("%v to %v: want the same number of elements and a first dimension of 1", in.Shape, out.Shape)
		}
		return nil
	case Softmax:
		if len(in.Shape) != 2 || op.Beta != 1 {
			return fmt.Errorf("input of shape %v with beta %v: want [1, classes] and 1", in.Shape, op.Beta)
		}
	case Add:
		if other := m.tensor(op, 1); !slices.Equal(in.Shape, other.Shape) {
			return fmt.Errorf("a sum of %v and %v: want the same shape", in.Shape, other.Shape)
		}
	case Prelu:
		slopes, channels := m.tensor(op, 1), in.Shape[len(in.Shape)-1]
		if slopes.Elements() != channels || len(slopes.Shape) == 0 || slopes.Shape[len(slopes.Shape)-1] != channels {
			return fmt.Errorf("slopes of shape %v for %v: want one a channel", slopes.Shape, in.Shape)
		}
	case LeakyRelu:
		if !(math.Abs(float64(op.Alpha)) <= 1e6) {
			return fmt.Errorf("alpha %v: want a number of moderate size", op.Alpha)
		}
	}
	return bad(in.Shape)
}

// checkWindow checks convolutions and pools.
func (m *Model) checkWindow(op Op, in, out Tensor) error {
	if len(in.Shape) != 4 || len(out.Shape) != 4 || in.Shape[0] != 1 || out.Shape[0] != 1 {
		return fmt.Errorf("%v to %v: want [1, h, w, c]", in.Shape, out.Shape)
	}
	window, channels := op.Window, in.Shape[3]
	if op.Code == Conv2D || op.Code == DepthwiseConv2D {
		w, b := m.tensor(op, 1).Shape, m.tensor(op, 2).Shape
		if len(w) != 4 {
			return fmt.Errorf("weights of shape %v: want four dimensions", w)
		}
		window, channels = [2]int{w[1], w[2]}, w[0]
		fits := w[3] == in.Shape[3]
		if op.Code == DepthwiseConv2D {
			channels = w[3]
			fits = w[0] == 1 && w[3]%in.Shape[3] == 0
		}
		if !fits || !slices.Equal(b, []int{channels}) {
			return fmt.Errorf("weights %v and bias %v for an input of %v", w, b, in.Shape)
		}
	}
	expected := []int{1, 0, 0, channels}
	for d := range 2 {
		if spread := max(op.Dilation[d], 1); window[d] > 1 && spread > 1 {
			if window[d] > maxEdge || spread > maxEdge {
				return fmt.Errorf("window %v with dilation %v: at most %d", window, op.Dilation, maxEdge)
			}
			window[d] = (window[d]-1)*spread + 1
		}
		if window[d] < 1 || window[d] > maxElements || op.Stride[d] < 1 || op.Stride[d] > maxElements {
			return fmt.Errorf("window %v with stride %v: want at least 1", window, op.Stride)
		}
		if op.Padding == models.Valid && window[d] > in.Shape[1+d] {
			return fmt.Errorf("window %v does not fit into %v", window, in.Shape)
		}
		expected[1+d] = outSize(in.Shape[1+d], window[d], op.Stride[d], op.Padding)
	}
	if !slices.Equal(out.Shape, expected) {
		return fmt.Errorf("output of shape %v from %v: want %v", out.Shape, in.Shape, expected)
	}
	if op.Dilation != [2]int{} { // its weights are spread out to run
		if n := float64(window[0]) * float64(window[1]) * float64(in.Shape[3]) * float64(channels); n > maxElements {
			return fmt.Errorf("window %v, spread by dilation, for %v: more than %d weights", window, in.Shape, maxElements)
		}
	}
	return nil
}

// maxEdge bounds a dilated window.
const maxEdge = 1 << 12

// outSize is TensorFlow's rule for one dimension: SAME gives ceil(in/stride),
// VALID floor((in-window)/stride)+1.
func outSize(in, window, stride int, p models.Padding) int {
	if p == models.Valid {
		return (in-window)/stride + 1
	}
	return (in + stride - 1) / stride
}

// padBefore is the number of rows or columns added before the first one: half
// of what the windows need, the odd one goes after.
func padBefore(in, out, window, stride int) int {
	return max(0, (out-1)*stride+window-in) / 2
}

// checkInt8 checks TensorFlow Lite's int8 rules.
func (m *Model) checkInt8(op Op, in, out Tensor) error {
	if in.Quant == nil || out.Quant == nil || len(in.Quant.Scale) != 1 || len(out.Quant.Scale) != 1 {
		return fmt.Errorf("int8 activations without one scale")
	}
	si, so := in.Quant.Scale[0], out.Quant.Scale[0]
	fixed := func(scale float32, zero int) error {
		if so != scale || out.Quant.ZeroPoint != zero {
			return fmt.Errorf("output scale %v and zero point %d: the rule is %v and %d", so, out.Quant.ZeroPoint, scale, zero)
		}
		return nil
	}
	switch op.Code {
	case Add:
		if q := m.tensor(op, 1).Quant; q == nil || len(q.Scale) != 1 {
			return fmt.Errorf("int8 activations without one scale")
		}
	case Prelu:
		if s := m.tensor(op, 1); s.Type != Int8 || s.Quant == nil || len(s.Quant.Scale) != 1 {
			return fmt.Errorf("slopes of %s: want int8 with one scale", s.Type)
		}
	case HardSwish:
		if so < si/128 {
			return fmt.Errorf("output scale %v of input scale %v: at least 1/128 of it", so, si)
		}
	case MaxPool2D, AveragePool2D, Reshape:
		return fixed(si, in.Quant.ZeroPoint)
	case Softmax:
		if si < minLogitScale {
			return fmt.Errorf("input scale %v: at least %v", si, minLogitScale)
		}
		return fixed(1.0/256, -128)
	case Logistic:
		return fixed(1.0/256, -128)
	case Conv2D, DepthwiseConv2D, FullyConnected:
		return m.checkInt8Weights(op, si)
	}
	return nil
}

// minLogitScale keeps the multiplier of the int8 softmax, scale x 2^26, above 1,
// as its kernel needs.
const minLogitScale float32 = 1.0 / (1 << 25)

func (m *Model) checkInt8Weights(op Op, inScale float32) error {
	w, b := m.tensor(op, 1), m.tensor(op, 2)
	if w.Type != Int8 || b.Type != Int32 || w.Quant == nil || w.Quant.ZeroPoint != 0 {
		return fmt.Errorf("%s weights and %s bias: want int8 with zero point 0 and int32", w.Type, b.Type)
	}
	axis := 0
	if op.Code == DepthwiseConv2D {
		axis = 3
	}
	n := len(w.Quant.Scale)
	if n > 1 && w.Quant.Axis != axis {
		return fmt.Errorf("weight scales along dimension %d: want %d", w.Quant.Axis, axis)
	}
	if b.Quant == nil {
		return nil // the scale is input x weight whether or not it is written
	}
	if len(b.Quant.Scale) != n && len(b.Quant.Scale) != 1 || b.Quant.ZeroPoint != 0 {
		return fmt.Errorf("%d bias scales for %d weight scales", len(b.Quant.Scale), n)
	}
	for i, s := range b.Quant.Scale {
		want := float64(inScale) * float64(w.Quant.Scale[min(i, n-1)])
		if math.Abs(float64(s)-want) > 1e-3*want {
			return fmt.Errorf("bias scale %v of channel %d: want input x weight, %v", s, i, want)
		}
	}
	return nil
}
