package experiment

import "slimfit/models"

// layerKey is one item of model: a mapping with one key, the layer's kind.
func layerKey() Key {
	edge := integer(1, 1<<14)
	count := integer(1, 1e6)
	kernel := Key{Name: "kernel", Axis: true, Required: true, Forms: forms(edge, list(2, 2, Key{Axis: true, Forms: forms(edge)})), Doc: "Edge of the kernel, or [height, width]."}
	filters := Key{Name: "filters", Axis: true, Required: true, Forms: forms(count), Doc: "Output channels."}
	multiplier := Key{Name: "multiplier", Axis: true, Forms: forms(count), Default: "1", Doc: "Output channels for each input channel of the depthwise part."}
	stride := Key{Name: "stride", Axis: true, Forms: forms(edge), Default: "1", Doc: "The same in both directions."}
	padding := Key{Name: "padding", Axis: true, Forms: forms(named([]models.Padding{models.Same, models.Valid})), Default: "same", Doc: "TensorFlow's rule."}
	activation := Key{Name: "activation", Axis: true, Forms: forms(named(models.Activations())), Default: "relu", Doc: "After the bias; leaky_relu has slope 0.2."}
	size := Key{Name: "size", Axis: true, Required: true, Forms: forms(edge), Doc: "Edge of the window."}
	poolStride := Key{Name: "stride", Axis: true, Forms: forms(edge), Default: "size", Doc: "The same in both directions."}
	units := Key{Name: "units", Axis: true, Required: true, Forms: forms(integer(1, 1e7)), Doc: "Outputs."}
	pool := forms(edge, mapping(size, poolStride, padding))

	kinds := []Key{
		{Name: string(models.Conv), Forms: forms(mapping(kernel, filters, stride, padding, activation)), Doc: "Convolution with bias."},
		{Name: string(models.Depthwise), Forms: forms(mapping(kernel, multiplier, stride, padding, activation)), Doc: "Depthwise convolution with bias."},
		{Name: string(models.Separable), Forms: forms(mapping(kernel, filters, multiplier, stride, padding, activation)),
			Doc: "A depthwise convolution without bias and a 1x1 convolution with bias: counted as those two layers."},
		{Name: string(models.MaxPool), Forms: pool, Doc: "Max pooling: the window's edge, or a mapping."},
		{Name: string(models.AvgPool), Forms: pool, Doc: "Average pooling: the window's edge, or a mapping."},
		{Name: string(models.GlobalAvgPool), Forms: forms(mapping()), Doc: "Mean of each channel; write `globalavgpool: {}`."},
		{Name: string(models.Dense), Forms: forms(integer(1, 1e7), mapping(units, activation)), Doc: "Fully connected layer: its outputs, or a mapping. Flattening before the first one is implied; no conv or pool after it."},
		{Name: string(models.Dropout), Forms: forms(number("[", 0, 1, ")")), Doc: "The rate: share of units dropped while training. Counts nothing."},
	}
	for i := range kinds {
		kinds[i].Axis = true
	}
	layer := mapping(kinds...)
	layer.One = true
	return Key{Axis: true, Forms: forms(layer), Doc: "One layer."}
}
