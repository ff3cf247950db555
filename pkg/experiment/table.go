package experiment

import (
	"math"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/footprint"
	"slimfit/pkg/shift"
	"slimfit/pkg/target"
	yk "slimfit/pkg/yamlkeys"
)

// Limits of an experiment file.
const (
	maxCombinations = 1_000_000 // of the matrix
	maxSeeds        = 10_000
)

// axisWords says what yk.NamePattern takes as a matrix axis's name.
const axisWords = "a letter, then letters, digits and _"

// Keys is the table of every key of an experiment file, in the order of the
// reference.
func Keys() []yk.Key {
	line := yk.Form{Kind: yk.TextKind, Min: 1, Max: 100}
	return []yk.Key{
		{Name: "name", Required: true, Forms: yk.Forms(yk.Text(64, `[a-z0-9-]+`, "1 to 64 of a-z, 0-9 and -")),
			Doc: "Name of the experiment; results go to `<out>/<name>/`."},
		{Name: "about", Forms: yk.Forms(yk.Form{Kind: yk.TextKind, Max: 10_000}), Doc: "What the experiment asks, in words; reports show it."},
		{Name: "dataset", Required: true, Forms: yk.Forms(yk.Text(64, `[A-Za-z0-9_.-]+`, "a data set's name"), datasetForm()),
			Doc: "The images: a name that `slimfit data list` shows, or a mapping."},
		{Name: "matrix", Forms: yk.Forms(matrixForm()), Doc: "Every combination of the axes' values is one configuration."},
		{Name: "model", Required: true, Axis: true, Forms: yk.Forms(yk.Choice(models.Names()...), yk.List(1, 200, layerKey(residuals))),
			Doc: "The layers in reading order, or one of the paper's networks. The last dense layer (one unit a class, no activation) is added by itself."},
		{Name: "baseline", Forms: yk.Forms(yk.Choice(models.Names()...), yk.Table(yk.NamePattern, axisWords, "axes to values", yk.Key{Forms: yk.Forms(yk.Any())})),
			Default: "the largest configuration", Doc: "What ratios are against: one of the paper's networks, or the matrix values of one configuration."},
		{Name: "train", Forms: yk.Forms(trainForm()), Doc: "The recipe; the defaults are the paper's."},
		{Name: "seeds", Default: "5", Forms: yk.Forms(yk.Integer(1, maxSeeds), yk.List(1, maxSeeds, yk.Key{Forms: yk.Forms(yk.Integer(0, yk.MaxExact))})),
			Doc: "How many seeds (5 means 0 to 4), or a list of them. Weight init, dropout and the order of images vary with the seed."},
		{Name: "target", Forms: yk.Forms(yk.Mapping(targetKeys()...)), Doc: "What a network must reach; `slimfit search` looks for the cheapest one that does."},
		{Name: "evaluate", Forms: yk.Forms(yk.Mapping(yk.Key{Name: "test", Forms: yk.Forms(yk.Choice(TestAlways, TestWinner)), Default: "run: always, search: winner",
			Doc: "When the test set is opened: for every trial, or for the network that the search chose only."},
			yk.Key{Name: "shifts", Forms: yk.Forms(yk.List(1, 40, yk.Key{Forms: yk.Forms(shiftForm())})),
				Doc: "Networks are judged on shifted images too: `[{noise: 20}, {rotate: 10}]`. A shifted image comes from the image and its number alone."})),
			Doc: "What is evaluated."},
		{Name: "report", Forms: yk.Forms(yk.Mapping(reportKeys(line)...)), Doc: "What the report's main figure shows."},
		{Name: "teachers", Forms: yk.Forms(teachersForm()), Doc: "SHA-256 of the weights of each run that `train.teacher` names; slimfit fills it in when it trains."},
		{Name: "batch", Forms: yk.Forms(yk.Mapping(BatchKeys()...)), Doc: "How trials run on a cluster; a site's file may give the same keys."},
	}
}

// shiftForm is one shift of images, with its amount.
func shiftForm(beside ...yk.Key) yk.Form {
	var keys []yk.Key
	for _, k := range shift.Kinds() {
		amount := yk.Number("[", k.Min, k.Max, "]")
		if k.Whole {
			amount = yk.Integer(k.Min, k.Max)
		}
		keys = append(keys, yk.Key{Name: k.Name, Forms: yk.Forms(amount), Doc: k.Doc})
	}
	f := yk.Mapping(append(keys, beside...)...)
	f.One = true
	return f
}

