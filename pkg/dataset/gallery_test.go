package dataset

import (
	"errors"
	"image/color"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset/datatest"
)

func TestFarFromTraining(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	draw := func(from, to float64) []uint8 { // of one image
		px := make([]uint8, 64)
		for i := range px {
			px[i] = uint8(255 * (from + (to-from)*g.Float64()))
		}
		return px
	}
	set := &Set{Data: models.Data{Input: models.Shape{H: 8, W: 8, C: 1}}}
	for range 200 {
		set.Train.Pixels, set.Train.Labels = append(set.Train.Pixels, draw(0, 0.3)...), append(set.Train.Labels, 0)
	}
	r := set.Ranges()
	if c := r.Channels[0]; c.Mean < 0.13 || c.Mean > 0.16 || c.SD < 0.08 || c.SD > 0.09 || c.Means[0] >= c.Mean || c.Means[1] <= c.Mean {
		t.Errorf("ranges %+v", c)
	}
	for _, c := range []struct {
		pixels []uint8
		size   PictureFact
		want   string
	}{
		{draw(0, 0.3), PictureFact{}, ""},
		{draw(0, 0.3), PictureFact{16, 8}, ""},
		{draw(0.7, 1), PictureFact{}, "looks inverted: the mean is 0.8"},
		{draw(0.4, 0.6), PictureFact{}, "its mean is 0.5"},
		{make([]uint8, 64), PictureFact{}, "constant"},
		{draw(0.13, 0.17), PictureFact{}, "its contrast is 0.01"},
		{draw(0, 0.3), PictureFact{400, 8}, "its file has 400x8 pixels"},
	} {
		got := r.Far(Scaled(c.pixels), c.size)
		if got == "" != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if (*Ranges)(nil).Far(nil, PictureFact{}) != "" || (&Set{}).Ranges() != nil {
		t.Error("of nothing")
	}
}

func TestGallery(t *testing.T) {
	in := models.Shape{H: 4, W: 4, C: 1}
	red, grey := color.NRGBA{200, 0, 0, 255}, color.NRGBA{90, 90, 90, 255}
	dir := datatest.Write(t, t.TempDir(), map[string][]byte{"b/1.png": pngBytes(t, 8, 8, red, 1), "a/2.png": pngBytes(t, 4, 4, grey, 2),
		"a/bad.png": []byte("no picture"), "a/note.txt": {1}})
	g, err := ReadGallery(dir, in, "")
	if err != nil || !slices.Equal(g.ClassNames, []string{"a", "b"}) || !slices.Equal(g.Labels, []uint8{0, 1}) || len(g.Pixels) != 32 ||
		g.Pixels[31] != 60 || g.Sizes[1] != (PictureFact{8, 8}) || !strings.HasSuffix(g.Files[1], "1.png") {
		t.Errorf("%+v, %v", g, err)
	}
	if len(g.Notes) != 1 || !strings.Contains(g.Notes[0], "bad.png is left out: not a PNG") {
		t.Errorf("notes %q", g.Notes)
	}
	if g, err := ReadGallery(dir+"/b", in, ""); err != nil || g.ClassNames != nil || g.Labels != nil || len(g.Files) != 1 {
		t.Errorf("flat: %+v, %v", g, err)
	}
	divided := datatest.Write(t, t.TempDir(), map[string][]byte{"train/a/1.png": pngBytes(t, 4, 4, red, 1),
		"train/b/2.png": pngBytes(t, 4, 4, red, 2), "test/a/3.png": pngBytes(t, 4, 4, red, 3), "test/b/4.png": pngBytes(t, 4, 4, red, 4)})
	if g, err := ReadGallery(divided, in, ""); err != nil || len(g.Files) != 2 || !strings.Contains(g.Files[0], "test") {
		t.Errorf("divided: %+v, %v", g, err)
	}
	if _, err := ReadGallery(t.TempDir(), in, ""); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("empty: %v", err)
	}
	if _, err := ReadGallery(dir, models.Shape{H: 4, W: 4, C: 2}, ""); err == nil {
		t.Error("two channels")
	}
	if class, err := ClassesIn([]string{"x", "a", "b"}, []string{"b", "a"}); err != nil || !slices.Equal(class, []int{2, 1}) {
		t.Errorf("%v, %v", class, err)
	}
	if _, err := ClassesIn([]string{"a"}, []string{"c"}); !errors.Is(err, ErrClasses) {
		t.Errorf("unknown class: %v", err)
	}
}
