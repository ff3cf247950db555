package figure

import (
	"bytes"
	"fmt"
	"image/color"
	"io"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"slimfit/pkg/report"
)

// drawing is one figure before it becomes SVG or PNG: plots above each other
// and one legend to their right.
type drawing struct {
	plots  []*plot.Plot
	legend plot.Legend
	width  vg.Length
	height vg.Length
}

const (
	figureWidth  = 8.2 * vg.Inch
	figureHeight = 4.6 * vg.Inch
	pngDPI       = 160
	margin       = vg.Length(8)
)

// made makes the figure of the name; see Figures.
func made(r *report.Report, name string) (*drawing, error) {
	r = r.Shown(report.MostRows)
	switch name {
	case Accuracy:
		return drawAccuracy(r)
	case Front:
		return drawFront(r)
	case Targets:
		return drawTargets(r)
	case Training:
		return drawTraining(r)
	case Shifts:
		return drawShifts(r)
	}
	return nil, fmt.Errorf("no figure %q", name)
}

// SVG draws a figure of Figures.
func SVG(r *report.Report, name string) ([]byte, error) {
	d, err := made(r, name)
	if err != nil {
		return nil, fmt.Errorf("draw figure %s: %w", name, err)
	}
	c := vgsvg.New(d.width, d.height)
	if err := d.paint(draw.New(c)); err != nil {
		return nil, fmt.Errorf("draw figure %s: %w", name, err)
	}
	b, err := written(c)
	// Arial has the same widths; without it a browser would take a serif.
	return bytes.ReplaceAll(b, []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif")), err
}

// PNG draws a figure of Figures, 160 dots an inch.
func PNG(r *report.Report, name string) ([]byte, error) {
	d, err := made(r, name)
	if err != nil {
		return nil, fmt.Errorf("draw figure %s: %w", name, err)
	}
	c := vgimg.NewWith(vgimg.UseWH(d.width, d.height), vgimg.UseDPI(pngDPI))
	if err := d.paint(draw.New(c)); err != nil {
		return nil, fmt.Errorf("draw figure %s: %w", name, err)
	}
	return written(vgimg.PngCanvas{Canvas: c})
}

func written(c io.WriterTo) ([]byte, error) {
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("write figure: %w", err)
	}
	return b.Bytes(), nil
}

// paint puts plots and legend on the canvas. The plot library panics on what
// it cannot draw.
func (d *drawing) paint(c draw.Canvas) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("plot library: %v", p)
		}
	}()
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	legend := d.legend.Rectangle(c)
	width := 1.12 * (legend.Max.X - legend.Min.X) // where an SVG's font is missing, another may be wider
	right := draw.Crop(c, c.Max.X-c.Min.X-width, 0, 0, -32)
	d.legend.Draw(right)
	left := draw.Crop(c, 0, -width-16, 0, 0)
	column := make([][]*plot.Plot, len(d.plots))
	for i, p := range d.plots {
		column[i] = []*plot.Plot{p}
	}
	tiles := draw.Tiles{Rows: len(d.plots), Cols: 1, PadY: 14}
	for i, row := range plot.Align(column, tiles, left) {
		d.plots[i].Draw(row[0])
	}
	return nil
}

// newPlot is an empty plot in the figures' style.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = 10
	p.Title.TextStyle.Font = sans(13, true)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = sans(11, false)
		a.Label.Padding = 6
		a.Tick.Label.Font = sans(10, false)
		a.Tick.LineStyle.Color, a.LineStyle.Color = axisColor(), axisColor()
		a.Tick.Label.Color = inkColor()
		a.LineStyle.Width, a.Tick.LineStyle.Width = 0.75, 0.75
		a.Padding = 6
	}
	return p
}

func newLegend() plot.Legend {
	l := plot.NewLegend()
	l.TextStyle.Font = sans(10, false)
	l.TextStyle.Color = inkColor()
	l.Left, l.Top = true, true
	l.ThumbnailWidth = 22
	l.Padding = 5
	return l
}

func sans(size float64, bold bool) font.Font {
	f := font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, vg.Points(size))
	if bold {
		f.Weight = xfont.WeightBold
	}
	return f
}

func inkColor() color.Color  { return color.Gray{0x22} }
func axisColor() color.Color { return color.Gray{0x77} }
func gridColor() color.Color { return color.Gray{0xe4} }

// sliceColor is a colour of Okabe and Ito's set, which the colour-blind can
// tell apart, darkened where it would be faint on white.
func sliceColor(slice int) color.Color {
	set := []color.RGBA{{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 138, 100, 255}, {170, 68, 153, 255},
		{200, 140, 0, 255}, {40, 150, 210, 255}, {90, 90, 90, 255}, {120, 60, 20, 255}}
	return set[slice%len(set)]
}

// sliceShape tells slices, and the curves of one, apart without colour.
func sliceShape(slice int, hollow bool) draw.GlyphDrawer {
	if hollow {
		return []draw.GlyphDrawer{draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}}[slice%3]
	}
	return []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}}[slice%3]
}

// curveDashes tell the curves of one slice apart.
func curveDashes(nth int) []vg.Length {
	return [][]vg.Length{nil, {6, 3}, {2, 3}, {8, 3, 2, 3}}[nth%4]
}
