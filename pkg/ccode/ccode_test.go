package ccode_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
	"slimfit/pkg/ccode"
	"slimfit/pkg/tflite"
)

// compiled builds the C with a small main that reads images and writes classes
// and scores, and returns what it says of the pixels.
func compiled(t *testing.T, compiler string, source ccode.Source, m *tflite.Model, pixels []uint8) []byte {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "net.c"), source.C)
	write(t, filepath.Join(dir, "net.h"), source.H)
	write(t, filepath.Join(dir, "main.c"), []byte(`#include <stdio.h>
#include "net.h"
#ifdef SERIES
static int8_t pixels[NET_PIXELS];
#else
static uint8_t pixels[NET_PIXELS];
#endif
int main(void) {
    SCORE scores[NET_CLASSES];
    if (net_selftest() != 0) {
        return net_selftest();
    }
#ifdef SERIES
    static float values[NET_PIXELS];
    while (fread(values, sizeof values, 1, stdin) == 1) {
        net_quantize(values, pixels);
#else
    while (fread(pixels, NET_PIXELS, 1, stdin) == 1) {
#endif
        putchar(net_classify(pixels, scores));
        fwrite(scores, sizeof scores, 1, stdout);
    }
    return 0;
}
`))
	score := "-DSCORE=int8_t"
	if !m.Quantized() {
		score = "-DSCORE=float"
	}
	build := exec.Command(compiler, score, "-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Wno-unused-function", "-Werror",
		"-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", "net", "net.c", "main.c", "-lm")
	if compiler != "gcc" || !m.Quantized() {
		build.Args = append(build.Args[:9:9], "-o", "net", "net.c", "main.c", "-lm")
	}
	if m.Scaling.Series() {
		build.Args = append(build.Args, "-DSERIES")
	}
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, source.C)
	}
	run := exec.Command(filepath.Join(dir, "net"))
	run.Stdin = bytes.NewReader(pixels)
	if m.Scaling.Series() {
		values, err := binary.Append(nil, binary.LittleEndian, m.Scaling.Values(pixels))
		if err != nil {
			t.Fatal(err)
		}
		run.Stdin = bytes.NewReader(values)
	}
	run.Stderr = os.Stderr
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, source.C)
	}
	return out
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// want is what the interpreter says, in the same form.
func want(t *testing.T, m *tflite.Model, pixels []uint8) []byte {
	t.Helper()
	o, err := m.Run(pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := m.Scores(pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for i := range o.Images() {
		b.WriteByte(byte(o.Class(i)))
		for _, v := range scores[i*o.Classes : (i+1)*o.Classes] {
			b.WriteByte(byte(v))
		}
	}
	return b.Bytes()
}

// TestSameBits compares random networks of every layer kind in both families of
// kernels, compiled with the address and undefined behaviour sanitizers.
func TestSameBits(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("NOT COMPILED: no gcc")
	}
	ops := map[tflite.OpCode]int{}
	for seed := range 26 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 24))
			spec := modelstest.Random(seed, r)
			rare := []string{"activation leaky_relu", "activation hard_swish", "layer relu6", "dilation", "normalize", "series"}
			if i := seed - modelstest.Modern; i >= 0 && i < len(rare) {
				spec = modelstest.Each()[rare[i]]
			}
			m, pixels := network(t, r, spec, 40, tflite.Options{DensePerChannel: seed%2 == 1})
			m.Kernels = tflite.Kernels(seed / 2 % 2)
			for _, op := range m.Ops {
				ops[op.Code]++
			}
			compare(t, "gcc", m, pixels)
		})
	}
	for _, code := range []tflite.OpCode{tflite.Conv2D, tflite.DepthwiseConv2D, tflite.FullyConnected, tflite.MaxPool2D,
		tflite.AveragePool2D, tflite.Mean, tflite.Logistic, tflite.Tanh, tflite.LeakyRelu, tflite.Elu, tflite.Add, tflite.Prelu,
		tflite.HardSwish} {
		if ops[code] == 0 {
			t.Errorf("no network had %s", code)
		}
	}
}

