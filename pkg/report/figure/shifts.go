package figure

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"slimfit/pkg/report"
	"slimfit/pkg/text"
)

// drawShifts draws what the chosen network gets on shifted images: its accuracy,
// and the recall of the class that it finds least of.
func drawShifts(r *report.Report) (*drawing, error) {
	row := &r.Rows[r.Chosen()]
	p := newPlot(text.Plain(r.Name)+": shifted images", "shift of the images", "validation images (%)")
	d := &drawing{plots: []*plot.Plot{p}, legend: newLegend(), width: figureWidth, height: figureHeight}
	var ticks plot.ConstantTicks
	var means, worst plotter.XYs
	for i := range row.Shifts {
		name := row.Shifts[i].Shift
		if name == "" {
			name = "none"
		}
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: name})
		v := row.Shifts[i].On[report.Validation]
		if v == nil {
			continue
		}
		means = append(means, plotter.XY{X: float64(i), Y: 100 * v.Mean})
		if v.Class >= 0 {
			worst = append(worst, plotter.XY{X: float64(i), Y: 100 * v.Recall})
		}
	}
	addGrid(p)
	for n, marks := range []plotter.XYs{means, worst} {
		if len(marks) == 0 {
			continue
		}
		line, points, err := plotter.NewLinePoints(marks)
		if err != nil {
			return nil, fmt.Errorf("shifts: %w", err)
		}
		line.Color, line.Width, line.Dashes = sliceColor(n), 0.9, curveDashes(n)
		points.GlyphStyle = draw.GlyphStyle{Color: sliceColor(n), Radius: 3.5, Shape: sliceShape(n, n == 1)}
		p.Add(line, points)
		d.legend.Add([]string{"accuracy, mean over seeds", "recall of the worst class"}[n], line, points)
	}
	p.X.Tick.Marker, p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign = ticks, 0.6, draw.XRight
	p.X.Min, p.X.Max = -0.3, float64(len(ticks))-0.7
	p.Y.Max = 100
	p.X.Padding = vg.Points(2)
	return d, nil
}
