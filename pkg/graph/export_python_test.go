package graph

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"slimfit/pkg/npy"
)

// venvPython is the Python that `make venv` sets up. Without it the test is
// skipped, unless SLIMFIT_VENV=required.
func venvPython(t *testing.T) string {
	t.Helper()
	python, err := filepath.Abs("../../.venv/bin/python")
	if err == nil {
		_, err = os.Stat(python)
	}
	if err == nil {
		return python
	}
	if os.Getenv("SLIMFIT_VENV") == "required" {
		t.Fatalf("no Python to compare with: %v; `make venv` sets it up", err)
	}
	t.Skip("NOT COMPARED with Python's TensorFlow: there is no .venv; `make venv` sets it up")
	return ""
}

// Python's own TensorFlow loads SavedModels and frozen graphs, and gives the
// training graph's logits within 1e-5.
func TestExportsInPython(t *testing.T) {
	python := venvPython(t)
	args := []string{"../../scripts/export/check_export.py", "logits"}
	for _, i := range []int{0, 12, 13, 14} {
		net := mixedNets()[i]
		_, states, logits := trained(t, []Net{net}, testRecipe(), nil, 0, 3)
		dir := filepath.Join(t.TempDir(), "net"+strconv.Itoa(i))
		if err := os.MkdirAll(filepath.Join(dir, "savedmodel"), 0o777); err != nil {
			t.Fatal(err)
		}
		saved, err := SavedModel(net.Spec, states[0].Weights)
		if err != nil {
			t.Fatal(err)
		}
		frozen, err := Frozen(net.Spec, states[0].Weights)
		if err != nil {
			t.Fatal(err)
		}
		in := net.Spec.Input
		n := len(logits[0]) / net.Spec.Classes
		var pixels []float32
		for _, p := range fakeImages(testImages, in, 10).Pixels[:n*in.Elements()] {
			pixels = append(pixels, float32(p)/255)
		}
		var images, want bytes.Buffer
		if err := npy.Write(&images, pixels, n, in.H, in.W, in.C); err != nil {
			t.Fatal(err)
		}
		if err := npy.Write(&want, logits[0], n, net.Spec.Classes); err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{"savedmodel/saved_model.pb": saved, "frozen.pb": frozen, "images.npy": images.Bytes(),
			"logits.npy": want.Bytes()} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		args = append(args, dir)
	}
	out, err := exec.Command(python, args...).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