func datasetForm() yk.Form {
	edge := yk.Integer(1, 4096)
	size := yk.List(2, 2, yk.Key{Forms: yk.Forms(edge)})
	size.Hint = "[28, 28]"
	f := yk.Mapping([]yk.Key{
		{Name: "name", Forms: yk.Forms(yk.Text(64, `[A-Za-z0-9_.-]+`, "1 to 64 of A-Z, a-z, 0-9, _, . and -")), Default: "the folder's name",
			Doc: "A name that `slimfit data list` shows; with `path`, a name of your own, which may be left out."},
		{Name: "kind", Forms: yk.Forms(yk.Choice("images", dataset.KindSeries)), Default: "by the path",
			Doc: "series: 1 x time x channels, for convolutions with [1, k] kernels; standardised by mean and sd of the training series."},
		{Name: "path", Forms: yk.Forms(yk.Form{Kind: yk.TextKind, Min: 1, Max: 4096}), Doc: "Folder of your own data: four idx files, CIFAR-10 binary files, a folder of images a class, or a .npz as Keras has MNIST (8 bits, [n, height, width]); series: a .npz of x_train, y_train, x_test, y_test or of x and y, a .csv, or a folder of such. Relative to the experiment file."},
		{Name: "train", Forms: yk.Forms(yk.Integer(1, 1e9)), Default: "all", Doc: "Train on the first this many images only, for quick runs."},
		{Name: "validation", Forms: yk.Forms(yk.Integer(0, 1e9)), Default: "a tenth, at most 5000", Doc: "Images held back from the training files to choose by: the first ones."},
		{Name: "test", Forms: yk.Forms(yk.Integer(1, 1e9)), Default: "all", Doc: "Use the first this many test images only; of data without test images, how many are held back."},
		{Name: "resize", Forms: yk.Forms(edge, size), Doc: "Edge, or [height, width], that image folders are resized to."},
		{Name: "fit", Forms: yk.Forms(yk.Choice("stretch", dataset.FitPad, dataset.FitCrop)), Default: "stretch",
			Doc: "With `resize`: stretch each edge by itself; pad with black; or crop the middle."},
		{Name: "channels", Forms: yk.Forms(yk.Choice("as_is", dataset.ChannelsGrey, dataset.ChannelsColour)), Default: "as_is",
			Doc: "grey: luma (Rec. 601); colour: three channels. As it is, one picture with colour makes a set colour."},
		{Name: "groups", Forms: yk.Forms(yk.Choice("none", dataset.GroupsSubfolder, dataset.GroupsColumn)), Default: "none",
			Doc: "subfolder: pictures of sub-folders of one name (a person, a machine, a day) stay in one part; column: series of one value of " +
				"the column or array group."},
		{Name: "window", Doc: "Pieces that series are cut into, which need not have one length then.", Forms: yk.Forms(yk.Mapping(
			yk.Key{Name: "length", Required: true, Forms: yk.Forms(yk.Integer(1, 1e6)), Doc: "Points of time of each piece that series are cut into."},
			yk.Key{Name: "step", Forms: yk.Forms(yk.Integer(1, 1e6)), Default: "the length", Doc: "Points from one piece to the next; pieces of one series stay in one part."}))},
		{Name: "normalize", Forms: yk.Forms(yk.Choice("none", dataset.NormalizeStandard)), Default: "none",
			Doc: "standard: each channel less its mean, over its standard deviation, both of the training images; exported inside the network."},
		{Name: "folds", Forms: yk.Forms(yk.Integer(0, 1000)), Default: "0, none",
			Doc: "Of few pictures in class folders: each is validation once, in one of so many trainings of a trial, and their figures are pooled; with `target: {evidence: observed}`."},
		{Name: "skip_unreadable", Forms: yk.Forms(yk.Truth()), Default: "false", Doc: "Leave out files of image folders that are damaged or no pictures."},
		{Name: "accept", Forms: yk.Forms(yk.List(1, 3, yk.Key{Forms: yk.Forms(yk.Choice("duplicates", "constant", "dark"))})),
			Doc: "Faults to take: duplicates (an image under two classes), constant (one value all over), dark (16 bits with nothing in the upper 4)."},
	}...)
	f.Keys = append(f.Keys,
		yk.Key{Name: "shape", Forms: yk.Forms(yk.List(3, 3, yk.Key{Forms: yk.Forms(edge)})),
			Doc: "[height, width, channels] of images that are not at hand, with `classes`, for plan and footprint: such a file trains nothing."},
		yk.Key{Name: "classes", Forms: yk.Forms(yk.Integer(2, 1e6)), Doc: "With `shape`: how many classes there are."})
	f.Needs, f.Short, f.Exclusive, f.Hint = []string{"name", "path", "shape"}, "name", []string{"path", "shape"}, "{path: my-pictures}"
	return f
}

