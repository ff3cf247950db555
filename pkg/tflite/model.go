package tflite

import "slimfit/models"

// Model is a network as a TensorFlow Lite file describes it: tensors, and ops
// in the order of execution. Models come from Load, WriteFloat and Quantize.
type Model struct {
	Description string
	Tensors     []Tensor
	Ops         []Op
	Input       int   // index in Tensors of the images
	Outputs     []int // indices in Tensors

	// Kernels says whose int8 arithmetic Run follows; it is not part of a file.
	Kernels Kernels
	// Scaling is that of series: what Run's levels stand for; it is not part of a
	// file.
	Scaling *models.Scaling
}

// Kernels names a family of int8 reference kernels. They differ in dense layers
// only, by one step in about one of 500 values.
type Kernels int

const (
	LiteRT Kernels = iota // ai-edge-litert: dense layers round once, in double precision
	Micro                 // TensorFlow Lite Micro, and TensorFlow's tf.lite up to 2.18: fixed point
)

// Type is the element type of a tensor, by TensorFlow Lite's number.
type Type int8

const (
	Float32 Type = 0
	Int32   Type = 2
	Int8    Type = 9
)

func (t Type) String() string {
	switch t {
	case Float32:
		return "float32"
	case Int32:
		return "int32"
	case Int8:
		return "int8"
	}
	return "an unsupported type"
}

// Size is the number of bytes of one element.
func (t Type) Size() int {
	if t == Int8 {
		return 1
	}
	return 4
}

// Tensor is a constant or the place of an activation.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int  // activations: [1, h, w, c] or [1, n]
	Quant *Quant // nil for float32 and for int32 constants without a scale
	Data  []byte // constants: little-endian elements; nil for an activation
}

// Elements is the product of the shape.
func (t Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Quant says what the integers of a tensor mean: real = scale x (q - zero point).
type Quant struct {
	Scale     []float32 // one, or one for each index along Axis
	ZeroPoint int       // the same for every index; 0 where there are several scales
	Axis      int       // meaningful with several scales
}

// OpCode is TensorFlow Lite's number of a builtin operator.
type OpCode int32

const (
	Add             OpCode = 0
	AveragePool2D   OpCode = 1
	Conv2D          OpCode = 3
	DepthwiseConv2D OpCode = 4
	FullyConnected  OpCode = 9
	Logistic        OpCode = 14
	MaxPool2D       OpCode = 17
	Relu            OpCode = 19
	Relu6           OpCode = 21
	Reshape         OpCode = 22 // read and run, never written
	Softmax         OpCode = 25
	Tanh            OpCode = 28
	Mean            OpCode = 40
	Prelu           OpCode = 54
	LeakyRelu       OpCode = 98
	Elu             OpCode = 111
	HardSwish       OpCode = 117
)

// Op is one operator. Only the fields that its code uses are set.
type Op struct {
	Code       OpCode
	Inputs     []int // in Tensors; the activation first, of Add two, then constants
	Outputs    []int
	Padding    models.Padding    // convolutions, pools
	Stride     [2]int            // convolutions, pools: vertical, horizontal
	Window     [2]int            // pools: height, width
	Dilation   [2]int            // convolutions: vertical, horizontal; 0 stands for 1
	Multiplier int               // DepthwiseConv2D: outputs for each input channel
	Activation models.Activation // fused: None, Relu or Relu6; of convolutions, pools, dense layers and Add
	KeepDims   bool              // Mean
	Alpha      float32           // LeakyRelu
	Beta       float32           // Softmax
}

// activations is how many of the op's inputs are computed; the others are
// constants.
func (op Op) activations() int {
	if op.Code == Add {
		return 2
	}
	return 1
}

// tensor returns the op's i-th input, or nil if it has none.
func (m *Model) tensor(op Op, i int) *Tensor {
	if i >= len(op.Inputs) || op.Inputs[i] < 0 {
		return nil
	}
	return &m.Tensors[op.Inputs[i]]
}

// Quantized reports whether the model computes in int8.
func (m *Model) Quantized() bool { return m.Tensors[m.Input].Type == Int8 }

// InputShape is the height, width and channels of one image.
func (m *Model) InputShape() models.Shape {
	s := m.Tensors[m.Input].Shape
	return models.Shape{H: s[1], W: s[2], C: s[3]}
}

// Classes is the number of values of an output.
func (m *Model) Classes() int {
	s := m.Tensors[m.Outputs[0]].Shape
	return s[len(s)-1]
}

// names of outputs, by which Run tells them apart.
const (
	probabilitiesName = "probabilities"
	logitsName        = "logits"
	imagesName        = "images"
)
