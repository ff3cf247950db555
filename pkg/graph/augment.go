package graph

import (
	"math"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// augmenter changes a batch's images. Every draw comes from (seed, kind of
// change, step) alone, so that a seed sees the same pixels in every pack and
// after every interruption.
type augmenter struct {
	builder
	models.Augment
	in    models.Shape
	batch int       // images of all orders
	seeds []int64   // of the orders, whose images lie one after the other
	step  tf.Output // int64 scalar
}

// augmented applies the recipe's changes to x, [batch, h, w, c] in [0, 1].
func (p *Pack) augmented(x, step tf.Output) tf.Output {
	if p.recipe.Augment == nil {
		return x
	}
	orders := p.nets.orders
	a := augmenter{p.nets.builder, *p.recipe.Augment, p.input, len(orders) * p.recipe.Batch, orders, step}
	y := a.light(a.moved(x))
	if a.Probability < 1 {
		kept := op.Less(a.at("augment_drawn"), a.draw("probability"), a.scalar("probability", float32(a.Probability)))
		on := a.reshape(op.Cast(a.at("augment_on"), kept, tf.Float), int32(a.batch), 1, 1, 1)
		off := op.Sub(a.at("augment_off"), a.scalar("one", 1), on)
		y = a.add(a.times(y, on), a.times(x, off))
	}
	return y
}

// drawn is what each order's seed gives for a kind of change at the step: [batch, ...].
func (a augmenter) drawn(kind string, from func(s *op.Scope, shape, key tf.Output) tf.Output, each ...int32) tf.Output {
	shape := a.ints("shape", append([]int32{int32(a.batch / len(a.seeds))}, each...)...)
	all := make([]tf.Output, len(a.seeds))
	for i, seed := range a.seeds {
		word := int64(Generator(seed, "augment", kind).Uint64())
		all[i] = from(a.at("augment_draw"), shape, a.key(word, a.step))
	}
	return a.concat(0, all...)
}

// draw is uniform in [0, 1), [batch, 1].
func (a augmenter) draw(kind string) tf.Output {
	return a.drawn(kind, func(s *op.Scope, shape, key tf.Output) tf.Output { return op.StatelessRandomUniform(s, shape, key) }, 1)
}

// spread is uniform in [-most, most), [batch, 1].
func (a augmenter) spread(kind string, most float64) tf.Output {
	twice := a.times(a.draw(kind), a.scalar("twice", float32(2*most)))
	return op.Sub(a.at("spread"), twice, a.scalar("most", float32(most)))
}

// sign is 1 or -1, [batch, 1].
func (a augmenter) sign(kind string) tf.Output {
	half := op.Cast(a.at("flipped"), op.Less(a.at("flip"), a.draw(kind), a.scalar("half", 0.5)), tf.Float)
	return op.Sub(a.at("sign"), a.scalar("one", 1), a.times(a.scalar("two", 2), half))
}

func (a augmenter) times(x, y tf.Output) tf.Output { return op.Mul(a.at("times"), x, y) }
func (a augmenter) add(x, y tf.Output) tf.Output   { return op.AddV2(a.at("add"), x, y) }

// moved takes each pixel of an image from where an affine map about the image's
// middle leads: R(rotate) [1 shear; 0 1] / scale * flips, then the shift. Between
// pixels it interpolates, outside it repeats the edge.
func (a augmenter) moved(x tf.Output) tf.Output {
	smooth := a.Rotate > 0 || a.Scale > 0 || a.Shear > 0
	if !smooth && a.Shift == 0 && a.Flip == "" {
		return x
	}
	shape := a.ints("shape", int32(a.batch), 1)
	zero := op.Fill(a.at("zeros"), shape, a.scalar("zero", 0))
	one := op.Fill(a.at("ones"), shape, a.scalar("one", 1))
	cos, sin, shear, flipX, flipY, dx, dy := one, zero, zero, one, one, zero, zero
	if a.Rotate > 0 {
		angle := a.spread("rotate", a.Rotate*math.Pi/180)
		cos, sin = op.Cos(a.at("cos"), angle), op.Sin(a.at("sin"), angle)
	}
	if a.Shear > 0 {
		shear = a.spread("shear", a.Shear)
	}
	if a.Flip == models.FlipHorizontal || a.Flip == models.FlipBoth {
		flipX = a.sign("flip horizontal")
	}
	if a.Flip == models.FlipVertical || a.Flip == models.FlipBoth {
		flipY = a.sign("flip vertical")
	}
	if a.Scale > 0 { // a picture that is s times as large is read in steps of 1/s
		size := a.add(one, a.spread("scale", a.Scale))
		flipX, flipY = op.Div(a.at("size"), flipX, size), op.Div(a.at("size"), flipY, size)
	}
	if a.Shift > 0 { // by whole pixels: interpolating would blur
		dx = op.Round(a.at("shift"), a.spread("shift horizontal", a.Shift*float64(a.in.W)))
		dy = op.Round(a.at("shift"), a.spread("shift vertical", a.Shift*float64(a.in.H)))
	}
	xx, yx := a.times(flipX, cos), a.times(flipX, sin)
	xy := a.times(flipY, op.Sub(a.at("sheared"), a.times(shear, cos), sin))
	yy := a.times(flipY, a.add(a.times(shear, sin), cos))
	cx, cy := a.scalar("middle", float32(a.in.W-1)/2), a.scalar("middle", float32(a.in.H-1)/2)
	back := func(c, x, y, d tf.Output) tf.Output {
		return a.add(d, op.Sub(a.at("back"), c, a.add(a.times(x, cx), a.times(y, cy))))
	}
	rows := a.concat(1, xx, xy, back(cx, xx, xy, dx), yx, yy, back(cy, yx, yy, dy), zero, zero)
	between := "NEAREST"
	if smooth {
		between = "BILINEAR"
	}
	return op.ImageProjectiveTransformV3(a.at("move"), x, rows, a.ints("size", int32(a.in.H), int32(a.in.W)), a.scalar("fill", 0), between,
		op.ImageProjectiveTransformV3FillMode("NEAREST"))
}

// light changes brightness, contrast and single pixels, and keeps what comes out
// in [0, 1].
func (a augmenter) light(x tf.Output) tf.Output {
	each := func(v tf.Output) tf.Output { return a.reshape(v, int32(a.batch), 1, 1, 1) }
	mean := func() tf.Output {
		all := a.reshape(x, int32(a.batch), int32(a.in.Elements()))
		return each(op.Mean(a.at("image_mean"), all, a.ints("axes", 1)))
	}
	if a.Contrast > 0 {
		m := mean()
		x = a.add(m, a.times(op.Sub(a.at("from_mean"), x, m), each(a.add(a.scalar("one", 1), a.spread("contrast", a.Contrast)))))
	}
	if a.Brightness > 0 {
		x = a.add(x, each(a.spread("brightness", a.Brightness)))
	}
	if a.Noise > 0 {
		normal := a.drawn("noise", func(s *op.Scope, shape, key tf.Output) tf.Output { return op.StatelessRandomNormal(s, shape, key) },
			int32(a.in.H), int32(a.in.W), int32(a.in.C))
		x = a.add(x, a.times(normal, a.scalar("sd", float32(a.Noise))))
	}
	if a.Cutout > 0 {
		cut := a.cut()
		x = a.add(a.times(mean(), cut), a.times(x, op.Sub(a.at("rest"), a.scalar("one", 1), cut)))
	}
	if a.Brightness > 0 || a.Contrast > 0 || a.Noise > 0 {
		x = op.ClipByValue(a.at("clip"), x, a.scalar("black", 0), a.scalar("white", 1))
	}
	return x
}

// cut is 1 within a rectangle about a place anywhere, cut at the image's edges
// (arXiv 1708.04552), else 0: [batch, h, w, 1].
func (a augmenter) cut() tf.Output {
	within := func(kind string, edge int) tf.Output {
		places := make([]float32, edge)
		for i := range places {
			places[i] = float32(i) + 0.5
		}
		middle := a.times(a.draw(kind), a.scalar("edge", float32(edge)))
		far := op.Abs(a.at("far"), op.Sub(a.at("from"), op.Const(a.at("places"), places), middle))
		return op.Cast(a.at("within"), op.Less(a.at("near"), far, a.scalar("reach", float32(a.Cutout*float64(edge)/2))), tf.Float)
	}
	return a.times(a.reshape(within("cutout vertical", a.in.H), int32(a.batch), int32(a.in.H), 1, 1),
		a.reshape(within("cutout horizontal", a.in.W), int32(a.batch), 1, int32(a.in.W), 1))
}