func matrixForm() yk.Form {
	partial := yk.Key{Forms: yk.Forms(yk.Table(yk.NamePattern, axisWords, "axes to values", yk.Key{Forms: yk.Forms(yk.Any())}))}
	entries := yk.Forms(yk.List(1, 10_000, partial))
	number := yk.Forms(yk.Number("[", -1e9, 1e9, "]"))
	span := yk.Mapping(
		yk.Key{Name: "from", Required: true, Forms: number, Doc: "The first value of a range: `{from: 1, to: 32}`."},
		yk.Key{Name: "to", Required: true, Forms: number, Doc: "The last value, if a step meets it."},
		yk.Key{Name: "step", Forms: yk.Forms(yk.Number("(", 0, 1e9, "]")), Default: "1", Doc: "From one value to the next."},
		yk.Key{Name: "log2", Forms: yk.Forms(yk.Truth()), Default: "false", Doc: "Each value is twice the one before: `{from: 8, to: 256, log2: true}`."})
	span.Exclusive = []string{"step", "log2"}
	axis := yk.Key{Name: "<axis>", Forms: yk.Forms(yk.List(1, maxCombinations, yk.Key{Forms: yk.Forms(yk.Any())}), span),
		Doc: "An axis: a list of values, of any kind, or a range of numbers. `$<axis>` takes the value, in `model` and `train`."}
	return yk.Table(yk.NamePattern, axisWords, "axes to lists of values", axis,
		yk.Key{Name: "include", Forms: entries, Doc: "Each entry adds its values of new axes to every combination that agrees with its values of the axes above; where none does, the entry is a combination of its own."},
		yk.Key{Name: "exclude", Forms: entries, Doc: "Each entry removes the combinations that agree with all its values; done before `include`."})
}

func trainForm() yk.Form {
	train := yk.Mapping(trainKeys()...)
	train.Exclusive = []string{"steps", "epochs"}
	return train
}

