package search

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
)

// SpaceYAML is an experiment of 10,368 configurations: kernel, filters, pool, a
// second convolution or none, and a dense layer or none.
const SpaceYAML = `name: simulated
dataset: mnist
matrix:
  kernel: [1, 3, 5]
  filters: {from: 1, to: 32}
  pool: [2, 3, 4]
  second: [false, true]
  wide: [4, 8, 16]
  hidden: [false, true]
  dense: {from: 16, to: 128, step: 16}
model:
  - conv: {kernel: $kernel, filters: $filters}
  - maxpool: $pool
  - {conv: {kernel: 3, filters: $wide}, when: $second}
  - {maxpool: 2, when: $second}
  - {dense: $dense, when: $hidden}
baseline: {kernel: 5, filters: 32, pool: 2, second: false, wide: 4, hidden: true, dense: 128}
train: {steps: 4000}
seeds: 3
target: {accuracy: 0.95}
`

// Load reads an experiment of simulated images in a folder.
func Load(dir, source string, sets ...string) (*experiment.Experiment, error) {
	file := filepath.Join(dir, "space.yaml")
	if err := os.WriteFile(file, []byte(source), 0o666); err != nil {
		return nil, err
	}
	return experiment.LoadFrom(file, sets, experiment.Sources{Space: true, Describe: func(dataset.Ref) (models.Data, error) {
		return models.Data{Name: "mnist", Digest: "simulated", Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Train: 55000,
			Validation: 5000, Test: 10000}, nil
	}})
}

// Landscape gives configurations true errors: a product of powers of widths and
// kernels that levels off at a floor, a factor for what is left out, and
// ruggedness of each configuration's own.
type Landscape struct {
	scale, floor, kernel, filters, dense, pool, second, none float64
	rugged                                                   float64
	salt                                                     uint64
}

// DrawLandscape draws one; rugged is the sd of the own part in log error.
func DrawLandscape(rng *rand.Rand, rugged float64) Landscape {
	return Landscape{scale: 0.03 * math.Exp(0.4*rng.NormFloat64()), floor: 0.003 + 0.01*rng.Float64(), kernel: 0.2 + 0.5*rng.Float64(),
		filters: 0.15 + 0.4*rng.Float64(), dense: 0.1 + 0.4*rng.Float64(), pool: 0.2 + 0.6*rng.Float64(), second: 0.5 + 0.5*rng.Float64(),
		none: 1.2 + rng.Float64(), rugged: rugged, salt: rng.Uint64()}
}

// Accuracy is the true one of a configuration.
func (l Landscape) Accuracy(c models.Config, id string) float64 {
	e, convs, hidden := l.scale, 0, false
	for _, layer := range c.Layers {
		switch {
		case layer.Filters > 0:
			if convs++; convs == 1 {
				e *= math.Pow(float64(layer.Kernel[0])/5, -l.kernel) * math.Pow(float64(layer.Filters)/32, -l.filters)
			} else {
				e *= l.second * math.Pow(float64(layer.Filters)/16, -l.filters)
			}
		case layer.Size[0] > 0 && convs == 1:
			e *= math.Pow(float64(layer.Size[0])/2, l.pool)
		case layer.Units > 0:
			hidden = true
			e *= math.Pow(float64(layer.Units)/128, -l.dense)
		}
	}
	if !hidden {
		e *= l.none * math.Pow(8, l.dense)
	}
	h := fnv.New64a()
	h.Write([]byte(id))
	own := rand.New(rand.NewPCG(h.Sum64(), l.salt)).NormFloat64()
	return 1 - math.Min((l.floor+e)*math.Exp(l.rugged*own), 0.85)
}