// TestSmallScales compares dense layers whose scales no multiplier of 32 bits
// rounds as LiteRT does, and finds none that has no C.
func TestSmallScales(t *testing.T) {
	spec := models.Spec{Input: models.Shape{H: 12, W: 12, C: 1}, Classes: 5, Layers: []models.Layer{models.NewConv(3, 2)}}
	small := 0
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 26))
		w, pixels := weights(t, r, spec), modelstest.Pixels(r, 40*spec.Input.Elements())
		for i := range w[1].Kernel {
			w[1].Kernel[i] *= 0.002 // so that biases decide the range of the sums
		}
		b, err := tflite.Quantize(spec, w, pixels, tflite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := tflite.Load(b)
		if err != nil {
			t.Fatal(err)
		}
		source, err := ccode.Generate(m, ccode.Options{Name: "net"})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if bytes.Contains(source.C, []byte("int64_t m,")) {
			if small++; small <= 3 {
				compare(t, "gcc", m, pixels)
			}
		}
	}
	if small == 0 {
		t.Error("no network had such a scale")
	}
}

// TestPaperNetworks compares the paper's networks, whose convolutions and pools
// are fused.
func TestPaperNetworks(t *testing.T) {
	for _, name := range []string{"final", "light"} {
		layers, ok := models.Named(name)
		if !ok {
			t.Fatal(name)
		}
		spec := models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: layers}
		m, pixels := network(t, rand.New(rand.NewPCG(1, 24)), spec, 60, tflite.Options{})
		for _, compiler := range []string{"gcc", "clang"} {
			if _, err := exec.LookPath(compiler); err == nil {
				compare(t, compiler, m, pixels)
			}
		}
	}
}

func network(t *testing.T, r *rand.Rand, spec models.Spec, images int, o tflite.Options) (*tflite.Model, []uint8) {
	t.Helper()
	pixels := modelstest.Pixels(r, images*spec.Input.Elements())
	file, err := tflite.Quantize(spec, weights(t, r, spec), pixels[:8*spec.Input.Elements()], o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := tflite.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	m.Scaling = spec.Scaling
	return m, pixels
}

func compare(t *testing.T, compiler string, m *tflite.Model, pixels []uint8) {
	t.Helper()
	source, err := ccode.Generate(m, ccode.Options{Name: "net", Golden: pixels[:3*m.InputShape().Elements()]})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := compiled(t, compiler, source, m, pixels), want(t, m, pixels); !bytes.Equal(got, want) {
		t.Errorf("the C says\n%v, the interpreter\n%v\n%s", got, want, source.C)
	}
}

func TestGenerateErrors(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 24))
	spec := models.Spec{Input: models.Shape{H: 6, W: 6, C: 1}, Classes: 3, Layers: []models.Layer{models.NewConv(3, 2)}}
	m, _ := network(t, r, spec, 8, tflite.Options{})
	for _, c := range []struct {
		options ccode.Options
		want    string
	}{
		{ccode.Options{Name: "2net"}, `"2net" is no C identifier`},
		{ccode.Options{Name: "a b"}, `"a b" is no C identifier`},
		{ccode.Options{Name: "net", Classes: []string{"a"}}, "1 names for 3 classes"},
		{ccode.Options{Name: "net", Golden: make([]uint8, 7)}, "7 values are no whole number"},
	} {
		if _, err := ccode.Generate(m, c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.options, err, c.want)
		}
	}
	for _, m := range []*tflite.Model{m, realNetwork(t, r, spec)} { // a layer that the C form lacks
		m.Ops[0].Code = 9999
		if _, err := ccode.Generate(m, ccode.Options{Name: "net"}); err == nil || !strings.Contains(err.Error(), "write C code: operator 0, ") {
			t.Errorf("an unknown operator: %v", err)
		}
	}
}

