package graph

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"slimfit/models"
)

// seen are the images of a batch as a pack sees them at a step.
func seen(t *testing.T, nets []Net, r models.Recipe, images Images, step int) []float32 {
	t.Helper()
	p, err := NewPack(nets, r, images, DeviceFor(r, 1, false))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	batch := make([]int32, r.Batch)
	for i := range batch {
		batch[i] = int32(i)
	}
	got, err := p.Seen(step, batch)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func allAugments() *models.Augment {
	return &models.Augment{Shift: 0.1, Rotate: 20, Scale: 0.2, Shear: 0.1, Flip: models.FlipBoth, Brightness: 0.2, Contrast: 0.3, Noise: 0.05,
		Cutout: 0.3, Probability: 0.8}
}

// A seed's pixels are the same in every pack, others at every step, and each kind
// of change stays what it is when another joins.
func TestAugmentedPixels(t *testing.T) {
	images := fakeImages(testImages, mnist, 10)
	r := testRecipe()
	r.Batch, r.Augment = 40, allAugments()
	nets := mixedNets()
	alone := seen(t, nets[:1], r, images, 7)
	if got := seen(t, []Net{nets[14], nets[3], nets[0]}, r, images, 7); !slices.Equal(got, alone) {
		t.Error("another pack sees other pixels")
	}
	if got := seen(t, nets[:1], r, images, 8); slices.Equal(got, alone) {
		t.Error("two steps see the same pixels")
	}
	other := nets[0]
	other.Seed++
	if got := seen(t, []Net{other}, r, images, 7); slices.Equal(got, alone) {
		t.Error("two seeds see the same pixels")
	}
	r.Order = models.Shared
	if got := seen(t, []Net{nets[0]}, r, images, 7); !slices.Equal(got, seen(t, []Net{other}, r, images, 7)) {
		t.Error("seeds that share the order see other pixels")
	}
	for _, v := range alone {
		if !(v >= 0 && v <= 1) {
			t.Fatalf("a pixel is %v", v)
		}
	}
	r.Augment = nil
	plain := seen(t, nets[:1], r, images, 7)
	changed := 0
	for i := range r.Batch {
		if size := mnist.Elements(); !slices.Equal(plain[i*size:(i+1)*size], alone[i*size:(i+1)*size]) {
			changed++
		}
	}
	if changed < 24 || changed > 39 {
		t.Errorf("%d of 40 images are changed with probability 0.8", changed)
	}
}

// What each kind does to one picture: a bright column left of the middle and a
// bright row above it on grey.
func TestAugmentKinds(t *testing.T) {
	in := models.Shape{H: 12, W: 16, C: 1}
	image := make([]uint8, in.Elements())
	for i := range image {
		image[i] = 102 // 0.4
		if i%in.W == 3 {
			image[i] = 204
		}
		if i/in.W == 2 {
			image[i] = 255
		}
	}
	const n = 200
	images := Images{Labels: make([]uint8, n)}
	for range n {
		images.Pixels = append(images.Pixels, image...)
	}
	net := []Net{{Seed: 1, Spec: models.Spec{Input: in, Classes: 2, Layers: []models.Layer{models.NewDense(2)}}}}
	at := func(a models.Augment) [][]float32 {
		r := testRecipe()
		a.Probability, r.Augment, r.Batch = 1, &a, n
		return slices.Collect(slices.Chunk(seen(t, net, r, images, 0), in.Elements()))
	}
	original := func(x, y int) float32 {
		x, y = min(max(x, 0), in.W-1), min(max(y, 0), in.H-1)
		return float32(image[y*in.W+x]) / 255
	}
	mapped := func(got []float32, from func(x, y int) (int, int)) bool {
		for i, v := range got {
			if x, y := from(i%in.W, i/in.W); v != original(x, y) {
				return false
			}
		}
		return true
	}
	count := map[string]int{}
	for _, m := range at(models.Augment{Flip: models.FlipBoth}) {
		for fx := range 2 {
			for fy := range 2 {
				if mapped(m, func(x, y int) (int, int) {
					return x + fx*(in.W-1-2*x), y + fy*(in.H-1-2*y)
				}) {
					count[fmt.Sprint("flip ", fx, fy)]++
				}
			}
		}
	}
	for _, m := range at(models.Augment{Shift: 0.25}) { // 4 pixels across, 3 down
		for dx := -4; dx <= 4; dx++ {
			for dy := -3; dy <= 3; dy++ {
				if mapped(m, func(x, y int) (int, int) { return x + dx, y + dy }) {
					count["shift"]++
					count[fmt.Sprint("shift to the side ", dx)]++
				}
			}
		}
	}
	if count["shift"] != n || len(count) != 4+1+9 {
		t.Errorf("exact flips and shifts: %v", count)
	}
	for k, c := range count {
		if k[:4] == "flip" && (c < 30 || c > 70) || k != "shift" && c < 3 {
			t.Errorf("%s: %d of %d", k, c, n)
		}
	}
	mean := func(m []float32) (s float64) {
		for _, v := range m {
			s += float64(v) / float64(len(m))
		}
		return s
	}
	plain := mean(at(models.Augment{Contrast: 1e-9})[0])
	ranges := func(what string, a models.Augment, of func(m []float32) float64, low, high float64) {
		least, most := math.Inf(1), math.Inf(-1)
		for _, m := range at(a) {
			least, most = min(least, of(m)), max(most, of(m))
		}
		if tenth := (high - low) / 10; math.Abs(least-low) > tenth || math.Abs(most-high) > tenth || least < low-1e-5 || most > high+1e-5 {
			t.Errorf("%s: %v to %v, want %v to %v", what, least, most, low, high)
		}
	}
	corner := func(m []float32) float64 { return float64(m[len(m)-1]) }
	ranges("brightness", models.Augment{Brightness: 0.3}, corner, 0.1, 0.7)
	ranges("contrast", models.Augment{Contrast: 0.5}, corner, plain-1.5*(plain-0.4), plain-0.5*(plain-0.4))
	spread := func(m []float32) (s float64) { // of grey pixels
		for _, v := range m[4*in.W+4:] {
			if d := float64(v) - 0.4; math.Abs(d) < 0.3 {
				s += d * d / float64(len(m)-4*in.W-4)
			}
		}
		return math.Sqrt(s)
	}
	if sd := spread(at(models.Augment{Noise: 0.05})[0]); math.Abs(sd-0.05) > 0.01 {
		t.Errorf("noise of sd %v", sd)
	}
	erased := func(m []float32) (k float64) {
		for i, v := range m {
			if float64(v) > 0.4001 && v != original(i%in.W, i/in.W) {
				k++
			}
		}
		return k
	}
	ranges("cutout", models.Augment{Cutout: 0.5}, erased, 3*4, 6*8)
}

// Turning, scaling and shearing about the middle, against the map written out.
func TestAugmentMaps(t *testing.T) {
	in := models.Shape{H: 9, W: 9, C: 1}
	ramp := func(slopeX, slopeY float64) Images { // brightness is a plane: interpolation is exact
		m := Images{Labels: make([]uint8, 100)}
		for range m.Labels {
			for i := range in.Elements() {
				m.Pixels = append(m.Pixels, uint8(128+slopeX*float64(i%in.W-4)+slopeY*float64(i/in.W-4)))
			}
		}
		return m
	}
	net := []Net{{Seed: 1, Spec: models.Spec{Input: in, Classes: 2, Layers: []models.Layer{models.NewDense(2)}}}}
	// slopes of the seen plane at its middle, in grey levels a pixel
	slopes := func(a models.Augment, images Images) (out [][2]float64) {
		r := testRecipe()
		a.Probability, r.Augment, r.Batch = 1, &a, len(images.Labels)
		for m := range slices.Chunk(seen(t, net, r, images, 0), in.Elements()) {
			if middle := 255 * float64(m[40]); math.Abs(middle-128) > 1e-3 {
				t.Fatalf("%+v: the middle becomes %v", a, middle)
			}
			out = append(out, [2]float64{255 * float64(m[41]-m[39]) / 2, 255 * float64(m[49]-m[31]) / 2})
		}
		return out
	}
	for name, c := range map[string]struct {
		a  models.Augment
		ok func(s [2]float64, last *float64) bool
	}{
		"rotate": {models.Augment{Rotate: 30}, func(s [2]float64, angle *float64) bool {
			*angle = math.Atan2(-s[1], s[0]) * 180 / math.Pi
			return math.Abs(math.Hypot(s[0], s[1])-10) < 0.01
		}},
		"scale": {models.Augment{Scale: 0.3}, func(s [2]float64, size *float64) bool {
			*size = 100 * (10/s[0] - 1)
			return math.Abs(s[1]) < 0.01
		}},
		"shear": {models.Augment{Shear: 0.5}, func(s [2]float64, shear *float64) bool {
			*shear = 100 * s[1] / 10
			return math.Abs(s[0]-10) < 0.01
		}},
	} {
		least, most, v := math.Inf(1), math.Inf(-1), 0.0
		for _, s := range slopes(c.a, ramp(10, 0)) {
			if !c.ok(s, &v) {
				t.Fatalf("%s: slopes %v", name, s)
			}
			least, most = min(least, v), max(most, v)
		}
		want := map[string]float64{"rotate": 30, "scale": 30, "shear": 50}[name]
		if least > -0.9*want || least < -1.001*want || most < 0.9*want || most > 1.001*want {
			t.Errorf("%s: from %v to %v, want %v either way", name, least, most, want)
		}
	}
}
