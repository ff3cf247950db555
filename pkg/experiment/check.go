package experiment

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// value is a node that its key accepts, or a reference to an axis.
type value struct {
	node  *yaml.Node
	key   *Key
	kind  Kind
	bad   bool   // a part of it is wrong and left out
	axis  string // of "$axis"; the other fields below are zero
	text  string
	num   float64
	truth bool
	items []*value
	pairs []pair // Mapping and Table, in the file's order
	any   any
}

type pair struct {
	name string
	node *yaml.Node // of the name
	*value
}

// good says that the value is there and right as a whole.
func (v *value) good() bool { return v != nil && !v.bad }

// get returns the value of a key, or nil. It is safe on a nil value.
func (v *value) get(name string) *value {
	if v == nil {
		return nil
	}
	for _, p := range v.pairs {
		if p.name == name {
			return p.value
		}
	}
	return nil
}

// reserved names are for later versions.
func reserved(name string) bool { return name == "batchnorm" || name == "augment" }

// reference reads "$name" of an axis.
func reference(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		return "", false
	}
	name, ok := strings.CutPrefix(n.Value, "$")
	return name, ok && isAxisName(name)
}

// isAxisName is axisName without a regular expression.
func isAxisName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

// check returns the node as a value of the key. Where it notes errors, the
// value is bad, or nil if there is nothing right about it, so that what is
// right is still checked against the rest of the file. path names the key in
// errors.
func (p *problems) check(n *yaml.Node, k *Key, path string) *value {
	if name, ok := reference(n); ok && k.Axis {
		return &value{node: n, key: k, axis: name}
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		if len(k.Forms) == 1 && k.Forms[0].Kind == Mapping && len(k.Forms[0].Keys) == 0 {
			p.add(n, "%s: no value; write {}", path)
		} else {
			p.add(n, "%s: no value; give one or leave the key out", path)
		}
		return nil
	}
	if _, ok := k.form(Any); ok {
		return p.checkAny(n, k, path)
	}
	if !standardTag(n) {
		p.add(n, "%s: the tag %s is not supported", path, n.Tag)
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		if f, ok := k.form(Mapping); ok {
			return p.checkMapping(n, k, f, path)
		}
		if f, ok := k.form(Table); ok {
			return p.checkTable(n, k, f, path)
		}
	case yaml.SequenceNode:
		if f, ok := k.form(List); ok {
			return p.checkList(n, k, f, path)
		}
	case yaml.ScalarNode:
		return p.checkScalar(n, k, path)
	}
	p.wrong(n, k, path, "")
	return nil
}

// wrong notes a value that no form of the key accepts.
func (p *problems) wrong(n *yaml.Node, k *Key, path, hint string) {
	p.add(n, "%s: want %s, got %s%s", path, k.accepts(), describeNode(n), hint)
}

func standardTag(n *yaml.Node) bool {
	switch n.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!map", "!!seq", "!!timestamp":
		return true
	}
	return false
}

func (p *problems) checkList(n *yaml.Node, k *Key, f Form, path string) *value {
	if count := float64(len(n.Content)); count < f.Min || count > f.Max {
		switch {
		case f.Min == f.Max:
			p.add(n, "%s: want %s items, got %d", path, trim(f.Min), len(n.Content))
		case count < f.Min:
			p.add(n, "%s: want at least %s item, got an empty list", path, trim(f.Min))
		default:
			p.add(n, "%s: at most %s items, got %d", path, trim(f.Max), len(n.Content))
		}
		return nil
	}
	v := &value{node: n, key: k, kind: List}
	for i, c := range n.Content {
		item := p.check(c, f.Item, path+"["+strconv.Itoa(i)+"]")
		v.bad = v.bad || !item.good()
		if item != nil {
			v.items = append(v.items, item)
		}
	}
	return v
}

func (p *problems) checkMapping(n *yaml.Node, k *Key, f Form, path string) *value {
	v := &value{node: n, key: k, kind: Mapping}
	if f.One && len(n.Content) != 2 {
		p.add(n, "%s: want one of %s, got %d keys", path, strings.Join(f.names(), ", "), len(n.Content)/2)
		return nil
	}
	misspelt := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		sub := f.key(name.Value)
		if sub == nil {
			p.unknown(name, f, path)
			misspelt[nearest(name.Value, f.names())] = true
			v.bad = true
			continue
		}
		v.add(name, p.check(n.Content[i+1], sub, join(path, name.Value)))
	}
	for _, sub := range f.Keys {
		if sub.Required && !misspelt[sub.Name] && !hasKey(n, sub.Name) {
			p.add(n, "%s is missing: %s", join(path, sub.Name), "give "+sub.accepts())
			v.bad = true
		}
	}
	given := func(name string) bool { return hasKey(n, name) || misspelt[name] }
	if x := f.Needs; len(x) > 0 && !slices.ContainsFunc(x, given) {
		p.add(n, "%s: give %s", path, strings.Join(x, " or "))
		v.bad = true
	}
	if x := f.Exclusive; len(x) > 0 && !slices.ContainsFunc(x, func(name string) bool { return !hasKey(n, name) }) {
		p.add(lookup(n, x[len(x)-1]), "%s: %s are both given; keep one", path, strings.Join(x, " and "))
		v.bad = true
	}
	return v
}

// add appends a key's value; a nil value makes the whole bad.
func (v *value) add(name *yaml.Node, c *value) {
	v.bad = v.bad || !c.good()
	if c != nil {
		v.pairs = append(v.pairs, pair{name.Value, name, c})
	}
}

// lookup is the value of a mapping's key, or nil.
func lookup(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func hasKey(n *yaml.Node, name string) bool { return lookup(n, name) != nil }

func (p *problems) unknown(n *yaml.Node, f Form, path string) {
	in := ""
	if path != "" {
		in = " in " + path
	}
	if reserved(n.Value) {
		p.add(n, "%q%s is a reserved name: this version does not have it", n.Value, in)
		return
	}
	hint := DidYouMean(n.Value, f.names(), "%q")
	if hint == "" && len(f.Keys) > 0 {
		hint = "; known are " + strings.Join(f.names(), ", ")
	}
	p.add(n, "unknown key %q%s%s", n.Value, in, hint)
}

func (p *problems) checkTable(n *yaml.Node, k *Key, f Form, path string) *value {
	v := &value{node: n, key: k, kind: Table}
	if len(n.Content) == 0 {
		p.add(n, "%s: want %s, got an empty mapping", path, f.Hint)
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		sub := f.key(name.Value)
		if sub == nil {
			sub = f.Item
			if !f.Pattern.MatchString(name.Value) {
				p.add(name, "%s: %q is no name here: want %s", path, name.Value, f.Names)
				v.bad = true
				continue
			}
		}
		v.add(name, p.check(n.Content[i+1], sub, join(path, name.Value)))
	}
	return v
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
