package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"slimfit/models"
	"slimfit/pkg/export"
	"slimfit/pkg/lab"
	"slimfit/pkg/tflite"
)

// tinyNetworks are the networks of experiments/tiny, by file.
func tinyNetworks(t *testing.T) map[string]lab.Network {
	t.Helper()
	files, err := filepath.Glob("../../experiments/tiny/*.yaml")
	if err != nil || len(files) != 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	quiet := func(string, ...any) {}
	l := &lab.Lab{Note: quiet, Detail: quiet}
	all := map[string]lab.Network{}
	for _, f := range files {
		networks, err := l.CountNetworks(context.Background(), nil, "", []string{f}, nil)
		if err != nil || len(networks) != 1 {
			t.Fatalf("%s: %d networks, %v", f, len(networks), err)
		}
		all[filepath.Base(f)] = networks[0]
	}
	return all
}

// Parameters as Keras counts the published networks, and as deployed.
func TestTinyCounts(t *testing.T) {
	networks := tinyNetworks(t)
	for file, want := range map[string][2]int{"ds-cnn.yaml": {24908, 22604}, "resnet-8.yaml": {78666, 77706},
		"mobilenet-v1.yaml": {221794, 210850}, "st-mnist.yaml": {10212, 9732}} {
		if f := networks[file].Footprint; f.Trained() != want[0] || f.Parameters != want[1] {
			t.Errorf("%s: %d parameters trained, %d deployed, want %v", file, f.Trained(), f.Parameters, want)
		}
	}
}

// Int8 files of the untrained networks give the same bits in TensorFlow Lite's
// interpreter and in slimfit's, and need the arena that slimfit says.
func TestTinyInInterpreter(t *testing.T) {
	python, script := os.Getenv("SLIMFIT_TFLITE_PYTHON"), "../../scripts/tflite/check_tflite.py"
	if err := exec.Command(python, script, "version").Run(); err != nil {
		t.Skip("NOT COMPARED with TensorFlow Lite: set SLIMFIT_TFLITE_PYTHON to a Python with ai-edge-litert")
	}
	micro := exec.Command(python, "-c", "import tflite_micro").Run() == nil
	dir := t.TempDir()
	pixels := map[string][]uint8{}
	loaded := map[string]*tflite.Model{}
	for name, n := range tinyNetworks(t) {
		head := n.Model[len(n.Model)-1]
		spec := models.Spec{Input: n.Input, Classes: head.Units, Layers: n.Model[:len(n.Model)-1]}
		_, files, err := export.MeasureFiles(spec)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, err := tflite.Load(files[export.TFLiteInt8])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p := make([]uint8, 20*n.Input.Elements())
		for i := range p {
			p[i] = uint8(i * i >> 3)
		}
		loaded[name], pixels[name] = m, p
		for file, b := range map[string][]byte{name + ".tflite": files[export.TFLiteInt8], name + ".pixels": p} {
			if err := os.WriteFile(filepath.Join(dir, file), b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	modes := []string{"tensors"}
	if micro {
		modes = append(modes, "micro")
	}
	for _, mode := range modes {
		if out, err := exec.Command(python, script, mode, dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, m := range loaded {
		m.Kernels = tflite.LiteRT
		out, err := m.Run(pixels[name], 1)
		if err != nil {
			t.Fatal(err)
		}
		logits := m.Outputs[1]
		q := m.Tensors[logits].Quant
		got := read(name + ".reference." + strconv.Itoa(logits))
		if len(got) != len(out.Logits) {
			t.Fatalf("%s: %d logits, the interpreter has %d", name, len(out.Logits), len(got))
		}
		for i, b := range got {
			if want := q.Scale[0] * float32(int(int8(b))-q.ZeroPoint); out.Logits[i] != want {
				t.Errorf("%s: logit %d is %v, in the interpreter %v", name, i, out.Logits[i], want)
				break
			}
		}
		if !micro {
			t.Log("NOT COMPARED with TensorFlow Lite Micro: this Python lacks tflite-micro")
		} else if want := string(read(name + ".arena")); want != strconv.Itoa(tflite.ArenaBytes(m)) {
			t.Errorf("%s: an arena of %d bytes, the runtime has %s", name, tflite.ArenaBytes(m), want)
		}
	}
}
