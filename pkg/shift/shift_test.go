package shift

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"testing"

	"slimfit/models"
)

// pictures are n images with slopes, an edge and a little of everything.
func pictures(n int, in models.Shape) []uint8 {
	out := make([]uint8, n*in.Elements())
	for i := range out {
		x, y := i/in.C%in.W, i/in.C/in.W%in.H
		v := 5*x + 3*y + 17*(i%in.C) + i/in.Elements()
		if x > in.W/2 && y > in.H/3 {
			v += 120
		}
		out[i] = uint8(v)
	}
	return out
}

// The pixels are these, on every machine and in every version.
func TestGolden(t *testing.T) {
	grey, colour := models.Shape{H: 12, W: 10, C: 1}, models.Shape{H: 9, W: 11, C: 3}
	for _, s := range examples() {
		for k, in := range []models.Shape{grey, colour} {
			src := pictures(5, in)
			dst := make([]uint8, len(src))
			if err := s.Apply(dst, src, in, 7); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(dst)
			got := hex.EncodeToString(sum[:6])
			if want := golden()[s.String()][k]; got != want {
				t.Errorf("%s of %v: %s, want %s", s, in, got, want)
			}
		}
	}
}

func examples() []Shift {
	return []Shift{{"noise", 20}, {"blur", 1}, {"blur", 2.5}, {"brightness", 0.2}, {"brightness", -0.35}, {"contrast", 0.5}, {"contrast",
		1.75},
		{"shift", 2}, {"rotate", 10}, {"rotate", 90}, {"jpeg", 30}, {"occlude", 4}, {"occlude", 100}}
}

func golden() map[string][2]string {
	return map[string][2]string{
		"noise 20":         {"9277a64376bc", "36c5a45ce0d7"},
		"blur 1":           {"6368c09cd4eb", "275ee3755344"},
		"blur 2.5":         {"8b45bfc9a9d5", "609db1951edc"},
		"brightness 0.2":   {"0d4442481884", "9dd64fd68677"},
		"brightness -0.35": {"7e071540957d", "abb45f14dae2"},
		"contrast 0.5":     {"650e8a0dbc48", "ca93f3c2a35c"},
		"contrast 1.75":    {"2d19928d1ed8", "f8931f83c0dd"},
		"shift 2":          {"2757cc4baf5f", "b976da7ddf5a"},
		"rotate 10":        {"a353fa9058b9", "8fdaddd026f9"},
		"rotate 90":        {"287e13198112", "8530e44c1d5d"},
		"jpeg 30":          {"0d21b266efc6", "3022b3bb5748"},
		"occlude 4":        {"2c58201d77ab", "b46f85da2674"},
		"occlude 100":      {"4ef6b7d3720a", "5362e2e317ed"},
	}
}

// An image's pixels come from its number, wherever it stands in a batch.
func TestNumber(t *testing.T) {
	in := models.Shape{H: 12, W: 10, C: 1}
	src := pictures(6, in)
	for _, s := range examples() {
		all, part := make([]uint8, len(src)), make([]uint8, 2*in.Elements())
		if err := s.Apply(all, src, in, 0); err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(part, src[3*in.Elements():5*in.Elements()], in, 3); err != nil {
			t.Fatal(err)
		}
		if string(part) != string(all[3*in.Elements():5*in.Elements()]) {
			t.Errorf("%s: images 3 and 4 differ by what stands before them", s)
		}
	}
}

