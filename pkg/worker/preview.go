package worker

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"

	"slimfit/models"
	"slimfit/pkg/protocol"
)

// preview draws training images beside what the networks see of them.
func (s *server) preview(p protocol.Preview) error {
	if p.Rows < 1 || p.Steps < 1 {
		return errors.New("preview: no images wanted")
	}
	t, set, err := s.newTraining(p.Pack)
	if err != nil {
		return err
	}
	defer t.Close()
	in, sheet := p.Pack.Data.Input, sheet{}
	for step := range p.Steps {
		batch, seen, err := t.Seen(step)
		if err != nil {
			return err
		}
		if step == 0 {
			sheet.open(in, min(p.Rows, len(batch)), p.Steps+1)
			for row, i := range batch[:sheet.rows] {
				at := int(i) * in.Elements()
				sheet.draw(row, 0, func(k int) uint8 { return set.Train.Pixels[at+k] })
			}
		}
		for row := range sheet.rows {
			sheet.draw(row, step+1, func(k int) uint8 { return uint8(seen[row*in.Elements()+k]*255 + 0.5) })
		}
	}
	f, err := os.Create(p.File)
	if err != nil {
		return fmt.Errorf("preview: %w", err)
	}
	if err := errors.Join(png.Encode(f, sheet.m), f.Close()); err != nil {
		return fmt.Errorf("preview: write %s: %w", p.File, err)
	}
	s.emit(protocol.Event{Type: protocol.Previewed})
	return nil
}

// sheet is a picture of small pictures, each pixel drawn as a square.
type sheet struct {
	m    *image.RGBA
	in   models.Shape
	rows int
	zoom int
}

// open makes the sheet; pictures of it are at least leastEdge high.
func (s *sheet) open(in models.Shape, rows, columns int) {
	const leastEdge = 64
	s.in, s.rows, s.zoom = in, rows, max(1, leastEdge/in.H)
	width, height := s.place(columns, in.W), s.place(rows, in.H)
	s.m = image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range s.m.Pix {
		s.m.Pix[i] = 255
	}
}

// place is where a row or a column begins.
func (s *sheet) place(n, edge int) int {
	const gap = 4
	return gap + n*(edge*s.zoom+gap)
}

// draw puts a picture into its place; value gives its numbers in their order.
func (s *sheet) draw(row, column int, value func(k int) uint8) {
	x0, y0 := s.place(column, s.in.W), s.place(row, s.in.H)
	for y := range s.in.H * s.zoom {
		for x := range s.in.W * s.zoom {
			at := (y/s.zoom*s.in.W + x/s.zoom) * s.in.C
			c := color.RGBA{value(at), value(at + min(1, s.in.C-1)), value(at + min(2, s.in.C-1)), 255}
			s.m.SetRGBA(x0+x, y0+y, c)
		}
	}
}
