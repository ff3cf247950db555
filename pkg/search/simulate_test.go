package search

import (
	"fmt"
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

// world answers trials of one simulated grid. Images fall into strata of
// difficulty; all networks see the same ones, which is what correlates them.
type world struct {
	p         *Problem
	accuracy  map[string]float64 // true, of a configuration
	seedSD    float64            // of log error
	salt      uint64
	lists     bool  // wrong images and confusion too, not only counts
	val, test []int // images of each stratum
	results   map[result.Key]*result.Result
}

const strata = 24

// imageSD is the spread of difficulty in probits: at 3, two networks of 96 %
// share most of their errors.
const imageSD = 3.0

func newWorld(p *Problem, accuracy map[string]float64, seedSD float64, salt uint64) *world {
	w := &world{p: p, accuracy: accuracy, seedSD: seedSD, salt: salt, results: map[result.Key]*result.Result{}}
	rng := rand.New(rand.NewPCG(salt, 0))
	w.lists = p.Target.Rule != experiment.RuleWorst || p.Target.RecallAll > 0
	w.val, w.test = multinomial(rng, p.Data.Validation), multinomial(rng, p.Data.Test)
	return w
}

func multinomial(rng *rand.Rand, n int) []int {
	out := make([]int, strata)
	for range n {
		out[rng.IntN(strata)]++
	}
	return out
}

// trueAccuracy of one network.
func (w *world) trueAccuracy(key result.Key) float64 {
	rng := w.rng(key, 1)
	e := (1 - w.accuracy[key.ConfigID]) * math.Exp(w.seedSD*rng.NormFloat64())
	return math.Round(grain*(1-math.Min(e, 0.9))) / grain // few values, so that shares can keep them
}

const grain = 1e5

func (w *world) rng(key result.Key, stream uint64) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, b := range []byte(fmt.Sprintf("%d/%s", w.salt, key)) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(h, stream))
}

// probits are the strata's difficulties: the normal quantiles of their middles.
var probits = func() [strata]float64 {
	var z [strata]float64
	for i := range z {
		z[i] = math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/strata-1)
	}
	return z
}()

// shares are the chances of a right answer in each stratum that average to p.
func shares(p float64) [strata]float64 {
	key := int(math.Round(grain * p))
	if q, ok := kept[key]; ok {
		return q
	}
	low, high := -20.0, 20.0
	var q [strata]float64
	for range 40 {
		mid, mean := (low+high)/2, 0.0
		for i, z := range probits {
			q[i] = 0.5 * math.Erfc(-(mid+imageSD*z)/math.Sqrt2)
			mean += q[i] / strata
		}
		if mean < p {
			low = mid
		} else {
			high = mid
		}
	}
	kept[key] = q
	return q
}

var kept = map[int][strata]float64{}

func binomial(rng *rand.Rand, n int, p float64) int {
	if p > 0.5 {
		return n - binomial(rng, n, 1-p)
	}
	if mean := float64(n) * p; mean > 12 {
		v := math.Round(mean + math.Sqrt(mean*(1-p))*rng.NormFloat64())
		return int(math.Min(math.Max(v, 0), float64(n)))
	}
	k, limit, t := 0, math.Exp(-float64(n)*p), rng.Float64() // Poisson
	for t > limit && k < n {
		k++
		t *= rng.Float64()
	}
	return k
}

func (w *world) finished(key result.Key) (*result.Result, bool) {
	if r, ok := w.results[key]; ok {
		return r, true
	}
	q, rng := shares(w.trueAccuracy(key)), w.rng(key, 2)
	wrongVal, wrongTest := make([]int, strata), make([]int, strata)
	val, test := w.p.Data.Validation, w.p.Data.Test
	for i := range q {
		wrongVal[i], wrongTest[i] = binomial(rng, w.val[i], 1-q[i]), binomial(rng, w.test[i], 1-q[i])
		val -= wrongVal[i]
		test -= wrongTest[i]
	}
	r := &result.Result{ConfigID: key.ConfigID, Seed: key.Seed, Status: result.Done, Dataset: w.p.Data}
	r.Correct.Validation, r.Correct.Test = &val, &test
	if w.lists {
		if w.p.Target.RecallAll > 0 {
			r.Wrong.Validation, r.Confusion.Validation = answers(rng, w.val, wrongVal, w.p.Data.Classes)
		}
		r.Wrong.Test, r.Confusion.Test = answers(rng, w.test, wrongTest, w.p.Data.Classes)
	}
	w.results[key] = r
	return r, true
}

// answers picks the wrong images of each stratum. Image i has class i mod
// classes, and is taken for the next one.
func answers(rng *rand.Rand, images, wrong []int, classes int) ([][2]int, [][]int) {
	list, confusion := [][2]int{}, make([][]int, classes)
	for i := range confusion {
		confusion[i] = make([]int, classes)
	}
	first := 0
	for g, n := range images {
		left := wrong[g]
		for i := range n {
			class := (first + i) % classes
			if rng.IntN(n-i) < left { // each subset is equally likely
				left--
				list = append(list, [2]int{first + i, (class + 1) % classes})
				confusion[class][(class+1)%classes]++
			} else {
				confusion[class][class]++
			}
		}
		first += n
	}
	return list, confusion
}
