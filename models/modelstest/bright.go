package modelstest

import (
	"math/rand/v2"

	"slimfit/models"
)

// Bright are weights with which a network of convolutions and dense layers averages
// the image and compares its brightness with each class's: (70 class + 52) / 255.
// shift is how far what it expects is off that.
func Bright(s models.Spec, shift float64) (models.Weights, error) {
	nodes, err := s.Nodes()
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
