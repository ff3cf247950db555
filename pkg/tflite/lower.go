package tflite

import (
	"fmt"
	"math/bits"
	"slices"
)

// Stage is one op of a model with all that its arithmetic needs, for generators
// of code: plain integers of an int8 model. Which fields are set goes by Op.Code.
type Stage struct {
	Op      Op
	In, Out int // tensors of the activation and of the result
	InZero  int // the activation's zero point

	Geometry // of convolutions, dense layers, pools and Mean

	// Convolutions and dense layers: [out][window height][window width][in],
	// depthwise ones [window height][window width][out].
	Weights []int8
	Bias    []int32 // one for each output channel

	// Add: the second input and its zero point; both inputs, less their zero
	// points and times 2^AddBits, are brought to one scale by Inputs, added, and
	// scaled back by Scale.
	Other, OtherZero int
	Inputs           [2]Multiplier

	// Prelu: one slope a channel, multiplied with what is below zero. Scale is that
	// of the values that stay, then that of the products.
	Slopes []int

	// Scale rounds sums as TensorFlow Lite's fixed point does, one for each output
	// channel (Mean: one); dense layers under LiteRT's kernels have Exact instead,
	// the real factor that a sum is multiplied by before it is rounded.
	Scale []Multiplier
	Exact []float64
	Zero  int // added to what was rounded
	// Lo and Hi bound the result: the fused activation's range.
	Lo, Hi int

	Table *[256]int8 // functions of one value: the result by uint8(int8 input)

	// A float32 model has these in place of integers: the weights in the same order,
	// the bias or the slopes of Prelu, and the range of the result.
	Real             bool
	Reals, RealBias  []float32
	RealSlopes       []float32
	RealLow, RealTop float32
}

// Function says whether the stage is a function of one value.
func (s *Stage) Function() bool {
	return s.Table != nil || slices.Contains([]OpCode{Logistic, Tanh, Elu, Relu, Relu6, HardSwish, LeakyRelu}, s.Op.Code)
}

// Lower lists the ops of a model as stages.
func (m *Model) Lower() ([]Stage, error) {
	lower := m.lower
	if !m.Quantized() {
		lower = m.lowerReal
	}
	var stages []Stage
	for i, op := range m.Ops {
		s, err := lower(op)
		if err != nil {
			return nil, fmt.Errorf("operator %d, %s: %w", i, op.Code, err)
		}
		stages = append(stages, s)
	}
	return stages, nil
}

func (m *Model) lowerReal(op Op) (Stage, error) {
	s := Stage{Op: op, In: op.Inputs[0], Out: op.Outputs[0], Real: true}
	s.RealLow, s.RealTop = clamp(op.Activation)
	switch op.Code {
	case Conv2D, FullyConnected, DepthwiseConv2D:
		s.Geometry = m.geometry(op)
		s.Reals, s.RealBias = m.floatWeights(op), fromBytes[float32](m.tensor(op, 2).Data)
	case MaxPool2D, AveragePool2D:
		s.Geometry = m.geometry(op)
	case Mean:
		in := m.Tensors[s.In].Shape
		s.Geometry = Geometry{InH: in[1], InW: in[2], InC: in[3], OutH: 1, OutW: 1, OutC: in[3]}
	case Add:
		s.Other = op.Inputs[1]
	case Prelu:
		s.RealSlopes = fromBytes[float32](m.tensor(op, 1).Data)
	case Reshape, Softmax:
	default:
		if !s.Function() {
			return s, fmt.Errorf("no float32 form")
		}
	}
	return s, nil
}

func (m *Model) lower(op Op) (Stage, error) {
	s := Stage{Op: op, In: op.Inputs[0], Out: op.Outputs[0]}
	qi, qo := m.Tensors[s.In].Quant, m.Tensors[s.Out].Quant
	s.InZero, s.Zero = qi.ZeroPoint, qo.ZeroPoint
	lo, hi := clampInt8(op.Activation, qo)
	s.Lo, s.Hi = int(lo), int(hi)
	switch op.Code {
	case Conv2D, FullyConnected, DepthwiseConv2D:
		s.Geometry = m.geometry(op)
		for _, w := range m.weights(op) {
			s.Weights = append(s.Weights, int8(w))
		}
		r := m.requantizer(op)
		s.Bias, s.Exact, s.Scale = r.bias, r.exact, r.scale
	case MaxPool2D, AveragePool2D:
		s.Geometry = m.geometry(op)
	case Mean:
		in := m.Tensors[s.In].Shape
		s.InH, s.InW, s.InC = in[1], in[2], in[3]
		s.OutH, s.OutW, s.OutC = 1, 1, in[3]
		s.Scale = []Multiplier{meanScale(qi, qo, int64(in[1]*in[2]))}
	case Reshape, Softmax:
	case Add:
		s.Other = op.Inputs[1]
		s.OtherZero = m.Tensors[s.Other].Quant.ZeroPoint
		a := newAddition(qi, m.Tensors[s.Other].Quant, qo)
		s.Inputs, s.Scale = a.inputs, []Multiplier{a.back}
	case Prelu:
		slopes := m.tensor(op, 1)
		for _, b := range slopes.Data {
			s.Slopes = append(s.Slopes, int(int8(b))-slopes.Quant.ZeroPoint)
		}
		scales := preluScales(qi, slopes.Quant, qo)
		s.Scale = scales[:]
	default:
		table, err := op.table(qi, qo)
		if err != nil {
			return s, err
		}
		s.Table = &table
	}
	return s, nil
}

// meanScale folds the division by the number of pixels into the multiplier
// (TensorFlow Lite: QuantizedMeanOrSum).
func meanScale(in, out *Quant, n int64) Multiplier {
	scale := newMultiplier(float64(in.Scale[0]) / float64(out.Scale[0]))
	shift := min(bits.Len64(uint64(n))-1, 32, 31+scale.Shift)
	return Multiplier{int32(int64(scale.Value) << shift / n), scale.Shift - shift}
}
