package search

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/target"
)

// ModelAbove is how many configurations a search goes through one by one, unless
// Options.Model is set. Above, a model of accuracy chooses what to train.
const ModelAbove = 500

// field is every configuration within the budgets, cheapest first, for a search
// that looks at few of them. They are counted, and made when they are touched:
// a million takes some 250 bytes each.
type field struct {
	e       *experiment.Experiment
	places  []place
	columns []column
	digest  string                               // of all configurations
	ids     []string                             // of those within the budgets, sorted; nil where they are not listed
	over    int                                  // configurations above a budget
	least   []int                                // of all configurations, each budget's cost
	steps   int                                  // of all with one seed
	start   []int                                // places that are trained before there is a model, see design
	touched map[string]*experiment.Configuration // by ID
	named   Namer                                // nil: the first of two with one short ID has it
	model   *surrogate                           // of what was trained so far; nil before there is one
	kept    float64                              // share of what lies above the model that is believed, see believed
	mark    float64                              // logit of what screening lets through
}

// place is where a configuration stands in the order of costs.
type place struct{ cost, parameters, macs, peak, at int }

// newField counts the configurations. It fails where a cost is not counted.
func newField(e *experiment.Experiment, t *target.Target, seed int64) (*field, error) {
	f := &field{e: e, touched: map[string]*experiment.Configuration{}}
	n := len(e.Configs)
	if e.Configs == nil {
		n, f.digest = e.Space.Len(), e.Space.Digest()
	} else {
		f.digest = listDigest(e.Configs)
	}
	for _, c := range t.Costs() {
		if e.Configs == nil && c.Measured() {
			return nil, fmt.Errorf("target: %s is measured on each network's files, and %d configurations are only counted; take one of %v, "+
				"or a matrix of at most %d", c, n, footprint.Costs(), experiment.MaxListed)
		}
	}
	f.places = make([]place, 0, n)
	for k, b := range t.Within {
		f.least = append(f.least, math.MaxInt)
		for i := range n {
			f.least[k] = min(f.least[k], f.count(i, b.Cost))
		}
	}
	for i := range n {
		if slices.ContainsFunc(t.Within, func(b experiment.Budget) bool { return float64(f.count(i, b.Cost)) > b.Limit }) {
			f.over++
			continue
		}
		if e.Configs != nil {
			f.ids = append(f.ids, e.Configs[i].ID)
		}
		f.places = append(f.places, place{f.count(i, t.Cost), f.count(i, footprint.Parameters), f.count(i, footprint.MACs),
			f.count(i, footprint.Peak), i})
	}
	slices.SortFunc(f.places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.parameters, b.parameters), cmp.Compare(a.macs, b.macs),
			cmp.Compare(a.peak, b.peak), cmp.Compare(a.at, b.at))
	})
	slices.Sort(f.ids)
	f.measure()
	f.start = f.design(seed)
	return f, nil
}

// count is a cost of the experiment's configuration i.
func (f *field) count(i int, c footprint.Cost) int {
	if f.e.Configs == nil {
		return f.e.Space.Cost(i, c)
	}
	return f.e.Configs[i].Footprint.Get(c)
}

func listDigest(configs []experiment.Configuration) string {
	var ids []string
	for i := range configs {
		ids = append(ids, configs[i].Config.Digest())
	}
	slices.Sort(ids)
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, ids)))
}

// Namer says what a configuration goes by, which is id unless another one of the
// same short ID has that.
type Namer func(c models.Config, id string) string

// NameBy tells a search of a space the names of a run folder, before its first
// Replay: they do not depend on which of two colliding ones it comes to first.
func (p *Problem) NameBy(n Namer) {
	if p.field != nil && p.field.e.Configs == nil {
		p.field.named = n
	}
}

// touch makes the candidate at a place. A second one with the same short ID gets
// its long one.
func (f *field) touch(at int) Candidate {
	i := f.places[at].at
	var c experiment.Configuration
	if f.e.Configs == nil {
		c = f.e.Space.Config(i)
	} else {
		c = f.e.Configs[i]
	}
	if f.named != nil {
		c.ID = f.named(c.Config, c.ID)
	}
	if twin := f.touched[c.ID]; twin != nil && twin.Config.Digest() != c.Config.Digest() {
		c.ID = c.Config.LongID()
	}
	f.touched[c.ID] = &c
	return Candidate{ID: c.ID, Assignment: c.Assignment, Config: c.Config, Footprint: c.Footprint, Cost: f.places[at].cost, place: at}
}

