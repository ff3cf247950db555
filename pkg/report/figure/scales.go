package figure

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"slimfit/pkg/report"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// setScales fits both axes to the data, before anything is drawn, so that the
// target line and the crosses know their place.
func setScales(r *report.Report, p *plot.Plot, x abscissa) {
	xs, ys := bounds{}, bounds{}
	for i := range r.Rows {
		if v := x.at[i]; v != nil {
			xs.add(*v)
		}
		if s := r.DrawnScore(&r.Rows[i], r.Split); s != nil {
			ys.add(100 * s.Min)
			ys.add(100 * s.Max)
		}
		if q := r.Rows[i].Published; q != nil && r.Split == report.Test {
			ys.add(100 * q.Accuracy)
		}
	}
	if r.Target != nil {
		ys.add(100 * r.Target.Accuracy)
	}
	fitScales(p, x, xs, ys)
}

// fitScales leaves some room around what is drawn.
func fitScales(p *plot.Plot, x abscissa, xs, ys bounds) {
	pad := max(0.06*(ys.high-ys.low), 0.1)
	p.Y.Min, p.Y.Max = max(0, ys.low-pad), min(100, ys.high+pad)
	p.X.Tick.Marker, p.Y.Tick.Marker = x.ticks, niceTicks{text.Number}
	if x.log {
		f := math.Pow(max(xs.high/xs.low, 1.5), 0.04)
		p.X.Min, p.X.Max = xs.low/f, xs.high*f
		p.X.Scale = plot.LogScale{}
		p.X.Label.Text += " (log scale)"
		return
	}
	pad = 0.04 * (xs.high - xs.low)
	if pad == 0 {
		pad = max(1, 0.1*xs.high)
	}
	p.X.Min, p.X.Max = xs.low-pad, xs.high+pad
}

// bounds is the range of the values that were added.
type bounds struct {
	low, high float64
	any       bool
}

func (b *bounds) add(v float64) {
	if !b.any {
		*b = bounds{v, v, true}
	}
	b.low, b.high = min(b.low, v), max(b.high, v)
}

func addGrid(p *plot.Plot) {
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = nil, gridColor()
	p.Add(grid)
}

// niceTicks are four to nine labels at 1, 2 or 5 times a power of ten.
type niceTicks struct{ label func(float64) string }

// Ticks implements plot.Ticker.
func (n niceTicks) Ticks(low, high float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, m := range []float64{5, 2} {
		if (high-low)/(m*step) >= 4 {
			step *= m
			break
		}
	}
	if !(step > 0) || math.IsInf(step, 0) {
		return nil
	}
	var ticks []plot.Tick
	for k := math.Ceil(low/step - 1e-9); k*step <= high+step*1e-9; k++ {
		v := stats.Round(k*step) + 0 // never -0
		ticks = append(ticks, plot.Tick{Value: v, Label: n.label(v)})
	}
	return ticks
}

// costTicks are the ticks of a log scale: labels at powers of ten, then at 5, 2
// and the other multiples of them, where there is room.
type costTicks struct{}

func costLabel(v float64) string {
	if v >= 1000 {
		return text.Whole(v)
	}
	return text.Number(v)
}

// labelRoom is the share of the axis that a label takes.
const labelRoom = 0.13

// Ticks implements plot.Ticker.
func (costTicks) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	decades := math.Log10(high / low)
	for e := math.Floor(math.Log10(low)); e <= math.Log10(high)+1; e++ {
		for m := 1.0; m < 10; m++ {
			v := stats.Round(m * math.Pow(10, e))
			if v < low*(1-1e-9) || v > high*(1+1e-9) {
				continue
			}
			ticks = append(ticks, plot.Tick{Value: v})
		}
	}
	var taken []float64 // places of labels on the axis, from 0 to 1
	for _, wanted := range [][]float64{{1}, {5, 2}, {3, 4, 6, 7, 8, 9}} {
		for i := range ticks {
			t := &ticks[i]
			digit := stats.Round(t.Value / math.Pow(10, math.Floor(math.Log10(t.Value*(1+1e-9)))))
			at := math.Log10(t.Value/low) / decades
			if !slices.Contains(wanted, digit) || slices.ContainsFunc(taken, func(x float64) bool { return math.Abs(x-at) < labelRoom }) {
				continue
			}
			taken = append(taken, at)
			t.Label = costLabel(t.Value)
		}
	}
	if decades < 0.3 { // between two of them: any round numbers do
		return niceTicks{costLabel}.Ticks(low, high)
	}
	return ticks
}
