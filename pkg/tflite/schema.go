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

// Types of the union of operator options.
const (
	noOptions             = 0
	convOptions           = 1
	depthwiseOptions      = 2
	poolOptions           = 5
	fullyConnectedOptions = 8
	softmaxOptions        = 9
	addOptions            = 11
	reshapeOptions        = 17
	reducerOptions        = 27
	leakyReluOptions      = 75
)

// Field numbers of the operator options.
const (
	convPadding, convStrideW, convStrideH, convActivation, convDilationW, convDilationH = 0, 1, 2, 3, 4, 5

	depthPadding, depthStrideW, depthStrideH, depthMultiplier, depthActivation, depthDilationW, depthDilationH = 0, 1, 2, 3, 4, 5, 6

	poolPadding, poolStrideW, poolStrideH, poolWidth, poolHeight, poolActivation = 0, 1, 2, 3, 4, 5

	denseActivation, denseFormat, denseKeepDims = 0, 1, 2

	softmaxBeta = 0

	reducerKeepDims = 0

	leakyAlpha = 0

	addActivation = 0
)

// paddings and activations by their numbers in the schema.
func paddings() []models.Padding { return []models.Padding{models.Same, models.Valid} }

const activationRelu, activationRelu6 = 1, 3

func activationNumber(a models.Activation) int8 {
	switch a {
	case models.Relu:
		return activationRelu
	case models.Relu6:
		return activationRelu6
	}
	return 0
}

func paddingNumber(p models.Padding) int8 {
	if p == models.Valid {
		return 1
	}
	return 0
}

// optionsType is the kind of options that an operator carries.
func optionsType(c OpCode) byte {
	switch c {
	case Conv2D:
		return convOptions
	case DepthwiseConv2D:
		return depthwiseOptions
	case MaxPool2D, AveragePool2D:
		return poolOptions
	case FullyConnected:
		return fullyConnectedOptions
	case Softmax:
		return softmaxOptions
	case Add:
		return addOptions
	case Reshape:
		return reshapeOptions
	case Mean:
		return reducerOptions
	case LeakyRelu:
		return leakyReluOptions
	}
	return noOptions
}

// opVersion is the operator version that a runtime must have at least
// (TensorFlow Lite's op_version.cc).
func opVersion(c OpCode, quantized bool) int32 {
	if !quantized {
		return 1
	}
	switch c {
	case Conv2D, DepthwiseConv2D:
		return 3
	case FullyConnected:
		return 4
	case Add, MaxPool2D, AveragePool2D, Mean, Softmax, Logistic, Tanh, Relu, Relu6:
		return 2
	}
	return 1
}

// String is the operator's name in the schema.
func (c OpCode) String() string {
	switch c {
	case Add:
		return "ADD"
	case AveragePool2D:
		return "AVERAGE_POOL_2D"
	case Conv2D:
		return "CONV_2D"
	case DepthwiseConv2D:
		return "DEPTHWISE_CONV_2D"
	case FullyConnected:
		return "FULLY_CONNECTED"
	case Logistic:
		return "LOGISTIC"
	case MaxPool2D:
		return "MAX_POOL_2D"
	case Reshape:
		return "RESHAPE"
	case Softmax:
		return "SOFTMAX"
	case Tanh:
		return "TANH"
	case Mean:
		return "MEAN"
	case LeakyRelu:
		return "LEAKY_RELU"
	case Elu:
		return "ELU"
	case Relu:
		return "RELU"
	case Relu6:
		return "RELU6"
	case Prelu:
		return "PRELU"
	case HardSwish:
		return "HARD_SWISH"
	}
	return "an unsupported operator"
}
