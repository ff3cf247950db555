package graph

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"

	"slimfit/models"
)

// BenchmarkEvaluation classifies images in batches of several sizes, in turns, by
// the processor's time: the median of the rounds in us an image.
func BenchmarkEvaluation(b *testing.B) {
	const rounds, images = 7, 2000
	sizes := []int{25, 50, 100, 250}
	pixels := fakeImages(images, mnist, 10)
	layers, _ := models.Named("base")
	for name, nets := range map[string][]Net{
		"5x5x32": {cellNet(5, 32, 2, 128, 1)}, "1x1x16": {cellNet(1, 16, 2, 128, 1)}, "5x5x2": {cellNet(5, 2, 2, 128, 1)},
		"base": {{Seed: 1, Spec: models.Spec{Input: mnist, Classes: 10, Layers: layers}}},
		"8 of 5x5x2": {cellNet(5, 2, 2, 128, 1), cellNet(5, 2, 2, 128, 2), cellNet(5, 2, 2, 128, 3), cellNet(5, 2, 2, 128, 4),
			cellNet(5, 2, 2, 128, 5), cellNet(5, 2, 2, 128, 6), cellNet(5, 2, 2, 128, 7), cellNet(5, 2, 2, 128, 8)},
	} {
		for _, stem := range []string{StockStem, ""} {
			b.Run(name+" "+stem, func(b *testing.B) {
				d, err := (Device{Threads: 1}).WithStem(stem)
				if err != nil {
					b.Fatal(err)
				}
				p, err := NewPack(nets, testRecipe(), pixels, d)
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				times := make([][]float64, len(sizes))
				for b.Loop() {
					for round := range rounds + 1 {
						for k, size := range sizes {
							start := userTime(b)
							for at := 0; at < images; at += size {
								part := bytes.NewReader(pixels.Pixels[at*784 : (at+size)*784])
								t, err := tf.ReadTensor(tf.Uint8, []int64{int64(size), 28, 28, 1}, part)
								if err != nil {
									b.Fatal(err)
								}
								if _, err := p.session.Run(map[tf.Output]*tf.Tensor{p.eval.pixels: t}, p.eval.logits, nil); err != nil {
									b.Fatal(err)
								}
							}
							if round > 0 {
								times[k] = append(times[k], (userTime(b)-start).Seconds()*1e6/images)
							}
						}
					}
				}
				for k, size := range sizes {
					slices.Sort(times[k])
					b.ReportMetric(times[k][rounds/2], fmt.Sprintf("us/%d", size))
				}
			})
		}
	}
}
