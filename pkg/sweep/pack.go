package sweep

import (
	"cmp"
	"encoding/json"
	"slices"

	"slimfit/models"
	"slimfit/pkg/experiment"
)

// Pack is trials that train together in one graph: they share recipe, data set
// and, except as a stack, batch order.
type Pack struct {
	Trials []experiment.Trial
	Cost   float64 // see CostModel
}

// Limits of a pack. The convolution of a few filters costs what one filter
// costs, so narrow ones are fused; beyond these figures nothing is gained.
const (
	maxMembers = 8
	maxNarrow  = 8 // filters of a first convolution that is worth fusing
)

// BuildPacks puts trials together where that pays, and splits packs again until
// the workers are about equally busy to the end. Longest packs come first. The
// same trials give the same packs, in any order.
func BuildPacks(trials []experiment.Trial, workers int, cost CostModel) []Pack {
	groups := map[groupKey][]experiment.Trial{}
	var keys []groupKey
	known := map[*experiment.Configuration]groupKey{}
	for _, t := range trials {
		k, ok := known[t.Configuration]
		if !ok {
			k = keyOf(t.Configuration)
			known[t.Configuration] = k
		}
		if t.Recipe.Order != models.Shared {
			k.seed = t.Seed
		}
		if k.shape == "" { // trains alone
			k = groupKey{id: t.ID, seed: t.Seed}
		}
		if groups[k] == nil {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], t)
	}
	var packs []Pack
	for _, k := range keys {
		for _, members := range fill(groups[k]) {
			packs = append(packs, Pack{members, cost.Pack(members)})
		}
	}
	sortPacks(packs)
	return balance(packs, workers, cost)
}

// groupKey is what trials of one pack have in common.
type groupKey struct {
	shared string // recipe and data set
	shape  string // of the layers that are fused; "" trains alone
	seed   int64  // of the batch order
	id     string
}

func keyOf(c *experiment.Configuration) groupKey {
	shared, _ := json.Marshal(struct {
		Recipe models.Recipe
		Data   models.Data
	}{c.Recipe, c.Data}) // validated numbers: cannot fail
	return groupKey{shared: string(shared), shape: fusible(c.Layers)}
}

// fusible describes the first convolution, but for its filters, and the pool
// after it, where networks that agree in them are worth packing; else it is "".
func fusible(layers []models.Layer) string {
	if len(layers) < 2 || layers[0].Kind != models.Conv || layers[0].Filters > maxNarrow {
		return ""
	}
	first, pool := layers[0], layers[1]
	if pool.Kind != models.MaxPool && pool.Kind != models.AvgPool {
		return ""
	}
	first.Filters = 0
	b, _ := json.Marshal([]models.Layer{first, pool})
	return string(b)
}

// fill divides the trials of a group into packs of about equal size within the
// limits.
func fill(trials []experiment.Trial) [][]experiment.Trial {
	if len(trials) == 1 {
		return [][]experiment.Trial{trials}
	}
	slices.SortStableFunc(trials, func(a, b experiment.Trial) int {
		return cmp.Or(cmp.Compare(b.Layers[0].Filters, a.Layers[0].Filters), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Seed, b.Seed))
	})
	channels := 0
	for _, t := range trials {
		channels += t.Layers[0].Filters
	}
	n := max((len(trials)+maxMembers-1)/maxMembers, (channels+models.MaxFused-1)/models.MaxFused)
	packs := make([][]experiment.Trial, n)
	width := make([]int, n)
	for _, t := range trials { // widest first, each into the pack with the most room
		best := -1
		for i := range packs {
			fits := len(packs[i]) < maxMembers && width[i]+t.Layers[0].Filters <= models.MaxFused
			if fits && (best < 0 || width[i] < width[best] || width[i] == width[best] && len(packs[i]) < len(packs[best])) {
				best = i
			}
		}
		if best < 0 {
			packs, width = append(packs, nil), append(width, 0)
			best = len(packs) - 1
		}
		packs[best] = append(packs[best], t)
		width[best] += t.Layers[0].Filters
	}
	return packs
}

// sortPacks orders packs by falling cost; ties by their first trial.
func sortPacks(packs []Pack) {
	slices.SortStableFunc(packs, func(a, b Pack) int {
		x, y := a.Trials[0], b.Trials[0]
		return cmp.Or(cmp.Compare(b.Cost, a.Cost), cmp.Compare(x.ID, y.ID), cmp.Compare(x.Seed, y.Seed))
	})
}

// balance splits packs, costliest first, as far as that lets the last worker
// finish sooner. With many packs for each worker there is nothing to gain.
func balance(packs []Pack, workers int, cost CostModel) []Pack {
	if workers < 2 || len(packs) > 32*workers {
		return packs
	}
	best, span := packs, Makespan(packs, workers)
	// Equal packs only pay when all of them are split, hence some patience.
	for patience := workers; patience > 0; patience-- {
		i := slices.IndexFunc(packs, func(p Pack) bool { return len(p.Trials) > 1 })
		if i < 0 {
			break
		}
		p, half := packs[i], len(packs[i].Trials)/2
		packs = slices.Delete(slices.Clone(packs), i, i+1)
		for _, part := range [][]experiment.Trial{p.Trials[:half], p.Trials[half:]} {
			packs = append(packs, Pack{part, cost.Pack(part)})
		}
		sortPacks(packs)
		if s := Makespan(packs, workers); s < worthSplitting*span {
			best, span, patience = packs, s, workers+1
		}
	}
	return best
}

// worthSplitting is the share of the time that a split must get below: the
// predictions are not good enough for less.
const worthSplitting = 0.98

// Makespan is when the last of the workers is done if each takes the next pack
// as soon as it is free, in units of the packs' cost.
func Makespan(packs []Pack, workers int) float64 {
	if workers < 1 {
		return 0
	}
	busy := make([]float64, workers)
	for _, p := range packs {
		busy[slices.Index(busy, slices.Min(busy))] += p.Cost
	}
	return slices.Max(busy)
}
