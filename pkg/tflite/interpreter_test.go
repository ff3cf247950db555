package tflite

import (
	"encoding/binary"
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
		t.Skipf("NOT COMPARED with TensorFlow Lite: %s has no interpreter; pip install ai-edge-litert and set SLIMFIT_TFLITE_PYTHON to that Python", python)
	}
	t.Logf("comparing with %s", version)
	if strings.HasPrefix(version, "ai-edge-litert") {
		return python, LiteRT
	}
	return python, Micro
}

const checkScript = "../../scripts/tflite/check_tflite.py"

// TestInt8MatchesReferenceKernels compares every activation of random networks
// on random images with TensorFlow Lite's reference kernels, all bits.
func TestInt8MatchesReferenceKernels(t *testing.T) {
	python, kernels := pythonWithRuntime(t)
	dir := t.TempDir()
	networks, images := 60, 40
	files := map[string][]byte{}
	pixels := map[string][]uint8{}
	for seed := range networks {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		spec := randomSpec(r)
		w := randomWeights(t, r, spec)
		p := randomPixels(r, images*spec.Input.Elements())
		opts := Options{DensePerChannel: seed%2 == 1, Strip: seed%3 == 0}
		b, err := Quantize(spec, w, p[:8*spec.Input.Elements()], opts)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		name := fmt.Sprintf("net%03d", seed)
		files[name], pixels[name] = b, p
		write(t, filepath.Join(dir, name+".tflite"), b)
		write(t, filepath.Join(dir, name+".pixels"), p)
	}
	if out, err := exec.Command(python, checkScript, "tensors", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	compared, differ := 0, 0
	codes := map[OpCode]int{}
	for name, b := range files {
		m, err := Load(b)
		if err != nil {
			t.Fatal(err)
		}
		m.Kernels = kernels
		reference := func(tensor int) []byte {
			b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%s.reference.%d", name, tensor)))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		for _, op := range m.Ops {
			o := op.Outputs[0]
			want := reference(o)
			got := int8Activation(t, m, pixels[name], o)
			if hasElu(m) {
				// There are no reference kernels for the whole network: compare what
				// ELU makes of the interpreter's own input.
				if op.Code != Elu {
					continue
				}
				table := functionTable(m.Tensors[op.Inputs[0]].Quant, m.Tensors[o].Quant, elu)
				for i, x := range reference(op.Inputs[0]) {
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
			compared += len(got)
			codes[op.Code]++
			if wrong > 0 {
				differ += wrong
				t.Errorf("%s: %s, tensor %d: %d of %d values differ", name, op.Code, o, wrong, len(got))
			}
		}
	}
	t.Logf("%d values of %d networks compared, %d differ; ops %v", compared, networks, differ, codes)
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
		AveragePool2D: true, Mean: true, Softmax: true, Logistic: true, Tanh: true, LeakyRelu: true, Elu: true}
}

// int8Activation returns tensor o of every image.
func int8Activation(t *testing.T, m *Model, pixels []uint8, o int) []int8 {
	t.Helper()
	steps, err := compileInt8(m)
	if err != nil {
		t.Fatal(err)
	}
	size := m.InputShape().Elements()
	var all []int8
	forEach(m, steps, len(pixels)/size, 1, func(i int, dst []int8) {
		for k, p := range pixels[i*size : (i+1)*size] {
			dst[k] = int8(int(p) - 128)
		}
	}, func(_ int, v *values[int8]) { all = append(all, v.t[o]...) })
	return all
}

func TestFloatMatchesInterpreter(t *testing.T) {
	python, _ := pythonWithRuntime(t)
	dir := t.TempDir()
	networks, images := 40, 20
	files := map[string][]byte{}
	pixels := map[string][]uint8{}
	for seed := range networks {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		spec := randomSpec(r)
		p := randomPixels(r, images*spec.Input.Elements())
		b, err := WriteFloat(spec, randomWeights(t, r, spec), Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		name := fmt.Sprintf("net%03d", seed)
		files[name], pixels[name] = b, p
		write(t, filepath.Join(dir, name+".tflite"), b)
		write(t, filepath.Join(dir, name+".pixels"), p)
	}
	if out, err := exec.Command(python, checkScript, "tensors", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, kernels := range []string{"reference", "default"} {
		worst := 0.0
		for name, b := range files {
			m, err := Load(b)
			if err != nil {
				t.Fatal(err)
			}
			if kernels == "default" && negativePadding(m) {
				continue
			}
			out, err := m.Run(pixels[name], 2)
			if err != nil {
				t.Fatal(err)
			}
			for k, got := range [][]float32{out.Probabilities, out.Logits} {
				want, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%s.%s.%d", name, kernels, m.Outputs[k])))
				if err != nil {
					t.Fatal(err)
				}
				if len(want) != 4*len(got) {
					t.Fatalf("%s: %d values, the interpreter has %d", name, len(got), len(want)/4)
				}
				for i, x := range got {
					y := math.Float32frombits(binary.LittleEndian.Uint32(want[4*i:]))
					d := math.Abs(float64(x) - float64(y))
					worst = max(worst, d)
					if d > 1e-4 {
						t.Fatalf("%s, %s kernels, output %d, value %d: %v, the interpreter has %v", name, kernels, k, i, x, y)
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
		return (g.outH-1)*g.strideH+g.windowH < g.inH || (g.outW-1)*g.strideW+g.windowW < g.inW
	})
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// randomSpec returns a small network of random layers.
func randomSpec(r *rand.Rand) models.Spec {
	s := models.Spec{Input: models.Shape{H: 5 + r.IntN(12), W: 5 + r.IntN(12), C: 1 + r.IntN(3)}, Classes: 2 + r.IntN(12)}
	pick := func(a ...models.Activation) models.Activation { return a[r.IntN(len(a))] }
	padding := func() models.Padding { return paddings()[r.IntN(2)] }
	for range r.IntN(5) {
		var l models.Layer
		switch r.IntN(6) {
		case 0, 1:
			l = models.NewConv(1, 1+r.IntN(20))
		case 2:
			l = models.DefaultLayer(models.Depthwise)
			l.Multiplier = 1 + r.IntN(3)
		case 3:
			l = models.DefaultLayer(models.Separable)
			l.Filters, l.Multiplier = 1+r.IntN(9), 1+r.IntN(2)
		case 4:
			l = models.NewMaxPool(1 + r.IntN(3))
		case 5:
			l = models.NewMaxPool(1 + r.IntN(3))
			l.Kind = models.AvgPool
		}
		l.Padding, l.Stride = padding(), 1+r.IntN(3)
		if l.Size == 0 {
			l.Kernel = [2]int{1 + r.IntN(4), 1 + r.IntN(4)}
			l.Activation = pick(models.Activations()...)
		}
		next := s
		next.Layers = append(append([]models.Layer{}, s.Layers...), l)
		if _, err := next.Nodes(); err == nil {
			s = next
		}
	}
	if r.IntN(2) == 0 {
		s.Layers = append(s.Layers, models.Layer{Kind: models.GlobalAvgPool})
		if r.IntN(3) == 0 {
			s.Layers = append(s.Layers, models.NewConv(1, 1+r.IntN(9)))
		}
	}
	if r.IntN(2) == 0 {
		l := models.NewDense(1 + r.IntN(30))
		l.Activation = pick(models.Activations()...)
		s.Layers = append(s.Layers, l, models.NewDropout(0.5))
	}
	return s
}

func randomWeights(t testing.TB, r *rand.Rand, s models.Spec) Weights {
	t.Helper()
	nodes, err := s.Nodes()
	if err != nil {
		t.Fatal(err)
	}
	w := Weights{}
	for _, n := range nodes {
		shape := kernelShape(n)
		if shape == nil {
			continue
		}
		v := NodeWeights{Kernel: make([]float32, product(shape))}
		fan := float64(len(v.Kernel)) / float64(n.Out.C)
		for i := range v.Kernel {
			v.Kernel[i] = float32(r.NormFloat64() * 1.5 / math.Sqrt(fan))
		}
		if n.Bias {
			v.Bias = make([]float32, n.Out.C)
			for i := range v.Bias {
				v.Bias[i] = float32(r.NormFloat64() * 0.2)
			}
		}
		w[n.Name] = v
	}
	return w
}

func randomPixels(r *rand.Rand, n int) []uint8 {
	p := make([]uint8, n)
	for i := range p {
		p[i] = uint8(r.IntN(256))
	}
	return p
}
