package tflite

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/models"
)

func TestWriteCComment(t *testing.T) {
	final, _ := models.Named("final")
	spec := mnist(final...)
	r := rand.New(rand.NewPCG(7, 7))
	file, err := Quantize(spec, randomWeights(t, r, spec), randomPixels(r, 4*784), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	m := load(t, file)
	m.Description += "; two\nlines \\"
	if err := WriteC(&out, "digits", encode(m, true)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"// slimfit: image = pixel - 128; two lines.\n",
		"// Input: int8 [1 28 28 1], real = 0.003921569 * (q - -128)\n",
		"// Output 0: probabilities, int8 [1 10], real = 0.00390625 * (q - -128)\n",
		"//     tflite::MicroMutableOpResolver<4> resolver;\n//     resolver.AddConv2D();\n//     resolver.AddMaxPool2D();\n//     " +
			"resolver.AddFullyConnected();\n//     resolver.AddSoftmax();\n",
		"// Activations take 2352 bytes of the arena",
		"alignas(16) const unsigned char digits[] = {\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String()[:min(out.Len(), 2000)])
		}
	}
}

func TestWriteCErrors(t *testing.T) {
	var out bytes.Buffer
	for _, name := range []string{"", "2x", "a-b", "a b", "é"} {
		if err := WriteC(&out, name, nil); err == nil || !strings.Contains(err.Error(), "identifier") {
			t.Errorf("name %q: %v", name, err)
		}
	}
	if err := WriteC(&out, "model", []byte("TFL3")); err == nil {
		t.Error("a bad file was written")
	}
	if out.Len() > 0 {
		t.Errorf("wrote %d bytes in spite of the errors", out.Len())
	}
}

// TestCompiledArray compiles the source as C and as C++ and reads it back.
func TestCompiledArray(t *testing.T) {
	spec := mnist(models.NewConv(3, 2))
	r := rand.New(rand.NewPCG(7, 7))
	file, err := Quantize(spec, randomWeights(t, r, spec), randomPixels(r, 784), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const program = `
#include <stdio.h>
#include <stdint.h>
int main(void) {
    if ((uintptr_t)model % 16) return 1;
    return fwrite(model, 1, model_len, stdout) != model_len;
}
`
	for compiler, ending := range map[string]string{"cc": ".c", "c++": ".cc"} {
		t.Run(compiler, func(t *testing.T) {
			path, err := exec.LookPath(compiler)
			if err != nil {
				t.Skipf("NOT COMPILED: no %s", compiler)
			}
			dir := t.TempDir()
			var source bytes.Buffer
			if err := WriteC(&source, "model", file); err != nil {
				t.Fatal(err)
			}
			source.WriteString(program)
			write(t, filepath.Join(dir, "model"+ending), source.Bytes())
			build := exec.Command(path, "-Wall", "-Werror", "-o", "model", "model"+ending)
			build.Dir = dir
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			run := exec.Command(filepath.Join(dir, "model"))
			run.Stderr = os.Stderr
			out, err := run.Output()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out, file) {
				t.Errorf("the array has %d bytes, the file %d, or they differ", len(out), len(file))
			}
		})
	}
}
