package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"slimfit/models"
	"slimfit/pkg/result"
)

// Strata of difficulty that images fall into. All networks see the same images,
// which is what correlates them.
const Strata = 24

// Images are the difficulties that a data set's images are drawn from.
type Images struct {
	sd   float64
	mu   sync.Mutex
	kept map[int][Strata]float64
}

// NewImages takes the spread of difficulty in probits: at 0 networks err
// independently, at 3 two networks of 96 % share most of their errors.
func NewImages(sd float64) *Images {
	return &Images{sd: sd, kept: map[int][Strata]float64{}}
}

// Grain is one over the distance of the accuracies that Shares tells apart.
const Grain = 1e5

// Shares are the chances of a right answer in each stratum that average to p.
func (m *Images) Shares(p float64) [Strata]float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := int(math.Round(Grain * p))
	if q, ok := m.kept[key]; ok {
		return q
	}
	low, high := -20.0, 20.0
	var q [Strata]float64
	for range 40 {
		mid, mean := (low+high)/2, 0.0
		for i := range q {
			z := math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/Strata-1) // normal quantile of the stratum's middle
			q[i] = 0.5 * math.Erfc(-(mid+m.sd*z)/math.Sqrt2)
			mean += q[i] / Strata
		}
		if mean < p {
			low = mid
		} else {
			high = mid
		}
	}
	m.kept[key] = q
	return q
}

// Draw divides n images over the strata.
func Draw(rng *rand.Rand, n int) []int {
	out := make([]int, Strata)
	for range n {
		out[rng.IntN(Strata)]++
	}
	return out
}

// Binomial draws how many of n succeed, by the normal approximation where it is
// close.
func Binomial(rng *rand.Rand, n int, p float64) int {
	if p > 0.5 {
		return n - Binomial(rng, n, 1-p)
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

// Answers picks the wrong images of each stratum. Image i has class i mod
// classes, and is taken for the next one.
func Answers(rng *rand.Rand, images, wrong []int, classes int) ([][2]int, [][]int) {
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

// World answers the trials of one simulated grid: networks that a search can be
// tried on, with their answers to common images, from true accuracies that are known.
type World struct {
	Data      models.Data
	Accuracy  map[string]float64                       // true, of a configuration
	Network   func(mean float64, z float64) float64    // true accuracy of one network; z is normal over seeds
	Lists     func(result.Key) (validation, test bool) // whether wrong images and confusion are listed too, not only counts
	Results   map[result.Key]*result.Result
	images    *Images
	salt      uint64
	Val, Test []int // images of each stratum
}

// NewWorld draws the images of a world; the same salt draws the same ones.
func NewWorld(data models.Data, images *Images, salt uint64) *World {
	rng := rand.New(rand.NewPCG(salt, 0))
	return &World{Data: data, Results: map[result.Key]*result.Result{}, images: images, salt: salt,
		Val: Draw(rng, data.Validation), Test: Draw(rng, data.Test)}
}

// Rand is a source of its own for each trial and stream.
func (w *World) Rand(key result.Key, stream uint64) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, b := range []byte(fmt.Sprintf("%d/%s", w.salt, key)) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(h, stream))
}

// TrueAccuracy is that of one network, of few values so that shares can be kept.
func (w *World) TrueAccuracy(key result.Key) float64 {
	return math.Round(Grain*w.Network(w.Accuracy[key.ConfigID], w.Rand(key, 1).NormFloat64())) / Grain
}

// Finished is the result of any trial: a Lookup.
func (w *World) Finished(key result.Key, _ bool) (*result.Result, bool) {
	if r, ok := w.Results[key]; ok {
		return r, true
	}
	q, rng := w.images.Shares(w.TrueAccuracy(key)), w.Rand(key, 2)
	wrongVal, wrongTest := make([]int, Strata), make([]int, Strata)
	val, test := w.Data.Validation, w.Data.Test
	for i := range q {
		wrongVal[i], wrongTest[i] = Binomial(rng, w.Val[i], 1-q[i]), Binomial(rng, w.Test[i], 1-q[i])
		val -= wrongVal[i]
		test -= wrongTest[i]
	}
	r := &result.Result{ConfigID: key.ConfigID, Seed: key.Seed, Status: result.Done, Dataset: w.Data}
	r.Correct.Validation, r.Correct.Test = &val, &test
	listVal, listTest := w.Lists(key)
	if listVal {
		r.Wrong.Validation, r.Confusion.Validation = Answers(rng, w.Val, wrongVal, w.Data.Classes)
	}
	if listTest {
		r.Wrong.Test, r.Confusion.Test = Answers(rng, w.Test, wrongTest, w.Data.Classes)
	}
	w.Results[key] = r
	return r, true
}

// Winner is the configuration that a search that is done certifies; "" for none.
func (plan Plan) Winner() string {
	if w := plan.state.winner(); plan.Done && w < len(plan.state.all) {
		return plan.state.p.Candidates[w].ID
	}
	return ""
}

// Spending divides the training steps of a search by a model, see Spent.
const (
	SpentStart  = "first six"
	SpentModel  = "chosen by the model"
	SpentSeeds  = "more seeds of losers"
	SpentDrawn  = "audit: drawn"
	SpentStops  = "audit: stopped ones trained on"
	SpentWinner = "winner"
	// SpentAbove is what those that did not reach the target cost above a quarter of
	// their training, the winner's and the stopped ones that were trained on left out:
	// the most that any rule could save that decides at the first look.
	SpentAbove = "a perfect first look would save"
)

// Spent is what the search spent its steps on.
func (plan Plan) Spent() map[string]int {
	s, spent := plan.state, map[string]int{}
	for i, c := range s.all {
		for k, n := range c.nets {
			kind, steps := map[string]string{choseStart: SpentStart, choseModel: SpentModel, choseAudit: SpentDrawn}[c.chosen], n.result.Train.Steps
			switch {
			case i == s.winner():
				kind = SpentWinner
			case k > 0:
				kind = SpentSeeds
			}
			if n.stopped() {
				steps = n.result.Steps
			}
			if n.early != nil {
				spent[SpentStops] += steps - n.early.result.Steps
				steps = n.early.result.Steps
			} else if kind != SpentWinner && !n.reaches {
				spent[SpentAbove] += steps - n.result.Train.Steps/4
			}
			spent[kind] += steps
		}
	}
	return spent
}

// OpenedAfter is how many openings of the test images came before that of the
// configuration; -1 where it was not opened.
func (plan Plan) OpenedAfter(id string) int {
	return slices.IndexFunc(plan.state.openings, func(o *opening) bool { return plan.state.p.Candidates[o.candidate].ID == id })
}
