package tflite

import (
	"encoding/binary"
	"fmt"

	"slimfit/models"
)

// WriteFloat returns the network as a float32 file. It returns an error if the
// weights do not fit the network or are not finite.
func WriteFloat(spec models.Spec, w models.Weights) ([]byte, error) {
	m, err := build(spec, w)
	if err != nil {
		return nil, err
	}
	return encode(m, true), nil
}

// builder collects a float32 model layer by layer.
type builder struct {
	m       *Model
	current int         // the tensor that the next op reads
	maps    []int       // the tensor of each node's output
	readers map[int]int // see readers
	blank   *blanks     // nil, but where a model is only measured
}

func build(spec models.Spec, w models.Weights) (*Model, error) {
	spec, w, err := w.Fold(spec)
	if err != nil {
		return nil, err
	}
	nodes, err := spec.Nodes()
	if err != nil {
		return nil, err
	}
	bytes := 0
	for _, n := range nodes {
		bytes += 4 * n.Size(models.Kernel)
	}
	if err := fits(bytes); err != nil {
		return nil, err
	}
	b := &builder{}
	err = b.build(spec, nodes, w)
	return b.m, err
}

func (b *builder) build(spec models.Spec, nodes []models.Node, w models.Weights) error {
	b.m = &Model{Description: "slimfit: image = pixel / 255"}
	b.current = b.add(Tensor{Name: imagesName, Shape: imageShape(spec.Input)})
	b.m.Input = b.current
	b.readers = readers(nodes)
	for i, n := range nodes {
		b.current = b.output(n.Inputs[0])
		if err := b.node(n, w, denseFollows(nodes, i)); err != nil {
			return err
		}
		b.maps = append(b.maps, b.current)
	}
	b.head(spec.Classes)
	return nil
}

// readers counts the nodes that read what each node gives, looking through
// dropout; -1 is the images.
func readers(nodes []models.Node) map[int]int {
	home := func(i int) int {
		for i >= 0 && nodes[i].Layer.Kind == models.Dropout {
			i = nodes[i].Inputs[0]
		}
		return i
	}
	n := map[int]int{}
	for i := range nodes {
		if nodes[i].Layer.Kind != models.Dropout {
			for _, from := range nodes[i].Inputs {
				n[home(from)]++
			}
		}
	}
	for i := range nodes {
		n[i] = n[home(i)]
	}
	return n
}

// output is the tensor of a node's output, or of the images.
func (b *builder) output(node int) int {
	if node < 0 {
		return b.m.Input
	}
	return b.maps[node]
}

// denseFollows reports whether a dense layer is what reads node i, behind
// dropout.
func denseFollows(nodes []models.Node, i int) bool {
	for k := i + 1; k < len(nodes); k++ {
		n := nodes[k]
		if n.Layer.Kind == models.Add || n.Inputs[0] != k-1 {
			return false // near a sum maps keep their dimensions
		}
		if n.Layer.Kind != models.Dropout {
			return n.Layer.Kind == models.Dense && readers(nodes)[i] == 1
		}
	}
	return true
}

func imageShape(s models.Shape) []int { return []int{1, s.H, s.W, s.C} }

// node appends the ops of one node; flat says that no spatial layer follows.
func (b *builder) node(n models.Node, w models.Weights, flat bool) error {
	l := n.Layer
	switch l.Kind {
	case models.Dropout:
		return nil
	case models.Activate:
		return b.activation(n, w)
	case models.Add:
		return b.sum(n, w)
	case models.MaxPool, models.AvgPool:
		code := MaxPool2D
		if l.Kind == models.AvgPool {
			code = AveragePool2D
		}
		b.op(Op{Code: code, Padding: l.Padding, Stride: l.Stride,
			Window: l.Size, Activation: models.None}, n.Name, imageShape(n.Out))
		return nil
	case models.GlobalAvgPool:
		axes := b.add(Tensor{Type: Int32, Shape: []int{2}, Data: littleEndian([]int32{1, 2})})
		shape := imageShape(n.Out)
		if flat {
			shape = []int{1, n.Out.C}
		}
		b.op(Op{Code: Mean, KeepDims: !flat}, n.Name, shape, axes)
		return nil
	case models.Conv, models.Depthwise, models.Dense:
		return b.weighted(n, w)
	default:
		return noForm(n)
	}
}

func noForm(n models.Node) error {
	return fmt.Errorf("%s: TensorFlow Lite files have no form for layer kind %q", n.Name, n.Layer.Kind)
}

// weighted appends a convolution or a dense layer and its activation.
func (b *builder) weighted(n models.Node, w models.Weights) error {
	var v models.NodeWeights
	if b.blank == nil {
		var err error
		if v, err = w.Of(n); err != nil {
			return err
		}
	}
	l := n.Layer
	op := Op{Code: Conv2D, Padding: l.Padding, Stride: l.Stride}
	if max(l.Dilation[0], l.Dilation[1]) > 1 {
		op.Dilation = l.Dilation
	}
	kernel, in := v.Kernel, n.Size(models.Kernel)/n.Out.C
	shape, out := []int{n.Out.C, l.Kernel[0], l.Kernel[1], n.In.C}, imageShape(n.Out)
	switch l.Kind {
	case models.Conv:
		kernel = b.turned(v.Kernel, in, n.Out.C)
	case models.Depthwise:
		// [h, w, in, multiplier] is [1, h, w, in*multiplier] in memory.
		op.Code, op.Multiplier = DepthwiseConv2D, l.Multiplier
		shape = []int{1, l.Kernel[0], l.Kernel[1], n.Out.C}
	case models.Dense:
		op = Op{Code: FullyConnected}
		kernel = b.turned(v.Kernel, in, n.Out.C)
		shape, out = []int{n.Out.C, in}, []int{1, n.Out.C}
	default:
		return noForm(n)
	}
	bias := v.Bias
	if bias == nil && b.blank == nil {
		// Optimized kernels read the bias without asking whether there is one.
		bias = make([]float32, n.Out.C)
	}
	k := b.constant(shape, kernel, false)
	c := b.constant([]int{n.Out.C}, bias, !n.Bias)
	return b.activated(op, n, out, v.Slope, k, c)
}

