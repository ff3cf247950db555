package experiment

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"slimfit/models"
	"slimfit/pkg/footprint"
)

// MaxListed is how many configurations Experiment.Configs holds where
// Sources.Space says that the caller can do without.
const MaxListed = 10_000

// Space is every configuration of an experiment, counted and not kept: about
// 100 bytes each. It is safe for concurrent use.
type Space struct {
	g     *grower
	at    []int32 // each configuration's combination, in matrix order
	costs []int   // the counted ones, as footprint.Costs lists them
}

// Len is the number of configurations, equal ones counted once.
func (s *Space) Len() int { return len(s.at) }

// Cost is a counted cost of configuration i; of a measured one 0.
func (s *Space) Cost(i int, c footprint.Cost) int {
	costs := footprint.Costs()
	if k := slices.Index(costs, c); k >= 0 {
		return s.costs[i*len(costs)+k]
	}
	return 0
}

// Made makes configuration i without its ID and footprint.
func (s *Space) Made(i int) models.Config {
	c := s.g.combos[s.at[i]]
	layers, _, _ := s.g.build(c)
	recipe, _ := s.g.recipeOf(c)
	return models.Config{Layers: layers, Data: s.g.data, Recipe: recipe.Recipe}
}

// Config makes configuration i.
func (s *Space) Config(i int) Configuration {
	if s.g.configs != nil {
		return s.g.configs[i]
	}
	cfg, c := s.Made(i), s.g.combos[s.at[i]]
	recipe, _ := s.g.recipeOf(c)
	f, _ := footprint.Of(cfg.Spec()) // it was counted before
	return Configuration{ID: cfg.ID(), Assignment: s.g.assignment(c), Config: cfg, Footprint: f, Teacher: recipe.teacher}
}

// Digest is the SHA-256, hex, of all configurations in matrix order: their
// layers, recipes and data set.
func (s *Space) Digest() string {
	h := sha256.New()
	parts := make([]string, len(s.g.numbers))
	for text, number := range s.g.numbers {
		parts[number] = text
	}
	json.NewEncoder(h).Encode(struct { // plain fields into a hash: cannot fail
		Data  models.Data
		Parts []string
	}{s.g.data, parts})
	for _, at := range s.at {
		_, _, key := s.g.build(s.g.combos[at])
		recipe, _ := s.g.recipeOf(s.g.combos[at])
		key = binary.AppendUvarint(key, recipe.number)
		h.Write(binary.AppendUvarint(nil, uint64(len(key))))
		h.Write(key)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// Position is the place of the axis's value among Experiment.Axes[axis].Values
// in configuration i; -1 where it has none.
func (s *Space) Position(i, axis int) int { return s.g.combos[s.at[i]][axis] }

// Steps are the training steps of configuration i.
func (s *Space) Steps(i int) int {
	recipe, _ := s.g.recipeOf(s.g.combos[s.at[i]])
	return recipe.Steps
}

// Cheapest are the positions of the n cheapest configurations, cheapest first;
// equally cheap ones in matrix order.
func (s *Space) Cheapest(c footprint.Cost, n int) []int {
	all := make([]int, s.Len())
	for i := range all {
		all[i] = i
	}
	slices.SortStableFunc(all, func(a, b int) int { return s.Cost(a, c) - s.Cost(b, c) })
	return all[:min(n, len(all))]
}

// Range is the least and the largest cost.
func (s *Space) Range(c footprint.Cost) (low, high int) {
	low, high = s.Cost(0, c), s.Cost(0, c)
	for i := range s.at {
		low, high = min(low, s.Cost(i, c)), max(high, s.Cost(i, c))
	}
	return low, high
}

func (s *Space) add(combination int, f footprint.Footprint) {
	s.at = append(s.at, int32(combination))
	for _, c := range footprint.Costs() {
		s.costs = append(s.costs, f.Get(c))
	}
}
