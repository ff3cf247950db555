package experiment

import (
	"slimfit/models"
	yk "slimfit/pkg/yamlkeys"
)

// layerKey is one item of model: a mapping with one key, the layer's kind, and
// maybe `when` beside it.
// Which keys a kind has stands in models/kinds.go.
func layerKey() yk.Key {
	var kinds []yk.Key
	for _, kind := range models.Kinds() {
		k := yk.Key{Name: string(kind), Axis: true, Doc: kind.Doc()}
		fields := yk.Mapping()
		for _, name := range kind.Fields() {
			fields.Keys = append(fields.Keys, fieldKey(kind, name))
		}
		switch kind { // what may stand for the whole mapping
		case models.MaxPool, models.AvgPool:
			fields.Short = "size"
			k.Forms = yk.Forms(edge(), fields)
		case models.Dense:
			fields.Short = "units"
			k.Forms = yk.Forms(yk.Integer(1, 1e7), fields)
		case models.Dropout:
			k.Forms = yk.Forms(yk.Number("[", 0, 1, ")"))
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

func edge() yk.Form { return yk.Integer(1, 1<<14) }

// fieldKey is a key of a kind's mapping.
func fieldKey(kind models.Kind, name string) yk.Key {
	k := yk.Key{Name: name, Axis: true}
	switch name {
	case "kernel":
		k.Required, k.Doc = true, "Edge of the kernel, or [height, width]."
		k.Forms = yk.Forms(edge(), yk.List(2, 2, yk.Key{Axis: true, Forms: yk.Forms(edge())}))
	case "filters":
		k.Required, k.Doc, k.Forms = true, "Output channels.", yk.Forms(yk.Integer(1, 1e6))
	case "multiplier":
		k.Default, k.Doc, k.Forms = "1", "Output channels for each input channel of the depthwise part.", yk.Forms(yk.Integer(1, 1e6))
	case "stride":
		k.Default, k.Doc, k.Forms = "1", "The same in both directions.", yk.Forms(edge())
		if models.DefaultLayer(kind).Stride == 0 {
			k.Default = "size"
		}
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
		k.Default, k.Doc, k.Forms = "relu", "After the bias; leaky_relu has slope 0.2.", yk.Forms(yk.Named(models.Activations()))
	case "size":
		k.Required, k.Doc, k.Forms = true, "Edge of the window.", yk.Forms(edge())
	case "units":
		k.Required, k.Doc, k.Forms = true, "Outputs.", yk.Forms(yk.Integer(1, 1e7))
	}
	return k
}
