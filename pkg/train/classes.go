package train

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"slimfit/models"
	"slimfit/pkg/dataset"
)

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