func realNetwork(t *testing.T, r *rand.Rand, spec models.Spec) *tflite.Model {
	t.Helper()
	b, err := tflite.WriteFloat(spec, weights(t, r, spec))
	if err != nil {
		t.Fatal(err)
	}
	m, err := tflite.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestRealForm compares the float32 form of random networks, and of one of each
// layer kind and activation, with the interpreter to 1e-5.
func TestRealForm(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("NOT COMPILED: no gcc")
	}
	specs := modelstest.Each()
	for i := range 8 {
		specs[fmt.Sprint("random ", i)] = modelstest.Random(i, rand.New(rand.NewPCG(uint64(i), 25)))
	}
	var mu sync.Mutex
	worst := 0.0
	t.Cleanup(func() { t.Logf("%d networks: at most %.1e off", len(specs), worst) })
	maps.DeleteFunc(specs, func(name string, _ models.Spec) bool { // the others have the same C
		return strings.Contains(name, "batchnorm") || strings.HasPrefix(name, "activation ")
	})
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			off := compareReal(t, spec)
			mu.Lock()
			worst = max(worst, off)
			mu.Unlock()
		})
	}
}

// compareReal returns by how much the C form's scores are off, as a share of the
// largest where that is above 1.
func compareReal(t *testing.T, spec models.Spec) float64 {
	worst := 0.0
	r := rand.New(rand.NewPCG(7, 25))
	m := realNetwork(t, r, spec)
	pixels := modelstest.Pixels(r, 10*spec.Input.Elements())
	source, err := ccode.Generate(m, ccode.Options{Name: "net", Golden: pixels[:3*spec.Input.Elements()]})
	if err != nil {
		t.Fatal(err)
	}
	got, each := compiled(t, "gcc", source, m, pixels), 1+4*spec.Classes
	out, err := m.Run(pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 10*each {
		t.Fatalf("%d bytes", len(got))
	}
	slack := ccode.RealSlack * float64(max(1, slices.Max(out.Logits), -slices.Min(out.Logits)))
	for i, want := range out.Logits {
		at := i/spec.Classes*each + 1 + 4*(i%spec.Classes)
		score := math.Float32frombits(binary.LittleEndian.Uint32(got[at:]))
		off := math.Abs(float64(score - want))
		worst = max(worst, off/slack*ccode.RealSlack)
		if !(off <= slack) {
			t.Errorf("score %d is %v, the interpreter's %v\n%s", i, score, want, source.C)
			break
		}
	}
	return worst
}

func weights(t *testing.T, r *rand.Rand, spec models.Spec) models.Weights {
	t.Helper()
	w, err := modelstest.Weights(r, spec)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestNoWarnings compiles networks of every layer kind, in int8 and float32, with
// each compiler that people take them to.
func TestNoWarnings(t *testing.T) {
	specs := modelstest.Each()
	maps.DeleteFunc(specs, func(name string, _ models.Spec) bool { // the others have the same C
		return strings.Contains(name, "batchnorm") || strings.HasPrefix(name, "activation ")
	})
	for _, compiler := range [][]string{{"gcc"}, {"clang"}, {"arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"},
		{"avr-gcc", "-mmcu=atmega328p"},
		{"riscv64-unknown-elf-gcc", "-ffreestanding"}} {
		t.Run(compiler[0], func(t *testing.T) {
			if _, err := exec.LookPath(compiler[0]); err != nil {
				t.Logf("NOT COMPILED: no %s", compiler[0])
				return
			}
			t.Parallel()
			dir := t.TempDir()
			files := []string{}
			for name, spec := range specs {
				r := rand.New(rand.NewPCG(9, 25))
				quantized, pixels := network(t, r, spec, 8, tflite.Options{})
				for i, m := range []*tflite.Model{quantized, realNetwork(t, r, spec)} {
					id := fmt.Sprintf("net%d_%d", len(files), i)
					source, err := ccode.Generate(m, ccode.Options{Name: id, Classes: []string{"a", "b", "c"},
						Golden: pixels[:2*spec.Input.Elements()]})
					if err != nil {
						t.Fatal(name, err)
					}
					if compiler[0] == "riscv64-unknown-elf-gcc" && bytes.Contains(source.C, []byte("<math.h>")) {
						continue // Debian has no C library for it
					}
					write(t, filepath.Join(dir, id+".h"), source.H)
					write(t, filepath.Join(dir, id+".c"), source.C)
					files = append(files, id+".c")
				}
			}
			args := append(append(compiler[1:], "-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-c"), files...)
			build := exec.Command(compiler[0], args...)
			build.Dir = dir
			if out, err := build.CombinedOutput(); err != nil {
				t.Errorf("%v: %.3000s", err, out)
			}
		})
	}
}
