package tflite

import "slimfit/models"

// The numbers of this file are those of TensorFlow Lite's schema.fbs, version 3.

const (
	fileIdentifier = "TFL3"
	schemaVersion  = 3
)

// Field numbers of the tables that are written or read.
const (
	modelVersion, modelOperatorCodes, modelSubgraphs, modelDescription, modelBuffers, modelSignatures = 0, 1, 2, 3, 4, 7

	subgraphTensors, subgraphInputs, subgraphOutputs, subgraphOperators = 0, 1, 2, 3

	tensorShape, tensorType, tensorBuffer, tensorName, tensorQuantization, tensorVariable, tensorSparsity, tensorExternal = 0, 1, 2, 3, 4, 5,
		6, 10

	quantScale, quantZeroPoint, quantDetailsType, quantDimension = 2, 3, 4, 6

	codeDeprecated, codeVersion, codeBuiltin = 0, 2, 3

	operatorCode, operatorInputs, operatorOutputs, operatorOptionsType, operatorOptions = 0, 1, 2, 3, 4

	bufferData, bufferOffset = 0, 1

	signatureInputs, signatureOutputs, signatureKey = 0, 1, 2

	mapName, mapTensor = 0, 1
)

// operator is what the schema and its runtimes know of a builtin operator.
type operator struct {
	name    string // in the schema
	method  string // that registers it with tflite::MicroMutableOpResolver
	inputs  int    // 0: one or more
	options byte   // type in the union of operator options; 0: none
	version int32  // that int8 needs (TensorFlow Lite's op_version.cc); float32 needs 1
}

func operators() map[OpCode]operator {
	return map[OpCode]operator{
		Add:             {"ADD", "AddAdd", 2, 11, 2},
		AveragePool2D:   {"AVERAGE_POOL_2D", "AddAveragePool2D", 1, 5, 2},
		Conv2D:          {"CONV_2D", "AddConv2D", 3, 1, 3},
		DepthwiseConv2D: {"DEPTHWISE_CONV_2D", "AddDepthwiseConv2D", 3, 2, 3},
		FullyConnected:  {"FULLY_CONNECTED", "AddFullyConnected", 3, 8, 4},
		Logistic:        {"LOGISTIC", "AddLogistic", 1, 0, 2},
		MaxPool2D:       {"MAX_POOL_2D", "AddMaxPool2D", 1, 5, 2},
		Relu:            {"RELU", "AddRelu", 1, 0, 2},
		Relu6:           {"RELU6", "AddRelu6", 1, 0, 2},
		Reshape:         {"RESHAPE", "AddReshape", 0, 17, 1}, // the new shape may be an input; the output's shape says it all
		Softmax:         {"SOFTMAX", "AddSoftmax", 1, 9, 2},
		Tanh:            {"TANH", "AddTanh", 1, 0, 2},
		Mean:            {"MEAN", "AddMean", 2, 27, 2},
		Prelu:           {"PRELU", "AddPrelu", 2, 0, 1},
		LeakyRelu:       {"LEAKY_RELU", "AddLeakyRelu", 1, 75, 1},
		Elu:             {"ELU", "AddElu", 1, 0, 1},
		HardSwish:       {"HARD_SWISH", "AddHardSwish", 1, 0, 1},
	}
}

// String is the operator's name in the schema.
func (c OpCode) String() string {
	if o, ok := operators()[c]; ok {
		return o.name
	}
	return "an unsupported operator"
}

// windowOptions are the field numbers of the options that convolutions and pools
// have in common; 0 where there is no such field, but for padding.
type windowOptions struct {
	padding, strideW, strideH, activation, dilationW, dilationH, multiplier, width, height int
}

func (c OpCode) windowOptions() (f windowOptions, ok bool) {
	switch c {
	case Conv2D:
		return windowOptions{strideW: 1, strideH: 2, activation: 3, dilationW: 4, dilationH: 5}, true
	case DepthwiseConv2D:
		return windowOptions{strideW: 1, strideH: 2, multiplier: 3, activation: 4, dilationW: 5, dilationH: 6}, true
	case MaxPool2D, AveragePool2D:
		return windowOptions{strideW: 1, strideH: 2, width: 3, height: 4, activation: 5}, true
	}
	return f, false
}

// Field numbers of the other operators' options.
const (
	denseActivation, denseFormat, denseKeepDims = 0, 1, 2

	addActivation, softmaxBeta, reducerKeepDims, leakyAlpha = 0, 0, 0, 0
)

// paddings and fused activations by their numbers in the schema.
func paddings() []models.Padding { return []models.Padding{models.Same, models.Valid} }

func fused() map[models.Activation]byte {
	return map[models.Activation]byte{models.None: 0, models.Relu: 1, models.Relu6: 3}
}