func trainKeys() []yk.Key {
	return []yk.Key{
		{Name: "optimizer", Axis: true, Forms: yk.Forms(yk.Choice(models.Adam, models.SGD, models.Momentum, models.Adadelta)), Default: "adam",
			Doc: "Adam has beta 0.9 and 0.999; adam with weight_decay is AdamW."},
		{Name: "learning_rate", Axis: true, Forms: yk.Forms(yk.Number("(", 0, 1000, "]")), Default: "1e-4", Doc: "Step size."},
		{Name: "momentum", Axis: true, Forms: yk.Forms(yk.Number("[", 0, 1, ")")), Default: "0.9", Doc: "Of optimizer momentum."},
		{Name: "nesterov", Axis: true, Forms: yk.Forms(yk.Truth()), Default: "false", Doc: "Nesterov's form of optimizer momentum."},
		{Name: "epsilon", Axis: true, Forms: yk.Forms(yk.Number("(", 0, 1, "]")), Default: "1e-8", Doc: "Of optimizers adam and adadelta, there 1e-6 where it is not given (Keras has 1e-7)."},
		{Name: "rho", Axis: true, Forms: yk.Forms(yk.Number("(", 0, 1, ")")), Default: "0.95", Doc: "Of optimizer adadelta: share of its averages that a step keeps (PyTorch has 0.9)."},
		{Name: "schedule", Axis: true, Forms: scheduleForms(), Default: "constant",
			Doc: "Of the learning rate; cosine ends at zero; step multiplies it by factor after every so many steps, exponential goes there bit by bit."},
		{Name: "warmup", Axis: true, Forms: yk.Forms(yk.Integer(0, 1e9)), Default: "0",
			Doc: "Steps in which the rate rises: the schedule's, times step / warmup."},
		{Name: "label_smoothing", Axis: true, Forms: yk.Forms(yk.Number("[", 0, 1, ")")), Default: "0",
			Doc: "Share of an image's target that is spread evenly over all classes."},
		{Name: "class_weights", Axis: true, Forms: yk.Forms(yk.Choice("none", "balanced"), classWeightsForm()), Default: "none",
			Doc: "How much an image's loss counts. balanced: images / (classes x images of its class); or class names, or \"#7\" for a number, to weights, 1 for the others: {cat: 2}."},
		{Name: "gradient_clip", Axis: true, Forms: yk.Forms(yk.Number("(", 0, 1e9, "]")),
			Doc: "Most that a network's gradient may measure, all its numbers together (L2 norm): a longer one is scaled."},
		{Name: "ema", Axis: true, Forms: yk.Forms(yk.Number("[", 0, 1, ")")), Default: "0",
			Doc: "Average the weights over the steps, and judge and export the averages: share that a step keeps, min(ema, (1 + step) / (10 + step)). 0: none."},
		{Name: "select", Axis: true, Forms: yk.Forms(yk.Choice("last", models.Best)), Default: "last",
			Doc: "The weights that are judged and exported: of the last step, or, best, of the one of every 1,000th step and the last that was best on the validation images, whose accuracy this flatters."},
		{Name: "augment", Axis: true, Forms: yk.Forms(yk.Choice("none"), augmentForm()), Default: "none",
			Doc: "Change training images at random, anew at every step; `slimfit data preview` shows them."},
		{Name: "weight_decay", Axis: true, Forms: yk.Forms(yk.Number("[", 0, 10, "]")), Default: "0", Doc: "Decoupled, on weights and not on biases."},
		{Name: "batch", Axis: true, Forms: yk.Forms(yk.Integer(1, 1e6)), Default: "50", Doc: "Images a step; at most the training images."},
		{Name: "steps", Axis: true, Forms: yk.Forms(yk.Integer(1, 1e9)), Default: "20000", Doc: "Training steps; or give `epochs`."},
		{Name: "epochs", Axis: true, Forms: yk.Forms(yk.Number("(", 0, 1e6, "]")), Doc: "Passes over the training images, instead of `steps`: ceil(epochs x images / batch) steps."},
		{Name: "init", Axis: true, Forms: yk.Forms(yk.Choice(models.InitPaper, models.InitHe, models.InitGlorot)), Default: "paper",
			Doc: "paper: weights truncated normal with sd 0.1, biases 0.1; he: truncated normal with sd sqrt(2/fan-in); glorot: uniform; both with biases 0."},
		{Name: "precision", Axis: true, Forms: yk.Forms(yk.Choice(models.Float32, models.BFloat16, models.TF32)), Default: "float32", Doc: "Of the arithmetic; weights stay float32. bfloat16 pays on CPUs that have it, for convolutions after the first. tf32: a GPU may take products to 10 bits of mantissa, which float32 keeps it from."},
		{Name: "order", Axis: true, Forms: yk.Forms(yk.Choice(models.PerSeed, models.Shared)), Default: "per_seed",
			Doc: "Of the images: each seed its own, or one order for all seeds, so that they can train in one graph (init and dropout still differ)."},
		{Name: "deterministic", Axis: true, Forms: yk.Forms(yk.Truth()), Default: "false", Doc: "TensorFlow's deterministic kernels."},
		{Name: "quantize", Axis: true, Forms: yk.Forms(yk.Choice("none", "int8")), Default: "none", Doc: "int8: quantization-aware training: weights and outputs are rounded as in int8 in the second half of the steps."},
		{Name: "teacher", Axis: true, Forms: yk.Forms(yk.Choice("none"), yk.Mapping(
			yk.Key{Name: "run", Required: true, Forms: yk.Forms(runForm()), Doc: "The trained run whose soft outputs join the labels: `<experiment>/<config-id>/seed-<n>` below --out, or a path below this folder. It must be finished."},
			yk.Key{Name: "temperature", Axis: true, Forms: yk.Forms(yk.Number("(", 0, 1000, "]")), Default: "4", Doc: "Of the softmax of both networks in the soft loss."},
			yk.Key{Name: "weight", Axis: true, Forms: yk.Forms(yk.Number("[", 0, 1, "]")), Default: "0.9", Doc: "Share of the soft loss."})),
			Default: "none", Doc: "Distillation."},
	}
}

