package tflite

import (
	"fmt"
	"math"
	"slices"

	"slimfit/models"
)

// Limits of what Load accepts. They are far above the networks of this project
// and keep a hostile file from asking for much more than its own size.
const (
	maxTensors  = 4096
	maxOps      = 1024
	maxElements = 1 << 26 // of one tensor, and of all activations
	maxScales   = 1 << 22 // of all tensors: hostile tensors may share one long list
)

// Load reads a file that WriteFloat or Quantize wrote, or another of one input
// whose ops are among those of this package. Everything is checked, so that the
// model can be run; a damaged or hostile file gives an error.
func Load(file []byte) (*Model, error) {
	m, err := decode(file)
	if err != nil {
		return nil, fmt.Errorf("read TensorFlow Lite file: %w", err)
	}
	if err := validate(m); err != nil {
		return nil, fmt.Errorf("read TensorFlow Lite file: %w", err)
	}
	return m, nil
}

func decode(file []byte) (*Model, error) {
	if len(file) < 8 || string(file[4:8]) != fileIdentifier {
		return nil, fmt.Errorf("not a TensorFlow Lite file: no %q at offset 4", fileIdentifier)
	}
	r := &reader{file: file}
	root := r.table(0)
	if v := root.uint32(modelVersion); v != schemaVersion && r.err == nil {
		return nil, fmt.Errorf("schema version %d: want %d", v, schemaVersion)
	}
	graphs, codes, buffers := root.vector(modelSubgraphs, 4), root.vector(modelOperatorCodes, 4), root.vector(modelBuffers, 4)
	if graphs.n != 1 && r.err == nil {
		return nil, fmt.Errorf("%d subgraphs: want 1", graphs.n)
	}
	if r.err != nil {
		return nil, r.err
	}
	m := &Model{Description: root.text(modelDescription)}
	graph := graphs.table(0)
	tensors, ops := graph.vector(subgraphTensors, 4), graph.vector(subgraphOperators, 4)
	if tensors.n > maxTensors || ops.n > maxOps {
		return nil, fmt.Errorf("%d tensors and %d operators: at most %d and %d", tensors.n, ops.n, maxTensors, maxOps)
	}
	for i := 0; i < tensors.n && r.err == nil; i++ {
		m.Tensors = append(m.Tensors, decodeTensor(tensors.table(i), i, buffers))
	}
	for i := 0; i < ops.n && r.err == nil; i++ {
		m.Ops = append(m.Ops, decodeOp(m, ops.table(i), i, codes))
	}
	inputs := graph.vector(subgraphInputs, 4).ints(8, "the list of inputs")
	m.Outputs = graph.vector(subgraphOutputs, 4).ints(8, "the list of outputs")
	if r.err != nil {
		return nil, r.err
	}
	if len(inputs) != 1 || len(m.Outputs) == 0 {
		return nil, fmt.Errorf("%d inputs and %d outputs: want one input and at least one output", len(inputs), len(m.Outputs))
	}
	m.Input = inputs[0]
	return m, nil
}

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

func decodeOp(m *Model, t table, i int, codes vector) Op {
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
	want := optionsType(op.Code)
	options, ok := t.table(operatorOptions)
	if got := t.byte(operatorOptionsType); ok && want != noOptions && got != want {
		r.fail("operator %d, %s: options of type %d: want %d", i, op.Code, got, want)
	}
	if ok && want != noOptions {
		decodeOptions(&op, options, i)
	}
	return op
}

