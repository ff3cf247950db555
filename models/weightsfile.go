package models

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Encoded weights start with one of these. In the first form a node has its
// kernel and its bias; in the second it says how many parts it has and names
// them. A network without other parts is written in the first form, so that its
// digest is what it always was.
var weightsMagic = [2][]byte{[]byte("SLIMFITW1"), []byte("SLIMFITW2")}

// MarshalBinary encodes the weights: little-endian, the same bytes for the
// same numbers.
func (w Weights) MarshalBinary() ([]byte, error) {
	first := []Part{Kernel, Bias}
	form := 0
	for _, n := range w {
		if slices.ContainsFunc(Parts(), func(p Part) bool { return !slices.Contains(first, p) && *n.array(p) != nil }) {
			form = 1
		}
	}
	b := append([]byte{}, weightsMagic[form]...)
	number := func(n int) { b = binary.LittleEndian.AppendUint32(b, uint32(n)) }
	text := func(s string) { number(len(s)); b = append(b, s...) }
	number(len(w))
	for _, n := range w {
		text(n.Node)
		parts := first
		if form == 1 {
			parts = slices.DeleteFunc(Parts(), func(p Part) bool { return *n.array(p) == nil })
			number(len(parts))
		}
		for _, p := range parts {
			if form == 1 {
				text(string(p))
			}
			v := *n.array(p)
			number(len(v))
			for _, x := range v {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
			}
		}
	}
	return b, nil
}

var errWeights = errors.New("damaged weights")

// UnmarshalBinary reads what MarshalBinary writes.
func (w *Weights) UnmarshalBinary(b []byte) error {
	form := slices.IndexFunc(weightsMagic[:], func(magic []byte) bool { return bytes.HasPrefix(b, magic) })
	if form < 0 {
		return fmt.Errorf("%w: wrong first bytes", errWeights)
	}
	r := weightsReader{rest: b[len(weightsMagic[form]):]}
	var out Weights
	for range r.number() {
		n := NodeWeights{Node: string(r.bytes(r.number(), 1))}
		if form == 0 {
			n.Kernel, n.Bias = r.floats(), r.floats()
		} else {
			for range r.number() {
				p := Part(r.bytes(r.number(), 1))
				if !slices.Contains(Parts(), p) || *n.array(p) != nil {
					r.bad = true
				}
				if r.bad {
					break
				}
				*n.array(p) = r.floats()
			}
		}
		if r.bad {
			return fmt.Errorf("%w: cut off or wrong in %q", errWeights, n.Node)
		}
		out = append(out, n)
	}
	if r.bad {
		return fmt.Errorf("%w: cut off", errWeights)
	}
	if len(r.rest) != 0 {
		return fmt.Errorf("%w: %d bytes too many", errWeights, len(r.rest))
	}
	if form == 1 { // one form for the same numbers: parts in order, none empty
		if again, _ := out.MarshalBinary(); !bytes.Equal(again, b) {
			return fmt.Errorf("%w: its parts are out of order", errWeights)
		}
	}
	*w = out
	return nil
}

// weightsReader takes numbers off the front; once bad, it gives zeros.
type weightsReader struct {
	rest []byte
	bad  bool
}

func (r *weightsReader) bytes(n, size int) []byte {
	if r.bad || n > len(r.rest)/size {
		r.bad = true
		return nil
	}
	b := r.rest[:n*size]
	r.rest = r.rest[n*size:]
	return b
}

func (r *weightsReader) number() int {
	b := r.bytes(1, 4)
	if b == nil {
		return 0
	}
	return int(binary.LittleEndian.Uint32(b))
}

func (r *weightsReader) floats() []float32 {
	b := r.bytes(r.number(), 4)
	if len(b) == 0 {
		return nil
	}
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

// SHA256 is the digest of the encoded weights, hex: equal if and only if every
// number is, bit for bit.
func (w Weights) SHA256() string {
	b, _ := w.MarshalBinary() // never fails
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
