package modelstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"slimfit/models"
)

// Modern is how many of the networks of Random are sure to have what networks
// are made of today.
const Modern = 5

// Random returns small network i of random layers that fit together. Each of
// the first Modern has a residual and batch normalisation, and one of them each
// a prelu, a hard_swish, an activation by itself, a dilation and edges that differ.
func Random(i int, r *rand.Rand) models.Spec {
	return RandomFor(i, models.Shape{H: 5 + r.IntN(12), W: 5 + r.IntN(12), C: 1 + r.IntN(3)}, 2+r.IntN(12), r)
}

// RandomFor is Random for images of the shape.
func RandomFor(i int, in models.Shape, classes int, r *rand.Rand) models.Spec {
	s := random(in, classes, r)
	for ; i < Modern; s = random(in, classes, r) {
		has := func(is func(models.Layer) bool) bool { return within(s.Layers, is) }
		if has(func(l models.Layer) bool { return l.Kind == models.Residual }) && has(models.Layer.Normed) &&
			has(func(l models.Layer) bool {
				return []bool{l.Activation == models.PRelu, l.Activation == models.HardSwish, l.Kind == models.Activate,
					max(l.Dilation[0], l.Dilation[1]) > 1, l.Stride[0] != l.Stride[1] || l.Size[0] != l.Size[1]}[i]
			}) {
			break
		}
	}
	return s
}

// within says whether a layer, or one in it, is such.
func within(layers []models.Layer, is func(models.Layer) bool) bool {
	return slices.ContainsFunc(layers, func(l models.Layer) bool { return is(l) || within(l.Layers, is) })
}

func random(in models.Shape, classes int, r *rand.Rand) models.Spec {
	s := models.Spec{Input: in, Classes: classes}
	add := func(l models.Layer) {
		next := s
		next.Layers = append(slices.Clone(s.Layers), l)
		if _, err := next.Nodes(); err == nil {
			s = next
		}
	}
	for range r.IntN(6) {
		k := models.Kinds()[r.IntN(len(models.Kinds()))]
		if k != models.Dense && (k != models.GlobalAvgPool || r.IntN(3) == 0) { // little can follow them
			add(Layer(k, r))
		}
	}
	if r.IntN(3) == 0 {
		add(models.DefaultLayer(models.GlobalAvgPool))
		if r.IntN(3) == 0 {
			add(models.NewConv(1, 1+r.IntN(9)))
		}
	}
	if r.IntN(2) == 0 {
		add(Layer(models.Dense, r))
		add(models.NewDropout(0.5))
	}
	return s
}

// Recipe returns recipe i of so many steps for so many classes: the optimizers and
// schedules in turns, every fourth with select, the other keys at random, but no
// teacher, int8 or other precision.
func Recipe(i int, r *rand.Rand, steps, classes int) models.Recipe {
	half := func() bool { return r.IntN(2) == 0 }
	c := models.DefaultRecipe()
	c.Steps, c.Batch, c.LearningRate = steps, 3+r.IntN(20), 0.002
	c.Init = []string{models.InitPaper, models.InitHe, models.InitGlorot}[r.IntN(3)]
	c.Optimizer = []string{models.Adam, models.SGD, models.Momentum, models.Adadelta}[i%4]
	switch c.Optimizer {
	case models.Momentum:
		c.Nesterov = half()
	case models.Adadelta:
		c.Rho, c.Epsilon, c.LearningRate = 0.9, 1e-6, 1
	}
	c.Schedule = []string{models.Constant, models.Cosine, models.Stepwise, models.Exponential}[(i+i/4)%4]
	switch c.Schedule {
	case models.Stepwise, models.Exponential:
		c.Every, c.Factor = 1+r.IntN(steps), 0.1+0.8*r.Float64()
		if c.Schedule == models.Stepwise && half() {
			c.Every, c.At = 0, []int{1 + steps/4, 1 + steps/2}
		}
	}
	if half() {
		c.Warmup = 1 + r.IntN(steps)
	}
	if half() {
		c.WeightDecay = 0.1 * r.Float64()
	}
	if half() {
		c.LabelSmoothing = 0.5 * r.Float64()
	}
	if half() {
		c.EMA = 0.5 + 0.5*r.Float64()
	}
	if half() {
		c.GradientClip = 0.01 + r.Float64()
	}
	if half() {
		c.ClassWeights = &models.ClassWeights{Balanced: half()}
		if !c.ClassWeights.Balanced {
			c.ClassWeights.Named = map[string]float64{fmt.Sprintf("#%d", r.IntN(classes)): 0.1 + 3*r.Float64()}
		}
	}
	if i%4 == 3 {
		c.Select = models.Best
	}
	if r.IntN(3) > 0 {
		c.Augment = augment(r)
	}
	return c
}

// augment draws every second kind of change.
func augment(r *rand.Rand) *models.Augment {
	upTo := func(most float64) float64 { return most * r.Float64() * float64(r.IntN(2)) }
	return &models.Augment{Shift: upTo(0.3), Rotate: upTo(90), Scale: upTo(0.5), Shear: upTo(0.5),
		Flip: []string{"", models.FlipHorizontal, models.FlipVertical, models.FlipBoth}[r.IntN(4)], Brightness: upTo(0.5),
		Contrast: upTo(0.5), Noise: upTo(0.2), Cutout: upTo(0.5), Probability: 1 - 0.5*r.Float64()}
}

// Weights returns random weights of the size that trained ones have.
func Weights(r *rand.Rand, s models.Spec) (models.Weights, error) {
	nodes, err := s.Nodes()
	if err != nil {
		return nil, err
	}
	var w models.Weights
	for _, n := range nodes {
		fan := float64(n.Size(models.Kernel)) / float64(n.Out.C)
		for _, p := range models.Parts() {
			if n.Shape(p) == nil {
				continue
			}
			values := make([]float32, n.Size(p))
			for i := range values {
				x := r.NormFloat64()
				switch p {
				case models.Kernel:
					x *= 1.5 / math.Sqrt(fan)
				case models.Gamma:
					x = 1 + 0.5*x
				case models.Variance:
					x = math.Exp(x)
				default:
					x *= 0.2
				}
				values[i] = float32(x)
			}
			w.Set(n.Name, p, values)
		}
	}
	return w, nil
}

// Pixels returns n random pixels.
func Pixels(r *rand.Rand, n int) []uint8 {
	p := make([]uint8, n)
	for i := range p {
		p[i] = uint8(r.IntN(256))
	}
	return p
}
