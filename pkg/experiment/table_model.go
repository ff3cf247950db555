package experiment

import (
	"slimfit/models"
	yk "slimfit/pkg/yamlkeys"
)

// layerKey is one item of model: a mapping with one key, the layer's kind.
func layerKey() yk.Key {
	edge := yk.Integer(1, 1<<14)
	count := yk.Integer(1, 1e6)
	kernel := yk.Key{Name: "kernel", Axis: true, Required: true, Forms: yk.Forms(edge, yk.List(2, 2, yk.Key{Axis: true, Forms: yk.Forms(edge)})), Doc: "Edge of the kernel, or [height, width]."}
	filters := yk.Key{Name: "filters", Axis: true, Required: true, Forms: yk.Forms(count), Doc: "Output channels."}
	multiplier := yk.Key{Name: "multiplier", Axis: true, Forms: yk.Forms(count), Default: "1", Doc: "Output channels for each input channel of the depthwise part."}
	stride := yk.Key{Name: "stride", Axis: true, Forms: yk.Forms(edge), Default: "1", Doc: "The same in both directions."}
	padding := yk.Key{Name: "padding", Axis: true, Forms: yk.Forms(yk.Named([]models.Padding{models.Same, models.Valid})), Default: "same", Doc: "TensorFlow's rule."}
	activation := yk.Key{Name: "activation", Axis: true, Forms: yk.Forms(yk.Named(models.Activations())), Default: "relu", Doc: "After the bias; leaky_relu has slope 0.2."}
	size := yk.Key{Name: "size", Axis: true, Required: true, Forms: yk.Forms(edge), Doc: "Edge of the window."}
	poolStride := yk.Key{Name: "stride", Axis: true, Forms: yk.Forms(edge), Default: "size", Doc: "The same in both directions."}
	units := yk.Key{Name: "units", Axis: true, Required: true, Forms: yk.Forms(yk.Integer(1, 1e7)), Doc: "Outputs."}
	pool := yk.Forms(edge, short("size", size, poolStride, padding))

	kinds := []yk.Key{
		{Name: string(models.Conv), Forms: yk.Forms(yk.Mapping(kernel, filters, stride, padding, activation)), Doc: "Convolution with bias."},
		{Name: string(models.Depthwise), Forms: yk.Forms(yk.Mapping(kernel, multiplier, stride, padding, activation)), Doc: "Depthwise convolution with bias."},
		{Name: string(models.Separable), Forms: yk.Forms(yk.Mapping(kernel, filters, multiplier, stride, padding, activation)),
			Doc: "A depthwise convolution without bias and a 1x1 convolution with bias: counted as those two layers."},
		{Name: string(models.MaxPool), Forms: pool, Doc: "Max pooling: the window's edge, or a mapping."},
		{Name: string(models.AvgPool), Forms: pool, Doc: "Average pooling: the window's edge, or a mapping."},
		{Name: string(models.GlobalAvgPool), Forms: yk.Forms(yk.Mapping()), Doc: "Mean of each channel; write `globalavgpool: {}`."},
		{Name: string(models.Dense), Forms: yk.Forms(yk.Integer(1, 1e7), short("units", units, activation)), Doc: "Fully connected layer: its outputs, or a mapping. Flattening before the first one is implied; no conv or pool after it."},
		{Name: string(models.Dropout), Forms: yk.Forms(yk.Number("[", 0, 1, ")")), Doc: "The rate: share of units dropped while training. Counts nothing."},
	}
	for i := range kinds {
		kinds[i].Axis = true
	}
	layer := yk.Mapping(kinds...)
	layer.One = true
	return yk.Key{Axis: true, Forms: yk.Forms(layer), Doc: "One layer."}
}

// short is a mapping that a bare value of one key stands for.
func short(key string, keys ...yk.Key) yk.Form {
	f := yk.Mapping(keys...)
	f.Short = key
	return f
}
