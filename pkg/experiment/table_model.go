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

// batchKeys are the keys of batch, in an experiment and in a site's file.
func batchKeys() []Key {
	word := text(200, `[A-Za-z0-9_.,@+:-]+`, "a name of letters, digits and _ . , @ + : -")
	line := text(1000, `[^\x00-\x1f\x7f]+`, "one line of text")
	option := text(1000, `--?[A-Za-z][^\x00-\x1f\x7f]*`, "an sbatch option such as --constraint=a100")
	lines := func(f Form) []Form { return forms(list(0, 100, Key{Forms: forms(f)})) }
	return []Key{
		{Name: "engine", Forms: forms(choice("slurm")), Default: "slurm", Doc: "The batch system."},
		{Name: "partition", Forms: forms(word), Default: "the cluster's", Doc: "sbatch --partition."},
		{Name: "account", Forms: forms(word), Default: "the user's", Doc: "sbatch --account."},
		{Name: "qos", Forms: forms(word), Default: "the cluster's", Doc: "sbatch --qos."},
		{Name: "time", Forms: forms(integer(1, 525_600), text(20, slurmTime, "minutes, or a time as Slurm writes it: 2:00:00, 1-12")), Default: "60",
			Doc: "Limit of one array element. A checkpoint is made before it ends."},
		{Name: "gpus", Forms: forms(integer(0, 64)), Default: "0", Doc: "GPUs of one element."},
		{Name: "cpus", Forms: forms(integer(1, 4096)), Default: "1", Doc: "CPU cores of one element; one worker a core without a GPU."},
		{Name: "memory", Forms: forms(text(12, `[1-9][0-9]{0,8}[KMGT]?`, "a size as Slurm writes it: 4000M, 16G")), Default: "the cluster's", Doc: "sbatch --mem of one element."},
		{Name: "throttle", Forms: forms(integer(1, 100_000)), Default: "no limit", Doc: "Array elements that run at once."},
		{Name: "extra", Forms: lines(option), Doc: "More sbatch options, one an item."},
		{Name: "modules", Forms: lines(word), Doc: "Environment modules that are loaded first."},
		{Name: "setup", Forms: lines(line), Doc: "Shell lines before the work, one an item."},
		{Name: "min_minutes", Forms: forms(number("[", 0, 10_080, "]")), Default: "10", Doc: "Short trials share an element so that it runs at least about this long."},
		{Name: "gpu_memory_fraction", Forms: forms(number("(", 0, 1, "]")), Default: "1", Doc: "Share of a GPU's memory that one worker may take."},
	}
}

// slurmTime is minutes:seconds, hours:minutes:seconds, or days-hours with
// optional minutes and seconds.
const slurmTime = `[0-9]{1,6}:[0-9]{2}|[0-9]{1,5}:[0-9]{2}:[0-9]{2}|[0-9]{1,4}-[0-9]{1,2}(:[0-9]{2}){0,2}`
