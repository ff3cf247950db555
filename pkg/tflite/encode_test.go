package tflite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
)

// randomFiles writes networks of every kind, float32 and int8 by turns.
func randomFiles(t testing.TB, n int) [][]byte {
	t.Helper()
	var files [][]byte
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 4))
		spec := modelstest.Random(seed, r)
		w := randomWeights(t, r, spec)
		b, err := WriteFloat(spec, w)
		if seed%2 == 1 {
			b, err = Quantize(spec, w, randomPixels(r, 2*spec.Input.Elements()), Options{DensePerChannel: seed%4 == 1})
		}
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		m := load(t, b)
		keep(m, Outputs(seed%3))
		m.Description += "; random"
		if seed%4 == 0 {
			m.Description = ""
		}
		files = append(files, encode(m, m.Description != ""))
	}
	return files
}

// Outputs names the outputs of a file. This package writes both.
type Outputs int

const (
	Both          Outputs = iota // probabilities, then logits
	Probabilities                // after softmax
	Logits                       // before softmax, which is then left out
)

// keep leaves a model the outputs that are named.
func keep(m *Model, outputs Outputs) {
	switch outputs {
	case Probabilities:
		m.Outputs = m.Outputs[:1]
	case Logits:
		m.Outputs = m.Outputs[1:]
		m.Ops, m.Tensors = m.Ops[:len(m.Ops)-1], m.Tensors[:len(m.Tensors)-1]
	}
}

// TestRoundTrip: a loaded file is written as the same bytes again.
func TestRoundTrip(t *testing.T) {
	for i, b := range randomFiles(t, 200) {
		m := load(t, b)
		if again := encode(m, m.Description != ""); !bytes.Equal(again, b) {
			t.Errorf("file %d: %d bytes, written again %d, or they differ", i, len(b), len(again))
		}
	}
}

// TestFileLayout checks what runtimes demand of a file beyond its meaning.
func TestFileLayout(t *testing.T) {
	for i, b := range randomFiles(t, 60) {
		if len(b)%4 != 0 || string(b[4:8]) != "TFL3" {
			t.Errorf("file %d: %d bytes with identifier %q", i, len(b), b[4:8])
		}
		r := &reader{file: b}
		root := r.table(0)
		if v := root.uint32(modelVersion); v != 3 {
			t.Errorf("file %d: version %d", i, v)
		}
		buffers := root.vector(modelBuffers, 4)
		if data := buffers.table(0).vector(bufferData, 1); data.n != 0 {
			t.Errorf("file %d: buffer 0 holds %d bytes", i, data.n)
		}
		for k := 1; k < buffers.n; k++ {
			if data := buffers.table(k).vector(bufferData, 1); data.at%bufferAlignment != 0 || data.n == 0 {
				t.Errorf("file %d: buffer %d of %d bytes lies at %d", i, k, data.n, data.at)
			}
		}
		codes := root.vector(modelOperatorCodes, 4)
		seen := map[int]bool{}
		for k := range codes.n {
			c := codes.table(k)
			builtin, old := c.int32(codeBuiltin, 0), int(int8(c.byte(codeDeprecated)))
			if builtin != old || seen[builtin] {
				t.Errorf("file %d: operator code %d, deprecated code %d, seen before: %t", i, builtin, old, seen[builtin])
			}
			seen[builtin] = true
		}
		if r.err != nil {
			t.Errorf("file %d: %v", i, r.err)
		}
	}
}

func TestOperatorVersions(t *testing.T) {
	want := map[OpCode]int32{Conv2D: 3, DepthwiseConv2D: 3, FullyConnected: 4, MaxPool2D: 2, AveragePool2D: 2,
		Mean: 2, Softmax: 2, Logistic: 2, Tanh: 2, LeakyRelu: 1, Elu: 1}
	for i, b := range randomFiles(t, 60) {
		r := &reader{file: b}
		codes := r.table(0).vector(modelOperatorCodes, 4)
		for k := range codes.n {
			version, c := codes.table(k).int32(codeVersion, 1), OpCode(codes.table(k).int32(codeBuiltin, 0))
			w, known := want[c]
			if quantized := load(t, b).Quantized(); known && quantized && version != int(w) || !quantized && version != 1 {
				t.Errorf("file %d: %s in version %d", i, c, version)
			}
		}
	}
}

