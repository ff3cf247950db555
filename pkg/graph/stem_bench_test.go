package graph

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// BenchmarkStem compares a training step of the paper's cells with TensorFlow's
// kernels and with ours, in turns, by the processor's time: the median of the
// rounds in ms a step. Images have digits' black margins.
func BenchmarkStem(b *testing.B) {
	const rounds, steps = 7, 20
	images := fakeImages(2000, mnist, 10)
	for i := range images.Pixels {
		if r, c := i%784/28, i%28; r < 5 || r > 22 || c < 7 || c > 20 {
			images.Pixels[i] = 0
		}
	}
	for _, kernel := range []int{5, 3, 1} {
		for _, filters := range []int{32, 16, 8, 4, 2} {
			b.Run(fmt.Sprintf("%dx%dx%d", kernel, kernel, filters), func(b *testing.B) {
				var packs []*Pack
				for _, kind := range []string{StockStem, ""} {
					d, err := (Device{Threads: 1}).WithStem(kind)
					if err != nil {
						b.Fatal(err)
					}
					p, err := NewPack([]Net{cellNet(kernel, filters, 2, 128, 1)}, testRecipe(), images, d)
					if err != nil {
						b.Fatal(err)
					}
					defer p.Close()
					packs = append(packs, p)
				}
				times := make([][]float64, 2)
				for b.Loop() {
					for round := range rounds + 1 {
						for k, p := range packs {
							if t := stepTime(b, p, round*steps, steps); round > 0 { // the first makes TensorFlow's kernels
								times[k] = append(times[k], t)
							}
						}
					}
				}
				for k, name := range []string{"stock-ms", "own-ms"} {
					slices.Sort(times[k])
					b.ReportMetric(times[k][len(times[k])/2], name)
				}
			})
		}
	}
}

// stepTime is the processor's time of a step, in ms.
func stepTime(b *testing.B, p *Pack, first, steps int) float64 {
	batch, losses := make([]int32, 50), make([]float64, 1)
	start := userTime(b)
	for step := first; step < first+steps; step++ {
		for i := range batch {
			batch[i] = int32((step*50 + i) % 2000)
		}
		if err := p.Step(step, batch, losses); err != nil {
			b.Fatal(err)
		}
	}
	return (userTime(b) - start).Seconds() * 1000 / float64(steps)
}

func userTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
