package search

import "slimfit/models"

// Contains says whether big is at least as large as small in every layer: the
// same recipe, data and layers in the same order, no kernel, filter count or
// width smaller, no stride or pooling window larger. Layers with valid padding
// must have the same window, as a larger one leaves a smaller map.
func Contains(big, small models.Config) bool {
	if len(big.Layers) != len(small.Layers) || !sameData(big.Data, small.Data) || !sameRecipe(big.Recipe, small.Recipe) {
		return false
	}
	for i, b := range big.Layers {
		if !layerContains(b, small.Layers[i]) {
			return false
		}
	}
	return true
}

func layerContains(b, s models.Layer) bool {
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

func sameData(a, b models.Data) bool {
	resize := a.Resize == b.Resize || a.Resize != nil && b.Resize != nil && *a.Resize == *b.Resize
	a.Name, b.Name, a.Resize, b.Resize = "", "", nil, nil
	return resize && a == b
}

func sameRecipe(a, b models.Recipe) bool {
	teacher := a.Teacher == b.Teacher || a.Teacher != nil && b.Teacher != nil && *a.Teacher == *b.Teacher
	a.Teacher, b.Teacher = nil, nil
	return teacher && a == b
}