// runPattern is the form of a trained run's name or path.
const runPattern = `([^\x00-\x1f]*/)?[a-z0-9-]+/seed-[0-9]+`

func runForm() yk.Form {
	return yk.Text(4096, runPattern, "a trained run such as paper-final/c5x2-p4-d128-1a2b3c4d/seed-0")
}

func teachersForm() yk.Form {
	return yk.Table(runPattern, "a trained run", "trained runs to the SHA-256 of their weights",
		yk.Key{Forms: yk.Forms(yk.Text(64, `[0-9a-f]{64}`, "64 hexadecimal digits"))})
}

func targetKeys() []yk.Key {
	limits := make([]yk.Key, 0, 8)
	for _, name := range costNames() {
		c := cost(name)
		doc := "At most this many " + c.Unit() + "."
		if name != string(c) {
			doc = "The same as `" + string(c) + "`."
		}
		form := yk.Number("(", 0, math.Inf(1), "]")
		form.Hint = "or with a unit (24k)"
		if c == footprint.LatencyMicros {
			form.Hint = "or with a unit (200ms)"
		}
		form.Amount = func(s string) (float64, bool) { return footprint.ParseAmount(c, s) }
		limits = append(limits, yk.Key{Name: name, Forms: yk.Forms(form), Doc: doc})
	}
	within := yk.Mapping(limits...)
	within.Exclusive = []string{string(footprint.Peak), "peak_activation_elements"}
	share := yk.Forms(yk.Number("[", 0, 1, "]"))
	under := shiftForm(yk.Key{Name: "accuracy", Required: true, Fraction: true, Beside: true, Forms: yk.Forms(yk.Number("(", 0, 1, ")")),
		Doc: "What every network must reach on images shifted so."})
	return []yk.Key{
		{Name: "accuracy", Required: true, Fraction: true, Forms: yk.Forms(yk.Number("(", 0, 1, ")")), Doc: "The worst accuracy you can live with, a fraction: 0.95 is 95 %."},
		{Name: "metric", Forms: yk.Forms(yk.Choice(target.Accuracy, target.BalancedAccuracy)), Default: target.Accuracy,
			Doc: "What must reach it: accuracy, the share of right answers; balanced_accuracy, the mean over classes of recalls, where classes are of unequal size."},
		{Name: "confidence", Fraction: true, Forms: yk.Forms(yk.Number("[", 0.5, 1, ")")), Default: "0.95", Doc: "Of the bounds that must reach it."},
		{Name: "seeds", Forms: yk.Forms(yk.Integer(1, maxSeeds)), Default: "all of `seeds`", Doc: "Judge by the first this many seeds."},
		{Name: "cost", Forms: yk.Forms(yk.Choice(costNames()...)), Default: "parameters", Doc: "What is to be small."},
		{Name: "within", Forms: yk.Forms(within), Doc: "Hard budgets, such as {flash: 24k, ram: 1.5k, latency: 200ms}; k is 1,024 bytes, 1,000 of anything else."},
		{Name: "device", Forms: yk.Forms(yk.Choice(chips()...)),
			Doc: "The chip that flash, RAM, cycles, latency and instructions are measured on, built and simulated with untrained weights; asks for `precision: int8`."},
		{Name: "rule", Forms: yk.Forms(yk.Choice(RuleWorst, RuleMean, RuleTolerance)), Default: "worst",
			Doc: "worst: every seed passes; mean: the mean over seeds; tolerance: a normal tolerance bound over ten seeds or more."},
		{Name: "precision", Forms: yk.Forms(yk.Choice(Float32, Int8)), Default: "float32; int8 with a device",
			Doc: "Of the networks that are judged: float32, as trained; int8, quantized after training as `slimfit export --format tflite-int8` does it."},
		{Name: "evidence", Forms: yk.Forms(yk.Choice(target.Certificate, target.Observed)), Default: target.Certificate,
			Doc: "certificate: bounds on the test images hold with the confidence; observed: the validation images decide, for data too few for that."},
		{Name: "under", Forms: yk.Forms(yk.List(1, 40, yk.Key{Forms: yk.Forms(under)})),
			Doc: "Floors under shifts of the images, as of `evaluate.shifts`, for every network, whatever the rule: `[{noise: 20, accuracy: 0.9}]`."},
		{Name: "recall", Forms: yk.Forms(yk.Table(`[^\x00-\x1f]{1,255}`, "`all` or a class", "`all` or classes, by name, to a fraction", yk.Key{Fraction: true, Forms: share})),
			Doc: "Floors that the recall of every network must reach, whatever the rule, in every class or in single ones, by name: {all: 0.9, scratch: 0.98}; \"#7\" is the class with the number 7 in `slimfit data verify`."},
	}
}

