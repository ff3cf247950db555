package main

import (
	"embed"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"slimfit/models"
	"slimfit/pkg/store"
)

// tinyFiles are data/ and runs/tiny/ with networks that tell three classes of
// images of 8x8 by their brightness; written by the tests of pkg/export.
//
//go:embed testdata/tiny
var tinyFiles embed.FS

const (
	tinyEdge    = 8
	tinyClasses = 3
)

// tinyRun is the run folder in a test's folder. Good has seeds 0 to 2 with
// weights.
type tinyRun struct {
	Folder *store.Folder
	Data   string
	Good   string // a configuration's ID
}

func copyTiny(dir string) error {
	tiny, err := fs.Sub(tinyFiles, "testdata/tiny")
	if err != nil {
		return err
	}
	return os.CopyFS(dir, tiny)
}

func newTinyRun(t *testing.T, dir string) tinyRun {
	t.Helper()
	if err := copyTiny(dir); err != nil {
		t.Fatal(err)
	}
	folder, err := store.Open(filepath.Join(dir, "runs", "tiny"))
	if err != nil {
		t.Fatal(err)
	}
	return tinyRun{folder, filepath.Join(dir, "data"), "c3x2-p2-d4-d6af530d"}
}

// brightWeights make a network that averages the image, and compares its
// brightness with each class's; shift is how far the brightness that it expects
// is off.
func brightWeights(c models.Config, shift float64) (models.Weights, error) {
	nodes, err := c.Spec().Nodes()
	if err != nil {
		return nil, err
	}
	var w models.Weights
	g := rand.New(rand.NewPCG(5, uint64(1e6*shift)))
	for _, n := range nodes {
		size := 0
		switch n.Layer.Kind {
		case models.Conv:
			size = n.Layer.Kernel[0] * n.Layer.Kernel[1] * n.In.C
		case models.Dense:
			size = n.In.Elements()
		default:
			continue
		}
		kernel, bias := make([]float32, size*n.Out.C), make([]float32, n.Out.C)
		for i := range kernel {
			kernel[i] = float32(1+0.01*g.Float64()) / float32(size)
		}
		if n.Linear {
			for class := range n.Out.C {
				bright := (float64(class)*70+52)/255 + shift
				for i := range size {
					kernel[i*n.Out.C+class] *= float32(80 * bright)
				}
				bias[class] = float32(-40 * bright * bright)
			}
		}
		w.Set(n.Name, models.Kernel, kernel)
		w.Set(n.Name, models.Bias, bias)
	}
	return w, nil
}
