// Command rates measures how often a search certifies what it should not, on
// simulated grids whose every configuration truly misses the target by a hair:
//
//	go run ./scripts/rates [-grids 1000] [-quick]
//
// It prints a Markdown table, and exits with 1 where a rate is above the stated
// one beyond its own noise. pkg/search/README.md has the figures.
package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/search/searchtest"
	"slimfit/pkg/target"
)

// cell is one kind of grid.
type cell struct {
	rule    string
	seeds   int
	configs int
	seedSD  float64 // of true accuracies over seeds, a fraction
	imageSD float64 // of difficulty, in probits: see searchtest.NewImages
}

const (
	accuracy   = 0.95
	confidence = 0.95
	hair       = 2e-5 // by which every configuration truly misses
)

func main() {
	grids := flag.Int("grids", 1000, "simulated grids of each kind")
	quick := flag.Bool("quick", false, "few kinds only")
	flag.Parse()
	high, err := run(os.Stdout, cells(*quick), *grids)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rates:", err)
		os.Exit(1)
	}
	if high > 0 {
		fmt.Fprintf(os.Stderr, "rates: %d rates are above the stated %v\n", high, 1-confidence)
		os.Exit(1)
	}
}

func cells(quick bool) []cell {
	if quick {
		return []cell{{target.Worst, 1, 8, 0, 3}, {target.Mean, 2, 24, 0.005, 3}, {target.Mean, 3, 24, 0.015, 3}, {target.Mean, 3, 8, 0.0005, 1},
			{target.Tolerance, 10, 24, 0.01, 3}}
	}
	var all []cell
	for _, sd := range []float64{0.0005, 0.002, 0.005, 0.01, 0.015} {
		for _, configs := range []int{8, 24, 120} {
			for _, seeds := range []int{2, 3, 5, 10} {
				all = append(all, cell{target.Mean, seeds, configs, sd, 3})
			}
			all = append(all, cell{target.Worst, 1, configs, sd, 3}, cell{target.Worst, 3, configs, sd, 3},
				cell{target.Tolerance, 10, configs, sd, 3})
		}
		all = append(all, cell{target.Tolerance, 20, 24, sd, 3}, cell{target.Tolerance, 30, 24, sd, 3})
	}
	for _, imageSD := range []float64{0, 1, 10} {
		all = append(all, cell{target.Mean, 3, 24, 0.005, imageSD}, cell{target.Worst, 1, 24, 0, imageSD},
			cell{target.Tolerance, 10, 24, 0.01, imageSD})
	}
	return all
}

// run measures the cells, and counts the rates that are too high.
func run(w io.Writer, all []cell, grids int) (high int, err error) {
	fmt.Fprintf(w, "| rule | seeds | configurations | seed sd, points | difficulty sd, probits | false certificates of %d "+
		"|\n|---|---:|---:|---:|---:|---:|\n", grids)
	for _, c := range all {
		wrong, err := c.measure(grids)
		if err != nil {
			return high, err
		}
		rate, stated := float64(wrong)/float64(grids), 1-confidence
		mark := ""
		if rate > stated+2.6*math.Sqrt(stated*(1-stated)/float64(grids)) {
			mark, high = " **too many**", high+1
		}
		fmt.Fprintf(w, "| %s | %d | %d | %.2f | %g | %.1f %%%s |\n", c.rule, c.seeds, c.configs, 100*c.seedSD, c.imageSD, 100*rate, mark)
	}
	return high, nil
}

// measure counts the grids that end with a false certificate.
func (c cell) measure(grids int) (int, error) {
	e, err := c.experiment()
	if err != nil {
		return 0, err
	}
	images := searchtest.NewImages(c.imageSD)
	var next, wrong atomic.Int64
	var failed atomic.Value
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for g := next.Add(1); g <= int64(grids); g = next.Add(1) {
				falsely, err := c.search(e, images, uint64(g))
				if err != nil {
					failed.Store(err)
					return
				}
				if falsely {
					wrong.Add(1)
				}
			}
		})
	}
	group.Wait()
	err, _ = failed.Load().(error)
	return int(wrong.Load()), err
}

// experiment is a grid of so many dense networks.
func (c cell) experiment() (*experiment.Experiment, error) {
	data := models.Data{Name: "simulated", Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Train: 55000, Validation: 5000, Test: 10000}
	e := &experiment.Experiment{Name: "rates", File: "rates", Data: data,
		Target: &experiment.Target{Accuracy: accuracy, Confidence: confidence,
			Rule: c.rule, Cost: footprint.Parameters}}
	for s := range c.seeds {
		e.Seeds = append(e.Seeds, int64(s))
	}
	for i := range c.configs {
		config := models.Config{Data: data, Recipe: models.DefaultRecipe(), Layers: []models.Layer{models.NewDense(8 + i)}}
		f, err := footprint.Of(config.Spec())
		if err != nil {
			return nil, err
		}
		e.Configs = append(e.Configs, experiment.Configuration{ID: config.ID(), Config: config, Footprint: f})
	}
	return e, nil
}

// search searches one grid and says whether it certifies falsely.
func (c cell) search(e *experiment.Experiment, images *searchtest.Images, grid uint64) (bool, error) {
	p, err := search.New(e, search.Options{Exact: true}) // no network is skipped: the most openings
	if err != nil {
		return false, err
	}
	w := searchtest.NewWorld(e.Data, images, grid)
	w.Accuracy = map[string]float64{}
	for _, config := range e.Configs {
		w.Accuracy[config.ID] = accuracy - hair
		if c.rule == target.Tolerance { // just over 1 - target.Coverage of the seeds lie below
			w.Accuracy[config.ID] += 1.6449 * c.seedSD
		}
	}
	w.Network = func(mean, z float64) float64 { return math.Min(mean+c.seedSD*z, 1) }
	w.Lists = func(k result.Key) (validation, test bool) {
		return false, c.rule != target.Worst && k.Seed >= int64(c.seeds)
	}
	winner := p.Replay(w.Finished).Winner()
	return winner != "" && (c.rule != target.Worst || slices.ContainsFunc(e.Seeds, func(s int64) bool {
		return w.TrueAccuracy(result.Key{ConfigID: winner, Seed: s}) < accuracy
	})), nil
}
