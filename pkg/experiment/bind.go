package experiment

import (
	"slices"

	"gopkg.in/yaml.v3"

	"slimfit/pkg/yamlkeys"
)

// binder puts the matrix's values where model and train refer to them.
type binder struct {
	*problems
	*matrix
	places map[*yamlkeys.Value][]*yamlkeys.Value         // by reference: one value for each value of its axis, nil where it is wrong
	sums   map[*yamlkeys.Value]map[int64]*yamlkeys.Value // by arithmetic: one value for each result, nil where it is wrong
}

// references notes references to no axis and axes without a reference, and
// reports whether there are none. It reads the nodes, so that it works in a
// file with other errors.
func (p *problems) references(root *yaml.Node) bool {
	before := p.Count()
	axes := axisNodes(yamlkeys.Lookup(root, "matrix"))
	var names []string
	known, used := map[string]bool{}, map[string]bool{}
	for _, a := range axes {
		names = append(names, a.Value)
		known[a.Value] = true
	}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for _, name := range yamlkeys.References(n) {
			used[name] = true
			if !known[name] {
				used[yamlkeys.Nearest(name, names)] = true // say it once
				p.Add(n, "there is no axis %q in matrix%s", name, yamlkeys.DidYouMean(name, names, "%q"))
			}
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	for _, key := range []string{"model", "train"} {
		if n := yamlkeys.Lookup(root, key); n != nil {
			walk(n)
		}
	}
	for _, a := range axes {
		if !used[a.Value] {
			p.Add(a, "matrix: the axis %s is not used; write $%s in model or train where its value belongs", a.Value, a.Value)
		}
	}
	return p.Count() == before
}

// axisNodes lists the first mention of each axis in a matrix.
func axisNodes(n *yaml.Node) []*yaml.Node {
	var axes []*yaml.Node
	seen := map[string]bool{"include": true, "exclude": true}
	add := func(n *yaml.Node) {
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if !seen[k.Value] && yamlkeys.IsName(k.Value) {
				axes = append(axes, k)
			}
			seen[k.Value] = true
		}
	}
	if n == nil {
		return nil
	}
	add(n)
	if include := yamlkeys.Lookup(n, "include"); include != nil {
		for _, entry := range include.Content {
			add(entry)
		}
	}
	return axes
}

// fill checks the axis values at every reference within v.
func (b *binder) fill(v *yamlkeys.Value) {
	if v == nil {
		return
	}
	if v.Axis != "" {
		at, ok := b.index[v.Axis]
		if !ok {
			return // noted as a reference to no axis
		}
		a := b.axes[at]
		checked := make([]*yamlkeys.Value, len(a.values))
		for i, x := range a.values {
			checked[i] = b.Check(x.node, v.Key, "matrix."+a.name+" as "+v.Key.Name)
		}
		b.places[v] = checked
		return
	}
	if v.Expr != nil {
		b.compute(v)
		return
	}
	for _, item := range v.Items {
		b.fill(item)
	}
	for _, q := range v.Pairs {
		b.fill(q.Value)
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
		b.Add(node, "matrix: the combination %s gives no value to %s", b.describe(b.combos[at]), a.name)
		return false
	}
	return true
}

// at is the value itself, or what its axis has in the combination.
func (b *binder) at(v *yamlkeys.Value, c combo) *yamlkeys.Value {
	switch {
	case v == nil || v.Axis == "" && v.Expr == nil:
		return v
	case v.Expr != nil:
		x, _ := b.result(v.Expr, c)
		return b.sums[v][x]
	}
	return b.places[v][c[b.index[v.Axis]]]
}

// get is the key's value in the combination, or nil where it is not given.
func (b *binder) get(v *yamlkeys.Value, name string, c combo) *yamlkeys.Value {
	return b.at(v.Get(name), c)
}

// compute checks the results of arithmetic, once for each that some combination
// gives.
func (b *binder) compute(v *yamlkeys.Value) {
	b.sums[v] = map[int64]*yamlkeys.Value{}
	for _, name := range v.Expr.Names {
		at, ok := b.index[name]
		if !ok {
			return // noted as a reference to no axis
		}
		for _, x := range b.axes[at].values {
			if _, ok := x.any.(int); !ok {
				b.Add(v.Node, "%s: arithmetic wants whole numbers, but the axis %s has %s", v.Expr.Text, name, x.text)
				return
			}
		}
	}
	for _, c := range b.combos {
		if slices.ContainsFunc(v.Expr.Names, func(name string) bool { return c[b.index[name]] < 0 }) {
			continue // see complete
		}
		x, err := b.result(v.Expr, c)
		if err != nil {
			b.Add(v.Node, "%v", err)
			return
		}
		if _, ok := b.sums[v][x]; ok {
			continue
		}
		before := b.Count()
		if b.sums[v][x] = b.Check(b.Number(v.Node, float64(x)), v.Key, v.Expr.Text+" as "+v.Key.Name); b.Count() > before {
			return // one is enough
		}
	}
}

// result is the value of arithmetic in a combination.
func (b *binder) result(e *yamlkeys.Expr, c combo) (int64, error) {
	return e.Value(func(name string) int64 {
		at := b.index[name]
		return int64(b.axes[at].values[c[at]].any.(int))
	})
}
