package dataset

import (
	"bytes"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
	"slimfit/pkg/npy"
)

func npyFileOf[T uint8 | int32 | float32](t *testing.T, values []T, shape ...int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := npy.Write(&b, values, shape...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadImages(t *testing.T) {
	grey, colour := models.Shape{H: 2, W: 3, C: 1}, models.Shape{H: 2, W: 3, C: 3}
	values := datatest.Counting(12, 256)
	dir := datatest.Write(t, t.TempDir(), map[string][]byte{
		"grey.png":   pngBytes(t, 2, 3, color.NRGBA{51, 51, 51, 255}, 51),
		"red.png":    pngBytes(t, 2, 3, color.NRGBA{255, 0, 0, 255}, 255),
		"big.png":    pngBytes(t, 8, 9, color.NRGBA{102, 102, 102, 255}, 102),
		"two.idx":    idxBytes(values, 2, 2, 3),
		"two.idx.gz": datatest.Gzipped(t, idxBytes(values, 2, 2, 3)),
		"two.npy":    npyFileOf(t, values, 2, 2, 3, 1),
		"planes.npy": npyFileOf(t, datatest.Counting(36, 256), 2, 3, 2, 3),
		"planes.idx": idxBytes(datatest.Counting(36, 256), 2, 3, 2, 3),
		"planef.npy": npyFileOf(t, []float32{0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0}, 1, 3, 2, 3),
		"flat.npy":   npyFileOf(t, values, 2, 2, 3),
		"one.npy":    npyFileOf(t, values[:6], 2, 3),
		"real.npy":   npyFileOf(t, []float32{0, 0.2, 0.4, 0.6, 0.8, 1}, 1, 2, 3, 1),
		"far.npy":    npyFileOf(t, []float32{0, 0.2, 0.4, 0.6, 0.8, 255}, 1, 2, 3, 1),
		"int.npy":    npyFileOf(t, []int32{1, 2, 3, 4, 5, 6}, 1, 2, 3, 1),
		"wide.npy":   npyFileOf(t, values, 2, 3, 2, 1),
		"cut.npy":    npyFileOf(t, values, 2, 2, 3, 1)[:128+11],
		"cutf.npy":   npyFileOf(t, []float32{0, 0.2, 0.4, 0.6, 0.8, 1}, 1, 2, 3, 1)[:128+20],
		"head.npy":   npyFileOf(t, values, 2, 2, 3, 1)[:100],
		"more.npy":   append(npyFileOf(t, values, 2, 2, 3, 1), 1, 2),
		"void.npy":   append(npyFileOf(t, []uint8{}, 0, 2, 3, 1), 1),
		"text.png":   []byte("no picture"),
		"empty":      {},
		"cut.idx":    idxBytes(values, 2, 2, 3)[:20],
		"labels.idx": idxBytes(values, 12),
	})
	for _, c := range []struct {
		file   string
		in     models.Shape
		resize bool
		n      int
		last   float32
		note   string
		err    string
	}{
		{file: "grey.png", in: grey, n: 1, last: 0.2},
		{file: "grey.png", in: colour, n: 1, last: 0.2},
		{file: "red.png", in: colour, n: 1, last: 0},
		{file: "red.png", in: grey, n: 1, last: 76. / 255, note: "made grey"},
		{file: "big.png", in: grey, err: "a picture of 8x9 pixels (height x width): the network takes 2x3; --resize makes it fit"},
		{file: "big.png", in: grey, resize: true, n: 1, last: 0.4},
		{file: "grey.png", in: models.Shape{H: 2, W: 3, C: 2}, err: "1 or 3 channels"},
		{file: "two.idx", in: grey, n: 2, last: float32(values[11]) / 255},
		{file: "two.idx.gz", in: grey, n: 2, last: float32(values[11]) / 255},
		{file: "two.npy", in: grey, n: 2, last: float32(values[11]) / 255},
		{file: "planes.npy", in: colour, n: 2, last: float32(datatest.Counting(36, 256)[35]) / 255, note: "channels first"},
		{file: "planes.idx", in: colour, n: 2, last: float32(datatest.Counting(36, 256)[35]) / 255, note: "are turned to 2x3x3"},
		{file: "planef.npy", in: colour, n: 1, note: "[1 3 2 3]"},
		{file: "flat.npy", in: grey, n: 2, last: float32(values[11]) / 255},
		{file: "one.npy", in: grey, n: 1, last: float32(values[5]) / 255},
		{file: "real.npy", in: grey, n: 1, last: 1},
		{file: "far.npy", in: grey, err: "value 5 is 255: float32 images lie in [0, 1]"},
		{file: "int.npy", in: grey, err: "want uint8, or float32"},
		{file: "cut.npy", in: grey, err: "truncated: 11 of the 12 bytes that the shape [2 2 3 1] needs"},
		{file: "cutf.npy", in: grey, err: "truncated: 20 of the 24 bytes"},
		{file: "head.npy", in: grey, err: "truncated: 90 of the 118 bytes of its header"},
		{file: "more.npy", in: grey, err: "2 bytes follow after the 12 that the shape [2 2 3 1] needs"},
		{file: "void.npy", in: grey, err: "1 bytes follow after the 0"},
		{file: "wide.npy", in: grey, err: "an array of shape [2 3 2 1]: the network takes images of 2x3x1"},
		{file: "two.idx", in: colour, err: "an array of shape [2 2 3]"},
		{file: "text.png", in: grey, err: "not a PNG or JPEG"},
		{file: "empty", in: grey, err: "is empty"},
		{file: "cut.idx", in: grey, err: "truncated"},
		{file: "labels.idx", in: grey, err: "1 dimensions"},
		{file: "gone.png", in: grey, err: "no such file"},
	} {
		l, err := ReadImages(filepath.Join(dir, c.file), c.in, c.resize, "")
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), c.file) {
				t.Errorf("%s for %s: %v, want %q", c.file, c.in, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s for %s: %v", c.file, c.in, err)
			continue
		}
		if l.N != c.n || len(l.Pixels) != c.n*c.in.Elements() || l.Pixels[len(l.Pixels)-1] != c.last {
			t.Errorf("%s for %s: %d images, %d values, the last %v: want %d and %v", c.file, c.in, l.N, len(l.Pixels), l.Pixels[len(l.Pixels)-1],
				c.n, c.last)
		}
		if notes := strings.Join(l.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
			t.Errorf("%s for %s: notes %q", c.file, c.in, notes)
		}
	}
}

func FuzzReadImages(f *testing.F) {
	f.Add(idxBytes(datatest.Counting(12, 256), 2, 2, 3))
	f.Add([]byte("\x93NUMPY\x01\x00"))
	f.Add([]byte{0x1f, 0x8b, 8})
	f.Fuzz(func(t *testing.T, b []byte) {
		file := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(file, b, 0o666); err != nil {
			t.Fatal(err)
		}
		in := models.Shape{H: 2, W: 3, C: 1}
		l, err := ReadImages(file, in, true, "")
		if err == nil && (l.N < 1 || len(l.Pixels) != l.N*in.Elements()) {
			t.Errorf("%d images of %d values", l.N, len(l.Pixels))
		}
	})
}
