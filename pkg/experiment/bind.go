package experiment

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// binder puts the matrix's values where model and train refer to them.
type binder struct {
	*problems
	*matrix
	places map[*value][]*value // by reference: one value for each value of its axis, nil where it is wrong
}

// references notes references to no axis and axes without a reference, and
// reports whether there are none. It reads the nodes, so that it works in a
// file with other errors.
func (p *problems) references(root *yaml.Node) bool {
	before := len(p.errs)
	axes := axisNodes(lookup(root, "matrix"))
	var names []string
	known, used := map[string]bool{}, map[string]bool{}
	for _, a := range axes {
		names = append(names, a.Value)
		known[a.Value] = true
	}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if name, ok := reference(n); ok {
			used[name] = true
			if !known[name] {
				used[nearest(name, names)] = true // say it once
				p.add(n, "there is no axis %q in matrix%s", name, DidYouMean(name, names, "%q"))
			}
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	for _, key := range []string{"model", "train"} {
		if n := lookup(root, key); n != nil {
			walk(n)
		}
	}
	for _, a := range axes {
		if !used[a.Value] {
			p.add(a, "matrix: the axis %s is not used; write $%s in model or train where its value belongs", a.Value, a.Value)
		}
	}
	return len(p.errs) == before
}

// axisNodes lists the first mention of each axis in a matrix.
func axisNodes(n *yaml.Node) []*yaml.Node {
	var axes []*yaml.Node
	seen := map[string]bool{"include": true, "exclude": true}
	add := func(n *yaml.Node) {
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if !seen[k.Value] && isAxisName(k.Value) {
				axes = append(axes, k)
			}
			seen[k.Value] = true
		}
	}
	if n == nil {
		return nil
	}
	add(n)
	if include := lookup(n, "include"); include != nil {
		for _, entry := range include.Content {
			add(entry)
		}
	}
	return axes
}

// fill checks the axis values at every reference within v.
func (b *binder) fill(v *value) {
	if v == nil {
		return
	}
	if v.axis != "" {
		at, ok := b.index[v.axis]
		if !ok {
			return // noted as a reference to no axis
		}
		a := b.axes[at]
		checked := make([]*value, len(a.values))
		for i, x := range a.values {
			checked[i] = b.check(x.node, v.key, "matrix."+a.name+" as "+v.key.Name)
		}
		b.places[v] = checked
		return
	}
	for _, item := range v.items {
		b.fill(item)
	}
	for _, q := range v.pairs {
		b.fill(q.value)
	}
}

// complete notes the axes that have no value in some combination.
func (b *binder) complete() bool {
	for i, a := range b.axes {
		at := slices.IndexFunc(b.combos, func(c combo) bool { return c[i] < 0 })
		if at < 0 {
			continue
		}
		var node *yaml.Node
		for j, other := range b.combos[at] { // an include entry's own combination is best shown at that entry
			if other >= 0 {
				node = b.axes[j].values[other].node
			}
		}
		if a.listed && node == nil {
			node = a.node
		} else if !a.listed {
			node = a.node
		}
		b.add(node, "matrix: the combination %s gives no value to %s", b.describe(b.combos[at]), a.name)
		return false
	}
	return true
}

// at is the value itself, or what its axis has in the combination.
func (b *binder) at(v *value, c combo) *value {
	if v == nil || v.axis == "" {
		return v
	}
	return b.places[v][c[b.index[v.axis]]]
}

// get is the key's value in the combination, or nil where it is not given.
func (b *binder) get(v *value, name string, c combo) *value { return b.at(v.get(name), c) }
