package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	stddraw "image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

const (
	maxPictureBytes  = 256 << 20
	maxPicturePixels = 1 << 26
	largePicture     = 1 << 22 // pixels: up to 32 MiB while it is decoded
)

// Ways to make a picture of another shape fit (Ref.Fit).
const (
	FitStretch = "stretch" // each edge by itself
	FitPad     = "pad"     // all of the picture, in the middle of black
	FitCrop    = "crop"    // the middle of the picture
)

// readPicture reads a regular file of a bounded size.
func readPicture(path string) ([]byte, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := bytes.NewBuffer(make([]byte, 0, min(size, maxPictureBytes)+bytes.MinRead))
	if _, err := b.ReadFrom(io.LimitReader(f, maxPictureBytes+1)); err != nil {
		return nil, err
	}
	if b.Len() > maxPictureBytes {
		return nil, fmt.Errorf("%s: larger than %d MiB", path, maxPictureBytes>>20)
	}
	return b.Bytes(), nil
}

// codec decodes pictures of one format; config reads only the header.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

const wantFormats = "want PNG, JPEG, BMP, GIF or WebP"

// codecOf tells the format by the first bytes.
func codecOf(b []byte) (codec, error) {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return codec{png.DecodeConfig, png.Decode}, nil
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return codec{jpeg.DecodeConfig, jpeg.Decode}, nil
	case bytes.HasPrefix(b, []byte("GIF8")):
		return codec{gif.DecodeConfig, gif.Decode}, nil // the first frame
	case bytes.HasPrefix(b, []byte("BM")):
		return codec{bmp.DecodeConfig, bmp.Decode}, nil
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return codec{webp.DecodeConfig, webp.Decode}, nil
	case len(b) == 0:
		return codec{}, errors.New("an empty file")
	case bytes.HasPrefix(b, []byte("II*\x00")), bytes.HasPrefix(b, []byte("MM\x00*")):
		return codec{}, errors.New("a TIFF picture: " + wantFormats + "; convert it")
	}
	return codec{}, errors.New("not a PNG or JPEG picture, nor BMP, GIF or WebP")
}

// header is what the first bytes of a picture say.
type header struct {
	codec
	h, w   int // as it is shown, after the orientation
	orient int // EXIF: 1 to 8
}

// readHeader reads a picture's header: nothing is allocated for a size that
// nobody can use. With raw the orientation is left alone.
func readHeader(b []byte, raw bool) (header, error) {
	c, err := codecOf(b)
	if err != nil {
		return header{}, err
	}
	h := header{codec: c, orient: 1}
	err = guarded(func() error {
		head, err := c.config(bytes.NewReader(b))
		h.h, h.w = head.Height, head.Width
		return err
	})
	if err != nil {
		return h, err
	}
	if h.w < 1 || h.h < 1 || h.w > maxPicturePixels/h.h {
		return h, fmt.Errorf("a picture of %dx%d pixels: want 1 to %d pixels", h.h, h.w, maxPicturePixels)
	}
	if !raw {
		h.orient = orientation(b)
	}
	if h.orient >= 5 {
		h.h, h.w = h.w, h.h
	}
	return h, nil
}

// guarded runs a decoder; whatever goes wrong in it is the picture's fault.
func guarded(decode func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged picture: %v", p)
		}
	}()
	if err := decode(); err != nil {
		return fmt.Errorf("damaged picture: %w", err)
	}
	return nil
}

// drawn is a picture as 8-bit RGB, and what reading it showed.
type drawn struct {
	*image.RGBA
	transparent bool // pixels were laid over black
	dark        bool // of 16 bits a colour, with nothing in the upper 4
}

