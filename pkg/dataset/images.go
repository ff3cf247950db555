package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"slimfit/models"
	"slimfit/pkg/npy"
)

// Loose are images without labels, as a network takes them.
type Loose struct {
	Pixels []float32 // n*h*w*c values in NHWC order, in [0, 1]: 8-bit values divided by 255
	N      int
	Size   PictureFact // of a picture's file
	Notes  []string    // what was done to them
}

// maxLoose bounds the values that are taken from one file: 1 GiB as float32.
const maxLoose = 1 << 28

// aboveLoose says what to do about a file with more.
const aboveLoose = "more than the 2^28 that are taken at once; split the file"

// ReadImages reads the images of one file for a network of the given input: a
// picture, an idx file (gzip-compressed or not) or an npy file of uint8 or of
// float32 in [0, 1], of [n, h, w, c], [n, c, h, w], [n, h, w] or one image of [h, w].
// With resize pictures of another size are resized, bilinear, as fit says (FitPad,
// FitCrop or "": stretch); else they are an error, as are arrays of another
// shape.
func ReadImages(path string, in models.Shape, resize bool, fit string) (*Loose, error) {
	kind, err := sniff(path)
	if err != nil {
		return nil, err
	}
	var l *Loose
	switch kind {
	case idxFile:
		l, err = readLooseIDX(path, in)
	case npyFile:
		l, err = readLooseNPY(path, in)
	default:
		l, err = readLoosePicture(path, in, resize, fit)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i := range l.Notes {
		l.Notes[i] = path + ": " + l.Notes[i]
	}
	return l, nil
}

type fileKind int

const (
	pictureFile fileKind = iota
	idxFile
	npyFile
)

// sniff tells the kind by the first bytes.
func sniff(path string) (fileKind, error) {
	f, _, err := openFile(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	head, err := bufio.NewReader(f).Peek(4)
	switch {
	case len(head) == 0:
		return 0, fmt.Errorf("%s: cannot be read, or is empty: %w", path, err)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}), bytes.HasPrefix(head, []byte{0, 0}):
		return idxFile, nil
	case bytes.HasPrefix(head, []byte("\x93NUM")):
		return npyFile, nil
	}
	return pictureFile, nil
}

// Scaled are pixels as networks take them: in [0, 1].
func Scaled(pixels []uint8) []float32 {
	out := make([]float32, len(pixels))
	for i, p := range pixels {
		out[i] = float32(p) / 255
	}
	return out
}

func readLooseIDX(path string, in models.Shape) (*Loose, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, room, err := unpack(f, size)
	if err != nil {
		return nil, err
	}
	if room.limit > maxLoose {
		room.limit, room.above = maxLoose, aboveLoose
	}
	a, err := parseIDX(r, room, 3, 4)
	if err != nil {
		return nil, err
	}
	l, pixels, err := imagesOf(a.data, a.dims, in)
	if err != nil {
		return nil, err
	}
	l.Pixels = Scaled(pixels)
	return l, nil
}

// imagesOf are the images of an array of the shape; planes, as PyTorch has them,
// are turned.
func imagesOf[T uint8 | float32](values []T, dims []int, in models.Shape) (l *Loose, turned []T, err error) {
	got := dims
	if len(got) == 2 { // one grey image
		got = append([]int{1}, got...)
	}
	if len(got) == 3 {
		got = append(append([]int{}, got...), 1)
	}
	if len(got) == 4 && got[0] > 0 {
		l = &Loose{N: got[0]}
		switch [3]int(got[1:]) {
		case [3]int{in.H, in.W, in.C}:
			return l, values, nil
		case [3]int{in.C, in.H, in.W}:
			l.Notes = []string{fmt.Sprintf("images of planes (channels first), %v, are turned to %s", dims, in)}
			return l, interleaved(values, l.N, in), nil
		}
	}
	return nil, nil, fmt.Errorf("an array of shape %v: the network takes images of %s (height x width x channels)", dims, in)
}

func readLooseNPY(path string, in models.Shape) (*Loose, error) {
	b, err := readNPY(path)
	if err != nil {
		return nil, err
	}
	pixels, dims, err := npy.Read[uint8](b)
	if err == nil {
		l, pixels, err := imagesOf(pixels, dims, in)
		if err != nil {
			return nil, err
		}
		l.Pixels = Scaled(pixels)
		return l, nil
	}
	if !errors.Is(err, npy.ErrElements) {
		return nil, err
	}
	values, dims, err := npy.Read[float32](b)
	if errors.Is(err, npy.ErrElements) {
		return nil, fmt.Errorf("%w; want uint8, or float32 in [0, 1]", err)
	}
	if err != nil {
		return nil, err
	}
	l, values, err := imagesOf(values, dims, in)
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("value %d is %v: float32 images lie in [0, 1]; divide by 255, or save them as uint8", i, v)
		}
	}
	l.Pixels = values
	return l, nil
}

// readNPY reads a file that holds no more than maxLoose values of float32.
func readNPY(path string) ([]byte, error) {
	const limit int64 = 4*maxLoose + int64(npy.MaxHeader)
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	tooLarge := fmt.Errorf("more than %d bytes of values, %s", 4*maxLoose, aboveLoose)
	if size > limit {
		return nil, tooLarge
	}
	var b bytes.Buffer
	b.Grow(int(size) + bytes.MinRead) // no doubling on the way
	if n, err := b.ReadFrom(io.LimitReader(f, limit+1)); err == nil && n > limit {
		return nil, tooLarge
	} else if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func readLoosePicture(path string, in models.Shape, resize bool, fit string) (*Loose, error) {
	b, err := readPicture(path)
	if err != nil {
		return nil, err
	}
	h, err := readHeader(b, false)
	if err != nil {
		return nil, err
	}
	if !resize && (h.h != in.H || h.w != in.W) {
		return nil, fmt.Errorf("a picture of %dx%d pixels (height x width): the network takes %dx%d; --resize makes it fit", h.h, h.w, in.H, in.W)
	}
	m, err := h.draw(b, &[2]int{in.H, in.W}, fit)
	if err != nil {
		return nil, err
	}
	l := &Loose{N: 1, Size: PictureFact{h.h, h.w}}
	if m.transparent {
		l.Notes = append(l.Notes, "transparent pixels are laid over black")
	}
	if h.orient != 1 {
		l.Notes = append(l.Notes, "turned as its EXIF orientation says")
	}
	if in.C == 1 && tint(m.RGBA) > 0 {
		l.Notes = append(l.Notes, "a colour picture, made grey by its luma (Rec. 601)")
	}
	for k := 0; k < len(m.Pix); k += 4 {
		switch rgb := m.Pix[k : k+3]; in.C {
		case 3:
			l.Pixels = append(l.Pixels, float32(rgb[0])/255, float32(rgb[1])/255, float32(rgb[2])/255)
		case 1:
			l.Pixels = append(l.Pixels, float32(luma(rgb[0], rgb[1], rgb[2]))/255)
		default:
			return nil, errors.New("a picture has 1 or 3 channels, the network takes " + in.String())
		}
	}
	return l, nil
}
