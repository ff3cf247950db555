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
	"strings"
)

// NodeWeights are the trained numbers of one node (see Spec.Nodes) in
// TensorFlow's layout: conv kernels [h, w, in, out], depthwise [h, w, in,
// multiplier], dense [in, out], row-major; biases one a channel.
type NodeWeights struct {
	Node   string
	Kernel []float32
	Bias   []float32 // nil where the node has none
}

// Weights are a network's trained numbers, sorted by node name.
type Weights []NodeWeights

// Set stores a node's kernel or bias.
func (w *Weights) Set(node string, kernel bool, values []float32) {
	i, ok := w.find(node)
	if !ok {
		*w = slices.Insert(*w, i, NodeWeights{Node: node})
	}
	if kernel {
		(*w)[i].Kernel = values
	} else {
		(*w)[i].Bias = values
	}
}

// Get returns a node's kernel or bias.
func (w Weights) Get(node string, kernel bool) ([]float32, bool) {
	i, ok := w.find(node)
	if !ok {
		return nil, false
	}
	if kernel {
		return w[i].Kernel, w[i].Kernel != nil
	}
	return w[i].Bias, w[i].Bias != nil
}

func (w Weights) find(node string) (int, bool) {
	return slices.BinarySearchFunc(w, node, func(n NodeWeights, name string) int { return strings.Compare(n.Node, name) })
}

// weightsMagic starts an encoded Weights.
var weightsMagic = []byte("SLIMFITW1")

// MarshalBinary encodes the weights: little-endian, the same bytes for the
// same numbers.
func (w Weights) MarshalBinary() ([]byte, error) {
	b := append([]byte{}, weightsMagic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(w)))
	for _, n := range w {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(n.Node)))
		b = append(b, n.Node...)
		for _, v := range [][]float32{n.Kernel, n.Bias} {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
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
	rest, ok := bytes.CutPrefix(b, weightsMagic)
	if !ok {
		return fmt.Errorf("%w: wrong first bytes", errWeights)
	}
	next := func() (uint32, bool) {
		if len(rest) < 4 {
			return 0, false
		}
		v := binary.LittleEndian.Uint32(rest)
		rest = rest[4:]
		return v, true
	}
	floats := func() ([]float32, bool) {
		n, ok := next()
		if !ok || uint64(n)*4 > uint64(len(rest)) {
			return nil, false
		}
		if n == 0 {
			return nil, true
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(rest[4*i:]))
		}
		rest = rest[4*n:]
		return v, true
	}
	count, ok := next()
	if !ok {
		return fmt.Errorf("%w: cut off", errWeights)
	}
	var out Weights
	for range count {
		n, ok := next()
		if !ok || uint64(n) > uint64(len(rest)) {
			return fmt.Errorf("%w: cut off", errWeights)
		}
		node := NodeWeights{Node: string(rest[:n])}
		rest = rest[n:]
		var okK, okB bool
		node.Kernel, okK = floats()
		node.Bias, okB = floats()
		if !okK || !okB {
			return fmt.Errorf("%w: cut off in %q", errWeights, node.Node)
		}
		out = append(out, node)
	}
	if len(rest) != 0 {
		return fmt.Errorf("%w: %d bytes too many", errWeights, len(rest))
	}
	*w = out
	return nil
}

// SHA256 is the digest of the encoded weights, hex: equal if and only if every
// number is, bit for bit.
func (w Weights) SHA256() string {
	b, _ := w.MarshalBinary() // never fails
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
