package ccode_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"slimfit/models"
	. "slimfit/pkg/tflite"
)

func paddings() []models.Padding { return []models.Padding{models.Same, models.Valid} }
func product(s []int) int {
	n := 1
	for _, x := range s {
		n *= x
	}
	return n
}
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
func kernelShape(n models.Node) []int {
	switch l := n.Layer; l.Kind {
	case models.Conv:
		return []int{l.Kernel[0], l.Kernel[1], n.In.C, l.Filters}
	case models.Depthwise:
		return []int{l.Kernel[0], l.Kernel[1], n.In.C, l.Multiplier}
	case models.Dense:
		return []int{n.In.Elements(), l.Units}
	}
	return nil
}
