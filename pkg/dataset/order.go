package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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

// part is one line of a content digest.
type part struct {
	sum  string // SHA-256 of the part's bytes, hex
	name string // its role, never a path
}

// contentDigest identifies the content of a data set: the SHA-256 of a listing
// of its parts, one line "<sha-256>  <role>" each, in a fixed order.
//
//	idx files:     train-images, train-labels, t10k-images, t10k-labels, unpacked
//	CIFAR files:   data_batch_1, data_batch_2, ..., test_batch
//	image folders: every file with "<part>/<class number>", by role, then checksum
//
// It depends on nothing else: not on the path, file times, compression, or the
// names of pictures. A copy of MNIST has MNIST's digest.
func contentDigest(parts []part) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%s  %s\n", p.sum, p.name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// testKey is TestKey by the registered checksums: the last files are the test
// images'.
func (i Info) testKey() string {
	roles := []string{"t10k-images", "t10k-labels"}
	if i.Format == formatCIFAR {
		roles = []string{"test_batch"}
	}
	var parts []part
	for k, f := range i.Files[max(0, len(i.Files)-len(roles)):] {
		parts = append(parts, part{f.SHA256, roles[k]})
	}
	return contentDigest(parts)
}
