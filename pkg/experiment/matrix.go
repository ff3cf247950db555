package experiment

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"slimfit/pkg/yamlkeys"
)

// matrix is the expanded matrix of a file.
//
// The rules are those of GitHub Actions. The lists' Cartesian product, first
// axis slowest, are the original combinations. Each exclude entry, a partial
// assignment, removes the originals that agree with all its values. Then each
// include entry, in order: it is added to every original that has the same
// values of the listed axes it names; its values of other axes may overwrite
// what an earlier entry added, never a listed axis's value. An entry that can
// be added to none is a combination of its own, which later entries do not
// change. Unlike there, values that no list has are refused in exclude, and
// every combination must give a value to every axis that is used.
type matrix struct {
	axes   []*axis
	index  map[string]int // of an axis in axes
	combos []combo
}

type axis struct {
	name   string
	node   *yaml.Node
	values []axisValue
	listed bool // has a list; else only include names it
}

type axisValue struct {
	node *yaml.Node
	any  any
	text string // canonical JSON: equal values have equal texts
}

// combo is one combination: for each axis the position of its value, or -1.
type combo []int

// canonical is the value as JSON, with keys sorted and 5.0 written as 5.
func canonical(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v) // not reached: checkAny lets only JSON values through
	}
	return string(b)
}

// position finds a value of the axis, or -1.
func (a *axis) position(text string) int {
	return slices.IndexFunc(a.values, func(v axisValue) bool { return v.text == text })
}

// expandMatrix builds the combinations; nil where the matrix is wrong. A file
// without one has a single combination without axes.
func (p *problems) expandMatrix(v *yamlkeys.Value) *matrix {
	m := &matrix{index: map[string]int{}}
	if v == nil {
		m.combos = []combo{{}}
		return m
	}
	before := p.Count()
	lists := true
	for _, q := range v.Pairs {
		if q.Name != "include" && q.Name != "exclude" {
			p.list(m, q)
			lists = lists && q.Good()
		}
	}
	include, exclude := v.Get("include"), v.Get("exclude")
	if !lists || p.Count() > before || !p.product(m, v.Node, include) {
		return nil
	}
	if exclude != nil {
		p.exclude(m, exclude)
	}
	if include.Good() {
		p.include(m, include)
	}
	if v.Bad || p.Count() > before {
		return nil
	}
	if len(m.combos) == 0 {
		p.Add(v.Node, "matrix: exclude leaves no combination")
		return nil
	}
	return m
}

// list adds an axis and its values.
func (p *problems) list(m *matrix, q yamlkeys.Pair) {
	a := m.axis(p, q.Name, q.Node)
	a.listed = true
	if q.Kind == yamlkeys.MappingKind {
		a.values = p.span(q)
		return
	}
	seen := map[string]bool{}
	for _, item := range q.Items {
		text := canonical(item.Any)
		if seen[text] {
			p.Add(item.Node, "matrix.%s: the value %s is given twice", q.Name, text)
		}
		seen[text] = true
		a.values = append(a.values, axisValue{item.Node, item.Any, text})
	}
}

// span lists the values of a range; all are whole numbers, or none is.
func (p *problems) span(q yamlkeys.Pair) []axisValue {
	if !q.Good() {
		return nil
	}
	from, to, step := q.Float("from", 0), q.Float("to", 0), q.Float("step", 1)
	double := q.Get("log2") != nil && q.Get("log2").Truth
	count := math.Floor((to-from)/step*(1+1e-12)) + 1
	if double {
		count = math.Floor(math.Log2(to/from)+1e-12) + 1
	}
	switch {
	case from > to:
		p.Add(q.Value.Node, "matrix.%s: the range is empty: from %s to %s", q.Name, yamlkeys.Trim(from), yamlkeys.Trim(to))
		return nil
	case double && from <= 0:
		p.Add(q.Value.Node, "matrix.%s: log2 doubles from above 0, got from %s", q.Name, yamlkeys.Trim(from))
		return nil
	case !(count <= maxCombinations):
		p.Add(q.Value.Node, "matrix.%s: %.0f values, at most %d", q.Name, count, maxCombinations)
		return nil
	}
	whole := from == math.Trunc(from) && (double || step == math.Trunc(step))
	values := make([]axisValue, int(count))
	for i := range values {
		x := from + float64(i)*step
		if double {
			x = math.Ldexp(from, i)
		}
		values[i] = axisValue{node: p.Number(q.Value.Node, x)}
		if values[i].any = any(int(x)); !whole {
			values[i].any, _ = strconv.ParseFloat(values[i].node.Value, 64)
		}
		values[i].text = canonical(values[i].any)
	}
	return values
}