// What a shift says is what it does.
func TestMeaning(t *testing.T) {
	in := models.Shape{H: 40, W: 40, C: 1}
	flat := make([]uint8, 30*in.Elements())
	for i := range flat {
		flat[i] = 128
	}
	apply := func(s Shift, src []uint8) []uint8 {
		dst := make([]uint8, len(src))
		if err := s.Apply(dst, src, in, 0); err != nil {
			t.Fatal(err)
		}
		return dst
	}
	spread := func(list []uint8) (mean, sd float64) {
		for _, v := range list {
			mean += float64(v) / float64(len(list))
		}
		for _, v := range list {
			sd += (float64(v) - mean) * (float64(v) - mean) / float64(len(list))
		}
		return mean, math.Sqrt(sd)
	}
	if mean, sd := spread(apply(Shift{"noise", 20}, flat)); math.Abs(mean-128) > 0.5 || math.Abs(sd-20) > 0.5 {
		t.Errorf("noise 20 has mean %v, standard deviation %v", mean-128, sd)
	}
	if got := apply(Shift{"brightness", 0.2}, flat)[0]; got != 179 {
		t.Errorf("brightness 0.2 makes %d of 128", got)
	}
	point, line := make([]uint8, in.Elements()), make([]uint8, in.Elements())
	point[20*40+20] = 255
	for y := range 40 {
		line[y*40+20] = 255
	}
	variance, sum := 0.0, 0.0
	for i, v := range apply(Shift{"blur", 1.5}, line) {
		variance += float64(v) * float64((i%40-20)*(i%40-20))
		sum += float64(v)
	}
	if variance /= sum; math.Abs(variance-1.5*1.5) > 0.15 {
		t.Errorf("blur 1.5 spreads a line by a variance of %v", variance)
	}
	for s, far := range map[Shift]float64{{"shift", 3}: 3 * math.Sqrt2, {"rotate", 180}: math.Sqrt2} {
		moved, at := apply(s, point), -1
		for i, v := range moved {
			if v == 255 {
				at = i
			}
		}
		if at < 0 || math.Hypot(float64(at%40-20), float64(at/40-20)) > far+1e-9 || at == 20*40+20 {
			t.Errorf("%s moves a point in the middle to %d, %d", s, at%40, at/40)
		}
	}
	src := pictures(1, in)
	low, high := apply(Shift{"contrast", 0.5}, src), apply(Shift{"contrast", 0}, src)
	_, was := spread(src)
	if _, sd := spread(low); math.Abs(sd-was/2) > 0.5 {
		t.Errorf("contrast 0.5 makes a standard deviation of %v out of %v", sd, was)
	}
	if _, sd := spread(high); sd > 1e-9 {
		t.Errorf("contrast 0 leaves a standard deviation of %v", sd)
	}
	changed := 0
	for i, v := range apply(Shift{"occlude", 4}, point) {
		if v != point[i] {
			changed++
		}
	}
	if black := apply(Shift{"occlude", 512}, src); black[0] != black[len(black)-1] || changed > 16 {
		t.Errorf("occlude: %d pixels changed, %v", changed, black[:5])
	}
	fine, coarse := apply(Shift{"jpeg", 100}, src), apply(Shift{"jpeg", 5}, src)
	off := func(list []uint8) (d float64) {
		for i := range list {
			d += math.Abs(float64(list[i]) - float64(src[i]))
		}
		return d / float64(len(list))
	}
	if off(fine) > 1.5 || off(coarse) < 4 {
		t.Errorf("jpeg 100 is off by %v, jpeg 5 by %v", off(fine), off(coarse))
	}
}

// Images of one pixel and of many channels do no harm.
func TestSmallest(t *testing.T) {
	for _, in := range []models.Shape{{H: 1, W: 1, C: 1}, {H: 1, W: 7, C: 2}, {H: 3, W: 1, C: 5}} {
		for _, k := range Kinds() {
			for _, amount := range []float64{k.Min, k.Max} {
				src := pictures(2, in)
				if err := (Shift{k.Name, amount}).Apply(make([]uint8, len(src)), src, in, 0); err != nil {
					t.Errorf("%s %v of %v: %v", k.Name, amount, in, err)
				}
			}
		}
	}
}

func TestParse(t *testing.T) {
	for _, s := range examples() {
		if got, err := Parse(s.String()); err != nil || got != s {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, name := range []string{"", "noise", "noise 0", "noise 129", "noise  20", "noise 20.0", "noise NaN", "noise +Inf", "shift 1.5",
		"fog 1", "noise 1e1"} {
		if s, err := Parse(name); err == nil {
			t.Errorf("%q is taken for %v", name, s)
		}
	}
	for _, bad := range []Shift{{"noise", math.NaN()}, {"jpeg", 101}, {"", 0}} {
		if bad.Apply(make([]uint8, 4), make([]uint8, 4), models.Shape{H: 2, W: 2, C: 1}, 0) == nil {
			t.Errorf("%s is applied", bad)
		}
	}
	if (Shift{"blur", 1}).Apply(make([]uint8, 5), make([]uint8, 5), models.Shape{H: 2, W: 2, C: 1}, 0) == nil {
		t.Error("parts of images are taken")
	}
}
