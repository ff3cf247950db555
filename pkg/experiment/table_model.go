package experiment

import (
	"slimfit/models"
	yk "slimfit/pkg/yamlkeys"
)

// layerKey is one item of model: a mapping with one key, the layer's kind, and
// maybe `when` beside it.
// Which keys a kind has stands in models/kinds.go. Residuals may lie in one
// another to the depth.
func layerKey(depth int) yk.Key {
	var kinds []yk.Key
	for _, kind := range models.Kinds() {
		if kind == models.Residual && depth == 0 {
			continue
		}
		k := yk.Key{Name: string(kind), Axis: true, Doc: kind.Doc(), Without: withoutLayer}
		fields := yk.Mapping()
		for _, name := range kind.Fields() {
			fields.Keys = append(fields.Keys, fieldKey(kind, name, depth))
		}
		switch kind { // what may stand for the whole mapping
		case models.MaxPool, models.AvgPool:
			fields.Short = "size"
			k.Forms = append(edgeForms(), fields)
		case models.Dense:
			fields.Short = "units"
			k.Forms = yk.Forms(yk.Integer(1, 1e7), fields)
		case models.Dropout:
			k.Forms = yk.Forms(yk.Number("[", 0, 1, ")"))
		case models.Activate:
			k.Forms = yk.Forms(yk.Named(models.Activations()))
		default:
			k.Forms = yk.Forms(fields)
		}
		kinds = append(kinds, k)
	}
	kinds = append(kinds, yk.Key{Name: "when", Axis: true, Beside: true, Forms: yk.Forms(yk.Truth()), Default: "true",
		Doc: "Beside a layer's key: whether the layer is there. `- {conv: {...}, when: $extra}` with values true and false."})
	layer := yk.Mapping(kinds...)
	layer.One = true
	return yk.Key{Axis: true, Forms: yk.Forms(layer), Doc: "One layer."}
}

const withoutLayer = "a layer that is there or not has `when: $axis` beside it, an axis of true and false"

// residuals is how deep residuals may lie in one another.
const residuals = 2

// edgeForms are n or [height, width].
func edgeForms() []yk.Form {
	edge := yk.Integer(1, 1<<14)
	return yk.Forms(edge, yk.List(2, 2, yk.Key{Axis: true, Forms: yk.Forms(edge)}))
}

// fieldKey is a key of a kind's mapping.
func fieldKey(kind models.Kind, name string, depth int) yk.Key {
	k := yk.Key{Name: name, Axis: true}
	switch name {
	case "kernel":
		k.Required, k.Doc = true, "Edge of the kernel, or [height, width]."
		k.Forms = edgeForms()
	case "filters":
		k.Required, k.Doc, k.Forms = true, "Output channels.", yk.Forms(yk.Integer(1, 1e6))
	case "multiplier":
		k.Default, k.Doc, k.Forms = "1", "Output channels for each input channel of the depthwise part.", yk.Forms(yk.Integer(1, 1e6))
	case "stride":
		k.Default, k.Doc, k.Forms = "1", "One number for both directions, or [vertical, horizontal].", edgeForms()
		if kind == models.Depthwise || kind == models.Separable {
			k.Doc, k.Forms = "The same in both directions.", k.Forms[:1]
		}
		if models.DefaultLayer(kind).Stride == (models.Edges{}) {
			k.Default = "size"
		}
	case "dilation":
		k.Default, k.Doc, k.Forms = "1", "Distance of the kernel's taps, or [vertical, horizontal]; with stride 1.", edgeForms()
	case "layers":
		k.Required, k.Elsewhere, k.Doc = true, true, "Layers, as in model, but the last dense layer."
		k.Forms = yk.Forms(yk.List(1, 1000, layerKey(depth-1)))
	case "shortcut":
		k.Default = string(models.AutoShortcut)
		k.Doc = "What went in, by a strided 1x1 convolution where shapes differ: `auto`: with bias; `{batchnorm: true}`: with batch " +
			"normalisation; `none`: no convolution, shapes must agree."
		k.Forms = yk.Forms(yk.Choice(string(models.AutoShortcut), string(models.NoProjection)),
			yk.Mapping(yk.Key{Name: "batchnorm", Required: true, Axis: true, Forms: yk.Forms(yk.Truth()), Doc: "See shortcut."}))
	case "padding":
		k.Default, k.Doc, k.Forms = "same", "TensorFlow's rule.", yk.Forms(yk.Named([]models.Padding{models.Same, models.Valid}))
	case "batchnorm":
		k.Default, k.Forms = "false", yk.Forms(yk.Truth())
		k.Doc = "Batch normalisation between the weights and the activation, as Keras has it: momentum 0.99, epsilon 0.001, so that its " +
			"averages need some 500 steps."
		if kind == models.Separable {
			k.Forms = append(k.Forms, yk.Choice(string(models.BothNorm)))
			k.Doc += " `true`: after the pointwise part; `both`: after the depthwise part too."
		}
	case "bias":
		k.Default, k.Doc, k.Forms = "true without batchnorm", "Whether it has a bias.", yk.Forms(yk.Truth())
	case "activation":
		k.Default, k.Doc, k.Forms = "relu", "After the bias; leaky_relu has slope 0.2, prelu a trained one a channel.",
			yk.Forms(yk.Named(models.Activations()))
	case "size":
		k.Required, k.Doc, k.Forms = true, "Edge of the window, or [height, width].", edgeForms()
	case "units":
		k.Required, k.Doc, k.Forms, k.Without = true, "Outputs.", yk.Forms(yk.Integer(1, 1e7)), withoutLayer
	}
	return k
}
