package experiment

import (
	"cmp"
	"math"

	"gopkg.in/yaml.v3"

	"slimfit/models"
	"slimfit/pkg/yamlkeys"
)

// layers builds the model of one combination, and the node of each layer for
// errors.
func (b *binder) layers(model *yamlkeys.Value, c combo) ([]models.Layer, []*yaml.Node) {
	node := model.Node
	model = b.at(model, c)
	if model.Kind == yamlkeys.ChoiceKind {
		layers, _ := models.Named(model.Text)
		nodes := make([]*yaml.Node, len(layers))
		for i := range nodes {
			nodes[i] = node
		}
		return layers, nodes
	}
	return b.list(model.Items, c)
}

// list builds the layers that are there in the combination: see layerKey's when.
func (b *binder) list(items []*yamlkeys.Value, c combo) (layers []models.Layer, nodes []*yaml.Node) {
	for _, item := range items {
		item = b.at(item, c)
		if when := b.get(item, "when", c); when != nil && !when.Truth {
			continue
		}
		for _, q := range item.Pairs {
			if q.Name != "when" {
				layers = append(layers, b.layer(models.Kind(q.Name), b.at(q.Value, c), c))
				nodes = append(nodes, q.Node)
			}
		}
	}
	return layers, nodes
}

// layer reads one layer from its short or its long form.
func (b *binder) layer(kind models.Kind, v *yamlkeys.Value, c combo) models.Layer {
	l := models.DefaultLayer(kind)
	switch {
	case kind == models.Dropout:
		l.Rate = v.Num
	case kind == models.Activate:
		l.Activation = models.Activation(v.Text)
	case v.Kind == yamlkeys.IntegerKind && kind == models.Dense:
		l.Units = int(v.Num)
	case v.Kind == yamlkeys.IntegerKind || v.Kind == yamlkeys.ListKind:
		l.Size = b.edges(v, c)
		l.Stride = l.Size
	default:
		b.fields(&l, v, c)
	}
	return l
}

func (b *binder) fields(l *models.Layer, v *yamlkeys.Value, c combo) {
	b.put(v, c, into{"filters": &l.Filters, "multiplier": &l.Multiplier, "units": &l.Units, "padding": &l.Padding,
		"activation": &l.Activation})
	for _, f := range []struct {
		name string
		to   *models.Edges
	}{{"kernel", &l.Kernel}, {"size", &l.Size}, {"stride", &l.Stride}, {"dilation", &l.Dilation}} {
		if x := b.get(v, f.name, c); x != nil {
			*f.to = b.edges(x, c)
		}
	}
	if l.Stride == (models.Edges{}) { // a pool's default
		l.Stride = l.Size
	}
	if x := b.get(v, "layers", c); x != nil {
		l.Layers, _ = b.list(x.Items, c)
	}
	if x := b.get(v, "shortcut", c); x != nil {
		l.Shortcut = models.Shortcut(x.Text)
		if x.Kind == yamlkeys.MappingKind {
			if l.Shortcut = models.AutoShortcut; b.get(x, "batchnorm", c).Truth {
				l.Shortcut = models.NormShortcut
			}
		}
	}
	if x := b.get(v, "batchnorm", c); x != nil {
		switch {
		case x.Kind == yamlkeys.ChoiceKind:
			l.Norm = models.Norm(x.Text)
		case x.Truth:
			l.Norm = models.OneNorm
		}
		l.Unbiased = l.Norm != models.NoNorm
	}
	if x := b.get(v, "bias", c); x != nil {
		l.Unbiased = !x.Truth
	}
}

// into says where the values of a mapping's keys belong, see yamlkeys.Value.Into.
type into map[string]any

// put puts the values of the keys that are given where they belong.
func (b *binder) put(v *yamlkeys.Value, c combo, to into) {
	for name, at := range to {
		if x := b.get(v, name, c); x != nil {
			x.Into(at)
		}
	}
}

// edges reads 5 or [5, 3].
func (b *binder) edges(v *yamlkeys.Value, c combo) models.Edges {
	if v.Kind == yamlkeys.IntegerKind {
		return models.Square(int(v.Num))
	}
	return models.Edges{int(b.at(v.Items[0], c).Num), int(b.at(v.Items[1], c).Num)}
}

