package tflite

import (
	"fmt"
	"math"
)

func decodeTensor(t table, i int, buffers vector) Tensor {
	r := t.r
	v := Tensor{Name: t.text(tensorName), Type: Type(t.byte(tensorType)),
		Shape: t.vector(tensorShape, 4).ints(4, fmt.Sprintf("the shape of tensor %d", i))}
	if v.Type != Float32 && v.Type != Int32 && v.Type != Int8 {
		r.fail("tensor %d: element type %d: only float32, int32 and int8 are read", i, v.Type)
	}
	elements := 1
	for _, d := range v.Shape {
		if d < 1 || d > maxElements || elements > maxElements/d {
			r.fail("tensor %d: shape %v: want dimensions of at least 1 and at most %d elements", i, v.Shape, maxElements)
			return v
		}
		elements *= d
	}
	if t.byte(tensorVariable) != 0 || t.field(tensorSparsity) != 0 || t.uint32(tensorExternal) != 0 {
		r.fail("tensor %d: variables, sparse tensors and external data are not read", i)
	}
	b := t.uint32(tensorBuffer)
	if b >= buffers.n {
		r.fail("tensor %d: buffer %d of %d", i, b, buffers.n)
		return v
	}
	buffer := buffers.table(b)
	if buffer.field(bufferOffset) != 0 {
		r.fail("tensor %d: data outside of the flatbuffer is not read", i)
	}
	if data := buffer.vector(bufferData, 1); data.n > 0 {
		v.Data = data.bytes()
		if want := elements * v.Type.Size(); len(v.Data) != want {
			r.fail("tensor %d: %d bytes of data, its shape %v of %s needs %d", i, len(v.Data), v.Shape, v.Type, want)
		}
	}
	if q, ok := t.table(tensorQuantization); ok {
		v.Quant = decodeQuant(q, i, v.Shape)
	}
	return v
}

// decodeQuant returns nil for a table without scales.
func decodeQuant(t table, i int, shape []int) *Quant {
	scales, zeros := t.vector(quantScale, 4), t.vector(quantZeroPoint, 8)
	if scales.n == 0 {
		return nil
	}
	q := &Quant{Axis: t.int32(quantDimension, 0)}
	if t.byte(quantDetailsType) != 0 {
		t.r.fail("tensor %d: only affine quantization is read", i)
	}
	if scales.n > 1 && (q.Axis < 0 || q.Axis >= len(shape) || shape[q.Axis] != scales.n) {
		t.r.fail("tensor %d: %d scales along dimension %d of shape %v", i, scales.n, q.Axis, shape)
		return nil
	}
	if t.r.scales += scales.n + zeros.n; t.r.scales > maxScales {
		t.r.fail("tensor %d: more than %d scales and zero points in the file", i, maxScales)
		return nil
	}
	if zeros.n != scales.n && zeros.n != 1 {
		t.r.fail("tensor %d: %d zero points for %d scales", i, zeros.n, scales.n)
		return nil
	}
	for k := range scales.n {
		s := scales.float32(k)
		if !(s >= minScale && s <= maxScale) {
			t.r.fail("tensor %d: scale %v: want %v to %v", i, s, minScale, maxScale)
			return nil
		}
		q.Scale = append(q.Scale, s)
	}
	for k := range zeros.n {
		z := zeros.int64(k)
		if z < math.MinInt8 || z > math.MaxInt8 || (scales.n > 1 && z != 0) {
			t.r.fail("tensor %d: zero point %d: want -128 to 127, and 0 with several scales", i, z)
			return nil
		}
		q.ZeroPoint = int(z)
	}
	return q
}

// Scales outside of this range have no use and would overflow multipliers.
const (
	minScale float32 = 1e-30
	maxScale float32 = 1e30
)

func decodeOp(t table, i int, codes vector) Op {
	r := t.r
	n := t.uint32(operatorCode)
	if n >= codes.n {
		r.fail("operator %d: code %d of %d", i, n, codes.n)
		return Op{}
	}
	code := codes.table(n)
	// Newer files may leave the old byte empty and older ones lack the new field.
	op := Op{Code: OpCode(max(code.int32(codeBuiltin, 0), int(int8(code.byte(codeDeprecated)))))}
	op.Inputs = t.vector(operatorInputs, 4).ints(3, fmt.Sprintf("operator %d's list of inputs", i))
	op.Outputs = t.vector(operatorOutputs, 4).ints(1, fmt.Sprintf("operator %d's list of outputs", i))
	want := operators()[op.Code].options
	options, ok := t.table(operatorOptions)
	if got := t.byte(operatorOptionsType); ok && want != 0 && got != want {
		r.fail("operator %d, %s: options of type %d: want %d", i, op.Code, got, want)
	}
	if ok && want != 0 {
		decodeOptions(&op, options, i)
	}
	return op
}

func decodeOptions(op *Op, t table, i int) {
	activation := byte(0)
	if f, ok := op.Code.windowOptions(); ok {
		padding := int(t.byte(f.padding))
		if padding >= len(paddings()) {
			t.r.fail("operator %d, %s: padding %d", i, op.Code, padding)
			return
		}
		op.Padding, activation = paddings()[padding], t.byte(f.activation)
		op.Stride = [2]int{t.int32(f.strideH, 0), t.int32(f.strideW, 0)}
		if f.multiplier > 0 {
			op.Multiplier = t.int32(f.multiplier, 0)
		}
		if f.width > 0 {
			op.Window = [2]int{t.int32(f.height, 0), t.int32(f.width, 0)}
		} else if dilation := [2]int{t.int32(f.dilationH, 1), t.int32(f.dilationW, 1)}; dilation != [2]int{1, 1} {
			op.Dilation = dilation
		}
	}
	switch op.Code {
	case FullyConnected:
		activation = t.byte(denseActivation)
		if t.byte(denseFormat) != 0 || t.byte(denseKeepDims) != 0 {
			t.r.fail("operator %d, %s: shuffled weights and kept dimensions are not read", i, op.Code)
		}
	case Add:
		activation = t.byte(addActivation)
	case Softmax:
		op.Beta = t.float32(softmaxBeta)
		return
	case Mean:
		op.KeepDims = t.byte(reducerKeepDims) != 0
		return
	case LeakyRelu:
		op.Alpha = t.float32(leakyAlpha)
		return
	case Reshape:
		return
	}
	for a, number := range fused() {
		if number == activation {
			op.Activation = a
			return
		}
	}
	t.r.fail("operator %d, %s: fused activation %d is not read", i, op.Code, activation)
}
