package graph

import (
	"fmt"
	"slices"

	"slimfit/models"
)

// param is one array of trainable numbers. A fused first convolution, and each of
// a stack, is one param that several networks share channel by channel; every
// other param belongs to one network, or to a stack.
type param struct {
	name   string
	shape  []int64
	part   models.Part
	owners []owner // along the last axis, in order

	stacked bool // along the first axis instead, one place each
}

// owner is the share of one network in a param: count channels of the last
// axis from the first on.
type owner struct {
	net    int
	node   string
	first  int
	count  int
	fanIn  int
	fanOut int
}

func (p param) size() int {
	n := 1
	for _, d := range p.shape {
		n *= int(d)
	}
	return n
}

// axis is the one that the owners share.
func (p param) axis() int32 {
	if p.stacked {
		return 0
	}
	return int32(len(p.shape) - 1)
}

// channels is the length of the last axis.
func (p param) channels() int { return int(p.shape[len(p.shape)-1]) }

// sizeOf is the number of values in the owner's share.
func (p param) sizeOf(o owner) int {
	if p.stacked {
		return p.size() / len(p.owners)
	}
	return p.size() / p.channels() * o.count
}

// take copies the owner's share out of the param's values, in the layout it
// would have alone.
func (p param) take(values []float32, o owner) []float32 {
	if p.stacked {
		return slices.Clone(values[o.first*p.sizeOf(o) : (o.first+1)*p.sizeOf(o)])
	}
	all := p.channels()
	out := make([]float32, 0, len(values)/all*o.count)
	for row := 0; row < len(values); row += all {
		out = append(out, values[row+o.first:row+o.first+o.count]...)
	}
	return out
}

// put copies the owner's share into the param's values.
func (p param) put(values []float32, o owner, share []float32) error {
	if len(share) != p.sizeOf(o) {
		return fmt.Errorf("%s: %d numbers, want %d", p.name, len(share), p.sizeOf(o))
	}
	if p.stacked {
		copy(values[o.first*len(share):], share)
		return nil
	}
	all := p.channels()
	for row, at := 0, 0; row < len(values); row, at = row+all, at+o.count {
		copy(values[row+o.first:], share[at:at+o.count])
	}
	return nil
}

// nodeParam is the param of one part of a node; false where it has none.
func nodeParam(name string, net int, n models.Node, part models.Part) (param, bool) {
	shape := n.Shape(part)
	if shape == nil {
		return param{}, false
	}
	p := param{name: name, part: part}
	for _, d := range shape {
		p.shape = append(p.shape, int64(d))
	}
	in, out := n.Fans()
	p.owners = []owner{{net: net, node: n.Name, count: p.channels(), fanIn: in, fanOut: out}}
	return p, true
}
