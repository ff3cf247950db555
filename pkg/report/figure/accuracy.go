package figure

import (
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"slimfit/pkg/footprint"
	"slimfit/pkg/report"
	"slimfit/pkg/text"
)

// abscissa is where the rows stand on x.
type abscissa struct {
	at    []*float64 // of each row; nil where it has no place
	log   bool
	ticks plot.Ticker
}

func drawAccuracy(r *report.Report) (*drawing, error) {
	c := &r.Chart
	p := newPlot(text.Plain(r.Name)+": accuracy against "+text.Plain(xName(r)), text.Plain(c.Label),
		fmt.Sprintf("%s %s (%%)", r.Split, r.Drawn()))
	return drawPoints(r, p, chartX(r), c.Lines, c.Cost && onlyFront(r))
}

func xName(r *report.Report) string {
	if !r.Chart.Cost {
		return r.Chart.X
	}
	for _, c := range r.Costs {
		if string(c.Key) == r.Chart.X {
			return c.Head
		}
	}
	return r.Chart.X
}

func drawFront(r *report.Report) (*drawing, error) {
	k := r.CostIndex(r.Answer.Cost)
	p := newPlot(text.Plain(r.Name)+": accuracy against "+r.Costs[k].Head, r.Costs[k].Unit,
		fmt.Sprintf("%s %s (%%)", r.Split, r.Drawn()))
	return drawPoints(r, p, costX(r, k), false, true)
}

func costX(r *report.Report, k int) abscissa {
	x := abscissa{log: true, ticks: niceTicks{text.Whole}}
	for i := range r.Rows {
		x.at = append(x.at, &r.Rows[i].Costs[k])
		x.log = x.log && r.Rows[i].Costs[k] > 0
	}
	if x.log {
		x.ticks = costTicks{}
	}
	return x
}

// chartX places the rows on the chart's own x. On an axis of the matrix the
// curves stand a little apart, so that their bars do not cover each other.
func chartX(r *report.Report) abscissa {
	c := &r.Chart
	if c.Cost {
		x := costX(r, r.CostIndex(footprint.Cost(c.X)))
		if !c.Log {
			x.log, x.ticks = false, niceTicks{text.Whole}
		}
		return x
	}
	x := abscissa{log: c.Log}
	var ticks plot.ConstantTicks
	span := bounds{}
	for i, v := range c.Values {
		at := c.Position(i, v)
		ticks = append(ticks, plot.Tick{Value: at, Label: tickLabel(c, v)})
		span.add(at)
	}
	x.ticks = ticks
	for i := range r.Rows {
		v := r.Rows[i].X
		if v != nil {
			apart := 0.009 * (float64(r.Rows[i].Curve) - float64(len(c.Curves)-1)/2) * min(1, 6/float64(len(c.Curves)))
			at := *v + apart*(span.high-span.low)
			if c.Log {
				at = *v * math.Pow(span.high/span.low, apart)
			}
			v = &at
		}
		x.at = append(x.at, v)
	}
	return x
}

// tickLabel writes a value of an axis: 40,000 rather than 40000.
func tickLabel(c *report.Chart, value string) string {
	if n, err := strconv.ParseFloat(value, 64); err == nil && c.Number && n >= 10_000 && n == math.Trunc(n) {
		return text.Whole(n)
	}
	return text.ShortenMiddle(text.Plain(value), 16)
}

// drawPoints draws every row that has an x: mean and range over seeds, joined
// to curves or with the front behind them.
func drawPoints(r *report.Report, p *plot.Plot, x abscissa, lines, front bool) (*drawing, error) {
	d := &drawing{plots: []*plot.Plot{p}, legend: newLegend(), width: figureWidth, height: figureHeight}
	setScales(r, p, x)
	if s := leftOut(r, x); s != "" {
		p.X.Label.Text += "\n" + s
	}
	if r.StandIn != "" {
		p.X.Label.Text += "\nDrawn: " + strings.ReplaceAll(text.Plain(r.StandIn), "`", "")
	}
	addGrid(p)
	if front {
		if err := addFront(r, d, x); err != nil {
			return nil, err
		}
	}
	nth := map[int]int{}
	for _, c := range r.Chart.Curves {
		if err := addCurve(r, d, c, nth[c.Slice], x, lines); err != nil {
			return nil, err
		}
		nth[c.Slice]++
	}
	if err := addPublished(r, d, x); err != nil {
		return nil, err
	}
	if err := addPick(r, d, x); err != nil {
		return nil, err
	}
	if r.Target == nil {
		return d, nil
	}
	return d, addTarget(d, p, r.Target.Accuracy, inkColor())
}

