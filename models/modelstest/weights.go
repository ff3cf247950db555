package modelstest

import (
	"math"
	"math/rand/v2"

	"slimfit/models"
)

// Weights returns random weights of the size that trained ones have.
func Weights(r *rand.Rand, s models.Spec) (models.Weights, error) {
	nodes, err := s.Nodes()
	if err != nil {
		return nil, err
	}
	var w models.Weights
	for _, n := range nodes {
		fan := float64(n.Size(models.Kernel)) / float64(n.Out.C)
		for _, p := range models.Parts() {
			if n.Shape(p) == nil {
				continue
			}
			values := make([]float32, n.Size(p))
			for i := range values {
				x := r.NormFloat64()
				switch p {
				case models.Kernel:
					x *= 1.5 / math.Sqrt(fan)
				case models.Gamma:
					x = 1 + 0.5*x
				case models.Variance:
					x = math.Exp(x)
				default:
					x *= 0.2
				}
				values[i] = float32(x)
			}
			w.Set(n.Name, p, values)
		}
	}
	return w, nil
}

// Pixels returns n random pixels.
func Pixels(r *rand.Rand, n int) []uint8 {
	p := make([]uint8, n)
	for i := range p {
		p[i] = uint8(r.IntN(256))
	}
	return p
}