// sum appends a residual's sum and its activation.
func (b *builder) sum(n models.Node, w models.Weights) error {
	slope, _ := w.Get(n.Name, models.Slope)
	return b.activated(Op{Code: Add}, n, b.m.Tensors[b.current].Shape, slope, b.output(n.Inputs[1]))
}

// activation appends an activation that is a layer, or fuses it into the op
// before it.
func (b *builder) activation(n models.Node, w models.Weights) error {
	a := n.Layer.Activation
	if last := len(b.m.Ops) - 1; last >= 0 && (a == models.Relu || a == models.Relu6) && b.readers[n.Inputs[0]] == 1 {
		if op := &b.m.Ops[last]; op.Outputs[0] == b.current && op.Activation == models.None {
			op.Activation = a
			return nil
		}
	}
	slope, _ := w.Get(n.Name, models.Slope)
	after, constants, err := b.after(n, slope, b.m.Tensors[b.current].Shape)
	if err == nil && after != nil {
		b.op(*after, n.Name, b.m.Tensors[b.current].Shape, constants...)
	}
	return err
}

// activated appends an op and its node's activation, fused where the format can.
func (b *builder) activated(op Op, n models.Node, out []int, slope []float32, inputs ...int) error {
	op.Activation = models.None
	if a := n.Layer.Activation; a == models.Relu || a == models.Relu6 {
		op.Activation = a
		b.op(op, n.Name, out, inputs...)
		return nil
	}
	after, constants, err := b.after(n, slope, out)
	if err != nil {
		return err
	}
	if after == nil {
		b.op(op, n.Name, out, inputs...)
		return nil
	}
	b.op(op, n.Name+"_linear", out, inputs...)
	b.op(*after, n.Name, out, constants...)
	return nil
}

// after is a node's activation as an op of its own; nil for none.
func (b *builder) after(n models.Node, slope []float32, shape []int) (op *Op, constants []int, err error) {
	switch a := n.Layer.Activation; a {
	case models.None:
		return nil, nil, nil
	case models.LeakyRelu:
		return &Op{Code: LeakyRelu, Alpha: models.LeakySlope}, nil, nil
	case models.PRelu:
		slopes := []int{1, 1, shape[len(shape)-1]}
		if len(shape) == 2 {
			slopes = slopes[2:]
		}
		return &Op{Code: Prelu}, []int{b.constant(slopes, slope, false)}, nil
	default:
		code, ok := map[models.Activation]OpCode{models.Relu: Relu, models.Relu6: Relu6, models.Elu: Elu, models.Tanh: Tanh,
			models.Sigmoid: Logistic, models.HardSwish: HardSwish}[a]
		if !ok {
			return nil, nil, fmt.Errorf("%s: TensorFlow Lite files have no form for activation %q", n.Name, a)
		}
		return &Op{Code: code}, nil, nil
	}
}

// head names the logits and appends the softmax; both are outputs.
func (b *builder) head(classes int) {
	logits := b.current
	b.m.Tensors[logits].Name = logitsName
	b.op(Op{Code: Softmax, Beta: 1}, probabilitiesName, []int{1, classes})
	b.m.Outputs = []int{b.current, logits}
}

// op appends an op that reads the current tensor and the constants, and makes
// its output the current tensor.
func (b *builder) op(op Op, name string, out []int, constants ...int) {
	op.Inputs = append([]int{b.current}, constants...)
	b.current = b.add(Tensor{Name: name, Shape: out})
	op.Outputs = []int{b.current}
	b.m.Ops = append(b.m.Ops, op)
}

// turned is transpose, of nothing where the model is only measured.
func (b *builder) turned(kernel []float32, rows, columns int) []float32 {
	if b.blank != nil {
		return nil
	}
	return transpose(kernel, rows, columns)
}

// constant adds values, or a blank where the model is only measured.
func (b *builder) constant(shape []int, values []float32, zero bool) int {
	t := Tensor{Shape: shape}
	if b.blank != nil {
		t.Data = b.blank.data(4*t.Elements(), zero)
	} else {
		t.Data = littleEndian(values)
	}
	return b.add(t)
}

func (b *builder) add(t Tensor) int {
	b.m.Tensors = append(b.m.Tensors, t)
	return len(b.m.Tensors) - 1
}

// littleEndian writes numbers as a file holds them; fromBytes reads them.
func littleEndian[T int32 | float32](v []T) []byte {
	b, _ := binary.Append(make([]byte, 0, 4*len(v)), binary.LittleEndian, v) // fails for types without a fixed size only
	return b
}

func fromBytes[T int32 | float32](b []byte) []T {
	v := make([]T, len(b)/4)
	binary.Decode(b, binary.LittleEndian, v) // b is long enough
	return v
}

// transpose returns the rows x columns matrix a as columns x rows. It turns
// TensorFlow's [..., out] kernels into TensorFlow Lite's [out, ...].
func transpose(a []float32, rows, columns int) []float32 {
	t := make([]float32, len(a))
	for r := range rows {
		for c := range columns {
			t[c*rows+r] = a[r*columns+c]
		}
	}
	return t
}
