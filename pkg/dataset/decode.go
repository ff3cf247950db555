package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	stddraw "image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/image/draw"

	"slimfit/models"
	"slimfit/pkg/parallel"
)

const (
	maxPictureBytes  = 256 << 20
	maxPicturePixels = 1 << 26
	largePicture     = 1 << 22 // pixels: up to 32 MiB while it is decoded
)

// readPicture reads a file of a bounded size.
func readPicture(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPictureBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxPictureBytes {
		return nil, fmt.Errorf("%s: larger than %d MiB", path, maxPictureBytes>>20)
	}
	return b, nil
}

// codec decodes pictures of one format; config reads only the header.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// codecOf tells the format by the first bytes.
func codecOf(b []byte) (codec, error) {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return codec{png.DecodeConfig, png.Decode}, nil
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return codec{jpeg.DecodeConfig, jpeg.Decode}, nil
	}
	return codec{}, errors.New("not a PNG or JPEG picture; replace or remove it")
}

// pictureSize reads a picture's header: nothing is allocated for a size that
// nobody can use.
func pictureSize(b []byte) (h, w int, err error) {
	c, err := codecOf(b)
	if err != nil {
		return 0, 0, err
	}
	head, err := c.config(bytes.NewReader(b))
	if err != nil {
		return 0, 0, damagedPicture(err)
	}
	h, w = head.Height, head.Width
	if w < 1 || h < 1 || w > maxPicturePixels/h {
		return 0, 0, fmt.Errorf("a picture of %dx%d pixels: want 1 to %d pixels", h, w, maxPicturePixels)
	}
	return h, w, nil
}

func damagedPicture(err error) error {
	return fmt.Errorf("damaged picture: %w; replace or remove it", err)
}

// decodePicture decodes a PNG or JPEG file to 8-bit RGB, resized to {height,
// width} where size is not nil. Transparent pixels are laid over black, which
// the second result tells.
func decodePicture(b []byte, size *[2]int) (*image.RGBA, bool, error) {
	h, w, err := pictureSize(b)
	if err != nil {
		return nil, false, err
	}
	c, err := codecOf(b)
	if err != nil {
		return nil, false, err
	}
	src, err := c.decode(bytes.NewReader(b))
	if err != nil {
		return nil, false, damagedPicture(err)
	}
	opaque, ok := src.(interface{ Opaque() bool })
	transparent := ok && !opaque.Opaque()
	if size == nil || *size == [2]int{h, w} {
		dst := image.NewRGBA(image.Rect(0, 0, w, h))
		stddraw.Draw(dst, dst.Rect, src, src.Bounds().Min, stddraw.Src)
		return dst, transparent, nil
	}
	dst := image.NewRGBA(image.Rect(0, 0, size[1], size[0]))
	// Bilinear in x/image averages over the source area when it shrinks.
	draw.BiLinear.Scale(dst, dst.Rect, src, src.Bounds(), draw.Src, nil)
	return dst, transparent, nil
}

// decoded collects pictures of one size. They are grey until the first colour
// one comes, which turns all of them into colour.
type decoded struct {
	input  models.Shape
	images Images
	notes  []string

	mu          sync.RWMutex // held for writing while grey turns into colour
	transparent atomic.Int64
	large       sync.Mutex // one large picture is decoded at a time
}

// decodePictures decodes all pictures, in their order, to one size: that of
// the first one, or resize as {height, width}.
func decodePictures(all []picture, resize *[2]int) (*decoded, error) {
	d := &decoded{}
	edge := resize
	if edge == nil {
		b, err := readPicture(all[0].path)
		if err != nil {
			return nil, err
		}
		h, w, err := pictureSize(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", all[0].path, err)
		}
		edge = &[2]int{h, w}
	}
	d.input = models.Shape{H: edge[0], W: edge[1], C: 1}
	if edge[0] < 1 || edge[1] < 1 || edge[0] > maxEdge || edge[1] > maxEdge {
		return nil, fmt.Errorf("pictures of %dx%d pixels: each edge must be 1 to %d; set resize: [height, width]", edge[0], edge[1], maxEdge)
	}
	if int64(len(all)) > maxBytes/(3*int64(d.input.Elements())) {
		return nil, fmt.Errorf("%d pictures of %dx%d are more than %d GiB; set a smaller resize: [height, width]", len(all), edge[0], edge[1], maxBytes>>30)
	}
	d.images = Images{Pixels: make([]uint8, len(all)*d.input.Elements()), Labels: make([]uint8, len(all))}
	err := parallel.Each(context.Background(), len(all), 0, func(i int) error {
		if err := d.decode(i, all[i], resize, all[0].path); err != nil {
			return fmt.Errorf("%s: %w", all[i].path, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	kind := "colour: at least one of them is not grey"
	if d.input.C == 1 {
		kind = "grey: red, green and blue are equal in all of them"
	}
	d.notes = append(d.notes, fmt.Sprintf("the %d pictures are taken as %s", len(all), kind))
	if n := d.transparent.Load(); n > 0 {
		d.notes = append(d.notes, fmt.Sprintf("%d of %d pictures have transparent pixels, which are laid over black", n, len(all)))
	}
	return d, nil
}

// decode decodes picture i and stores it; first is the picture that sets the
// size.
func (d *decoded) decode(i int, p picture, resize *[2]int, first string) error {
	b, err := readPicture(p.path)
	if err != nil {
		return err
	}
	if sha256.Sum256(b) != p.sum {
		return errors.New("has changed while the folder was read; try again")
	}
	h, w, err := pictureSize(b)
	if err != nil {
		return err
	}
	if resize == nil && (h != d.input.H || w != d.input.W) {
		return fmt.Errorf("is %dx%d pixels (height x width), but %s is %dx%d; make all of one size, or set resize: [height, width]",
			h, w, first, d.input.H, d.input.W)
	}
	if h*w > largePicture { // several at once would fill the memory
		d.large.Lock()
		defer d.large.Unlock()
	}
	m, transparent, err := decodePicture(b, resize)
	if err != nil {
		return err
	}
	if transparent {
		d.transparent.Add(1)
	}
	d.store(i, p.class, m)
	return nil
}

func (d *decoded) store(i, class int, m *image.RGBA) {
	grey := isGrey(m)
	d.mu.RLock()
	if !grey && d.input.C == 1 {
		d.mu.RUnlock()
		d.turnColour()
		d.mu.RLock()
	}
	defer d.mu.RUnlock()
	c := d.input.C
	dst := d.images.Pixels[i*d.input.Elements():][:d.input.Elements()]
	for k := range d.input.H * d.input.W {
		copy(dst[k*c:(k+1)*c], m.Pix[4*k:])
	}
	d.images.Labels[i] = uint8(class)
}

// turnColour makes three equal channels of the one.
func (d *decoded) turnColour() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.input.C == 3 {
		return
	}
	grey := d.images.Pixels
	pixels := make([]uint8, 3*len(grey))
	for k, v := range grey {
		pixels[3*k], pixels[3*k+1], pixels[3*k+2] = v, v, v
	}
	d.input.C, d.images.Pixels = 3, pixels
}

func isGrey(m *image.RGBA) bool {
	for k := 0; k < len(m.Pix); k += 4 {
		if m.Pix[k] != m.Pix[k+1] || m.Pix[k] != m.Pix[k+2] {
			return false
		}
	}
	return true
}
