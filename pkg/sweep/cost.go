package sweep

import (
	"encoding/json"
	"slices"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
)

// CostModel predicts the seconds that a pack trains on one thread of a current
// CPU core. Only ratios matter to the order of work; for times, measured
// speeds correct it, see Speeds.
type CostModel struct {
	PerStep      float64 // seconds a step of any pack: TensorFlow's and the batch's overhead
	PerMember    float64 // seconds a step and member
	PerMAC       float64 // seconds a multiply-accumulate, forward and backward together
	PerParameter float64 // seconds a parameter and step: the optimizer's memory traffic
}

// DefaultCost was fitted to steps of the paper's networks at batch 50 on one
// thread of an AVX-512 core: 52 ms for base, 2 ms for final alone, 3.2 ms for
// eight of it in a pack.
func DefaultCost() CostModel {
	return CostModel{PerStep: 1.6e-3, PerMember: 0.2e-3, PerMAC: 7e-11, PerParameter: 2e-9}
}

// Pack is the predicted time of all training steps of these trials in one
// graph.
func (m CostModel) Pack(trials []experiment.Trial) float64 {
	if len(trials) == 0 {
		return 0
	}
	return m.Step(trials) * float64(trials[0].Recipe.Steps)
}

// Step is the predicted time of one step.
func (m CostModel) Step(trials []experiment.Trial) float64 {
	s := m.PerStep
	for _, t := range trials {
		s += m.PerMember + m.PerMAC*float64(t.Footprint.MACs)*float64(t.Recipe.Batch) + m.PerParameter*float64(t.Footprint.Parameters)
	}
	return s
}

// Counted is the work of training these trials counted rather than timed:
// multiply-accumulates, forward and twice backward, and parameters. Unlike a
// cost it is the same on every machine, so that hosts agree on shards.
func Counted(trials []experiment.Trial) float64 {
	n := 0.0
	for _, t := range trials {
		step := 3*float64(t.Footprint.MACs)*float64(t.Recipe.Batch) + 10*float64(t.Footprint.Parameters)
		n += step * float64(t.Recipe.Steps)
	}
	return n
}

// Shard returns the i-th of n parts of the trials, 1 <= i <= n. Every host that
// plans the same trials gets the same parts; packs are kept together and parts
// balanced by Counted.
func Shard(trials []experiment.Trial, i, n int) []experiment.Trial {
	packs := BuildPacks(trials, 1, DefaultCost())
	for j := range packs {
		packs[j].Cost = Counted(packs[j].Trials)
	}
	sortPacks(packs)
	load := make([]float64, n)
	mine := map[result.Key]bool{}
	for _, p := range packs {
		lightest := slices.Index(load, slices.Min(load))
		load[lightest] += p.Cost
		if lightest != i-1 {
			continue
		}
		for _, t := range p.Trials {
			mine[t.Key()] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(trials), func(t experiment.Trial) bool { return !mine[t.Key()] })
}

// shapeOf describes everything about a pack that its speed depends on.
func shapeOf(trials []experiment.Trial, threads int) string {
	recipe := trials[0].Recipe
	recipe.Steps, recipe.LearningRate = 0, 0
	data := trials[0].Data
	var layers [][]models.Layer
	for _, t := range trials {
		layers = append(layers, t.Layers)
	}
	b, _ := json.Marshal(struct {
		Recipe  models.Recipe
		Input   models.Shape
		Classes int
		Layers  [][]models.Layer
		Threads int
	}{recipe, data.Input, data.Classes, layers, threads}) // validated numbers: cannot fail
	return string(b)
}
