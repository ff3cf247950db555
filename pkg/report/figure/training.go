package figure

import (
	"cmp"
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// drawTraining draws loss above and validation accuracy below, over the steps.
func drawTraining(r *report.Report) (*drawing, error) {
	loss := newPlot(text.Plain(r.Name)+": training", "", "training loss (log scale)")
	accuracy := newPlot("", "training steps", "validation accuracy (%)")
	d := &drawing{plots: []*plot.Plot{loss, accuracy}, legend: newLegend(), width: figureWidth, height: figureHeight * 3 / 2}
	for _, p := range d.plots {
		addGrid(p)
		p.X.Tick.Marker = niceTicks{text.Whole}
	}
	accuracy.Y.Tick.Marker = niceTicks{text.Number}
	losses, steps := bounds{}, bounds{}
	rows := trainingRows(r)
	if len(rows) < len(r.Rows) {
		loss.Title.Text += fmt.Sprintf(" of %d of %s", len(rows), text.Count(len(r.Rows), "network"))
	}
	for n, i := range rows {
		row := &r.Rows[i]
		var thumb *plotter.Line
		for _, t := range row.Trials {
			a, b := lines(row.Histories[t.Seed], &losses)
			for k, xys := range []plotter.XYs{a, b} {
				for _, xy := range xys {
					steps.add(xy.X)
				}
				if len(xys) == 0 {
					continue
				}
				if len(xys) == 1 { // a short training measures the accuracy once
					xys = append(xys, xys[0])
					xys[0].X = 0.98 * xys[1].X
				}
				l, err := plotter.NewLine(xys)
				if err != nil {
					return nil, fmt.Errorf("training of %s, seed %d: %w", row.ID, t.Seed, err)
				}
				l.Color, l.Width, l.Dashes = sliceColor(n), 0.9, curveDashes(n/8)
				d.plots[k].Add(l)
				thumb = l
			}
		}
		if thumb != nil {
			mark := *thumb
			mark.Width = 2
			d.legend.Add(text.ShortenMiddle(text.Plain(row.Label), 34), &mark)
		}
	}
	if steps.any {
		for _, p := range d.plots {
			p.X.Min, p.X.Max = min(0, steps.low), steps.high
		}
	}
	if r.Target != nil && steps.any && !r.Balanced() { // histories have accuracies
		if err := addTarget(d, accuracy, r.Target.Accuracy, inkColor()); err != nil {
			return nil, err
		}
	}
	if losses.any {
		loss.Y.Scale, loss.Y.Tick.Marker = plot.LogScale{}, costTicks{}
		loss.Y.Min, loss.Y.Max = losses.low/1.1, losses.high*1.1
	}
	return d, nil
}

// lines splits a history into loss and validation accuracy in percent. Losses
// that a log scale cannot show, as of a diverged trial, are left out.
func lines(points []result.Point, losses *bounds) (loss, accuracy plotter.XYs) {
	for _, p := range points {
		if p.Loss > 0 && !math.IsInf(p.Loss, 0) {
			loss = append(loss, plotter.XY{X: float64(p.Step), Y: p.Loss})
			losses.add(p.Loss)
		}
		if p.Validation != nil {
			accuracy = append(accuracy, plotter.XY{X: float64(p.Step), Y: 100 * *p.Validation})
		}
	}
	return loss, accuracy
}

// drawShifts draws what the chosen network gets on shifted images: its accuracy,
// the recall of the class that it finds least of, and both in int8 where judged.
func drawShifts(r *report.Report) (*drawing, error) {
	row := &r.Rows[r.Chosen()]
	p := newPlot(text.Plain(r.Name)+": shifted images", "shift of the images", "validation images (%)")
	d := &drawing{plots: []*plot.Plot{p}, legend: newLegend(), width: figureWidth, height: figureHeight}
	var ticks plot.ConstantTicks
	var drawn [4]plotter.XYs // mean and worst class, of float32, then of int8
	for i := range row.Shifts {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: cmp.Or(row.Shifts[i].Shift, "none")})
		for n, by := range []map[report.Split]*report.ShiftScore{row.Shifts[i].On, row.Shifts[i].Int8} {
			v := by[report.Validation]
			if v == nil {
				continue
			}
			drawn[2*n] = append(drawn[2*n], plotter.XY{X: float64(i), Y: 100 * v.Mean})
			if v.Class >= 0 {
				drawn[2*n+1] = append(drawn[2*n+1], plotter.XY{X: float64(i), Y: 100 * v.Recall})
			}
		}
	}
	addGrid(p)
	for n, marks := range drawn {
		if len(marks) == 0 {
			continue
		}
		line, points, err := plotter.NewLinePoints(marks)
		if err != nil {
			return nil, fmt.Errorf("shifts: %w", err)
		}
		line.Color, line.Width, line.Dashes = sliceColor(n), 0.9, curveDashes(n)
		points.GlyphStyle = draw.GlyphStyle{Color: sliceColor(n), Radius: 3.5, Shape: sliceShape(min(n, 2), n%2 == 1)}
		p.Add(line, points)
		names := []string{"accuracy, mean over seeds", "recall of the worst class", "accuracy in int8", "worst class in int8"}
		d.legend.Add(names[n], line, points)
	}
	p.X.Tick.Marker, p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign = ticks, 0.6, draw.XRight
	p.X.Min, p.X.Max = -0.3, float64(len(ticks))-0.7
	p.Y.Max = 100
	p.X.Padding = vg.Points(2)
	return d, nil
}
