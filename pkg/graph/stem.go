package graph

import (
	"slices"

	"slimfit/models"
)

// stem is a group of networks whose first convolution runs as one: it reads
// the same images with the same kernel size, stride and padding, and the same
// pool follows it.
type stem struct {
	nets []int        // indices of the networks, in order
	conv models.Node  // of the first network; Filters differ
	pool *models.Node // the pool that follows, nil if none does
	wide int          // channels of all networks together
}

// maxBeforeBias says whether max(f(x+b)) equals f(max(x)+b) exactly: f rises
// and costs no rounding of its own. Pooling first makes bias and activation
// work on fewer values.
func maxBeforeBias(a models.Activation) bool {
	switch a {
	case models.Relu, models.Relu6, models.LeakyRelu, models.None:
		return true
	}
	return false
}

// poolsFirst says whether the node after node i is a max pool that may come
// before its bias: nothing else reads node i.
func poolsFirst(nodes []models.Node, i int) bool {
	if i+1 >= len(nodes) || nodes[i+1].Layer.Kind != models.MaxPool || nodes[i+1].Inputs[0] != i {
		return false
	}
	return !nodes[i].Norm && maxBeforeBias(nodes[i].Layer.Activation) && models.Readers(nodes)[i] == 1
}

// stems groups the networks by their first layers, up to models.MaxFused channels a
// group, and lists the networks that do not start with a convolution in rest.
// Every network that starts with a convolution is in a group, alone if need
// be, so that a network is built the same way in a pack and alone.
func stems(nets [][]models.Node) (groups []stem, rest []int) {
	for i, nodes := range nets {
		if nodes[0].Layer.Kind != models.Conv {
			rest = append(rest, i)
			continue
		}
		s := stem{nets: []int{i}, conv: nodes[0], wide: nodes[0].Out.C}
		if poolsFirst(nodes, 0) {
			s.pool = &nodes[1]
		}
		at := slices.IndexFunc(groups, func(g stem) bool { return g.joins(s) })
		if at < 0 {
			groups = append(groups, s)
			continue
		}
		groups[at].nets = append(groups[at].nets, i)
		groups[at].wide += s.wide
	}
	return groups, rest
}

// joins says whether the single network of s fits into the group.
func (g stem) joins(s stem) bool {
	a, b := g.conv.Layer, s.conv.Layer
	a.Filters, b.Filters = 0, 0
	if !a.Equal(b) || (g.pool == nil) != (s.pool == nil) || g.wide+s.wide > models.MaxFused {
		return false
	}
	return g.pool == nil || g.pool.Layer.Equal(s.pool.Layer)
}

// used is the number of leading nodes that the stem replaces.
func (g stem) used() int {
	if g.pool != nil {
		return 2
	}
	return 1
}
