package search

import (
	"math"
	"math/rand/v2"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
)

// grid120 is three slices x filters 2 to 32 x pool 2 or 4 x fc 16 to 128.
func grid120() []Candidate {
	data := models.Data{Name: "simulated", Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Train: 55000, Validation: 5000, Test: 10000}
	recipe := models.DefaultRecipe()
	recipe.Steps = 4000
	var out []Candidate
	for _, kernel := range []int{1, 3, 5} {
		for _, filters := range []int{2, 4, 8, 16, 32} {
			for _, pool := range []int{2, 4} {
				for _, dense := range []int{16, 32, 64, 128} {
					c := models.Config{Data: data, Recipe: recipe, Layers: []models.Layer{
						models.NewConv(kernel, filters), models.NewMaxPool(pool), models.NewDense(dense), models.NewDropout(0.5)}}
					f, err := footprint.Of(c.Spec())
					if err != nil {
						panic(err)
					}
					out = append(out, Candidate{ID: c.ID(), Config: c, Footprint: f,
						Assignment: map[string]any{"kernel": kernel, "filters": filters, "pool": pool, "dense": dense}})
				}
			}
		}
	}
	return out
}

func problem(all []Candidate, seeds int, target experiment.Target, o Options) *Problem {
	p := &Problem{Experiment: "simulated", Data: all[0].Data, Target: target, Options: o}
	for s := range seeds {
		p.Seeds = append(p.Seeds, int64(s))
	}
	if err := p.setCandidates(all); err != nil {
		panic(err)
	}
	return p
}

func aim(accuracy float64) experiment.Target {
	return experiment.Target{Accuracy: accuracy, Confidence: 0.95, Cost: footprint.Parameters, Rule: experiment.RuleWorst}
}

// surface draws a true error for each configuration: a product of powers of
// the sizes, as the paper's tables have it, with some ruggedness of its own.
func surface(rng *rand.Rand, all []Candidate, rugged float64) map[string]float64 {
	scale := 0.04 * math.Exp(0.4*rng.NormFloat64())
	k, f, d := 0.2+0.5*rng.Float64(), 0.1+0.3*rng.Float64(), 0.1+0.4*rng.Float64()
	pool := 0.2 + 0.5*rng.Float64()
	out := map[string]float64{}
	for _, c := range all {
		a := c.Assignment
		e := scale * math.Pow(float64(a["kernel"].(int))/5, -k) * math.Pow(float64(a["filters"].(int))/32, -f) *
			math.Pow(float64(a["dense"].(int))/128, -d) * math.Pow(float64(a["pool"].(int))/2, pool)
		e *= math.Exp(rugged * rng.NormFloat64())
		out[c.ID] = 1 - math.Min(e, 0.85)
	}
	return out
}

// world answers trials of one simulated grid, whose seeds spread by seedSD in log
// error.
type world struct {
	*World
	p *Problem
}

func newWorld(p *Problem, accuracy map[string]float64, seedSD float64, salt uint64) *world {
	w := NewWorld(p.Data, images, salt)
	w.Accuracy = accuracy
	w.Network = func(mean, z float64) float64 { return 1 - math.Min((1-mean)*math.Exp(seedSD*z), 0.9) }
	w.Lists = func(result.Key) (validation, test bool) {
		floors := p.Target.RecallAll > 0
		return floors, floors || p.Target.Rule != experiment.RuleWorst
	}
	return &world{w, p}
}

// images are of common difficulty to the networks of all worlds.
var images = NewImages(3)

func (w *world) finished(key result.Key, toEnd bool) (*result.Result, bool) {
	return w.Finished(key, toEnd)
}

func (w *world) trueAccuracy(key result.Key) float64 { return w.TrueAccuracy(key) }
