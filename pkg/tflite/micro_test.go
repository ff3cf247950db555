package tflite

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
)

// TestMicro compares outputs and the arena with TensorFlow Lite Micro: int8
// outputs in all bits, float32 ones within 1e-4.
func TestMicro(t *testing.T) {
	python := os.Getenv("SLIMFIT_TFLM_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import tflite_micro").Run(); err != nil {
		t.Skipf("NOT COMPARED with TensorFlow Lite Micro: %s lacks it; pip install tflite-micro and set SLIMFIT_TFLM_PYTHON to that Python",
			python)
	}
	dir := t.TempDir()
	cases := map[string]compared{}
	add := func(name string, spec models.Spec, r *rand.Rand, images int) {
		w := randomWeights(t, r, spec)
		p := randomPixels(r, images*spec.Input.Elements())
		b, err := Quantize(spec, w, p[:8*spec.Input.Elements()], Options{})
		if r.IntN(3) == 0 {
			b, err = WriteFloat(spec, w)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cases[name] = compared{b, p}
		write(t, filepath.Join(dir, name+".tflite"), b)
		write(t, filepath.Join(dir, name+".pixels"), p)
	}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 6))
		add(fmt.Sprintf("net%03d", seed), modelstest.Random(int(seed), r), r, 20)
	}
	for _, name := range []string{"final", "light", "separable"} {
		add(name, mnist(benchLayers(name)...), rand.New(rand.NewPCG(1, 6)), 100)
	}
	if out, err := exec.Command(python, checkScript, "micro", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	values := 0
	for name, c := range cases {
		m := load(t, c.file)
		m.Kernels = Micro
		head, err := os.ReadFile(filepath.Join(dir, name+".arena"))
		if err != nil {
			t.Fatal(err)
		}
		if want, err := strconv.Atoi(string(head)); err != nil || ArenaBytes(m) != want {
			t.Errorf("%s: arena of %d bytes, the runtime has %s", name, ArenaBytes(m), head)
		}
		out, err := m.Run(c.pixels, 1)
		if err != nil {
			t.Fatal(err)
		}
		for k, got := range [][]float32{out.Probabilities, out.Logits} {
			b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%s.micro.%d", name, k)))
			if err != nil {
				t.Fatal(err)
			}
			want, tolerance := fromBytes[float32](b), 1e-4
			if m.Quantized() {
				want, tolerance = dequantize(b, m.Tensors[m.Outputs[k]].Quant), 0
			}
			if len(want) != len(got) {
				t.Fatalf("%s: output %d has %d values, the runtime's %d", name, k, len(got), len(want))
			}
			for i, x := range got {
				if math.Abs(float64(x-want[i])) > tolerance {
					t.Fatalf("%s: output %d, value %d: %v, the runtime has %v", name, k, i, x, want[i])
				}
			}
			values += len(want)
		}
	}
	t.Logf("%d values and %d arenas compared", values, len(cases))
}

func dequantize(b []byte, q *Quant) []float32 {
	v := make([]float32, len(b))
	for i, x := range b {
		v[i] = q.Scale[0] * float32(int(int8(x))-q.ZeroPoint)
	}
	return v
}
