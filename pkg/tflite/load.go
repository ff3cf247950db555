package tflite

import (
	"fmt"
	"slices"
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
	if err == nil {
		err = validate(m)
	}
	if err != nil {
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
		m.Ops = append(m.Ops, decodeOp(ops.table(i), i, codes))
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
