package tflite

import (
	"fmt"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"
)

// bufferAlignment is what the schema asks of constant data, so that a runtime
// can use it where it lies in the file.
const bufferAlignment = 16

// encoder writes a flatbuffer from its leaves to the root. Equal strings,
// vectors and quantization tables are written once and shared, which the format
// allows and which matters in files of a few kilobytes.
type encoder struct {
	*flatbuffers.Builder
	seen map[string]flatbuffers.UOffsetT
}

// encode returns the file's bytes; the same model gives the same bytes.
func encode(m *Model, signature bool) []byte {
	size := 4096
	for _, t := range m.Tensors {
		size += len(t.Data)
	}
	e := &encoder{flatbuffers.NewBuilder(size), map[string]flatbuffers.UOffsetT{}}
	buffers, index := e.buffers(m)
	codes, opcode := e.codes(m)
	graph := e.graph(m, index, opcode)
	graphs := e.CreateVectorOfTables([]flatbuffers.UOffsetT{graph})
	var description, signatures flatbuffers.UOffsetT
	if m.Description != "" {
		description = e.text(m.Description)
	}
	if signature {
		signatures = e.CreateVectorOfTables([]flatbuffers.UOffsetT{e.signature(m)})
	}
	e.StartObject(modelSignatures + 1)
	e.PrependUint32Slot(modelVersion, schemaVersion, 0)
	e.PrependUOffsetTSlot(modelOperatorCodes, codes, 0)
	e.PrependUOffsetTSlot(modelSubgraphs, graphs, 0)
	e.PrependUOffsetTSlot(modelDescription, description, 0)
	e.PrependUOffsetTSlot(modelBuffers, buffers, 0)
	e.PrependUOffsetTSlot(modelSignatures, signatures, 0)
	e.FinishWithFileIdentifier(e.EndObject(), []byte(fileIdentifier))
	return e.FinishedBytes()
}

// buffers writes the constant data and returns each tensor's buffer; buffer 0
// is the empty one that activations name.
func (e *encoder) buffers(m *Model) (flatbuffers.UOffsetT, []uint32) {
	index := make([]uint32, len(m.Tensors))
	number := map[string]uint32{}
	var tables []flatbuffers.UOffsetT
	for i, t := range m.Tensors {
		if t.Data == nil {
			continue
		}
		n, ok := number[string(t.Data)]
		if !ok {
			// CreateByteVector aligns to 4 only.
			e.StartVector(1, len(t.Data), bufferAlignment)
			for _, b := range slices.Backward(t.Data) {
				e.PrependByte(b)
			}
			data := e.EndVector(len(t.Data))
			e.StartObject(1)
			e.PrependUOffsetTSlot(bufferData, data, 0)
			tables = append(tables, e.EndObject())
			n = uint32(len(tables))
			number[string(t.Data)] = n
		}
		index[i] = n
	}
	e.StartObject(1)
	empty := e.EndObject()
	return e.CreateVectorOfTables(append([]flatbuffers.UOffsetT{empty}, tables...)), index
}

// codes writes the distinct operator codes and returns each op's index.
func (e *encoder) codes(m *Model) (flatbuffers.UOffsetT, []uint32) {
	index := make([]uint32, len(m.Ops))
	var list []OpCode
	var tables []flatbuffers.UOffsetT
	for i, op := range m.Ops {
		n := slices.Index(list, op.Code)
		if n < 0 {
			n = len(list)
			list = append(list, op.Code)
			e.StartObject(codeBuiltin + 1)
			// Runtimes before 2.4 know only the byte. No code here needs more.
			e.PrependInt8Slot(codeDeprecated, int8(op.Code), 0)
			if m.Quantized() {
				e.PrependInt32Slot(codeVersion, operators()[op.Code].version, 1)
			}
			e.PrependInt32Slot(codeBuiltin, int32(op.Code), 0)
			tables = append(tables, e.EndObject())
		}
		index[i] = uint32(n)
	}
	return e.CreateVectorOfTables(tables), index
}

func (e *encoder) graph(m *Model, buffer, opcode []uint32) flatbuffers.UOffsetT {
	var tensors, ops []flatbuffers.UOffsetT
	for i, t := range m.Tensors {
		tensors = append(tensors, e.tensor(t, buffer[i]))
	}
	for i, op := range m.Ops {
		ops = append(ops, e.operator(op, opcode[i]))
	}
	tensorVector, opVector := e.CreateVectorOfTables(tensors), e.CreateVectorOfTables(ops)
	inputs, outputs := e.ints([]int{m.Input}), e.ints(m.Outputs)
	e.StartObject(subgraphOperators + 1)
	e.PrependUOffsetTSlot(subgraphTensors, tensorVector, 0)
	e.PrependUOffsetTSlot(subgraphInputs, inputs, 0)
	e.PrependUOffsetTSlot(subgraphOutputs, outputs, 0)
	e.PrependUOffsetTSlot(subgraphOperators, opVector, 0)
	return e.EndObject()
}

func (e *encoder) tensor(t Tensor, buffer uint32) flatbuffers.UOffsetT {
	var name, quant flatbuffers.UOffsetT
	if t.Name != "" {
		name = e.text(t.Name)
	}
	if t.Quant != nil {
		quant = e.quant(*t.Quant)
	}
	shape := e.ints(t.Shape)
	e.StartObject(tensorQuantization + 1)
	e.PrependUOffsetTSlot(tensorShape, shape, 0)
	e.PrependInt8Slot(tensorType, int8(t.Type), 0)
	e.PrependUint32Slot(tensorBuffer, buffer, 0)
	e.PrependUOffsetTSlot(tensorName, name, 0)
	e.PrependUOffsetTSlot(tensorQuantization, quant, 0)
	return e.EndObject()
}

func (e *encoder) quant(q Quant) flatbuffers.UOffsetT {
	return e.once(fmt.Sprint("quant ", q.ZeroPoint, q.Axis, string(littleEndian(q.Scale))), func() flatbuffers.UOffsetT {
		scale, zero := e.words(littleEndian(q.Scale)), e.longs(q.ZeroPoint, len(q.Scale))
		e.StartObject(quantDimension + 1)
		e.PrependUOffsetTSlot(quantScale, scale, 0)
		e.PrependUOffsetTSlot(quantZeroPoint, zero, 0)
		e.PrependInt32Slot(quantDimension, int32(q.Axis), 0)
		return e.EndObject()
	})
}

func (e *encoder) operator(op Op, opcode uint32) flatbuffers.UOffsetT {
	inputs, outputs := e.ints(op.Inputs), e.ints(op.Outputs)
	kind := operators()[op.Code].options
	var options flatbuffers.UOffsetT
	if kind != 0 {
		options = e.options(op)
	}
	e.StartObject(operatorOptions + 1)
	e.PrependUint32Slot(operatorCode, opcode, 0)
	e.PrependUOffsetTSlot(operatorInputs, inputs, 0)
	e.PrependUOffsetTSlot(operatorOutputs, outputs, 0)
	e.PrependByteSlot(operatorOptionsType, kind, 0)
	e.PrependUOffsetTSlot(operatorOptions, options, 0)
	return e.EndObject()
}
