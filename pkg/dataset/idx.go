package dataset

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"slimfit/models"
)

// The idx format (LeCun's page on MNIST): two zero bytes, the type of a value
// (8: unsigned byte), the number of dimensions, each dimension as a big-endian
// 32-bit number, then the values, the last dimension fastest. Images are
// [n, h, w], or [n, h, w, c] for colour; labels are [n].
const (
	idxByte = 0x08

	// maxBytes bounds the decoded images of one file or folder.
	maxBytes = 8 << 30
	maxEdge  = 1 << 14 // pixels

	// DEFLATE cannot pack more than 1032 bytes into one, which tells a header
	// that promises too much before any memory is taken for it.
	maxInflate = 1032

	// Images pack to a tenth at most times. What unpacks to far more, and is not
	// small, is taken for an attempt on the memory.
	usualInflate = 100
	smallInflate = 256 << 20
)

// idxArray is the content of one idx file.
type idxArray struct {
	dims []int
	data []uint8
	sum  string // SHA-256 of the unpacked file, hex
}

// readIDX reads an idx file of bytes, gzip-compressed or not, with one of the
// given numbers of dimensions.
func readIDX(path string, dims ...int) (idxArray, error) {
	f, size, err := openFile(path)
	if err != nil {
		return idxArray{}, err
	}
	defer f.Close()
	r, room, err := unpack(f, size)
	if err != nil {
		return idxArray{}, fmt.Errorf("%s: %w", path, err)
	}
	a, err := parseIDX(r, room, dims...)
	if err != nil {
		return idxArray{}, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// room is how much of an idx file is taken.
type room struct {
	most  int64  // bytes that it can hold
	limit int64  // values that are read
	above string // why no more
}

// unpack returns a reader of the plain bytes of f, told by its first two
// bytes, and how many there can be.
func unpack(f io.Reader, size int64) (io.Reader, room, error) {
	buffered := bufio.NewReaderSize(f, 1<<16)
	if !IsGzip(buffered) {
		return buffered, room{most: size, limit: maxBytes}, nil
	}
	z, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, room{}, fmt.Errorf("damaged gzip header: %w", err)
	}
	size = min(size, maxBytes)
	return z, room{size * maxInflate, max(size*usualInflate, smallInflate),
		fmt.Sprintf("more than %d times the compressed file, as no images are; if you trust it, unpack it with gunzip", usualInflate)}, nil
}

// IsGzip tells by the first two bytes, which stay unread.
func IsGzip(r *bufio.Reader) bool {
	magic, err := r.Peek(2)
	return err == nil && magic[0] == 0x1f && magic[1] == 0x8b
}

// parseIDX reads one idx array.
func parseIDX(r io.Reader, room room, dims ...int) (idxArray, error) {
	hash := sha256.New()
	a, err := parseIDXHeader(io.TeeReader(r, hash), dims)
	if err != nil {
		return a, err
	}
	size, header := int64(1), int64(4+4*len(a.dims))
	for i, d := range a.dims {
		if i > 0 && (d < 1 || d > maxEdge) {
			return a, fmt.Errorf("dimensions %v: an edge is outside 1 to %d", a.dims, maxEdge)
		}
		if d == 0 {
			return a, errors.New("holds no values")
		}
		if size *= int64(d); size > maxBytes {
			return a, fmt.Errorf("dimensions %v: more than %d GiB", a.dims, maxBytes>>30)
		}
	}
	if size > room.most-header {
		return a, fmt.Errorf("truncated: the header promises %d values, the file has room for at most %d; copy or fetch it again",
			size, max(room.most-header, 0))
	}
	if size > room.limit {
		return a, fmt.Errorf("dimensions %v: %d values, %s", a.dims, size, room.above)
	}
	a.data = make([]uint8, size)
	for rest := a.data; len(rest) > 0; {
		chunk := rest[:min(len(rest), 1<<20)] // hashed while it is in the CPU's cache
		n, err := io.ReadFull(r, chunk)
		hash.Write(chunk[:n])
		if err != nil {
			return a, idxReadError(err, int(size)-len(rest)+n, int(size))
		}
		rest = rest[n:]
	}
	var extra [1]byte
	switch _, err := io.ReadFull(r, extra[:]); {
	case err == nil:
		return a, fmt.Errorf("bytes follow after the %d values that the header promises; it is not this kind of file, or damaged", size)
	case err != io.EOF:
		return a, idxReadError(err, int(size), int(size))
	}
	a.sum = hex.EncodeToString(hash.Sum(nil))
	return a, nil
}

func parseIDXHeader(r io.Reader, dims []int) (idxArray, error) {
	var a idxArray
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return a, idxReadError(err, 0, 4)
	}
	if magic[0] != 0 || magic[1] != 0 {
		return a, fmt.Errorf("not an idx file: it starts with % x, want 00 00 08 %02x", magic, dims[0])
	}
	if magic[2] != idxByte {
		return a, fmt.Errorf("idx values of type 0x%02x: want unsigned bytes (0x08)", magic[2])
	}
	if !slices.Contains(dims, int(magic[3])) {
		return a, fmt.Errorf("idx file with %d dimensions: want %s", magic[3], wantDims(dims))
	}
	sizes := make([]byte, 4*int(magic[3]))
	if n, err := io.ReadFull(r, sizes); err != nil {
		return a, idxReadError(err, 4+n, 4+len(sizes))
	}
	for ; len(sizes) > 0; sizes = sizes[4:] {
		a.dims = append(a.dims, int(binary.BigEndian.Uint32(sizes)))
	}
	return a, nil
}

