package tflite

import (
	"fmt"
	"math"
	"slices"

	"slimfit/models"
)

// Options says how a file is written.
type Options struct {
	// DensePerChannel gives int8 dense layers one weight scale for each unit, as
	// TensorFlow's converter does since 2.17. It is a little more exact; runtimes
	// made to the older specification accept one scale only.
	DensePerChannel bool

	// Workers is the number of goroutines that Quantize calibrates with; less
	// than one means one.
	Workers int
}

// Quantize returns the network as a full-integer int8 file. calibration holds
// pixels of training images, n*h*w*c values; a few hundred images are enough,
// and test images must not be among them.
//
// The range of an activation is the smallest and largest value that any
// calibration image gives it, widened to include 0: clipping it, by percentiles
// or by the least squared error, moved the probabilities of every network tried
// further from the float32 ones. Biases take up the mean of what rounding the
// weights does to a layer's sums (bias correction, Nagel et al., "Data-Free
// Quantization Through Weight Equalization and Bias Correction", 2019, section
// 4.2), which brought them 5 to 21 % nearer.
//
// Networks trained with quantize: int8 are calibrated too: their training rounds
// each layer's output over the range of its batch (pkg/graph) and so learns no
// range that could be taken over.
//
// It returns an error if the weights do not fit the network or are not finite,
// without calibration images, or if a layer's sums could overflow the 32 bits
// they have.
func Quantize(spec models.Spec, w models.Weights, calibration []uint8, opts Options) ([]byte, error) {
	scaling := spec.Scaling
	if scaling.Series() { // they come standardised: no one scale would do for all channels
		var err error
		if spec, w, err = w.Fold(spec); err != nil {
			return nil, err
		}
		spec.Scaling = nil
	}
	m, err := build(spec, w)
	if err != nil {
		return nil, err
	}
	m.Scaling = scaling
	n, err := m.count(len(calibration))
	if err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	if n == 0 {
		return nil, fmt.Errorf("calibration: no images: int8 needs some training images to learn the ranges of activations from")
	}
	seen, err := m.calibrate(calibration, n, opts.Workers)
	if err != nil {
		return nil, err
	}
	q := quantizer{m: m, seen: seen, perChannel: opts.DensePerChannel}
	if err := q.model(); err != nil {
		return nil, err
	}
	m.Description = m.int8Words()
	return encode(m, true), nil
}

// quantizer turns a float32 model into an int8 one in place.
type quantizer struct {
	m          *Model
	seen       []activity
	perChannel bool // dense weights too
}

func (q *quantizer) model() error {
	t := &q.m.Tensors[q.m.Input]
	t.Type, t.Quant = Int8, q.m.inputQuant()
	for _, op := range q.m.Ops {
		in, out := &q.m.Tensors[op.Inputs[0]], &q.m.Tensors[op.Outputs[0]]
		out.Type = Int8
		switch op.Code {
		case MaxPool2D, AveragePool2D, Relu6: // TensorFlow Lite Micro's RELU6 only cuts, it does not scale
			out.Quant = in.Quant
		case Softmax, Logistic:
			out.Quant = unitQuant()
		case Tanh:
			out.Quant = tanhQuant()
		case HardSwish: // its kernel takes no finer output
			out.Quant = affine(q.seen[op.Outputs[0]], float64(in.Quant.Scale[0])/127)
		case Prelu:
			q.slopes(op)
			out.Quant = affine(q.seen[op.Outputs[0]], 0)
		case Mean, LeakyRelu, Elu, Relu, Add:
			out.Quant = affine(q.seen[op.Outputs[0]], 0)
		case Conv2D, DepthwiseConv2D, FullyConnected:
			if err := q.weighted(op, in.Quant); err != nil {
				return fmt.Errorf("%s: %w", out.Name, err)
			}
		default:
			return fmt.Errorf("%s: no int8 form of %s", out.Name, op.Code)
		}
	}
	return nil
}

// SeriesWords begin the description of an int8 file that takes series: the numbers
// follow.
const SeriesWords = "slimfit: series = (value - mean) / sd"

// int8Words is the description of an int8 file: what it takes.
func (m *Model) int8Words() string {
	if s := m.Scaling; s.Series() {
		return fmt.Sprintf("%s, mean %v, sd %v", SeriesWords, s.Mean, s.SD)
	}
	return "slimfit: image = pixel - 128"
}

// inputQuant is the quantization of what level p, as p-128, stands for.
func (m *Model) inputQuant() *Quant {
	if m.Scaling.Series() {
		return &Quant{Scale: []float32{float32(m.Scaling.Step)}}
	}
	return &Quant{Scale: []float32{1.0 / 255}, ZeroPoint: math.MinInt8}
}

// What needs no range: values in [0, 1), values in (-1, 1).
func unitQuant() *Quant { return &Quant{Scale: []float32{1.0 / 256}, ZeroPoint: math.MinInt8} }
func tanhQuant() *Quant { return &Quant{Scale: []float32{1.0 / 128}} }

// slopes rounds the slopes of prelu to 255 levels around zero.
func (q *quantizer) slopes(op Op) {
	t := q.m.tensor(op, 1)
	row := [][]float32{fromBytes[float32](t.Data)}
	scales := weightScales(row)
	scales[0] = max(scales[0], 1.0/127/(1<<16))
	data := roundWeights(row, scales)
	t.Type, t.Quant, t.Data = Int8, &Quant{Scale: float32Slice(scales)}, make([]byte, len(data[0]))
	for i, x := range data[0] {
		t.Data[i] = byte(x)
	}
}

