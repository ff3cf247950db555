package dataset

import (
	"bytes"
	"fmt"
	"image/color"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
)

// One colour picture makes the set colour, wherever it comes in the order.
func TestGreyOrColour(t *testing.T) {
	for i := range 8 {
		files := pictureFiles(t, "", 8, "a", "b")
		files[fmt.Sprintf("b/%03d.png", i)] = pngBytes(t, 3, 4, color.NRGBA{10, 20, 30, 255}, 7)
		set, err := Load(Ref{Path: datatest.Write(t, t.TempDir(), files)}, "")
		if err != nil {
			t.Fatal(err)
		}
		if set.Data.Input.C != 3 || !strings.Contains(set.Notes[0], "colour") {
			t.Fatalf("%+v, notes %q", set.Data.Input, set.Notes)
		}
		all := slices.Concat(set.Validation.Pixels, set.Train.Pixels, set.Test.Pixels)
		greys, colours := 0, 0
		for k := 0; k < len(all); k += 36 {
			switch p := all[k+33 : k+36]; {
			case p[0] == p[1] && p[1] == p[2] && p[0] <= 1:
				greys++
			case bytes.Equal(p, []byte{10, 20, 30}):
				colours++
			}
		}
		if greys != 15 || colours != 1 {
			t.Fatalf("%d grey and %d colour pictures, want 15 and 1", greys, colours)
		}
	}
}

func TestResize(t *testing.T) {
	files := pictureFiles(t, "", 6, "a", "b")
	files["a/large.jpg"] = jpegBytes(t, 40, 30, color.Gray{200})
	files["b/wide.jpeg"] = jpegBytes(t, 10, 70, color.Gray{100})
	set, err := Load(Ref{Path: datatest.Write(t, t.TempDir(), files), Resize: &[2]int{6, 5}, Accept: Accept{Constant: true}}, "")
	if err != nil {
		t.Fatal(err)
	}
	if set.Data.Input != (models.Shape{H: 6, W: 5, C: 1}) || *set.Data.Resize != [2]int{6, 5} {
		t.Errorf("data %+v", set.Data)
	}
	all := slices.Concat(set.Validation.Pixels, set.Train.Pixels, set.Test.Pixels)
	for _, want := range []byte{200, 100} {
		if !bytes.Contains(all, bytes.Repeat([]byte{want}, 30)) {
			t.Errorf("no picture of 6x5 pixels of grey %d", want)
		}
	}
}

// Shrinking takes the mean of what falls into a pixel, not one sample of it.
func TestResizeAverages(t *testing.T) {
	files := pictureFiles(t, "", 1, "a")["a/000.png"]
	m, err := drawOf(files, &[2]int{1, 1}) // one pixel of 0 and eleven of 0
	if err != nil || m.Pix[0] != 0 {
		t.Fatalf("%v, %v", m, err)
	}
	b := pngBytes(t, 2, 2, grey(100), 0)
	if m, err = drawOf(b, &[2]int{1, 1}); err != nil || m.Pix[0] != 75 {
		t.Errorf("mean of 0, 100, 100, 100 is %d, %v", m.Pix[0], err)
	}
}

func drawOf(b []byte, size *[2]int) (drawn, error) {
	h, err := readHeader(b, false)
	if err != nil {
		return drawn{}, err
	}
	return h.draw(b, size, "")
}

func TestTransparency(t *testing.T) {
	files := pictureFiles(t, "", 6, "a", "b")
	files["a/half.png"] = pngBytes(t, 3, 4, color.NRGBA{200, 200, 200, 128}, 9)
	set, err := Load(Ref{Path: datatest.Write(t, t.TempDir(), files)}, "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(set.Notes, func(n string) bool {
		return strings.HasPrefix(n, "1 of 13 pictures have transparent pixels")
	}) {
		t.Errorf("notes %q", set.Notes)
	}
	all := slices.Concat(set.Validation.Pixels, set.Train.Pixels, set.Test.Pixels)
	if !bytes.Contains(all, bytes.Repeat([]byte{100}, 11)) {
		t.Error("no picture of half of 200")
	}
}