// leftOut says what no mark stands for; "" where there is nothing.
func leftOut(r *report.Report, x abscissa) string {
	var parts []string
	say := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %s", what, text.Thousands(n)))
		}
	}
	placeless := 0
	for _, v := range x.at {
		if v == nil {
			placeless++
		}
	}
	say(r.LeftOut, "networks of "+text.Thousands(r.LeftOut+len(r.Rows))+" that are not drawn")
	say(placeless, "networks without a place on x")
	say(r.Counts.Failed, "trials that failed")
	say(r.Counts.Diverged, "diverged")
	say(r.Counts.Missing, "have no result")
	say(r.Counts.Skipped, "skipped by the search")
	if len(parts) == 0 {
		return ""
	}
	return "Left out: " + strings.Join(parts, "; ")
}

// addCurve draws the rows of a curve. Rows that lack seeds are hollow, rows
// without any stand as crosses on the bottom.
func addCurve(r *report.Report, d *drawing, curve report.Curve, nth int, x abscissa, lines bool) error {
	p := d.plots[0]
	ink := sliceColor(curve.Slice)
	var means, full, partial, empty plotter.XYs
	var bars errorBars
	for _, i := range curve.Rows {
		v, s := x.at[i], r.DrawnScore(&r.Rows[i], r.Split)
		switch {
		case v == nil:
			continue
		case s == nil:
			empty = append(empty, plotter.XY{X: *v, Y: p.Y.Min})
			continue
		}
		at := plotter.XY{X: *v, Y: 100 * s.Mean}
		means = append(means, at)
		if s.N < r.Rows[i].Counts.Planned {
			partial = append(partial, at)
		} else {
			full = append(full, at)
		}
		bars.add(at, 100*(s.Mean-s.Min), 100*(s.Max-s.Mean))
	}
	var thumbs []plot.Thumbnailer
	if lines && len(means) > 1 {
		l, err := plotter.NewLine(means)
		if err != nil {
			return fmt.Errorf("curve %s: %w", curve.Label, err)
		}
		l.Color, l.Width, l.Dashes = ink, 1.4, curveDashes(nth)
		p.Add(l)
		thumbs = append(thumbs, l)
	}
	if len(means) > 0 {
		if err := bars.draw(p, ink, 6); err != nil {
			return fmt.Errorf("curve %s: %w", curve.Label, err)
		}
	}
	for _, set := range []struct {
		xys   plotter.XYs
		shape draw.GlyphDrawer
	}{{full, sliceShape(curve.Slice, false)}, {partial, sliceShape(curve.Slice, true)}, {empty, draw.CrossGlyph{}}} {
		s, err := scatter(p, set.xys, set.shape, ink, 3.2)
		if err != nil {
			return fmt.Errorf("curve %s: %w", curve.Label, err)
		}
		if s != nil && len(thumbs) < 2 {
			thumbs = append(thumbs, s)
		}
	}
	if curve.Label != "" && len(thumbs) > 0 {
		d.legend.Add(text.ShortenMiddle(text.Plain(curve.Label), 34), thumbs...)
	}
	return nil
}

// errorBars are points with how far their bars reach below and above them.
type errorBars struct {
	plotter.XYs
	plotter.YErrors
}

func (b *errorBars) add(at plotter.XY, low, high float64) {
	b.XYs = append(b.XYs, at)
	b.YErrors = append(b.YErrors, struct{ Low, High float64 }{low, high})
}

func (b *errorBars) draw(p *plot.Plot, ink color.Color, cap vg.Length) error {
	e, err := plotter.NewYErrorBars(b)
	if err != nil {
		return err
	}
	e.Color, e.LineStyle.Width, e.CapWidth = ink, 1.1, cap
	p.Add(e)
	return nil
}

