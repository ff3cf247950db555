package experiment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"slimfit/models"
	"slimfit/pkg/footprint"
	"slimfit/pkg/yamlkeys"
)

// grower turns combinations into configurations.
type grower struct {
	*binder
	data         models.Data
	model, train *yamlkeys.Value
	root         *yaml.Node
	configs      []Configuration
	space        *Space
	counted      bool                // more than MaxListed are counted only
	seen         map[string]struct{} // keys of build and number of the recipe
	ids          map[string]int      // places in configs, by short ID
	parts        []part
	recipes      *memo[builtRecipe]
	numbers      map[string]uint64
	failed       map[*yaml.Node]*failure
	order        []*yaml.Node    // of failed
	optimizers   map[string]bool // of all combinations
	teachers     *teachers
	noted        []string // warnings
	class        func(name string) error
}

// failure is what is wrong at one place, in the first combination that shows
// it and in how many more.
type failure struct {
	msg   string
	combo combo
	more  int
}

func (g *grower) fail(n *yaml.Node, c combo, format string, args ...any) {
	if f, ok := g.failed[n]; ok {
		f.more++
		return
	}
	g.failed[n] = &failure{msg: fmt.Sprintf(format, args...), combo: c}
	g.order = append(g.order, n)
}

// report notes each place once.
func (g *grower) report() {
	for _, n := range g.order {
		f := g.failed[n]
		msg := f.msg
		if where := g.describe(f.combo); where != "" {
			msg += " (with " + where
			if f.more > 0 {
				msg += fmt.Sprintf("; and %d more", f.more)
			}
			msg += ")"
		}
		g.Add(n, "%s", msg)
	}
}

// grow adds the configuration of a combination, or notes why it cannot be one.
func (g *grower) grow(at int) {
	c := g.combos[at]
	layers, nodes, key := g.build(c)
	r, ok := g.recipeOf(c)
	key = binary.AppendUvarint(key, r.number)
	if _, seen := g.seen[string(key)]; seen && ok {
		return
	}
	if i := slices.IndexFunc(layers, models.Layer.Normed); i >= 0 && r.Batch == 1 {
		g.fail(nodes[i], c, "model: layer %d: batchnorm with train.batch 1: one image has no mean of a batch; "+
			"give a batch of 2 or more, or leave batchnorm out", i+1)
		ok = false
	}
	cfg := models.Config{Layers: layers, Data: g.data, Recipe: r.Recipe}
	f, err := footprint.Of(cfg.Spec())
	var fault *models.LayerError
	switch {
	case errors.As(err, &fault) && fault.Index < len(nodes):
		g.fail(nodes[fault.Index], c, "model: layer %d: %v", fault.Index+1, fault.Err)
	case err != nil:
		g.fail(g.model.Node, c, "model: the last dense layer, which is added by itself, does not fit: %v", errors.Unwrap(err))
	case ok:
		g.seen[string(key)] = struct{}{}
		g.keep(at, cfg, f, r.teacher)
	}
}

func (g *grower) checkRecipe(r models.Recipe, c combo) bool {
	g.optimizers[r.Optimizer] = true
	ok := true
	fault := func(key, format string, args ...any) {
		node, at := g.root, g.get(g.train, key, c)
		if d := yamlkeys.Lookup(g.root, "dataset"); d != nil {
			node = d
		}
		if at != nil {
			node = at.Node
		}
		ok = false
		g.fail(node, c, "train."+format, args...)
	}
	for _, long := range []struct {
		key   string
		steps int
	}{{"schedule", r.Every}, {"warmup", r.Warmup}} {
		if long.steps >= r.Steps {
			fault(long.key, "%s: its %d steps never end in train.steps %d; give fewer", long.key, long.steps, r.Steps)
		}
	}
	if n := len(r.At); n > 0 && (r.At[n-1] >= r.Steps || !slices.IsSorted(r.At) || len(slices.Compact(slices.Clone(r.At))) < n) {
		fault("schedule", "schedule.step.at: want ascending steps below train.steps %d, got %v", r.Steps, r.At)
	}
	if r.Select == models.Best && g.data.Validation == 0 && g.data.Digest != "" {
		fault("select", "select: best needs validation images; give dataset.validation, or select last")
	}
	if r.ClassWeights != nil {
		for _, q := range g.get(g.train, "class_weights", c).Pairs {
			if err := g.class(q.Name); err != nil {
				ok = false
				g.fail(q.Node, c, "train.class_weights: %v", err)
			}
		}
	}
	if r.Batch > g.data.Train && g.data.Digest != "" { // a set that is a shape has none
		fault("batch", "batch: %d images a step, but there are only %d training images", r.Batch, g.data.Train)
	}
	return ok
}

// keep adds a configuration that no other combination was.
func (g *grower) keep(at int, cfg models.Config, f footprint.Footprint, teacher *Teacher) {
	if g.counted && g.space.Len() >= MaxListed {
		g.configs = nil
		g.space.add(at, f)
		return
	}
	id := cfg.ID()
	if i, ok := g.ids[id]; ok { // by chance, or by somebody's effort, as an ID has 8 digits
		twin := &g.configs[i]
		if twin.Config.Digest() == cfg.Digest() {
			return
		}
		twin.ID, id = twin.Config.LongID(), cfg.LongID()
		if slices.ContainsFunc(g.configs, func(c Configuration) bool { return c.ID == id }) {
			return
		}
	} else {
		g.ids[id] = len(g.configs)
	}
	g.space.add(at, f)
	g.configs = append(g.configs, Configuration{ID: id, Assignment: g.assignment(g.combos[at]), Config: cfg, Footprint: f, Teacher: teacher})
}

// warnings are settings that no configuration reads, and what was noted.
func (g *grower) warnings() []string {
	w := g.noted
	for _, s := range []struct{ key, optimizer string }{{"momentum", models.Momentum}, {"nesterov", models.Momentum},
		{"epsilon", models.Adam}, {"rho", models.Adadelta}} {
		if v := g.train.Get(s.key); v != nil && !g.optimizers[s.optimizer] && !(s.key == "epsilon" && g.optimizers[models.Adadelta]) {
			w = append(w, fmt.Sprintf("%s: train.%s has no effect: the optimizer is not %s", g.Place(v.Node), s.key, s.optimizer))
		}
	}
	return w
}