func reportKeys(line yk.Form) []yk.Key {
	return []yk.Key{
		{Name: "slice", Forms: yk.Forms(line), Doc: "The axis with one curve a value."},
		{Name: "x", Forms: yk.Forms(line), Doc: "What accuracy is drawn against: an axis or a cost."},
		{Name: "scale", Forms: yk.Forms(yk.Choice("linear", "log")), Default: "linear", Doc: "Of x."},
	}
}

// scheduleForms are a word, or a word with its numbers.
func scheduleForms() []yk.Form {
	every := yk.Key{Name: "every", Axis: true, Forms: yk.Forms(yk.Integer(1, 1e9)), Doc: "Steps to one factor."}
	factor := yk.Key{Name: "factor", Axis: true, Required: true,
		Forms: yk.Forms(yk.Number("(", 0, 1, ")")), Doc: "What the rate is multiplied by."}
	at := yk.Key{Name: "at", Axis: true, Forms: yk.Forms(yk.List(1, 100, yk.Key{Axis: true, Forms: yk.Forms(yk.Integer(1, 1e9))})),
		Doc: "In place of every: the steps after which the rate falls, ascending."}
	step := yk.Mapping(every, at, factor)
	step.Exclusive, step.Needs = []string{"every", "at"}, []string{"every", "at"}
	every.Required = true
	named := yk.Mapping(
		yk.Key{Name: models.Stepwise, Forms: yk.Forms(step), Doc: "`{every: 5000, factor: 0.1}` or `{at: [8000, 12000], factor: 0.1}`: all at once."},
		yk.Key{Name: models.Exponential, Forms: yk.Forms(yk.Mapping(every, factor)), Doc: "`{every: 5000, factor: 0.1}`: factor^(step/every)."})
	named.One = true
	return yk.Forms(yk.Choice(models.Constant, models.Cosine), named)
}

func classWeightsForm() yk.Form {
	return yk.Table(`[^\x00-\x1f]{1,255}`, "a class's name", "class names to weights",
		yk.Key{Axis: true, Forms: yk.Forms(yk.Number("(", 0, 1e6, "]"))})
}

func augmentForm() yk.Form {
	amount := func(name string, most float64, doc string) yk.Key {
		return yk.Key{Name: name, Axis: true, Forms: yk.Forms(yk.Number("[", 0, most, "]")), Default: "0", Doc: doc}
	}
	f := yk.Mapping(
		amount("shift", 0.5, "Up or down, left or right: share of the edge, in whole pixels; what comes in repeats the edge."),
		amount("rotate", 180, "Degrees, either way."),
		amount("scale", 0.9, "Sizes from 1 - scale to 1 + scale."),
		amount("shear", 1, "Sideways, of the distance from the middle row."),
		yk.Key{Name: "flip", Axis: true, Forms: yk.Forms(yk.Choice("none", models.FlipHorizontal, models.FlipVertical, models.FlipBoth)), Default: "none",
			Doc: "Every second image, left to right, upside down, or each of both."},
		amount("brightness", 0.9, "Added, either way; 1 is from black to white."),
		amount("contrast", 0.9, "Distance from the image's mean, times 1 - contrast to 1 + contrast."),
		amount("noise", 0.5, "Standard deviation of normal noise; 1 is from black to white."),
		amount("cutout", 0.75, "Edges of a rectangle anywhere that is filled with the image's mean: share of the image's."),
		yk.Key{Name: "probability", Axis: true, Forms: yk.Forms(yk.Number("(", 0, 1, "]")), Default: "1", Doc: "Share of the images that are changed at all."})
	f.Needs = []string{"shift", "rotate", "scale", "shear", "flip", "brightness", "contrast", "noise", "cutout"}
	return f
}