func wantDims(dims []int) string {
	if dims[0] == 1 {
		return "1 (labels)"
	}
	return "3 or 4 (images: n, height, width and, for colour, channels)"
}

// idxReadError names a short or damaged file.
func idxReadError(err error, got, want int) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("truncated: it ends after %d of %d bytes; copy or fetch it again", got, want)
	}
	return fmt.Errorf("damaged after %d of %d bytes: %w; copy or fetch it again", got, want, err)
}

// idxPaths are the four files of a data set in idx format.
type idxPaths struct{ trainImages, trainLabels, testImages, testLabels string }

// readIDXSet reads four idx files, each by read, as readIDX does.
func readIDXSet(p idxPaths, read func(path string, dims ...int) (idxArray, error)) (content, error) {
	var c content
	train, trainParts, shape, turned, err := readIDXPair(read, p.trainImages, p.trainLabels, "train")
	if err != nil {
		return c, err
	}
	test, testParts, testShape, _, err := readIDXPair(read, p.testImages, p.testLabels, "t10k")
	if err != nil {
		return c, err
	}
	if shape != testShape {
		return c, fmt.Errorf("%s: images are %s, but those of %s are %s", p.testImages, testShape, p.trainImages, shape)
	}
	c = content{input: shape, train: train, test: test, digest: contentDigest(append(trainParts, testParts...)),
		testKey: contentDigest(testParts)}
	if turned {
		c.notes = []string{fmt.Sprintf("the images are stored as planes (channels first) and are turned to %s", shape)}
	}
	return c, nil
}

// interleaved turns n images of planes (CHW) into pixels (HWC).
func interleaved[T any](planes []T, n int, shape models.Shape) []T {
	if shape.C == 1 {
		return planes
	}
	out, plane := make([]T, len(planes)), shape.H*shape.W
	for i := range n {
		from, to := planes[i*plane*shape.C:], out[i*plane*shape.C:]
		for k := range plane {
			for c := range shape.C {
				to[k*shape.C+c] = from[c*plane+k]
			}
		}
	}
	return out
}

// readIDXPair reads images and their labels; role starts the digest's names.
func readIDXPair(read func(path string, dims ...int) (idxArray, error), imagesPath, labelsPath, role string) (Images, []part, models.Shape,
	bool, error) {
	fail := func(err error) (Images, []part, models.Shape, bool, error) {
		return Images{}, nil, models.Shape{}, false, err
	}
	labels, err := read(labelsPath, 1)
	if err != nil {
		return fail(err)
	}
	images, err := read(imagesPath, 3, 4)
	if err != nil {
		return fail(err)
	}
	if images.dims[0] != labels.dims[0] {
		return fail(fmt.Errorf("%s: %d labels, but %s holds %d images", labelsPath, labels.dims[0], imagesPath, images.dims[0]))
	}
	shape, turned := models.Shape{H: images.dims[1], W: images.dims[2], C: 1}, false
	if len(images.dims) == 4 {
		shape.C = images.dims[3]
		if planes := shape.H; (planes == 1 || planes == 3) && shape.C > 4 { // n, channels, height, width
			shape = models.Shape{H: images.dims[2], W: images.dims[3], C: planes}
			turned = true
			images.data = interleaved(images.data, images.dims[0], shape)
		}
	}
	return Images{Pixels: images.data, Labels: labels.data},
		[]part{{images.sum, role + "-images"}, {labels.sum, role + "-labels"}}, shape, turned, nil
}
