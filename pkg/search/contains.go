package search

import (
	"slices"

	"slimfit/models"
)

// Contains says whether big is at least as large as small in every layer: the
// same recipe, data and layers in the same order, no kernel, filter count or
// width smaller, no stride or pooling window larger. Layers with valid padding
// must have the same window, as a larger one leaves a smaller map.
func Contains(big, small *models.Config) bool {
	if len(big.Layers) != len(small.Layers) {
		return false
	}
	for i := range big.Layers { // first, as it settles most pairs
		if !layerContains(&big.Layers[i], &small.Layers[i]) {
			return false
		}
	}
	return big.Recipe.Equal(small.Recipe) && SameData(&big.Data, &small.Data) && sameShortcuts(big, small)
}

// sameShortcuts says whether residuals of both have their convolutions in the
// same places: shapes decide that.
func sameShortcuts(big, small *models.Config) bool {
	if !slices.ContainsFunc(big.Layers, func(l models.Layer) bool { return l.Kind == models.Residual }) {
		return true
	}
	a, errA := big.Spec().Nodes()
	b, errB := small.Spec().Nodes()
	return errA == nil && errB == nil && slices.EqualFunc(a, b, func(x, y models.Node) bool { return x.Name == y.Name })
}

func layerContains(b, s *models.Layer) bool {
	if b.Kind != s.Kind || b.Padding != s.Padding || b.Activation != s.Activation || b.Rate != s.Rate ||
		b.Norm != s.Norm || b.Unbiased != s.Unbiased || b.Dilation != s.Dilation || b.Shortcut != s.Shortcut || len(b.Layers) != len(s.Layers) {
		return false
	}
	for i := range b.Layers {
		if !layerContains(&b.Layers[i], &s.Layers[i]) {
			return false
		}
	}
	if b.Padding == models.Valid && (b.Kernel != s.Kernel || b.Size != s.Size) {
		return false
	}
	return within(s.Kernel, b.Kernel) &&
		b.Filters >= s.Filters && b.Multiplier >= s.Multiplier && b.Units >= s.Units &&
		within(b.Stride, s.Stride) && within(b.Size, s.Size)
}

func within(a, b models.Edges) bool { return a[0] <= b[0] && a[1] <= b[1] }

// SameData says whether two data sets are the same, whatever they are called.
// SameData says whether two data sets are the same, whatever they are called.
func SameData(a, b *models.Data) bool {
	if a == b {
		return true
	}
	return a.Same(*b)
}
