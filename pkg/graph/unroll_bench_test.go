package graph

import (
	"fmt"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// BenchmarkRun is what a Session.Run costs with the session settings of a GPU, in
// the processor's time a step: of a graph that only gives a step's feeds back, and
// of steps of a stack, alone and several in a row.
func BenchmarkRun(b *testing.B) {
	d := Device{Threads: 1, GPU: true}
	b.Run("feeds and fetches alone", func(b *testing.B) {
		p := &Pack{recipe: testRecipe(), nets: &networks{builder: newBuilder()}}
		p.buildFeeds()
		s := p.step
		var fetch []tf.Output
		for _, x := range []tf.Output{s.batch, s.step, s.rate} {
			fetch = append(fetch, op.Identity(p.nets.at("back"), x))
		}
		g, err := p.nets.root.Finalize()
		if err != nil {
			b.Fatal(err)
		}
		if p.session, err = newSession(g, d); err != nil {
			b.Fatal(err)
		}
		defer p.Close()
		batch, start := make([]int32, p.recipe.Batch), userTime(b)
		for step := 0; b.Loop(); step++ {
			feeds, err := p.feeds(step, batch)
			if err == nil {
				_, err = p.run(feeds, fetch, nil)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric((userTime(b)-start).Seconds()*1e6/float64(b.N), "cpu-us/step")
	})
	for _, members := range []int{4, 16} {
		for _, unroll := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("%d of final, %d steps", members, unroll), func(b *testing.B) {
				var nets []Net
				for seed := range members {
					nets = append(nets, cellNet(5, 2, 4, 128, int64(seed)))
				}
				d.Unroll = unroll
				r := models.DefaultRecipe()
				r.Order = models.Shared
				p, err := NewPack(nets, r, fakeImages(testImages, mnist, 10), d)
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				batches, losses := make([][]int32, unroll), make([][]float64, unroll)
				for i := range batches {
					batches[i], losses[i] = make([]int32, 50), make([]float64, members)
				}
				step := 0
				run := func() {
					if unroll > 1 {
						err = p.Steps(step, batches, losses)
					} else {
						err = p.Step(step, batches[0], losses[0])
					}
					if err != nil {
						b.Fatal(err)
					}
					step += unroll
				}
				run() // the first one makes the kernels
				start := userTime(b)
				for b.Loop() {
					run()
				}
				b.ReportMetric((userTime(b)-start).Seconds()*1e6/float64(b.N*unroll), "cpu-us/step")
			})
		}
	}
}
