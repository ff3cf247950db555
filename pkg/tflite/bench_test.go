package tflite

import (
	"math/rand/v2"
	"testing"

	"slimfit/models"
)

// BenchmarkInt8 runs the paper's networks and a separable one with random
// weights, one goroutine; the metric is images a second.
func BenchmarkInt8(b *testing.B) {
	for _, name := range append(models.Names(), "separable") {
		b.Run(name, func(b *testing.B) {
			spec := models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: benchLayers(name)}
			r := rand.New(rand.NewPCG(1, 1))
			w := randomWeights(b, r, spec)
			pixels := randomPixels(r, 64*28*28)
			file, err := Quantize(spec, w, pixels[:16*28*28], Options{})
			if err != nil {
				b.Fatal(err)
			}
			m, err := Load(file)
			if err != nil {
				b.Fatal(err)
			}
			images := 0
			for b.Loop() {
				if _, err := m.Run(pixels, 1); err != nil {
					b.Fatal(err)
				}
				images += 64
			}
			b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

func benchLayers(name string) []models.Layer {
	if layers, ok := models.Named(name); ok {
		return layers
	}
	conv := models.NewConv(3, 6)
	conv.Activation = models.LeakyRelu
	layers := []models.Layer{conv, models.NewMaxPool(2)}
	for _, filters := range []int{5, 9, 10, 8} {
		l := models.DefaultLayer(models.Separable)
		l.Kernel, l.Filters, l.Padding, l.Activation = [2]int{3, 3}, filters, models.Valid, models.LeakyRelu
		layers = append(layers, l)
	}
	return append(layers, models.Layer{Kind: models.GlobalAvgPool})
}
