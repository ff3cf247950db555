package tflite

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
)

// pythonWithRuntime finds a Python that has TensorFlow Lite's interpreter: the
// one that SLIMFIT_TFLITE_PYTHON names, else python3.
func pythonWithRuntime(t *testing.T) (string, Kernels) {
	t.Helper()
	python := os.Getenv("SLIMFIT_TFLITE_PYTHON")
	if python == "" {
		python = "python3"
	}
	out, err := exec.Command(python, checkScript, "version").Output()
	version := strings.TrimSpace(string(out))
	if err != nil {
		t.Skipf("NOT COMPARED with TensorFlow Lite: %s has no interpreter; pip install ai-edge-litert and set SLIMFIT_TFLITE_PYTHON to that "+
			"Python", python)
	}
	t.Logf("comparing with %s", version)
	if strings.HasPrefix(version, "ai-edge-litert") {
		return python, LiteRT
	}
	return python, Micro
}

const checkScript = "../../scripts/tflite/check_tflite.py"

// compared is one file and the images that it is compared on.
type compared struct {
	file   []byte
	pixels []uint8
}

// runInterpreter runs the files in TensorFlow Lite's interpreter and returns a
// reader of what it computed: kernels are "reference" or "default".
func runInterpreter(t *testing.T, python string, cases map[string]compared) func(name, kernels string, tensor int) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, c := range cases {
		write(t, filepath.Join(dir, name+".tflite"), c.file)
		write(t, filepath.Join(dir, name+".pixels"), c.pixels)
	}
	if out, err := exec.Command(python, checkScript, "tensors", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return func(name, kernels string, tensor int) []byte {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%s.%s.%d", name, kernels, tensor)))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// TestInt8MatchesReferenceKernels compares every activation of random networks
// and of the paper's on random images with TensorFlow Lite's reference kernels,
// all bits.
func TestInt8MatchesReferenceKernels(t *testing.T) {
	python, kernels := pythonWithRuntime(t)
	cases := map[string]compared{}
	add := func(name string, spec models.Spec, r *rand.Rand, images int, opts Options) {
		w := randomWeights(t, r, spec)
		p := randomPixels(r, images*spec.Input.Elements())
		b, err := Quantize(spec, w, p[:8*spec.Input.Elements()], opts)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cases[name] = compared{b, p}
	}
	for seed := range 60 {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		add(fmt.Sprintf("net%03d", seed), modelstest.Random(seed, r), r, 40, Options{DensePerChannel: seed%2 == 1})
	}
	for name, images := range map[string]int{"final": 1500, "light": 1500, "base": 8} {
		layers, _ := models.Named(name)
		add(name, mnist(layers...), rand.New(rand.NewPCG(1, 2)), images, Options{})
	}
	result := runInterpreter(t, python, cases)
	values, differ := 0, 0
	codes := map[OpCode]int{}
	for name, c := range cases {
		m := load(t, c.file)
		m.Kernels = kernels
		activations := int8Activations(t, m, c.pixels)
		for _, op := range m.Ops {
			o := op.Outputs[0]
			got, want := activations[o], result(name, "reference", o)
			if hasElu(m) {
				// There are no reference kernels for the whole network: compare what
				// ELU makes of the interpreter's own input.
				if op.Code != Elu {
					continue
				}
				table := functionTable(m.Tensors[op.Inputs[0]].Quant, m.Tensors[o].Quant, elu)
				for i, x := range result(name, "reference", op.Inputs[0]) {
					got[i] = table[x]
				}
			}
			if len(got) != len(want) {
				t.Fatalf("%s: tensor %d: %d values, the interpreter has %d", name, o, len(got), len(want))
			}
			wrong := 0
			for i := range got {
				if byte(got[i]) != want[i] {
					wrong++
				}
			}
			if wrong > 0 {
				t.Errorf("%s: %s, tensor %d: %d of %d values differ", name, op.Code, o, wrong, len(got))
			}
			values, differ = values+len(got), differ+wrong
			codes[op.Code]++
		}
	}
	t.Logf("%d values of %d networks compared, %d differ; operators %v", values, len(cases), differ, codes)
	for c := range opCodes() {
		if codes[c] == 0 {
			t.Errorf("no network had %s", c)
		}
	}
}

func hasElu(m *Model) bool {
	return slices.ContainsFunc(m.Ops, func(op Op) bool { return op.Code == Elu })
}

func opCodes() map[OpCode]bool {
	return map[OpCode]bool{Conv2D: true, DepthwiseConv2D: true, FullyConnected: true, MaxPool2D: true,
		AveragePool2D: true, Mean: true, Softmax: true, Logistic: true, Tanh: true, LeakyRelu: true, Elu: true,
		Add: true, Relu: true, Relu6: true, Prelu: true, HardSwish: true}
}

// int8Activations returns every activation of all images, by tensor.
func int8Activations(t *testing.T, m *Model, pixels []uint8) [][]int8 {
	t.Helper()
	all := make([][]int8, len(m.Tensors))
	load := loader(m, pixels, func(p uint8) int8 { return int8(int(p) - 128) })
	err := forEach(m, int8Kernel, len(pixels)/m.InputShape().Elements(), 1, load, func(_ int, v *values[int8]) {
		for o, x := range v.t {
			all[o] = append(all[o], x...)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFloatMatchesInterpreter(t *testing.T) {
	python, _ := pythonWithRuntime(t)
	cases := map[string]compared{}
	for seed := range 40 {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		spec := modelstest.Random(seed, r)
		p := randomPixels(r, 20*spec.Input.Elements())
		b, err := WriteFloat(spec, randomWeights(t, r, spec))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		cases[fmt.Sprintf("net%03d", seed)] = compared{b, p}
	}
	result := runInterpreter(t, python, cases)
	for _, kernels := range []string{"reference", "default"} {
		worst := 0.0
		for name, c := range cases {
			m := load(t, c.file)
			if kernels == "default" && negativePadding(m) {
				continue
			}
			out, err := m.Run(c.pixels, 2)
			if err != nil {
				t.Fatal(err)
			}
			for k, got := range [][]float32{out.Probabilities, out.Logits} {
				want := fromBytes[float32](result(name, kernels, m.Outputs[k]))
				if len(want) != len(got) {
					t.Fatalf("%s: %d values, the interpreter has %d", name, len(got), len(want))
				}
				for i, x := range got {
					d := math.Abs(float64(x) - float64(want[i]))
					worst = max(worst, d)
					if d > 1e-4 {
						t.Fatalf("%s, %s kernels, output %d, value %d: %v, the interpreter has %v", name, kernels, k, i, x, want[i])
					}
				}
			}
		}
		t.Logf("%s kernels: largest difference %.2g", kernels, worst)
	}
}

// negativePadding reports a SAME window whose stride skips the last pixels: the
// XNNPACK delegate of TensorFlow 2.18 starts such windows at the wrong place.
func negativePadding(m *Model) bool {
	return slices.ContainsFunc(m.Ops, func(op Op) bool {
		if op.Padding != models.Same {
			return false
		}
		g := m.geometry(op)
		return (g.OutH-1)*g.StrideH+g.WindowH < g.InH || (g.OutW-1)*g.StrideW+g.WindowW < g.InW
	})
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func randomWeights(t testing.TB, r *rand.Rand, s models.Spec) models.Weights {
	t.Helper()
	w, err := modelstest.Weights(r, s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// of finds a node's weights to change them.
func of(w models.Weights, node string) *models.NodeWeights {
	return &w[slices.IndexFunc(w, func(n models.NodeWeights) bool { return n.Node == node })]
}

func randomPixels(r *rand.Rand, n int) []uint8 { return modelstest.Pixels(r, n) }
