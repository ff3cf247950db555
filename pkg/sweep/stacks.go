package sweep

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"slimfit/models"
	"slimfit/pkg/experiment"
)

// On a GPU a step costs its number of operations rather than their sizes, and
// networks that agree in every layer train as one stack. How many are best, and
// which form of their convolutions, is the card's: it is measured at the first use
// of a shape.

// stackKey tells apart what a stack's members agree in: layers, recipe, data and,
// where each cannot have its own, batch order.
func stackKey(t experiment.Trial) string {
	seed := t.Recipe.OrderSeed(t.Seed)
	if nodes, err := t.Spec().Nodes(); err == nil && models.Stackable(nodes, t.Recipe) {
		seed = 0
	}
	b, _ := json.Marshal(struct {
		Layers []models.Layer
		Recipe models.Recipe
		Data   models.Data
		Seed   int64
	}{t.Layers, t.Recipe, t.Data, seed}) // validated numbers: cannot fail
	return string(b)
}

// BuildStacks puts trials together that agree in all but their seeds, as many as
// size says. Longest packs come first.
func BuildStacks(trials []experiment.Trial, workers int, cost CostModel, size func(experiment.Trial) int) []Pack {
	var packs []Pack
	for _, group := range stackGroups(trials) {
		n := max(1, size(group[0]))
		for part := range slices.Chunk(group, (len(group)+(len(group)+n-1)/n-1)/((len(group)+n-1)/n)) {
			packs = append(packs, Pack{part, cost.Pack(part)})
		}
	}
	sortPacks(packs)
	return balance(packs, workers, cost)
}

// stackGroups are the trials by stackKey, in the order of their first ones.
func stackGroups(trials []experiment.Trial) [][]experiment.Trial {
	at := map[string]int{}
	var groups [][]experiment.Trial
	for _, t := range trials {
		k := stackKey(t)
		i, ok := at[k]
		if !ok {
			i, at[k] = len(groups), len(groups)
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], t)
	}
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b experiment.Trial) int { return cmp.Compare(a.Seed, b.Seed) })
	}
	return groups
}

// fitKey is where the best stack is kept: seeds do not matter to it.
func fitKey(t experiment.Trial, d Device) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s", shapeOf([]experiment.Trial{t}, 0), d))
	return hex.EncodeToString(sum[:8])
}

// StackSize is the best number of members that is known for a trial's shape on
// the device, 1 where none is.
func (s *Speeds) StackSize(t experiment.Trial, d Device) int {
	fit, _ := s.stack(t, d)
	return max(1, fit.Members)
}

// stacked says whether the workers are GPUs.
func stacked(workers []Slot) bool { return len(workers) > 0 && workers[0].Device.Visible != "" }

// Packs are those that a run gives these workers: stacks on GPUs, as large as
// was measured to be best. A nil s knows no sizes.
func (s *Speeds) Packs(trials []experiment.Trial, workers []Slot) []Pack {
	if s == nil || !stacked(workers) {
		return BuildPacks(trials, len(workers), DefaultCost())
	}
	return BuildStacks(trials, len(workers), DefaultCost(), func(t experiment.Trial) int { return s.StackSize(t, workers[0].Device) })
}
