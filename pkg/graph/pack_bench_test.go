package graph

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"slimfit/models"
)

// fakeImages are n images of noise on a mostly black ground, as MNIST's are.
func fakeImages(n int, in models.Shape, classes int) Images {
	g := rand.New(rand.NewPCG(1, 2))
	im := Images{Pixels: make([]uint8, n*in.Elements()), Labels: make([]uint8, n)}
	for i := range im.Pixels {
		if g.IntN(5) == 0 {
			im.Pixels[i] = uint8(g.IntN(256))
		}
	}
	for i := range im.Labels {
		im.Labels[i] = uint8(g.IntN(classes))
	}
	return im
}

var mnist = models.Shape{H: 28, W: 28, C: 1}

func cellNet(kernel, filters, pool, dense int, seed int64) Net {
	return Net{Seed: seed, Spec: models.Spec{Input: mnist, Classes: 10, Layers: []models.Layer{
		models.NewConv(kernel, filters), models.NewMaxPool(pool), models.NewDense(dense), models.NewDropout(0.5)}}}
}

// BenchmarkStep times one training step of a pack, all networks together.
func BenchmarkStep(b *testing.B) {
	images := fakeImages(2000, mnist, 10)
	base, _ := models.Named("base")
	for _, c := range []struct {
		name   string
		copies int
		net    func(i int) Net
	}{
		{"5x5x2-pool4", 1, func(i int) Net { return cellNet(5, 2, 4, 128, int64(i)) }},
		{"5x5x2-pool4", 8, func(i int) Net { return cellNet(5, 2, 4, 128, int64(i)) }},
		{"5x5x2-pool4", 16, func(i int) Net { return cellNet(5, 2, 4, 128, int64(i)) }},
		{"5x5x2-pool2", 1, func(i int) Net { return cellNet(5, 2, 2, 128, int64(i)) }},
		{"5x5x2-pool2", 8, func(i int) Net { return cellNet(5, 2, 2, 128, int64(i)) }},
		{"5x5x4-pool2", 1, func(i int) Net { return cellNet(5, 4, 2, 128, int64(i)) }},
		{"5x5x4-pool2", 4, func(i int) Net { return cellNet(5, 4, 2, 128, int64(i)) }},
		{"5x5x8-pool2", 1, func(i int) Net { return cellNet(5, 8, 2, 128, int64(i)) }},
		{"5x5x8-pool2", 2, func(i int) Net { return cellNet(5, 8, 2, 128, int64(i)) }},
		{"5x5x16-pool2", 1, func(i int) Net { return cellNet(5, 16, 2, 128, int64(i)) }},
		{"5x5x32-pool2", 1, func(i int) Net { return cellNet(5, 32, 2, 128, int64(i)) }},
		{"base", 1, func(i int) Net { return Net{Seed: 1, Spec: models.Spec{Input: mnist, Classes: 10, Layers: base}} }},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.name, c.copies), func(b *testing.B) {
			var nets []Net
			for i := range c.copies {
				nets = append(nets, c.net(i))
			}
			p, err := NewPack(nets, models.DefaultRecipe(), images, Device{Threads: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			batch := make([]int32, 50)
			losses := make([]float64, len(nets))
			step := 0
			for b.Loop() {
				for i := range batch {
					batch[i] = int32((step*50 + i) % 2000)
				}
				if err := p.Step(step, batch, losses); err != nil {
					b.Fatal(err)
				}
				step++
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N*c.copies), "ms/net-step")
		})
	}
}
