package dataset

import (
	"math/bits"
	"math/rand/v2"
)

// Order is the stream of training images: one permutation of all of them an
// epoch, one after the other without a gap, so that a batch may span two
// epochs and every image is seen once an epoch.
//
// The permutation of an epoch depends on (seed, epoch) alone, so that any step
// can be reached directly: a PCG-DXSM generator (math/rand/v2.PCG) with the
// two seed words h = mix(seed) and mix(h + epoch), where mix is the step and
// finalizer of SplitMix64; then the identity shuffled by Fisher-Yates from the
// end, swapping place i with a uniform place in [0, i], drawn by Lemire's
// multiplication with rejection from 64-bit numbers.
//
// An Order is not safe for concurrent use.
type Order struct {
	images int
	seed   uint64
	epochs [2]epoch // the current epoch and the one before or after it
	oldest int
}

type epoch struct {
	number int64 // -1: none yet
	perm   []int32
}

// NewOrder returns the order of the given number of images, at least 1, for a
// seed.
func NewOrder(images int, seed int64) *Order {
	return &Order{images: images, seed: uint64(seed), epochs: [2]epoch{{number: -1}, {number: -1}}}
}

// Batch writes the image indices of a step to dst[:size]. Steps count from 0;
// all steps of a stream have one size, the number of images a step.
func (o *Order) Batch(step, size int, dst []int32) {
	if o.images < 1 {
		return
	}
	at := int64(step) * int64(size)
	for dst = dst[:size]; len(dst) > 0; {
		perm := o.permutation(at / int64(o.images))
		n := copy(dst, perm[at%int64(o.images):])
		dst, at = dst[n:], at+int64(n)
	}
}

// permutation returns the images in the order of an epoch.
func (o *Order) permutation(number int64) []int32 {
	for i, e := range o.epochs {
		if e.number == number {
			o.oldest = 1 - i
			return e.perm
		}
	}
	e := &o.epochs[o.oldest]
	if e.perm == nil {
		e.perm = make([]int32, o.images)
	}
	e.number = number
	h := mix(o.seed)
	shuffle(e.perm, rand.NewPCG(h, mix(h+uint64(number))))
	o.oldest = 1 - o.oldest
	return e.perm
}

// shuffle fills perm with a random permutation of 0 .. len(perm)-1.
func shuffle(perm []int32, r *rand.PCG) {
	for i := range perm {
		perm[i] = int32(i)
	}
	for i := len(perm) - 1; i > 0; i-- {
		j := below(r, uint64(i)+1)
		perm[i], perm[j] = perm[j], perm[i]
	}
}

// below draws a uniform number in [0, n), n >= 1. Lemire, "Fast Random Integer
// Generation in an Interval", arXiv 1805.10941.
func below(r *rand.PCG, n uint64) uint64 {
	high, low := bits.Mul64(r.Uint64(), n)
	if low < n {
		for threshold := -n % n; low < threshold; {
			high, low = bits.Mul64(r.Uint64(), n)
		}
	}
	return high
}

// mix is one step of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