// column is one feature of all places, with mean 0 and variance 1.
type column struct {
	name   string
	rises  bool // accuracy is taken to rise with it
	values []float32
}

// mostColumns bounds the features: what a deep network has beyond them is in its
// costs.
const mostColumns = 48

// measure fills the columns; a feature in which all places agree is left out.
func (f *field) measure() {
	index := map[string]int{}
	for k, p := range f.places {
		add := func(name string, rises bool, v float64) {
			j, ok := index[name]
			if !ok {
				if len(f.columns) == mostColumns {
					return
				}
				j, index[name] = len(f.columns), len(f.columns)
				f.columns = append(f.columns, column{name, rises, make([]float32, len(f.places))})
			}
			f.columns[j].values[k] = float32(v)
		}
		add("parameters", true, math.Log2(float64(p.parameters+1)))
		add("macs", true, math.Log2(float64(p.macs+1)))
		add("peak", true, math.Log2(float64(p.peak+1)))
		c := f.made(p.at)
		add("steps", true, math.Log2(float64(c.Recipe.Steps)))
		add("rate", false, math.Log2(c.Recipe.LearningRate))
		layerFeatures(c.Layers, add)
		f.steps += c.Recipe.Steps
	}
	f.columns = slices.DeleteFunc(f.columns, func(c column) bool { return !c.standardize() })
}

// any asks it of the first places; a field mostly has one recipe.
func (f *field) any(holds func(Candidate) bool) bool {
	for _, p := range f.places[:min(100, len(f.places))] {
		if holds(Candidate{Config: f.made(p.at)}) {
			return true
		}
	}
	return false
}

func (f *field) made(i int) models.Config {
	if f.e.Configs == nil {
		return f.e.Space.Made(i)
	}
	return f.e.Configs[i].Config
}

// layerFeatures describes layers by kind and number: widths by their logarithm
// and by w/(w+1), which levels off; kernels by the logarithm of their area;
// strides and pooling windows by its negative; all of them 0 for a layer that is
// not there. Accuracy is taken to rise with all of these. What has no order
// (dropout, activation, normalisation) may go either way.
func layerFeatures(layers []models.Layer, add func(name string, rises bool, v float64)) {
	number := map[models.Kind]int{}
	var walk func([]models.Layer)
	walk = func(layers []models.Layer) {
		for i := range layers {
			l := &layers[i]
			number[l.Kind]++
			at := fmt.Sprintf("%s%d", l.Kind, number[l.Kind])
			add(at, false, 1)
			for _, w := range []struct {
				name string
				v    int
			}{{".filters", l.Filters}, {".units", l.Units}, {".multiplier", l.Multiplier}} {
				if w.v > 0 {
					add(at+w.name, true, math.Log2(float64(w.v+1)))
					add(at+w.name+".low", true, float64(w.v)/float64(w.v+1))
				}
			}
			for _, e := range []struct {
				name string
				v    models.Edges
				sign float64
			}{{".kernel", l.Kernel, 1}, {".stride", l.Stride, -1}, {".size", l.Size, -1}} {
				if area := e.v[0] * e.v[1]; area > 0 {
					add(at+e.name, true, e.sign*math.Log2(float64(area)))
				}
			}
			if l.Rate > 0 {
				add(at+".rate", false, l.Rate)
			}
			if l.Activation != "" {
				add(at+"."+string(l.Activation), false, 1)
			}
			if l.Norm != models.NoNorm {
				add(at+".norm", false, 1)
			}
			walk(l.Layers)
		}
	}
	walk(layers)
}

// standardize is false where all values are the same.
func (c *column) standardize() bool {
	sum, square, n := 0.0, 0.0, float64(len(c.values))
	for _, v := range c.values {
		sum += float64(v)
	}
	mean := sum / n
	for _, v := range c.values {
		square += (float64(v) - mean) * (float64(v) - mean)
	}
	sd := math.Sqrt(square / n)
	if !(sd > 1e-6) {
		return false
	}
	for i, v := range c.values {
		c.values[i] = float32((float64(v) - mean) / sd)
	}
	return true
}
