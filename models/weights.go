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

// Part names one of a node's arrays of trained numbers.
type Part string

const (
	Kernel Part = "kernel" // see Node.KernelShape
	Bias   Part = "bias"   // one number a channel
)

// Parts lists the parts in the order that files have them.
func Parts() []Part { return []Part{Kernel, Bias} }

// NodeWeights are the trained numbers of one node (see Spec.Nodes), row-major;
// a part that the node does not have is nil.
type NodeWeights struct {
	Node   string
	Kernel []float32
	Bias   []float32
}

// Weights are a network's trained numbers, sorted by node name. Nodes without
// any have no entry.
type Weights []NodeWeights

// array is where the node keeps the part.
func (n *NodeWeights) array(p Part) *[]float32 {
	if p == Kernel {
		return &n.Kernel
	}
	return &n.Bias
}

// Set stores one part of a node.
func (w *Weights) Set(node string, p Part, values []float32) {
	i, ok := w.find(node)
	if !ok {
		*w = slices.Insert(*w, i, NodeWeights{Node: node})
	}
	*(*w)[i].array(p) = values
}

// Get returns one part of a node, and whether it is there.
func (w Weights) Get(node string, p Part) ([]float32, bool) {
	i, ok := w.find(node)
	if !ok {
		return nil, false
	}
	values := *w[i].array(p)
	return values, values != nil
}

// Of returns the node's numbers once they are checked: every part that the node
// has is there, with as many numbers as its shape needs, and all are finite. A
// NaN or an infinity comes from a run that diverged.
func (w Weights) Of(n Node) (NodeWeights, error) {
	i, ok := w.find(n.Name)
	if !ok {
		return NodeWeights{}, fmt.Errorf("%s: no weights", n.Name)
	}
	v := w[i]
	for _, p := range Parts() {
		values := *v.array(p)
		if len(values) != n.Size(p) {
			return v, fmt.Errorf("%s: %s has %d values, its shape %v needs %d", n.Name, p, len(values), n.Shape(p), n.Size(p))
		}
		for i, x := range values {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return v, fmt.Errorf("%s: value %d is %v: the run diverged", n.Name, i, x)
			}
		}
	}
	return v, nil
}

// Array is one part of a node with its shape.
type Array struct {
	Node   string
	Part   Part
	Shape  []int
	Values []float32
}

// Name is the array's name in files: node/part.
func (a Array) Name() string { return a.Node + "/" + string(a.Part) }

// Arrays lists the network's weights in reading order, each node's parts in the
// order of Parts. It fails where they do not fit the network; see Of.
func (w Weights) Arrays(spec Spec) ([]Array, error) {
	nodes, err := spec.Nodes()
	if err != nil {
		return nil, err
	}
	var all []Array
	for _, n := range nodes {
		if n.KernelShape() == nil {
			continue
		}
		v, err := w.Of(n)
		if err != nil {
			return nil, err
		}
		for _, p := range Parts() {
			if shape := n.Shape(p); shape != nil {
				all = append(all, Array{n.Name, p, shape, *v.array(p)})
			}
		}
	}
	return all, nil
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
		for _, p := range Parts() {
			v := *n.array(p)
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
		for _, p := range Parts() {
			if *node.array(p), ok = floats(); !ok {
				return fmt.Errorf("%w: cut off in %q", errWeights, node.Node)
			}
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
