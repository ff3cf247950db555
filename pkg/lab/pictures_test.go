package lab

import (
	"bytes"
	"image/color"
	"image/png"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
)

// A picture has the pixels of the image, grey or in colour.
func TestPicture(t *testing.T) {
	grey := dataset.Images{Pixels: []uint8{1, 2, 3, 4, 50, 60}, Labels: []uint8{0, 1, 0}}
	colour := dataset.Images{Pixels: []uint8{10, 20, 30, 40, 50, 60}, Labels: []uint8{0}}
	for _, c := range []struct {
		images dataset.Images
		i      int
		shape  models.Shape
		x      int
		want   color.NRGBA
	}{
		{grey, 2, models.Shape{H: 1, W: 2, C: 1}, 1, color.NRGBA{60, 60, 60, 255}},
		{colour, 0, models.Shape{H: 1, W: 2, C: 3}, 1, color.NRGBA{40, 50, 60, 255}},
	} {
		b := picture(c.images, c.i, c.shape)
		decoded, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if got := color.NRGBAModel.Convert(decoded.At(c.x, 0)); decoded.Bounds().Dx() != c.shape.W || got != c.want {
			t.Errorf("%v of %v, want %v", got, decoded.Bounds(), c.want)
		}
	}
	for _, shape := range []models.Shape{{H: 1, W: 3, C: 2}, {H: 9, W: 9, C: 1}} {
		if b := picture(grey, 0, shape); b != nil {
			t.Errorf("%v has a picture", shape)
		}
	}
}