// draw decodes a picture to 8-bit RGB, turned upright, and fits it to {height,
// width} where size is not nil. Transparent pixels are laid over black.
func (h header) draw(b []byte, size *[2]int, fit string) (drawn, error) {
	var src image.Image
	err := guarded(func() (err error) {
		src, err = h.decode(bytes.NewReader(b))
		return err
	})
	if err != nil {
		return drawn{}, err
	}
	var d drawn
	opaque, ok := src.(interface{ Opaque() bool })
	d.transparent = ok && !opaque.Opaque()
	deep := isDeep(src)
	shown := image.Rect(0, 0, h.w, h.h)
	if h.orient >= 5 {
		shown = image.Rect(0, 0, h.h, h.w)
	}
	frame := src.Bounds()
	if _, ok := src.(*image.Paletted); !ok || frame == shown {
		shown = shown.Add(frame.Min) // only a frame of a GIF lies anywhere
	}
	if h.orient != 1 || shown != frame {
		whole := image.NewRGBA(image.Rect(0, 0, shown.Dx(), shown.Dy()))
		stddraw.Draw(whole, whole.Rect, src, shown.Min, stddraw.Src)
		src = turned(whole, h.orient)
	}
	if size == nil || *size == [2]int{h.h, h.w} {
		d.RGBA = image.NewRGBA(image.Rect(0, 0, h.w, h.h))
		stddraw.Draw(d.RGBA, d.Rect, src, src.Bounds().Min, stddraw.Src)
	} else {
		d.RGBA = image.NewRGBA(image.Rect(0, 0, size[1], size[0]))
		to, from := fitted(d.Rect, src.Bounds(), fit)
		// Bilinear in x/image averages over the source area when it shrinks.
		draw.BiLinear.Scale(d.RGBA, to, src, from, draw.Src, nil)
	}
	d.dark = deep && isDark(d.RGBA)
	return d, nil
}

// fitted are the parts of a picture of size to and of its source that show the
// same.
func fitted(to, from image.Rectangle, fit string) (image.Rectangle, image.Rectangle) {
	w, h := float64(from.Dx()), float64(from.Dy())
	across, down := float64(to.Dx())/w, float64(to.Dy())/h
	switch fit {
	case FitPad:
		s := min(across, down)
		return centred(to, s*w, s*h), from
	case FitCrop:
		s := max(across, down)
		return to, centred(from, float64(to.Dx())/s, float64(to.Dy())/s)
	}
	return to, from
}

// centred is the middle of r, w by h pixels, rounded to at least one.
func centred(r image.Rectangle, w, h float64) image.Rectangle {
	wide, high := max(1, min(r.Dx(), int(math.Round(w)))), max(1, min(r.Dy(), int(math.Round(h))))
	at := r.Min.Add(image.Pt((r.Dx()-wide)/2, (r.Dy()-high)/2))
	return image.Rectangle{at, at.Add(image.Pt(wide, high))}
}

// isDeep says whether the picture has 16 bits a colour.
func isDeep(m image.Image) bool {
	switch m.(type) {
	case *image.Gray16, *image.RGBA64, *image.NRGBA64:
		return true
	}
	return false
}

// isDark says whether no value reaches 16 of 255, and some are not 0.
func isDark(m *image.RGBA) bool {
	most := uint8(0)
	for k := 0; k < len(m.Pix); k += 4 {
		most = max(most, m.Pix[k], m.Pix[k+1], m.Pix[k+2])
	}
	return most > 0 && most < 16
}

// tint is the largest difference of two colours of a pixel; 0 is grey.
func tint(m *image.RGBA) uint8 {
	most := uint8(0)
	for k := 0; k < len(m.Pix); k += 4 {
		r, g, b := m.Pix[k], m.Pix[k+1], m.Pix[k+2]
		most = max(most, max(r, g, b)-min(r, g, b))
	}
	return most
}

// luma is 0.299 R + 0.587 G + 0.114 B (Rec. 601), rounded; grey stays what it is.
func luma(r, g, b uint8) uint8 {
	return uint8((299*uint32(r) + 587*uint32(g) + 114*uint32(b) + 500) / 1000)
}
