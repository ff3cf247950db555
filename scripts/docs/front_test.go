package docs

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	vgtext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// Accuracies that the figure shows, in percent.
const lowest, highest = 92.0, 100.0

// bars are accuracies in percent with their intervals, against parameters.
type bars struct {
	plotter.XYs
	plotter.YErrors
}

func (b *bars) add(n *net, split result.Split) {
	mean, in, ok := n.mean(split)
	if !ok || 100*mean < lowest {
		return
	}
	b.XYs = append(b.XYs, plotter.XY{X: float64(n.Footprint.Parameters), Y: 100 * mean})
	b.YErrors = append(b.YErrors, struct{ Low, High float64 }{100 * (mean - max(in.Low, lowest/100)), 100 * (in.High - mean)})
}

// drawRecords draws accuracy against parameters, from fewest to most.
func drawRecords(r *records) ([]byte, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "MNIST: how small can it be?", "parameters (log scale)", "accuracy (%)"
	for _, style := range []*vgtext.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label,
		&p.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	p.X.Scale, p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = plot.LogScale{}, fewest, most, lowest, highest
	p.X.Tick.Marker = plot.TickerFunc(ticks)
	p.Y.Tick.Marker = plot.TickerFunc(func(low, high float64) (all []plot.Tick) {
		for v := low; v <= high; v++ {
			all = append(all, plot.Tick{Value: v, Label: text.Number(v)})
		}
		return all
	})
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0xe4}, color.Gray{0xe4}
	p.Add(grid)
	var unopened, opened, certified bars
	for _, n := range r.drawn() {
		switch {
		case n.certified > 0:
			certified.add(n, result.Test)
		case n.wrong(result.Test) != nil:
			opened.add(n, result.Test)
		default:
			unopened.add(n, result.Validation)
		}
	}
	steps := plotter.XYs{}
	for _, n := range r.front() {
		mean, _, _ := n.mean(result.Test)
		steps = append(steps, plotter.XY{X: float64(n.Footprint.Parameters), Y: 100 * mean})
	}
	line, err := plotter.NewLine(append(steps, plotter.XY{X: most, Y: steps[len(steps)-1].Y}))
	if err != nil {
		return nil, err
	}
	line.StepStyle, line.Color, line.Width = plotter.PostStep, color.Gray{0x99}, 1
	p.Add(line)
	p.Legend.Left, p.Legend.Top, p.Legend.XOffs, p.Legend.YOffs, p.Legend.Padding = true, true, 10, -8, 5
	for _, kind := range []struct {
		name  string
		bars  bars
		color color.Color
		shape vgdraw.GlyphDrawer
	}{{"validation images only", unopened, color.RGBA{150, 150, 150, 255}, vgdraw.RingGlyph{}},
		{"test images", opened, color.RGBA{0, 114, 178, 255}, vgdraw.CircleGlyph{}},
		{"test images, certified", certified, color.RGBA{213, 94, 0, 255}, vgdraw.BoxGlyph{}}} {
		if len(kind.bars.XYs) == 0 {
			continue
		}
		errors, err := plotter.NewYErrorBars(kind.bars)
		if err != nil {
			return nil, err
		}
		errors.Color = kind.color
		points, err := plotter.NewScatter(kind.bars.XYs)
		if err != nil {
			return nil, err
		}
		points.GlyphStyle = vgdraw.GlyphStyle{Color: kind.color, Radius: 3, Shape: kind.shape}
		p.Add(errors, points)
		p.Legend.Add(kind.name, points)
	}
	return small(p)
}

// ticks are 1, 2 and 5 times the powers of ten.
func ticks(low, high float64) (all []plot.Tick) {
	for e := 1.0; e <= high; e *= 10 {
		for _, m := range []float64{1, 2, 3, 4, 5, 6, 7, 8, 9} {
			t := plot.Tick{Value: m * e}
			if m == 1 || m == 2 || m == 5 {
				t.Label = text.Whole(m * e)
			}
			if t.Value >= low && t.Value <= high {
				all = append(all, t)
			}
		}
	}
	return all
}

// small is the plot as a PNG file of few colours.
func small(p *plot.Plot) ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(7*vg.Inch, 3.6*vg.Inch), vgimg.UseDPI(110))
	p.Draw(vgdraw.New(c))
	m := c.Image()
	few := image.NewPaletted(m.Bounds(), commonest(m))
	draw.Draw(few, m.Bounds(), m, m.Bounds().Min, draw.Src)
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	err := e.Encode(&b, few)
	return b.Bytes(), err
}

// The picture of experiments/records and README.md is drawn from the committed results.
func TestFrontIsDrawn(t *testing.T) {
	r, err := readRecords(root)
	if err != nil {
		t.Fatal(err)
	}
	want, err := drawRecords(r)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "experiments/records/front.png")
	b, err := os.ReadFile(file)
	switch {
	case err == nil && bytes.Equal(b, want):
	case !*update:
		t.Errorf("%s is old (%v): %s", file, err, how)
	default:
		if err := os.WriteFile(file, want, 0o666); err != nil {
			t.Error(err)
		}
	}
}
