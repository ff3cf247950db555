package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/image/bmp"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
)

func noted(s *Set, words string) bool {
	return slices.ContainsFunc(s.Notes, func(n string) bool { return strings.Contains(n, words) })
}

// Every fault of every file comes in one error, and skip_unreadable leaves the
// files out, which is other data.
func TestAllFaultsAtOnce(t *testing.T) {
	files := pictureFiles(t, "", 20, "a", "b")
	clean, err := Describe(Ref{Path: datatest.Write(t, t.TempDir(), files)}, "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 25 {
		files[fmt.Sprintf("a/bad%02d.png", i)] = files["a/000.png"][:30]
	}
	dir := datatest.Write(t, t.TempDir(), files)
	if err := syscall.Mkfifo(filepath.Join(dir, "b", "pipe.png"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Describe(Ref{Path: dir}, "")
	var faults *Faults
	if !errors.As(err, &faults) || len(faults.List) != 26 || faults.Of != 66 {
		t.Fatalf("faults %+v of %v", faults, err)
	}
	for _, want := range []string{"26 of 66 files cannot be read", "a/bad00.png: damaged picture", "and 6 more", "skip_unreadable"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "remove") || strings.Contains(err.Error(), "bad24") {
		t.Error(err)
	}
	set, err := Load(Ref{Path: dir, SkipUnreadable: true}, "")
	if err != nil {
		t.Fatal(err)
	}
	if n := set.Data.Train + set.Data.Validation + set.Data.Test; n != 40 || !noted(set, "26 of 66 files cannot be read and are left out") {
		t.Errorf("%d pictures, notes %q", n, set.Notes)
	}
	a, b := models.Config{Data: clean}, models.Config{Data: set.Data}
	if a.ID() == b.ID() {
		t.Error("skip_unreadable is not in the identity")
	}
	if again, err := LoadData(set.Data, models.Source{Path: dir}); err != nil || !bytes.Equal(again.Train.Pixels, set.Train.Pixels) {
		t.Error(err)
	}
}

// Formats are told by content, whatever a file is called.
func TestFormatsByContent(t *testing.T) {
	m := image.NewPaletted(image.Rect(0, 0, 4, 3), color.Palette{color.Gray{0}, color.Gray{200}})
	m.SetColorIndex(1, 1, 1)
	frame := image.NewPaletted(image.Rect(1, 1, 2, 2), m.Palette) // of a larger GIF
	frame.SetColorIndex(1, 1, 1)
	encode := func(f func(*bytes.Buffer) error) []byte {
		var b bytes.Buffer
		if err := f(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for name, b := range map[string][]byte{
		"bmp": encode(func(b *bytes.Buffer) error { return bmp.Encode(b, m) }),
		"gif": encode(func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) }),
		"frame": encode(func(b *bytes.Buffer) error {
			return gif.EncodeAll(b, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0},
				Config: image.Config{ColorModel: m.Palette, Width: 4, Height: 3}})
		}),
		"png": encode(func(b *bytes.Buffer) error { return png.Encode(b, m) }),
	} {
		d, err := drawOf(b, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d.Rect != m.Rect || d.RGBAAt(1, 1).R != 200 || d.RGBAAt(0, 0).R != 0 {
			t.Errorf("%s: %v, %v", name, d.Rect, d.Pix)
		}
	}
}

// EXIF orientations are undone: the picture's first row and column stand where
// the standard says.
func TestOrientation(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 3, 2))
	for i := range 6 {
		m.Set(i%3, i/3, color.Gray{uint8(i)})
	}
	for orient, want := range map[int][]uint8{ // row by row
		1: {0, 1, 2, 3, 4, 5}, 2: {2, 1, 0, 5, 4, 3}, 3: {5, 4, 3, 2, 1, 0}, 4: {3, 4, 5, 0, 1, 2},
		5: {0, 3, 1, 4, 2, 5}, 6: {3, 0, 4, 1, 5, 2}, 7: {5, 2, 4, 1, 3, 0}, 8: {2, 5, 1, 4, 0, 3},
	} {
		out := turned(m, orient)
		var got []uint8
		for k := 0; k < len(out.Pix); k += 4 {
			got = append(got, out.Pix[k])
		}
		if !slices.Equal(got, want) {
			t.Errorf("orientation %d: %v, want %v", orient, got, want)
		}
	}
	b := withOrientation(jpegBytes(t, 4, 6, color.Gray{9}), 6)
	if h, err := readHeader(b, false); err != nil || h.h != 6 || h.w != 4 || h.orient != 6 {
		t.Errorf("%+v, %v", h, err)
	}
	// A set with turned pictures is new data; a run of a version that did not
	// turn them still finds what it was trained on.
	files := pictureFiles(t, "", 8, "a", "b")
	for name := range files {
		v := uint8(len(name)*7 + int(name[0]) + int(name[4])*3)
		files[name] = withOrientation(jpegBytes(t, 16, 16, color.RGBA{v, byte(name[0]), name[4], 255}), 3)
	}
	ref := Ref{Path: datatest.Write(t, t.TempDir(), files), Accept: Accept{Duplicates: true, Constant: true}}
	now, err := Load(ref, "")
	ref.older = true
	was, errWas := Load(ref, "")
	if err != nil || errWas != nil || now.Data.Digest == was.Data.Digest || !noted(now, "16 of 16 pictures are turned") {
		t.Fatalf("%v, %v, notes %q", err, errWas, now.Notes)
	}
	for _, set := range []*Set{now, was} {
		if got, err := LoadData(set.Data, models.Source{Path: ref.Path}); err != nil || !bytes.Equal(got.Test.Pixels, set.Test.Pixels) {
			t.Errorf("loaded again: %v", err)
		}
	}
}