// affine maps a range to [-128, 127] with a scale of at least the given one,
// such that 0 is met exactly.
func affine(a activity, least float64) *Quant {
	lo, hi := float64(a.lo), float64(a.hi)
	scale := max((hi-lo)/255, least)
	if scale < float64(minScale) {
		scale = 1.0 / 255 // a dead activation, always 0
	}
	zero := math.Round(math.MinInt8 - lo/scale)
	return &Quant{Scale: []float32{float32(scale)}, ZeroPoint: int(min(max(zero, math.MinInt8), math.MaxInt8))}
}

// weighted quantizes a layer's weights, bias and output.
func (q *quantizer) weighted(op Op, in *Quant) error {
	w, b, out := q.m.tensor(op, 1), q.m.tensor(op, 2), &q.m.Tensors[op.Outputs[0]]
	kernel, bias := channels(op, w), fromBytes[float32](b.Data)
	scales := weightScales(kernel)
	if op.Code == FullyConnected && !q.perChannel {
		largest := slices.Max(scales)
		for c := range scales {
			scales[c] = largest
		}
	}
	// Where the output needs no finer steps than the sums have, multipliers stay
	// at or below 1.
	inScale := float64(in.Scale[0])
	least := inScale * slices.Max(scales)
	if isLogits(q.m, op.Outputs[0]) {
		least = max(least, float64(minLogitScale))
	}
	out.Quant = affine(q.seen[op.Outputs[0]], least)
	// A channel of tiny weights gets steps of 2^-16 of an output step: finer ones
	// gain nothing, lose bits of the multiplier and leave the bias no room.
	for c := range scales {
		scales[c] = max(scales[c], float64(out.Quant.Scale[0])/(1<<16)/inScale)
	}
	data := roundWeights(kernel, scales)
	mean := q.seen[op.Inputs[0]].mean
	for c, row := range data {
		bias[c] -= float32(roundingShift(row, kernel[c], scales[c], inputMeans(op, mean, c, len(data))))
	}
	biases, err := roundBiases(bias, data, scales, in)
	if err != nil {
		return err
	}
	w.Type, w.Data, w.Quant = Int8, arrange(op, data), &Quant{Scale: float32Slice(scales)}
	if op.Code == DepthwiseConv2D {
		w.Quant.Axis = 3
	}
	b.Type, b.Data, b.Quant = Int32, littleEndian(biases), &Quant{}
	for _, s := range w.Quant.Scale {
		b.Quant.Scale = append(b.Quant.Scale, in.Scale[0]*s)
	}
	if op.Code == FullyConnected && !q.perChannel {
		w.Quant.Scale, b.Quant.Scale = w.Quant.Scale[:1], b.Quant.Scale[:1]
	}
	return nil
}

// isLogits reports whether a softmax reads the tensor.
func isLogits(m *Model, t int) bool {
	return slices.ContainsFunc(m.Ops, func(op Op) bool { return op.Code == Softmax && op.Inputs[0] == t })
}

// activity is what the calibration images show of one activation.
type activity struct {
	lo, hi float32   // the smallest and the largest value, and 0
	mean   []float64 // for each value where a dense layer reads it, else for each channel
}

// calibrate runs a float32 model on n images and returns the activity of each
// tensor. The result does not depend on the number of workers.
func (m *Model) calibrate(pixels []uint8, n, workers int) ([]activity, error) {
	// One record for each chunk of images, added up in order: floating-point sums
	// depend on it.
	records := make([][]activity, (n+chunk-1)/chunk)
	for i := range records {
		records[i] = m.newActivities()
	}
	err := forEach(m, floatKernel, n, workers, loader(m, pixels, m.level), func(i int, v *values[float32]) {
		for t, activation := range v.t {
			records[i/chunk][t].add(activation, n)
		}
	})
	if err != nil {
		return nil, err
	}
	all := m.newActivities()
	for _, r := range records {
		for t := range all {
			a := &all[t]
			a.lo, a.hi = min(a.lo, r[t].lo), max(a.hi, r[t].hi)
			for k := range a.mean {
				a.mean[k] += r[t].mean[k]
			}
		}
	}
	for t, a := range all {
		if !(float64(a.hi)-float64(a.lo) < float64(maxScale)) { // or not a number
			return nil, fmt.Errorf("calibration: the values of %s reach from %v to %v: no int8 form", m.Tensors[t].Name, a.lo, a.hi)
		}
	}
	return all, nil
}

func (m *Model) newActivities() []activity {
	all := make([]activity, len(m.Tensors))
	for _, op := range m.Ops {
		if op.Code != Conv2D && op.Code != DepthwiseConv2D && op.Code != FullyConnected {
			continue // only weights are rounded with regard to their inputs' means
		}
		shape := m.Tensors[op.Inputs[0]].Shape
		means := shape[len(shape)-1]
		if op.Code == FullyConnected {
			means = m.Tensors[op.Inputs[0]].Elements()
		}
		all[op.Inputs[0]].mean = make([]float64, means)
	}
	return all
}

// add takes in one of n images.
func (a *activity) add(v []float32, n int) {
	for _, x := range v {
		a.lo, a.hi = min(a.lo, x), max(a.hi, x)
	}
	if len(a.mean) == 0 {
		return
	}
	share := float64(len(a.mean)) / float64(len(v)) / float64(n)
	for i, x := range v {
		a.mean[i%len(a.mean)] += float64(x) * share
	}
}
