package search

import "slimfit/models"

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
	return sameRecipe(&big.Recipe, &small.Recipe) && sameData(&big.Data, &small.Data)
}

func layerContains(b, s *models.Layer) bool {
	if b.Kind != s.Kind || b.Padding != s.Padding || b.Activation != s.Activation || b.Rate != s.Rate {
		return false
	}
	if b.Padding == models.Valid && (b.Kernel != s.Kernel || b.Size != s.Size) {
		return false
	}
	return b.Kernel[0] >= s.Kernel[0] && b.Kernel[1] >= s.Kernel[1] &&
		b.Filters >= s.Filters && b.Multiplier >= s.Multiplier && b.Units >= s.Units &&
		b.Stride <= s.Stride && b.Size <= s.Size
}

func sameData(a, b *models.Data) bool {
	if a == b {
		return true
	}
	x, y := *a, *b
	resize := x.Resize == y.Resize || x.Resize != nil && y.Resize != nil && *x.Resize == *y.Resize
	x.Name, y.Name, x.Resize, y.Resize = "", "", nil, nil
	return resize && x == y
}

func sameRecipe(a, b *models.Recipe) bool {
	if a == b {
		return true
	}
	x, y := *a, *b
	teacher := x.Teacher == y.Teacher || x.Teacher != nil && y.Teacher != nil && *x.Teacher == *y.Teacher
	x.Teacher, y.Teacher = nil, nil
	return teacher && x == y
}
