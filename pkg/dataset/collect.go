package dataset

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"slimfit/models"
	"slimfit/pkg/parallel"
	"slimfit/pkg/shell"
)

// collection gathers pictures of one size. Unless the channels are given, they
// are grey until the first colour one comes, which turns all of them into
// colour.
type collection struct {
	ref   Ref
	all   []picture
	found []finding // of each picture
	first string    // the picture that sets the size
	good  []picture // those that were read

	input  models.Shape
	pixels []uint8

	orientations int
	lost         []string // pictures of 16 bits that hold next to nothing in the upper 8

	mu    sync.RWMutex // held for writing while grey turns into colour
	large sync.Mutex   // one large picture is decoded at a time
}

// finding is what reading a picture showed.
type finding struct {
	err         error
	h, w        int
	tint        uint8
	transparent bool
	dark        bool
	turned      bool
}

// collect reads, hashes and decodes all pictures in one pass. Every fault of
// every file is in the error; with Ref.SkipUnreadable such files are left out.
// classes are the names that a fault of sizes counts pictures by.
func collect(ref Ref, all []picture, classes []string) (*collection, error) {
	c := &collection{ref: ref, all: all, found: make([]finding, len(all))}
	if err := c.prepare(); err != nil {
		return nil, err
	}
	err := parallel.Each(context.Background(), len(all), 0, func(i int) error {
		c.all[i].at = i
		c.found[i].err = c.read(i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	faults := &Faults{Of: len(all)}
	for i, p := range c.all {
		switch f := &c.found[i]; {
		case f.err != nil:
			faults.List = append(faults.List, p.path+": "+f.err.Error())
		default:
			c.good = append(c.good, p)
			if f.turned {
				c.orientations++
			}
			if f.dark {
				c.lost = append(c.lost, p.path)
			}
		}
	}
	sizes := c.checkSizes(classes)
	if len(faults.List) > 0 && (!ref.SkipUnreadable || len(c.good) == 0) {
		return nil, errors.Join(faults, sizes)
	}
	return c, sizes
}

// prepare takes the size of the first picture that says one, and the memory.
func (c *collection) prepare() error {
	edge := c.ref.Resize
	if edge == nil {
		if c.ref.Fit != "" {
			return fmt.Errorf("fit is %s, but there is no resize: [height, width] to fit pictures to", c.ref.Fit)
		}
		for _, p := range c.all {
			b, err := readPicture(p.path)
			if err != nil {
				continue
			}
			if h, err := readHeader(b, c.ref.older); err == nil {
				edge, c.first = &[2]int{h.h, h.w}, p.path
				break
			}
		}
		if edge == nil {
			edge = &[2]int{1, 1} // nothing can be read, which is told later
		}
	}
	c.input = models.Shape{H: edge[0], W: edge[1], C: 1}
	if c.ref.Channels == ChannelsColour {
		c.input.C = 3
	}
	if edge[0] < 1 || edge[1] < 1 || edge[0] > maxEdge || edge[1] > maxEdge {
		return fmt.Errorf("pictures of %dx%d pixels: each edge must be 1 to %d; set resize: [height, width]", edge[0], edge[1], maxEdge)
	}
	if int64(len(c.all)) > maxBytes/(3*int64(edge[0])*int64(edge[1])) {
		return fmt.Errorf("%d pictures of %dx%d are more than %d GiB; set a smaller resize: [height, width]", len(c.all), edge[0], edge[1],
			maxBytes>>30)
	}
	if c.ref.Channels == "" && c.startsColour(edge) {
		c.input.C = 3 // no turning on the way
	}
	c.pixels = make([]uint8, len(c.all)*c.input.Elements())
	return nil
}

// startsColour looks at the first picture.
func (c *collection) startsColour(size *[2]int) bool {
	b, err := readPicture(c.all[0].path)
	if err != nil {
		return false
	}
	h, err := readHeader(b, c.ref.older)
	if err != nil || h.h*h.w > largePicture {
		return false
	}
	if c.ref.Resize == nil && [2]int{h.h, h.w} != *size {
		return false
	}
	m, err := h.draw(b, c.ref.Resize, c.ref.Fit)
	return err == nil && tint(m.RGBA) > 0
}

// read reads picture i and stores it where it has the right size.
func (c *collection) read(i int) error {
	p, f := &c.all[i], &c.found[i]
	b, err := readPicture(p.path)
	if err != nil {
		return err
	}
	p.sum = sha256.Sum256(b)
	p.key = sha256.Sum256(append([]byte{splitSeed}, p.sum[:]...))
	h, err := readHeader(b, c.ref.older)
	if err != nil {
		return err
	}
	f.h, f.w, f.turned = h.h, h.w, h.orient != 1
	if h.h*h.w > largePicture {
		if c.ref.Resize == nil && (h.h != c.input.H || h.w != c.input.W) {
			return nil // told by checkSizes; not worth the memory
		}
		// Several at once would fill the memory.
		c.large.Lock()
		defer c.large.Unlock()
	}
	m, err := h.draw(b, c.ref.Resize, c.ref.Fit)
	if err != nil {
		return err
	}
	f.transparent, f.dark, f.tint = m.transparent, m.dark, tint(m.RGBA)
	if m.Rect.Dy() == c.input.H && m.Rect.Dx() == c.input.W {
		c.store(i, m, f.tint == 0)
	}
	return nil
}

func (c *collection) store(i int, m drawn, grey bool) {
	c.mu.RLock()
	if !grey && c.input.C == 1 && c.ref.Channels == "" {
		c.mu.RUnlock()
		c.turnColour()
		c.mu.RLock()
	}
	defer c.mu.RUnlock()
	channels := c.input.C
	dst := c.pixels[i*c.input.Elements():][:c.input.Elements()]
	for k := range c.input.H * c.input.W {
		if rgb := m.Pix[4*k : 4*k+3]; channels == 1 {
			dst[k] = luma(rgb[0], rgb[1], rgb[2])
		} else {
			copy(dst[3*k:], rgb)
		}
	}
}

// turnColour makes three equal channels of the one.
func (c *collection) turnColour() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.input.C == 3 {
		return
	}
	c.pixels = tripled(c.pixels)
	c.input.C = 3
}

func tripled(grey []uint8) []uint8 {
	pixels := make([]uint8, 3*len(grey))
	for k, v := range grey {
		pixels[3*k], pixels[3*k+1], pixels[3*k+2] = v, v, v
	}
	return pixels
}

// checkSizes wants one size, unless pictures are resized; else it says what is
// there.
func (c *collection) checkSizes(classes []string) error {
	if c.ref.Resize != nil {
		return nil
	}
	sizes, counts, other := map[[2]int]int{}, map[int]int{}, -1
	var hs, ws []int
	for i, f := range c.found {
		if f.err != nil {
			continue
		}
		sizes[[2]int{f.h, f.w}]++
		counts[c.all[i].class]++
		hs, ws = append(hs, f.h), append(ws, f.w)
		if other < 0 && (f.h != c.input.H || f.w != c.input.W) {
			other = i
		}
	}
	if other < 0 {
		return nil
	}
	slices.Sort(hs)
	slices.Sort(ws)
	f := c.found[other]
	return fmt.Errorf("%s is %dx%d pixels (height x width), but %s is %dx%d: %d sizes, %d to %d pixels high and %d to %d wide; make all "+
		"of one size, or set resize: [%d, %d]; %s writes an experiment that fits them (%d classes: %s)",
		c.all[other].path, f.h, f.w, c.first, c.input.H, c.input.W, len(sizes), hs[0], hs[len(hs)-1], ws[0], ws[len(ws)-1], hs[len(hs)/2],
		ws[len(ws)/2], shell.Line("slimfit", "init", "--data", c.ref.Path), len(classes), countsOf(classes, counts))
}

// countsOf names the first twenty classes, each with its pictures.
func countsOf(classes []string, counts map[int]int) string {
	var s []string
	for i, name := range classes[:min(len(classes), 20)] {
		s = append(s, fmt.Sprintf("%s %d", name, counts[i]))
	}
	if len(classes) > 20 {
		s = append(s, "...")
	}
	return strings.Join(s, ", ")
}

// permute puts the pixels of the pictures into their order, within the memory
// that they have.
func (c *collection) permute(order []picture) Images {
	size := c.input.Elements()
	from := make([]int, 0, len(c.all))
	used := make([]bool, len(c.all))
	labels := make([]uint8, len(order))
	for i, p := range order {
		from, used[p.at], labels[i] = append(from, p.at), true, uint8(p.class)
	}
	for i, u := range used { // what is left out comes last
		if !u {
			from = append(from, i)
		}
	}
	image := func(i int) []uint8 { return c.pixels[i*size : (i+1)*size] }
	hold := make([]uint8, size)
	for start := range from {
		if from[start] == start {
			continue
		}
		copy(hold, image(start))
		at := start
		for from[at] != start {
			copy(image(at), image(from[at]))
			at, from[at] = from[at], at
		}
		copy(image(at), hold)
		from[at] = at
	}
	return Images{c.pixels[:len(order)*size], labels}
}

// notes tells what was done to the pictures.
func (c *collection) notes() []string {
	colour, transparent, skipped, most, tinted := 0, 0, 0, uint8(0), ""
	for i, f := range c.found {
		switch {
		case f.err != nil:
			skipped++
			continue
		case f.tint > 0:
			if colour++; tinted == "" {
				tinted = c.all[i].path
			}
			most = max(most, f.tint)
		}
		if f.transparent {
			transparent++
		}
	}
	n := len(c.good)
	kind := "grey: red, green and blue are equal in all of them"
	switch {
	case c.ref.Channels == ChannelsGrey && colour > 0:
		kind = fmt.Sprintf("grey: %d colour pictures are made so by their luma (Rec. 601)", colour)
	case colour > 0:
		kind = fmt.Sprintf("colour: %d of them are not grey, the first is %s", colour, tinted)
		if most < 32 {
			kind += fmt.Sprintf("; no two of its colours are further apart than %d of 255", most)
		}
		if colour < n || most < 32 {
			kind += "; channels: grey takes a third of the memory"
		}
	case c.ref.Channels == ChannelsColour:
		kind = "colour, as is asked, though red, green and blue are equal in all of them"
	}
	notes := []string{fmt.Sprintf("the %d pictures are taken as %s", n, kind)}
	if transparent > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d pictures have transparent pixels, which are laid over black", transparent, n))
	}
	if c.orientations > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d pictures are turned as their EXIF orientation says", c.orientations, n))
	}
	if skipped > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d files cannot be read and are left out (skip_unreadable)", skipped, len(c.all)))
	}
	return notes
}
