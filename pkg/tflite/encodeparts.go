package tflite

import (
	"encoding/binary"
	"fmt"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"
)

// options writes an operator's options; the single bytes come together, which
// saves padding.
func (e *encoder) options(op Op) flatbuffers.UOffsetT {
	key := op
	key.Inputs, key.Outputs = nil, nil
	return e.once(fmt.Sprint("options ", key), func() flatbuffers.UOffsetT {
		activation := int8(fused()[op.Activation])
		if f, ok := op.Code.windowOptions(); ok { // fields of zero are not written
			e.StartObject(7)
			e.PrependInt32Slot(f.strideW, int32(op.Stride[1]), 0)
			e.PrependInt32Slot(f.strideH, int32(op.Stride[0]), 0)
			e.PrependInt32Slot(f.multiplier, int32(op.Multiplier), 0)
			e.PrependInt32Slot(f.width, int32(op.Window[1]), 0)
			e.PrependInt32Slot(f.height, int32(op.Window[0]), 0)
			e.PrependInt8Slot(f.padding, int8(slices.Index(paddings(), op.Padding)), 0)
			e.PrependInt8Slot(f.activation, activation, 0)
			e.PrependInt32Slot(f.dilationW, int32(max(op.Dilation[1], 1)), 1)
			e.PrependInt32Slot(f.dilationH, int32(max(op.Dilation[0], 1)), 1)
			return e.EndObject()
		}
		e.StartObject(1)
		switch op.Code {
		case FullyConnected:
			e.PrependInt8Slot(denseActivation, activation, 0)
		case Add:
			e.PrependInt8Slot(addActivation, activation, 0)
		case Softmax:
			e.PrependFloat32Slot(softmaxBeta, op.Beta, 0)
		case Mean:
			e.PrependBoolSlot(reducerKeepDims, op.KeepDims, false)
		case LeakyRelu:
			e.PrependFloat32Slot(leakyAlpha, op.Alpha, 0)
		}
		return e.EndObject()
	})
}

// signature names the model's input and outputs for runtimes that call models
// by name.
func (e *encoder) signature(m *Model) flatbuffers.UOffsetT {
	entry := func(t int) flatbuffers.UOffsetT {
		name := e.text(m.Tensors[t].Name)
		e.StartObject(mapTensor + 1)
		e.PrependUOffsetTSlot(mapName, name, 0)
		e.PrependUint32Slot(mapTensor, uint32(t), 0)
		return e.EndObject()
	}
	var outputs []flatbuffers.UOffsetT
	for _, t := range m.Outputs {
		outputs = append(outputs, entry(t))
	}
	in, out := e.CreateVectorOfTables([]flatbuffers.UOffsetT{entry(m.Input)}), e.CreateVectorOfTables(outputs)
	key := e.text("serving_default")
	e.StartObject(signatureKey + 1)
	e.PrependUOffsetTSlot(signatureInputs, in, 0)
	e.PrependUOffsetTSlot(signatureOutputs, out, 0)
	e.PrependUOffsetTSlot(signatureKey, key, 0)
	return e.EndObject()
}

// once writes what the key stands for the first time, and finds it later.
func (e *encoder) once(key string, write func() flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	if at, ok := e.seen[key]; ok {
		return at
	}
	at := write()
	e.seen[key] = at
	return at
}

func (e *encoder) text(s string) flatbuffers.UOffsetT {
	return e.once("text "+s, func() flatbuffers.UOffsetT { return e.CreateString(s) })
}

func (e *encoder) ints(v []int) flatbuffers.UOffsetT {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(int32(x)))
	}
	return e.words(b)
}

// words writes a vector of 4-byte elements.
func (e *encoder) words(b []byte) flatbuffers.UOffsetT {
	return e.once("words "+string(b), func() flatbuffers.UOffsetT {
		e.StartVector(4, len(b)/4, 4)
		for i := len(b) - 4; i >= 0; i -= 4 {
			e.PrependUint32(binary.LittleEndian.Uint32(b[i:]))
		}
		return e.EndVector(len(b) / 4)
	})
}

// longs writes n copies of x as 8-byte elements.
func (e *encoder) longs(x, n int) flatbuffers.UOffsetT {
	return e.once(fmt.Sprint("longs ", x, n), func() flatbuffers.UOffsetT {
		e.StartVector(8, n, 8)
		for range n {
			e.PrependInt64(int64(x))
		}
		return e.EndVector(n)
	})
}
