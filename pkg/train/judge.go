package train

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/result"
)

// Results judges every network on the validation images and, if test is set,
// on the test images. The caller adds what it knows of the trial; accuracies
// of a diverged network stay nil. At the end of a training that selects the best
// weights, these are put into the networks.
func (t *Training) Results(test bool) ([]result.Result, error) {
	if err := t.takeBest(); err != nil {
		return nil, err
	}
	results := make([]result.Result, len(t.members))
	for i := range t.members {
		m := &t.members[i]
		results[i] = result.Result{Status: result.Done, Train: t.recipe, Dataset: t.set.Data, Steps: t.step, Seconds: m.seconds,
			Warnings: []string{}, Notes: t.set.Remarks(),
			Classes: t.set.ClassNames}
		if m.best != nil && t.Done() {
			results[i].Selected = m.best.step
		}
		if m.diverged != "" {
			results[i].Status, results[i].Reason = result.Diverged, m.diverged
		}
	}
	for _, s := range result.Splits() {
		if s == result.Test && !test {
			continue
		}
		if err := t.judge(s, results); err != nil {
			return nil, fmt.Errorf("judge on the %s images: %w", s, err)
		}
	}
	return results, nil
}

func (t *Training) takeBest() error {
	for i := range t.members {
		b := t.members[i].best
		if b == nil || b.step == t.step || !t.Done() {
			continue
		}
		if err := t.SetWeights(i, b.weights); err != nil {
			return fmt.Errorf("take the weights of step %d: %w", b.step, err)
		}
	}
	return nil
}

// judge scores each network that has not diverged on the images of a split.
func (t *Training) judge(s result.Split, results []result.Result) error {
	images := t.images(s)
	if images.N() == 0 {
		return nil
	}
	a, err := t.answers(s)
	if err != nil {
		return err
	}
	var repeats []bool
	if s == result.Test {
		repeats = t.set.Repeats()
	}
	for i := range results {
		if results[i].Status == result.Done {
			f := result.Score(a.classes[i], images.Labels, t.set.Data.Classes)
			if repeats != nil {
				f.LeaveOut(repeats, images.Labels)
			}
			results[i].SetOn(s, f)
		}
	}
	return nil
}

// History is the network's history so far.
func (t *Training) History(net int) []result.Point { return t.members[net].history }

// ClassWeights are the weights of the set's classes, by class; nil where the
// recipe weighs none.
func ClassWeights(c *models.ClassWeights, set *dataset.Set) ([]float32, error) {
	if c == nil {
		return nil, nil
	}
	weights := make([]float32, set.Data.Classes)
	for class, n := range set.Train.Histogram(len(weights)) {
		weights[class] = 1
		if c.Balanced && n > 0 {
			weights[class] = float32(set.Train.N()) / float32(len(weights)*n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Named)) {
		class := slices.Index(set.ClassNames, name)
		if digits, ok := strings.CutPrefix(name, "#"); ok && class < 0 {
			if n, err := strconv.Atoi(digits); err == nil && n < len(weights) {
				class = n
			}
		}
		if class < 0 {
			return nil, fmt.Errorf("train: class_weights: the data set has no class %q", name)
		}
		weights[class] = float32(c.Named[name])
	}
	return weights, nil
}