// scatter adds marks; none for no points.
func scatter(p *plot.Plot, xys plotter.XYs, shape draw.GlyphDrawer, ink color.Color, radius vg.Length) (*plotter.Scatter, error) {
	if len(xys) == 0 {
		return nil, nil
	}
	s, err := plotter.NewScatter(xys)
	if err != nil {
		return nil, err
	}
	s.Shape, s.Color, s.Radius = shape, ink, radius
	p.Add(s)
	return s, nil
}

// addFront draws the front as a staircase: up to the next network's cost,
// nothing better is to be had.
func addFront(r *report.Report, d *drawing, x abscissa) error {
	var steps plotter.XYs
	for _, i := range r.Front {
		at := plotter.XY{X: *x.at[i], Y: 100 * r.DrawnScore(&r.Rows[i], r.Split).Mean}
		if n := len(steps); n > 0 {
			steps = append(steps, plotter.XY{X: at.X, Y: steps[n-1].Y})
		}
		steps = append(steps, at)
	}
	if len(steps) < 2 {
		return nil
	}
	l, err := plotter.NewLine(steps)
	if err != nil {
		return fmt.Errorf("front: %w", err)
	}
	l.Color, l.Width = color.Gray{0xb0}, 3
	d.plots[0].Add(l)
	d.legend.Add("front: none cheaper is as good", l)
	return nil
}

// addPublished draws published figures over ours. They are test accuracies and
// have no place among validation accuracies.
func addPublished(r *report.Report, d *drawing, x abscissa) error {
	if r.Split != report.Test {
		return nil
	}
	listed := false
	for _, c := range r.Chart.Curves {
		var xys plotter.XYs
		for _, i := range c.Rows {
			if p, v := r.Rows[i].Published, x.at[i]; p != nil && v != nil {
				xys = append(xys, plotter.XY{X: *v, Y: 100 * p.Accuracy})
			}
		}
		s, err := scatter(d.plots[0], xys, diamond{}, sliceColor(c.Slice), 4.5)
		if err != nil {
			return fmt.Errorf("published figures: %w", err)
		}
		if s != nil && !listed {
			mark := *s
			mark.Color = inkColor()
			d.legend.Add("published", &mark)
			listed = true
		}
	}
	return nil
}

// diamond is a hollow diamond.
type diamond struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (diamond) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, pt vg.Point) {
	var p vg.Path
	p.Move(vg.Point{X: pt.X, Y: pt.Y + sty.Radius})
	p.Line(vg.Point{X: pt.X + sty.Radius, Y: pt.Y})
	p.Line(vg.Point{X: pt.X, Y: pt.Y - sty.Radius})
	p.Line(vg.Point{X: pt.X - sty.Radius, Y: pt.Y})
	p.Close()
	c.SetLineStyle(draw.LineStyle{Color: sty.Color, Width: 1.2})
	c.Stroke(p)
}

func addPick(r *report.Report, d *drawing, x abscissa) error {
	if r.Answer.Pick < 0 || x.at[r.Answer.Pick] == nil {
		return nil
	}
	row := &r.Rows[r.Answer.Pick]
	score := r.DrawnScore(row, r.Split)
	if score == nil {
		return nil
	}
	at := plotter.XYs{{X: *x.at[r.Answer.Pick], Y: 100 * score.Mean}}
	s, err := scatter(d.plots[0], at, draw.RingGlyph{}, color.Black, 7)
	if err != nil {
		return fmt.Errorf("pick: %w", err)
	}
	d.legend.Add("smallest that meets the target", s)
	return nil
}

// addTarget draws a target over the plot.
func addTarget(d *drawing, p *plot.Plot, accuracy float64, ink color.Color) error {
	l, err := plotter.NewLine(plotter.XYs{{X: p.X.Min, Y: 100 * accuracy}, {X: p.X.Max, Y: 100 * accuracy}})
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	l.Color, l.Width, l.Dashes = ink, 1, []vg.Length{5, 4}
	p.Add(l)
	d.legend.Add("target "+text.Threshold(accuracy), l)
	return nil
}
