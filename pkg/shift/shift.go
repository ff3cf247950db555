// Package shift changes images as the world changes them: noise, blur, light,
// place, rotation, compression, occlusion. A network that was chosen on clean
// images is judged on shifted ones by it.
//
// A shifted image depends on the image, its number and the shift alone, and is
// the same on every machine: arithmetic is in whole numbers; the few values of
// exp, sin and cos are rounded to 1/65536 before they are used. JPEG is that of
// Go's image/jpeg. Golden checksums in the tests hold all of it.
package shift

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"slimfit/models"
)

// Kind is a way in which images shift.
type Kind struct {
	Name     string
	Min, Max float64 // of its amount, both allowed
	Whole    bool    // the amount is a whole number
	Doc      string

	apply func(dst, src []uint8, s image)
}

// image says what apply works on: one image of the shape, with its number.
type image struct {
	models.Shape
	number uint64
	amount int // in thousandths
}

// Kinds lists all of them.
func Kinds() []Kind {
	return []Kind{
		{"noise", 1, 128, false, "Gaussian noise of this standard deviation, in grey levels of 255.", noise},
		{"blur", 0.1, 10, false, "Gaussian blur of this standard deviation, in pixels.", blur},
		{"brightness", -1, 1, false, "This part of the full scale is added to every value.", brightness},
		{"contrast", 0, 4, false, "Distances to the image's mean value, times this.", contrast},
		{"shift", 1, 512, true, "Moved by this many pixels, in one of eight directions; the edge is repeated.", move},
		{"rotate", 0.1, 180, false, "Turned by so many degrees about the middle, to the left or to the right; the edge is repeated.", rotate},
		{"jpeg", 1, 100, true, "Compressed as JPEG of this quality, and read again.", compress},
		{"occlude", 1, 512, true, "A square of this edge, somewhere, is the image's mean.", occlude},
	}
}

// Shift is a kind with its amount.
type Shift struct {
	Kind   string
	Amount float64
}

// String is its name: noise 20.
func (s Shift) String() string { return s.Kind + " " + strconv.FormatFloat(s.Amount, 'f', -1, 64) }

// Parse reads what String writes.
func Parse(name string) (Shift, error) {
	kind, amount, _ := strings.Cut(name, " ")
	v, err := strconv.ParseFloat(amount, 64)
	s := Shift{kind, v}
	if _, ok := s.kind(); err != nil || !ok || s.String() != name {
		return Shift{}, fmt.Errorf("%q is no shift of images: want one such as noise 20", name)
	}
	return s, nil
}

// kind is the shift's, if its amount is one of it.
func (s Shift) kind() (Kind, bool) {
	all := Kinds()
	i := slices.IndexFunc(all, func(k Kind) bool { return k.Name == s.Kind })
	if i < 0 || !(s.Amount >= all[i].Min && s.Amount <= all[i].Max) || all[i].Whole && s.Amount != math.Trunc(s.Amount) {
		return Kind{}, false
	}
	return all[i], true
}

// Apply writes the shifted images, as many as there are, [n, h, w, c], to dst.
// first is the number of the first of them in its part of the data set.
func (s Shift) Apply(dst, src []uint8, in models.Shape, first int) error {
	k, ok := s.kind()
	size := in.Elements()
	if !ok || len(dst) != len(src) || len(src)%size != 0 {
		return fmt.Errorf("apply %s to %d bytes of %v images: no such shift, or no whole images", s, len(src), in)
	}
	for i := range len(src) / size {
		of := image{in, uint64(first + i), int(math.Round(1000 * s.Amount))}
		k.apply(dst[i*size:(i+1)*size], src[i*size:(i+1)*size], of)
	}
	return nil
}

// random is a stream of numbers from an image's number: SplitMix64, from
// Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
type random uint64

func (m image) random(purpose uint64) *random {
	r := random(m.number*0x9e3779b97f4a7c15 ^ purpose)
	r.next()
	return &r
}

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is a number from 0 to n-1.
func (r *random) below(n int) int { return int(r.next() >> 33 % uint64(n)) }

// normal is nearly normal, with standard deviation 1 as 65536: the sum of twelve
// even 16-bit numbers, less its mean.
func (r *random) normal() int {
	sum := 0
	for range 3 {
		for v := r.next(); v != 0; v >>= 16 {
			sum += int(v & 0xffff)
		}
	}
	return sum - 12*65535/2
}

// rounded is a/b to the nearest, halves up; b > 0.
func rounded(a, b int) int {
	a += b / 2
	if a < 0 {
		return -((b - 1 - a) / b)
	}
	return a / b
}

func level(v int) uint8 { return uint8(min(255, max(0, v))) }

// fixed is v as a number of 1/65536.
func fixed(v float64) int { return int(math.Round(65536 * v)) }