// axis returns the axis of that name, made where it is new.
func (m *matrix) axis(p *problems, name string, node *yaml.Node) *axis {
	if i, ok := m.index[name]; ok {
		return m.axes[i]
	}
	if slices.Contains(reserved(), name) {
		p.Add(node, "matrix: %q is a reserved name", name)
	} else if isCost(name) {
		p.Add(node, "matrix: %q is the name of a cost; call the axis something else", name)
	}
	m.index[name] = len(m.axes)
	m.axes = append(m.axes, &axis{name: name, node: node})
	return m.axes[len(m.axes)-1]
}

func (m *matrix) names() []string {
	names := make([]string, len(m.axes))
	for i, a := range m.axes {
		names[i] = a.name
	}
	return names
}

// product makes the original combinations; false where there are too many.
func (p *problems) product(m *matrix, node *yaml.Node, include *yamlkeys.Value) bool {
	if len(m.axes) == 0 {
		return true
	}
	total, own := 1, 0
	for _, a := range m.axes {
		if total *= len(a.values); total > maxCombinations {
			break
		}
	}
	if include != nil {
		own = len(include.Items)
	}
	if total+own > maxCombinations {
		p.Add(node, "matrix: more than %d combinations; give ranges a larger step or log2, or leave an axis out", maxCombinations)
		return false
	}
	n := len(m.axes)
	m.combos = make([]combo, total)
	all := make(combo, total*n) // of all combinations, one after the other
	for k := range m.combos {
		c := all[k*n : (k+1)*n : (k+1)*n]
		for i, rest := n-1, k; i >= 0; i-- {
			c[i], rest = rest%len(m.axes[i].values), rest/len(m.axes[i].values)
		}
		m.combos[k] = c
	}
	return true
}

func (p *problems) exclude(m *matrix, v *yamlkeys.Value) {
	type condition struct{ axis, value int }
	for i, entry := range v.Items {
		var all []condition
		for _, q := range entry.Pairs {
			at, ok := m.index[q.Name]
			if !ok {
				p.Add(q.Node, "matrix.exclude[%d]: there is no axis %q%s", i, q.Name, yamlkeys.DidYouMean(q.Name, m.names(), "%q"))
				continue
			}
			pos := m.axes[at].position(canonical(q.Any))
			if pos < 0 {
				p.Add(q.Value.Node, "matrix.exclude[%d]: the axis %s has no value %s", i, q.Name, canonical(q.Any))
			}
			all = append(all, condition{at, pos})
		}
		m.combos = slices.DeleteFunc(m.combos, func(c combo) bool {
			return !slices.ContainsFunc(all, func(k condition) bool { return c[k.axis] != k.value })
		})
	}
}

func (p *problems) include(m *matrix, v *yamlkeys.Value) {
	listed := len(m.axes)
	originals := len(m.combos)
	for _, entry := range v.Items {
		at, pos := make([]int, len(entry.Pairs)), make([]int, len(entry.Pairs))
		for i, q := range entry.Pairs {
			a := m.axis(p, q.Name, q.Node)
			at[i] = m.index[q.Name]
			text := canonical(q.Any)
			if pos[i] = a.position(text); pos[i] < 0 {
				pos[i] = len(a.values)
				a.values = append(a.values, axisValue{q.Value.Node, q.Any, text})
			}
		}
		for i := range m.combos { // the entry may have brought new axes
			m.combos[i] = m.combos[i].widen(len(m.axes))
		}
		added := false
		for _, c := range m.combos[:originals] {
			fits := true
			for i, a := range at {
				fits = fits && (a >= listed || c[a] == pos[i])
			}
			if !fits {
				continue
			}
			added = true
			for i, a := range at {
				c[a] = pos[i]
			}
		}
		if !added {
			c := combo{}.widen(len(m.axes))
			for i, a := range at {
				c[a] = pos[i]
			}
			m.combos = append(m.combos, c)
		}
	}
}

// widen gives the combination a place for each of n axes.
func (c combo) widen(n int) combo {
	for len(c) < n {
		c = append(c, -1)
	}
	return c
}

// assignment is the combination by axis name.
func (m *matrix) assignment(c combo) map[string]any {
	a := make(map[string]any, len(c))
	for i, pos := range c {
		if pos >= 0 {
			a[m.axes[i].name] = m.axes[i].values[pos].any
		}
	}
	return a
}

// describe writes the combination for an error: "kernel 5, filters 2".
func (m *matrix) describe(c combo) string {
	var words []string
	for i, pos := range c {
		if pos >= 0 {
			words = append(words, m.axes[i].name+" "+FormatValue(m.axes[i].values[pos].any))
		}
	}
	return strings.Join(words, ", ")
}