// TestLayouts checks by hand how kernels are turned over: HWIO to OHWI and
// [in, out] to [out, in].
func TestLayouts(t *testing.T) {
	conv := models.NewConv(1, 3)
	conv.Kernel = [2]int{1, 2}
	spec := models.Spec{Input: models.Shape{H: 1, W: 2, C: 2}, Classes: 2, Layers: []models.Layer{conv}}
	w := models.Weights{
		{Node: "conv1", Kernel: []float32{ // [1][2][2][3]
			1, 2, 3, 4, 5, 6,
			7, 8, 9, 10, 11, 12}, Bias: []float32{0.1, 0.2, 0.3}},
		{Node: "fc1", Kernel: []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, Bias: []float32{0, 0}}, // [6][2]
	}
	b, err := WriteFloat(spec, w)
	if err != nil {
		t.Fatal(err)
	}
	m := load(t, b)
	for i, want := range [][]float32{
		{1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12},
		{1, 3, 5, 7, 9, 11, 2, 4, 6, 8, 10, 12},
	} {
		if got := fromBytes[float32](m.tensor(m.Ops[i], 1).Data); !slices.Equal(got, want) {
			t.Errorf("kernel %d is %v, want %v", i, got, want)
		}
	}
}

func TestOutputs(t *testing.T) {
	spec := mnist()
	w := randomWeights(t, rand.New(rand.NewPCG(1, 1)), spec)
	for outputs, want := range map[Outputs][]string{
		Both: {"probabilities", "logits"}, Probabilities: {"probabilities"}, Logits: {"logits"},
	} {
		b, err := WriteFloat(spec, w)
		if err != nil {
			t.Fatal(err)
		}
		m := load(t, b)
		keep(m, outputs)
		m = load(t, encode(m, true))
		var names []string
		for _, o := range m.Outputs {
			names = append(names, m.Tensors[o].Name)
		}
		if !slices.Equal(names, want) {
			t.Errorf("outputs %v, want %v", names, want)
		}
		o, err := m.Run(make([]uint8, 2*784), 1)
		if err != nil {
			t.Fatal(err)
		}
		if (o.Logits != nil) != slices.Contains(want, "logits") || (o.Probabilities != nil) != slices.Contains(want, "probabilities") ||
			o.Images() != 2 {
			t.Errorf("%v: %d logits, %d probabilities, %d images", want, len(o.Logits), len(o.Probabilities), o.Images())
		}
	}
}

func TestBadWeights(t *testing.T) {
	spec := mnist(models.NewConv(3, 2))
	good := func() models.Weights { return randomWeights(t, rand.New(rand.NewPCG(1, 1)), spec) }
	for _, tt := range []struct {
		name   string
		damage func(models.Weights)
		want   string
	}{
		{"missing", func(w models.Weights) { of(w, "conv1").Node = "conv0" }, "conv1: no weights"},
		{"short kernel", func(w models.Weights) { of(w, "fc1").Kernel = of(w, "fc1").Kernel[1:] }, "fc1: kernel has 15679 values, its shape [1568 10] needs 15680"},
		{"no bias", func(w models.Weights) { of(w, "conv1").Bias = nil }, "conv1: bias has 0 values, its shape [2] needs 2"},
		{"NaN", func(w models.Weights) { of(w, "fc1").Bias[3] = float32(math.NaN()) }, "fc1: value 3 is NaN: the run diverged"},
		{"infinite", func(w models.Weights) { of(w, "conv1").Kernel[0] = float32(math.Inf(1)) }, "conv1: value 0 is +Inf: the run diverged"},
	} {
		w := good()
		tt.damage(w)
		_, errFloat := WriteFloat(spec, w)
		_, errInt8 := Quantize(spec, w, make([]uint8, 784), Options{})
		for _, err := range []error{errFloat, errInt8, WriteNPZ(&bytes.Buffer{}, spec, w)} {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
			}
		}
	}
}

func TestNPZRoundTrip(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		spec := modelstest.Random(int(seed), r)
		w := randomWeights(t, r, spec)
		var out bytes.Buffer
		if err := WriteNPZ(&out, spec, w); err != nil {
			t.Fatal(err)
		}
		got, err := ReadNPZ(out.Bytes(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if _, folded, _ := w.Fold(spec); fmt.Sprint(got) != fmt.Sprint(folded) {
			t.Errorf("seed %d: weights differ", seed)
		}
		spec.Classes++
		if _, err := ReadNPZ(out.Bytes(), spec); err == nil || !strings.Contains(err.Error(), "the network needs shape") {
			t.Errorf("seed %d: another network's weights: %v", seed, err)
		}
	}
	if _, err := ReadNPZ([]byte("PK"), mnist()); err == nil {
		t.Error("a damaged archive was read")
	}
}

// TestSizes keeps an eye on what a file holds besides weights.
func TestSizes(t *testing.T) {
	final, _ := models.Named("final")
	m := mnist(final...)
	r := rand.New(rand.NewPCG(1, 1))
	b, err := Quantize(m, randomWeights(t, r, m), randomPixels(r, 784), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const weights, biases = 13874, 140 * 4
	if overhead := len(b) - weights - biases; overhead > 1800 {
		t.Errorf("%d bytes besides weights and biases", overhead)
	}
	if binary.LittleEndian.Uint32(b) > uint32(len(b)) {
		t.Error("root outside of the file")
	}
}