// withOrientation puts an EXIF segment after a JPEG file's first marker.
func withOrientation(jpeg []byte, orient byte) []byte {
	body := append([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01"), 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orient, 0, 0, 0, 0, 0, 0)
	segment := append([]byte{0xff, 0xe1, 0, byte(len(body) + 2)}, body...)
	return slices.Concat(jpeg[:2], segment, jpeg[2:])
}

func TestFit(t *testing.T) {
	b := pngBytes(t, 2, 4, grey(100), 100)
	for fit, want := range map[string][]uint8{
		"":      {100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100},
		FitPad:  {0, 0, 0, 0, 100, 100, 100, 100, 100, 100, 100, 100, 0, 0, 0, 0},
		FitCrop: {100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100},
	} {
		h, err := readHeader(b, false)
		if err != nil {
			t.Fatal(err)
		}
		d, err := h.draw(b, &[2]int{4, 4}, fit)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range want {
			if d.Pix[4*k] != v {
				t.Errorf("%q: pixel %d is %d, want %d", fit, k, d.Pix[4*k], v)
			}
		}
	}
	if to, from := fitted(image.Rect(0, 0, 2, 2), image.Rect(0, 0, 8, 4), FitCrop); to.Dx() != 2 || from != image.Rect(2, 0, 6, 4) {
		t.Errorf("crop takes %v", from)
	}
}

func TestChannels(t *testing.T) {
	files := pictureFiles(t, "", 8, "a", "b")
	files["a/x.png"] = pngBytes(t, 3, 4, color.NRGBA{200, 100, 50, 255}, 3)
	dir := datatest.Write(t, t.TempDir(), files)
	as, err := Load(Ref{Path: dir}, "")
	if err != nil || as.Data.Input.C != 3 || !noted(as, "1 of them are not grey, the first is "+filepath.Join(dir, "a/x.png")) {
		t.Fatalf("%v, %v", as, err)
	}
	set, err := Load(Ref{Path: dir, Channels: ChannelsGrey}, "")
	if err != nil || set.Data.Input.C != 1 || !bytes.Contains(slices.Concat(set.Train.Pixels, set.Validation.Pixels, set.Test.Pixels),
		[]byte{124, 124, 124}) {
		t.Fatalf("%v", err) // 0.299 x 200 + 0.587 x 100 + 0.114 x 50 = 124.2
	}
	idx := datatest.Write(t, t.TempDir(), idxFolder())
	colour, err := Load(Ref{Path: idx, Channels: ChannelsColour}, "")
	if err != nil || colour.Data.Input != (models.Shape{H: 2, W: 3, C: 3}) || len(colour.Train.Pixels) != 18*colour.Train.N() {
		t.Errorf("%v", err)
	}
	cifar := content{input: models.Shape{H: 1, W: 1, C: 3}, train: Images{Pixels: []uint8{200, 100, 50}}}
	if err := cifar.recolour(ChannelsGrey); err != nil || !bytes.Equal(cifar.train.Pixels, []byte{124}) {
		t.Errorf("%v, %v", cifar.train.Pixels, err)
	}
}

// Images stored as planes are turned.
func TestPlanes(t *testing.T) {
	files := idxFolder()
	planes := func(n int) []byte {
		var b []byte
		for i := range n {
			for c := range 3 {
				for p := range 30 {
					b = append(b, byte(80*c+p+i))
				}
			}
		}
		return idxBytes(b, n, 3, 6, 5)
	}
	files["train-images-idx3-ubyte"], files["t10k-images-idx3-ubyte"] = planes(30), planes(12)
	set, err := Load(Ref{Path: datatest.Write(t, t.TempDir(), files), Accept: Accept{Duplicates: true}}, "")
	if err != nil || set.Data.Input != (models.Shape{H: 6, W: 5, C: 3}) || !noted(set, "channels first") {
		t.Fatalf("%+v, %v", set, err)
	}
	if got := set.Test.Pixels[:6]; !bytes.Equal(got, []byte{0, 80, 160, 1, 81, 161}) {
		t.Errorf("pixels %v", got)
	}
}

// A loose picture is made to fit as the training pictures were.
func TestReadImagesFits(t *testing.T) {
	path := filepath.Join(datatest.Write(t, t.TempDir(), map[string][]byte{"x": pngBytes(t, 2, 4, grey(255), 255)}), "x")
	l, err := ReadImages(path, models.Shape{H: 4, W: 4, C: 1}, true, FitPad)
	if err != nil || l.Pixels[0] != 0 || l.Pixels[8] != 1 || l.Pixels[15] != 0 {
		t.Errorf("%v, %v", l, err)
	}
}
