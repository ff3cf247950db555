// Package modelstest has networks for tests of other packages: they read the
// table of layer kinds, so that a new kind is in them from its first day.
package modelstest

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"slimfit/models"
)

// Each returns a small network for every layer kind and for every activation,
// by name.
func Each() map[string]models.Spec {
	all := map[string]models.Spec{}
	add := func(name string, layers ...models.Layer) {
		all[name] = models.Spec{Input: models.Shape{H: 9, W: 8, C: 2}, Classes: 3, Layers: layers}
	}
	for _, k := range models.Kinds() {
		h := fnv.New64a() // a generator of its own: a new field of another kind changes nothing here
		h.Write([]byte(k))
		l := Layer(k, rand.New(rand.NewPCG(2, h.Sum64())))
		l.Padding = models.DefaultLayer(k).Padding                         // fits whatever the window
		l.Filters, l.Multiplier = min(l.Filters, 12), min(l.Multiplier, 2) // fit a chip with 2 KiB of RAM
		add(string(k), models.NewConv(3, 4), l)
		if slices.Contains(k.Fields(), "batchnorm") {
			l.Norm, l.Unbiased = models.OneNorm, true
			if k == models.Separable {
				l.Norm = models.BothNorm
			}
			add(string(k)+" batchnorm", models.NewConv(3, 4), l, models.NewDropout(0))
			l.Norm, l.Unbiased = models.OneNorm, false
			add(string(k)+" batchnorm first", l)
		}
	}
	sum := func(shortcut models.Shortcut, layers ...models.Layer) models.Layer {
		l := models.DefaultLayer(models.Residual)
		l.Shortcut, l.Layers = shortcut, layers
		return l
	}
	act := func(a models.Activation) models.Layer { return models.Layer{Kind: models.Activate, Activation: a} }
	strided := models.NewConv(3, 6)
	strided.Stride, strided.Activation = models.Square(2), models.None
	add("residual of the images", sum(models.NoProjection, models.NewConv(3, 2)), models.NewDense(5),
		sum(models.NoProjection, models.NewDense(5)))
	add("residual with a convolution", models.NewConv(3, 4), sum(models.AutoShortcut, strided, act(models.Relu)))
	add("residual with a normalised convolution", models.NewConv(3, 4), sum(models.NormShortcut, models.NewConv(3, 4), strided))
	add("residual around a pool", models.NewConv(3, 4), sum(models.AutoShortcut, models.NewMaxPool(2)), act(models.Relu6))
	add("residual in a residual", models.NewConv(3, 4), sum(models.AutoShortcut, act(models.PRelu), sum(models.AutoShortcut, strided),
		models.NewConv(1, 3)))
	dilated := models.NewConv(3, 4)
	dilated.Dilation = models.Edges{2, 3}
	add("dilation", dilated, dilated)
	apart := models.DefaultLayer(models.Depthwise)
	apart.Kernel, apart.Dilation, apart.Multiplier = models.Edges{2, 3}, models.Edges{3, 2}, 2
	add("depthwise dilation", apart, models.NewConv(1, 3), apart)
	normed := models.NewConv(3, 4)
	normed.Norm, normed.Unbiased = models.OneNorm, true
	add("pools after batchnorm", normed, models.NewMaxPool(2), normed, models.NewMaxPool(2))
	for _, a := range models.Activations() {
		conv, dense := models.NewConv(3, 4), models.NewDense(6)
		conv.Activation, dense.Activation = a, a
		add("activation "+string(a), conv, dense)
		add("layer "+string(a), models.NewMaxPool(2), act(a), models.NewDense(4), act(a))
	}
	for name, step := range map[string]float64{"normalize": 0, "series": 1.0 / 32} {
		s := models.Spec{Input: models.Shape{H: 1, W: 20, C: 2}, Classes: 3, Layers: []models.Layer{models.NewConv(1, 4), models.NewDense(5)}}
		s.Layers[0].Kernel = models.Edges{1, 3}
		s.Scaling = &models.Scaling{Mean: []float64{0.3, -0.2}, SD: []float64{0.25, 1.5}, Step: step}
		all[name] = s
	}
	return all
}

// Layer returns a layer of the kind with random small numbers; it may not fit.
func Layer(k models.Kind, r *rand.Rand) models.Layer {
	l := models.Layer{Kind: k}
	for _, field := range k.Fields() {
		switch field {
		case "kernel":
			l.Kernel = models.Edges{1 + r.IntN(4), 1 + r.IntN(4)}
		case "filters":
			l.Filters = 1 + r.IntN(20)
		case "multiplier":
			l.Multiplier = 1 + r.IntN(3)
		case "stride":
			l.Stride = models.Edges{1 + r.IntN(3), 1 + r.IntN(3)}
			if k == models.Depthwise || k == models.Separable || r.IntN(2) == 0 {
				l.Stride[1] = l.Stride[0]
			}
		case "dilation":
			l.Dilation = models.Square(1)
			if r.IntN(4) == 0 {
				l.Stride, l.Dilation = models.Square(1), models.Edges{1 + r.IntN(3), 1 + r.IntN(3)}
			}
		case "layers":
			l.Layers = inner(r)
		case "shortcut":
			l.Shortcut = []models.Shortcut{models.AutoShortcut, models.NormShortcut}[r.IntN(2)]
		case "size":
			l.Size = models.Edges{1 + r.IntN(3), 1 + r.IntN(3)}
		case "units":
			l.Units = 1 + r.IntN(30)
		case "padding":
			l.Padding = []models.Padding{models.Same, models.Valid}[r.IntN(2)]
		case "batchnorm":
			l.Norm = []models.Norm{models.NoNorm, models.OneNorm, models.BothNorm}[r.IntN(3)]
			if k != models.Separable && l.Norm == models.BothNorm {
				l.Norm = models.NoNorm
			}
		case "bias":
			l.Unbiased = r.IntN(3) == 0 || l.Norm != models.NoNorm && r.IntN(2) == 0
		case "activation":
			l.Activation = models.Activations()[r.IntN(len(models.Activations()))]
		}
	}
	switch k {
	case models.Dropout:
		l.Rate = 0.5
	case models.Activate:
		l.Activation = models.Activations()[r.IntN(len(models.Activations()))]
	}
	return l
}

// inner are layers of a residual: their sum with what goes in fits by a
// convolution.
func inner(r *rand.Rand) []models.Layer {
	kinds := []models.Kind{models.Conv, models.Depthwise, models.Separable, models.AvgPool, models.MaxPool, models.Activate}
	if r.IntN(3) == 0 {
		kinds = append(kinds, models.Residual)
	}
	layers := make([]models.Layer, 1+r.IntN(3))
	for i := range layers {
		layers[i] = Layer(kinds[r.IntN(len(kinds))], r)
		layers[i].Padding = models.DefaultLayer(layers[i].Kind).Padding
	}
	return layers
}
