package docs

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
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
const lowest, highest = 50.0, 99.5

// errorScale spreads accuracies in percent by the logarithm of what they lack to 100.
type errorScale struct{}

func (errorScale) Normalize(low, high, v float64) float64 {
	return math.Log((100-low)/(100-v)) / math.Log((100-low)/(100-high))
}

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
	low, high := max(100*in.Low, lowest), min(100*in.High, highest)
	b.YErrors = append(b.YErrors, struct{ Low, High float64 }{100*mean - low, high - 100*mean})
}

// drawRecords draws accuracy against parameters, from fewest to most.
func drawRecords(r *records) ([]byte, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "MNIST: how small can it be?", "parameters (log scale)", "accuracy (%, log scale of errors)"
	for _, style := range []*vgtext.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label,
		&p.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	p.X.Scale, p.X.Min, p.X.Max = plot.LogScale{}, fewest, most
	p.Y.Scale, p.Y.Min, p.Y.Max = errorScale{}, lowest, highest
	p.X.Tick.Marker = plot.TickerFunc(ticks)
	p.Y.Tick.Marker = plot.TickerFunc(func(float64, float64) (all []plot.Tick) {
		for _, v := range []float64{50, 70, 80, 90, 95, 97, 98, 99, 99.5} {
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
	for i, split := range []result.Split{result.Validation, result.Test} {
		line, err := r.frontLine(split)
		if err != nil {
			return nil, err
		}
		line.Color = []color.Gray{{0xcc}, {0x66}}[i]
		p.Add(line)
	}
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

// frontLine goes from network to network of the front.
func (r *records) frontLine(split result.Split) (*plotter.Line, error) {
	steps := plotter.XYs{}
	for _, n := range r.front(split) {
		if mean, _, _ := n.mean(split); 100*mean >= lowest {
			steps = append(steps, plotter.XY{X: float64(n.Footprint.Parameters), Y: 100 * mean})
		}
	}
	line, err := plotter.NewLine(append(steps, plotter.XY{X: most, Y: steps[len(steps)-1].Y}))
	if err != nil {
		return nil, err
	}
	line.StepStyle, line.Width = plotter.PostStep, 1
	return line, nil
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
