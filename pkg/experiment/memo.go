package experiment

import (
	"encoding/binary"
	"slices"

	"gopkg.in/yaml.v3"

	"slimfit/models"
	"slimfit/pkg/yamlkeys"
)

// memo keeps what was built of a part of the file, by the values of the axes
// that the part names.
type memo[T any] struct {
	axes []int
	made map[string]T
}

// newMemo is empty, for what is built of the values.
func newMemo[T any](b *binder, values ...*yamlkeys.Value) *memo[T] {
	m := &memo[T]{made: map[string]T{}}
	var walk func(v *yamlkeys.Value)
	walk = func(v *yamlkeys.Value) {
		if v == nil {
			return
		}
		names := []string{v.Axis}
		if v.Expr != nil {
			names = v.Expr.Names
		}
		for _, name := range names {
			if at, ok := b.index[name]; ok && !slices.Contains(m.axes, at) {
				m.axes = append(m.axes, at)
			}
		}
		for _, item := range v.Items {
			walk(item)
		}
		for _, q := range v.Pairs {
			walk(q.Value)
		}
	}
	for _, v := range values {
		walk(v)
	}
	return m
}

// get returns what was kept for the combination, or what build makes of it, and
// whether that is good enough to keep.
func (m *memo[T]) get(c combo, build func() (T, bool)) (T, bool) {
	var space [64]byte
	key := space[:0]
	for _, a := range m.axes {
		key = binary.AppendVarint(key, int64(c[a]))
	}
	if t, ok := m.made[string(key)]; ok {
		return t, true
	}
	t, ok := build()
	if ok {
		m.made[string(key)] = t
	}
	return t, ok
}

// builtLayers is a part of the model; number is the same for equal layers.
type builtLayers struct {
	layers []models.Layer
	nodes  []*yaml.Node
	number uint64
}

// builtRecipe is a recipe with its teacher; number is the same for equal ones.
type builtRecipe struct {
	models.Recipe
	teacher *Teacher
	number  uint64
}

// number tells equal things by their JSON, as models.Config.ID does.
func (g *grower) number(v any) uint64 {
	text := canonical(v)
	n, ok := g.numbers[text]
	if !ok {
		n = uint64(len(g.numbers))
		g.numbers[text] = n
	}
	return n
}

// build makes the layers of a combination, their nodes, and a key that equal
// networks share.
func (g *grower) build(c combo) (layers []models.Layer, nodes []*yaml.Node, key []byte) {
	for i := range g.parts {
		part, _ := g.parts[i].memo.get(c, func() (builtLayers, bool) {
			b := builtLayers{}
			if item := g.parts[i].item; item != nil {
				b.layers, b.nodes = g.list([]*yamlkeys.Value{item}, c)
			} else {
				b.layers, b.nodes = g.layers(g.model, c)
			}
			b.number = g.number(b.layers)
			return b, true
		})
		layers, nodes = append(layers, part.layers...), append(nodes, part.nodes...)
		if len(part.layers) > 0 {
			key = binary.AppendUvarint(key, part.number)
		}
	}
	return layers, nodes, key
}

// part is what the model is built of: an item of its list, or the whole.
type part struct {
	item *yamlkeys.Value // nil: the whole
	memo *memo[builtLayers]
}

// split takes the model apart.
func (g *grower) split() {
	if g.model.Axis != "" || g.model.Kind != yamlkeys.ListKind {
		g.parts = []part{{memo: newMemo[builtLayers](g.binder, g.model)}}
		return
	}
	for _, item := range g.model.Items {
		g.parts = append(g.parts, part{item, newMemo[builtLayers](g.binder, item)})
	}
}

// recipeOf makes the recipe of a combination; false where it is wrong, which is
// noted anew each time.
func (g *grower) recipeOf(c combo) (builtRecipe, bool) {
	return g.recipes.get(c, func() (builtRecipe, bool) {
		b := builtRecipe{Recipe: g.recipe(g.train, c, g.data.Train)}
		var taught bool
		b.teacher, taught = g.teach(&b.Recipe, c)
		ok := g.checkRecipe(b.Recipe, c) && taught
		if ok {
			b.number = g.number(b.Recipe)
		}
		return b, ok
	})
}