func decodeOptions(op *Op, t table, i int) {
	padding, activation := byte(0), byte(0)
	dilation := [2]int{1, 1}
	switch op.Code {
	case Conv2D:
		padding, activation = t.byte(convPadding), t.byte(convActivation)
		op.Stride = [2]int{t.int32(convStrideH, 0), t.int32(convStrideW, 0)}
		dilation = [2]int{t.int32(convDilationH, 1), t.int32(convDilationW, 1)}
	case DepthwiseConv2D:
		padding, activation = t.byte(depthPadding), t.byte(depthActivation)
		op.Stride = [2]int{t.int32(depthStrideH, 0), t.int32(depthStrideW, 0)}
		op.Multiplier = t.int32(depthMultiplier, 0)
		dilation = [2]int{t.int32(depthDilationH, 1), t.int32(depthDilationW, 1)}
	case MaxPool2D, AveragePool2D:
		padding, activation = t.byte(poolPadding), t.byte(poolActivation)
		op.Stride = [2]int{t.int32(poolStrideH, 0), t.int32(poolStrideW, 0)}
		op.Window = [2]int{t.int32(poolHeight, 0), t.int32(poolWidth, 0)}
	case FullyConnected:
		activation = t.byte(denseActivation)
		if t.byte(denseFormat) != 0 || t.byte(denseKeepDims) != 0 {
			t.r.fail("operator %d, %s: shuffled weights and kept dimensions are not read", i, op.Code)
		}
	case Softmax:
		op.Beta = t.float32(softmaxBeta)
	case Mean:
		op.KeepDims = t.byte(reducerKeepDims) != 0
	case LeakyRelu:
		op.Alpha = t.float32(leakyAlpha)
	}
	switch op.Code {
	case Softmax, Mean, LeakyRelu, Reshape:
		return
	}
	if int(padding) >= len(paddings()) {
		t.r.fail("operator %d, %s: padding %d", i, op.Code, padding)
		return
	}
	if dilation != [2]int{1, 1} {
		t.r.fail("operator %d, %s: dilation %v: only 1 is read", i, op.Code, dilation)
	}
	if op.Code != FullyConnected {
		op.Padding = paddings()[padding]
	}
	op.Activation = models.None
	switch activation {
	case 0:
	case activationRelu:
		op.Activation = models.Relu
	case activationRelu6:
		op.Activation = models.Relu6
	default:
		t.r.fail("operator %d, %s: fused activation %d is not read", i, op.Code, activation)
	}
}

// validate checks that the model can be run: the order of ops, the tensors they
// name, shapes, types and TensorFlow Lite's rules for int8.
func validate(m *Model) error {
	ready := make([]bool, len(m.Tensors))
	for i, t := range m.Tensors {
		ready[i] = t.Data != nil
	}
	if m.Input < 0 || m.Input >= len(m.Tensors) || ready[m.Input] {
		return fmt.Errorf("input: no tensor %d to be filled", m.Input)
	}
	in := m.Tensors[m.Input]
	if len(in.Shape) != 4 || in.Shape[0] != 1 || (in.Type != Float32 && in.Type != Int8) {
		return fmt.Errorf("input: %s of shape %v: want float32 or int8 of [1, h, w, c]", in.Type, in.Shape)
	}
	if in.Type == Int8 && in.Quant == nil {
		return fmt.Errorf("input: int8 without a scale")
	}
	ready[m.Input] = true
	total := in.Elements()
	for i, op := range m.Ops {
		if err := m.checkOp(op, ready); err != nil {
			return fmt.Errorf("operator %d, %s: %w", i, op.Code, err)
		}
		ready[op.Outputs[0]] = true
		if total += m.Tensors[op.Outputs[0]].Elements(); total > maxElements {
			return fmt.Errorf("operator %d, %s: activations of more than %d elements", i, op.Code, maxElements)
		}
	}
	for k, o := range m.Outputs {
		if o < 0 || o >= len(m.Tensors) || !ready[o] || m.Tensors[o].Data != nil {
			return fmt.Errorf("output %d: no operator computes tensor %d", k, o)
		}
		t := m.Tensors[o]
		if len(t.Shape) != 2 || t.Shape[1] < 2 || t.Shape[1] != m.Classes() {
			return fmt.Errorf("output %d: shape %v: want [1, classes]", k, t.Shape)
		}
		if slices.Index(m.Outputs, o) != k {
			return fmt.Errorf("output %d: tensor %d is an output twice", k, o)
		}
	}
	return nil
}