// recipe builds the training recipe of one combination; images are the
// training images. Settings that the optimizer does not read keep their
// defaults, so that they make no new configuration.
func (b *binder) recipe(train *yamlkeys.Value, c combo, images int) models.Recipe {
	r := models.DefaultRecipe()
	b.put(train, c, into{"optimizer": &r.Optimizer, "init": &r.Init, "precision": &r.Precision, "order": &r.Order, "quantize": &r.Quantize,
		"select": &r.Select, "learning_rate": &r.LearningRate, "momentum": &r.Momentum, "nesterov": &r.Nesterov, "epsilon": &r.Epsilon,
		"weight_decay": &r.WeightDecay, "label_smoothing": &r.LabelSmoothing, "rho": &r.Rho, "ema": &r.EMA,
		"gradient_clip": &r.GradientClip, "batch": &r.Batch, "steps": &r.Steps, "warmup": &r.Warmup, "deterministic": &r.Deterministic})
	if x := b.get(train, "epochs", c); x != nil {
		r.Steps = stepsOf(x.Num, images, r.Batch)
	}
	if x := b.get(train, "schedule", c); x != nil {
		b.schedule(&r, x, c)
	}
	if r.Quantize == "none" {
		r.Quantize = ""
	}
	if r.Select == "last" {
		r.Select = ""
	}
	r.Teacher = b.teacher(b.get(train, "teacher", c), c)
	r.ClassWeights = b.classWeights(b.get(train, "class_weights", c), c)
	r.Augment = b.augment(b.get(train, "augment", c), c)
	unused := models.DefaultRecipe()
	if r.Optimizer != models.Momentum {
		r.Momentum, r.Nesterov = unused.Momentum, false
	}
	switch {
	case r.Optimizer == models.Adadelta:
		r.Rho = cmp.Or(r.Rho, 0.95)
		if b.get(train, "epsilon", c) == nil {
			r.Epsilon = 1e-6
		}
	case r.Optimizer != models.Adam:
		r.Epsilon = unused.Epsilon
		fallthrough
	default:
		r.Rho = 0
	}
	return r
}

func (b *binder) classWeights(v *yamlkeys.Value, c combo) *models.ClassWeights {
	switch {
	case v == nil || v.Text == "none":
		return nil
	case v.Kind == yamlkeys.ChoiceKind:
		return &models.ClassWeights{Balanced: true}
	}
	w := &models.ClassWeights{Named: map[string]float64{}}
	for _, q := range v.Pairs {
		w.Named[q.Name] = b.at(q.Value, c).Num
	}
	return w
}

// augment is nil where it would change nothing.
func (b *binder) augment(v *yamlkeys.Value, c combo) *models.Augment {
	if v == nil || v.Kind == yamlkeys.ChoiceKind {
		return nil
	}
	var a models.Augment
	b.put(v, c, into{"shift": &a.Shift, "rotate": &a.Rotate, "scale": &a.Scale, "shear": &a.Shear, "brightness": &a.Brightness,
		"contrast": &a.Contrast, "noise": &a.Noise, "cutout": &a.Cutout, "probability": &a.Probability, "flip": &a.Flip})
	if a.Flip == "none" {
		a.Flip = ""
	}
	if p := a.Probability; (a == models.Augment{Probability: p}) {
		return nil
	}
	a.Probability = cmp.Or(a.Probability, 1)
	return &a
}

// schedule reads a word, or a word with its numbers.
func (b *binder) schedule(r *models.Recipe, v *yamlkeys.Value, c combo) {
	if v.Kind == yamlkeys.ChoiceKind {
		r.Schedule = v.Text
		return
	}
	r.Schedule = v.Pairs[0].Name
	falls := b.at(v.Pairs[0].Value, c)
	b.put(falls, c, into{"factor": &r.Factor, "every": &r.Every})
	if x := b.get(falls, "at", c); x != nil {
		for _, step := range x.Items {
			r.At = append(r.At, int(b.at(step, c).Num))
		}
	}
}

func (b *binder) teacher(v *yamlkeys.Value, c combo) *models.Teacher {
	if v == nil || v.Kind == yamlkeys.ChoiceKind {
		return nil
	}
	t := &models.Teacher{Temperature: 4, Weight: 0.9}
	b.put(v, c, into{"run": &t.Run, "temperature": &t.Temperature, "weight": &t.Weight})
	return t
}

// stepsOf is ceil(epochs * images / batch), without the rounding error of the
// product.
func stepsOf(epochs float64, images, batch int) int {
	return max(1, int(math.Ceil(epochs*float64(images)/float64(batch)-1e-9)))
}
