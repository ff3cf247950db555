package yamlkeys

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Value is a node that its key accepts, or a reference to an axis.
type Value struct {
	Node  *yaml.Node
	Key   *Key
	Kind  Kind
	Bad   bool   // a part of it is wrong and left out
	Axis  string // of "$axis"; the other fields below are zero
	Expr  *Expr  // of arithmetic on axes; likewise
	Text  string
	Num   float64
	Truth bool
	Items []*Value
	Pairs []Pair // Mapping and Table, in the file's order
	Any   any
}

// Pair is one key of a mapping.
type Pair struct {
	Name string
	Node *yaml.Node // of the name
	*Value
}

// Good says that the value is there and right as a whole.
func (v *Value) Good() bool { return v != nil && !v.Bad }

// Get returns the value of a key, or nil. It is safe on a nil value.
func (v *Value) Get(name string) *Value {
	if v == nil {
		return nil
	}
	for _, p := range v.Pairs {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

// Reference reads "$name" of an axis.
func Reference(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		return "", false
	}
	name, ok := strings.CutPrefix(n.Value, "$")
	return name, ok && IsName(name)
}

// NamePattern is the form of the names that "$name" refers to.
const NamePattern = `[A-Za-z][A-Za-z0-9_]{0,63}`

// IsName is NamePattern without a regular expression.
func IsName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

// Check returns the node as a value of the key. Where it notes errors, the
// value is bad, or nil if there is nothing right about it, so that what is
// right is still checked against the rest of the file. path names the key in
// errors.
func (p *Reader) Check(n *yaml.Node, k *Key, path string) *Value {
	if name, ok := Reference(n); ok && k.Axis {
		return &Value{Node: n, Key: k, Axis: name}
	}
	if k.Axis {
		if e, ok, err := expression(n); err != nil {
			p.Add(n, "%s: %v", path, err)
			return nil
		} else if ok {
			return &Value{Node: n, Key: k, Expr: e}
		}
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		if len(k.Forms) == 1 && k.Forms[0].Kind == MappingKind && len(k.Forms[0].Keys) == 0 {
			p.Add(n, "%s: no value; write {}", path)
		} else {
			p.Add(n, "%s: no value; give one or leave the key out", path)
		}
		return nil
	}
	if _, ok := k.Form(AnyKind); ok {
		return p.checkAny(n, k, path)
	}
	if !standardTag(n) {
		p.Add(n, "%s: the tag %s is not supported", path, n.Tag)
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		if f, ok := k.Form(MappingKind); ok {
			return p.checkMapping(n, k, f, path)
		}
		if f, ok := k.Form(TableKind); ok {
			return p.checkTable(n, k, f, path)
		}
	case yaml.SequenceNode:
		if f, ok := k.Form(ListKind); ok {
			return p.checkList(n, k, f, path)
		}
	case yaml.ScalarNode:
		return p.checkScalar(n, k, path)
	}
	p.wrong(n, k, path, "")
	return nil
}

// wrong notes a value that no form of the key accepts.
func (p *Reader) wrong(n *yaml.Node, k *Key, path, hint string) {
	p.Add(n, "%s: want %s, got %s%s", path, k.Accepts(), Describe(n), hint)
}

func standardTag(n *yaml.Node) bool {
	switch n.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!map", "!!seq", "!!timestamp":
		return true
	}
	return false
}

func (p *Reader) checkList(n *yaml.Node, k *Key, f Form, path string) *Value {
	if count := float64(len(n.Content)); count < f.Min || count > f.Max {
		switch {
		case f.Min == f.Max:
			p.Add(n, "%s: want %s items, got %d", path, Trim(f.Min), len(n.Content))
		case count < f.Min:
			p.Add(n, "%s: want at least %s item, got an empty list", path, Trim(f.Min))
		default:
			p.Add(n, "%s: at most %s items, got %d", path, Trim(f.Max), len(n.Content))
		}
		return nil
	}
	v := &Value{Node: n, Key: k, Kind: ListKind}
	for i, c := range n.Content {
		item := p.Check(c, f.Item, path+"["+strconv.Itoa(i)+"]")
		v.Bad = v.Bad || !item.Good()
		if item != nil {
			v.Items = append(v.Items, item)
		}
	}
	return v
}

func (p *Reader) checkMapping(n *yaml.Node, k *Key, f Form, path string) *Value {
	v := &Value{Node: n, Key: k, Kind: MappingKind}
	if f.One && len(n.Content)/2-f.beside(n) != 1 {
		p.Add(n, "%s: want one of %s, got %d keys", path, strings.Join(f.ones(), ", "), len(n.Content)/2)
		return nil
	}
	misspelt := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		sub := f.Key(name.Value)
		if sub == nil {
			p.unknown(name, f, path)
			misspelt[Nearest(name.Value, f.names())] = true
			v.Bad = true
			continue
		}
		v.add(name, p.Check(n.Content[i+1], sub, Join(path, name.Value)))
	}
	for _, sub := range f.Keys {
		if sub.Required && !misspelt[sub.Name] && !HasKey(n, sub.Name) {
			p.Add(n, "%s is missing: %s", Join(path, sub.Name), "give "+sub.Accepts())
			v.Bad = true
		}
	}
	given := func(name string) bool { return HasKey(n, name) || misspelt[name] }
	if x := f.Needs; len(x) > 0 && !slices.ContainsFunc(x, given) {
		p.Add(n, "%s: give %s", path, strings.Join(x, " or "))
		v.Bad = true
	}
	if x := f.Exclusive; len(x) > 0 && !slices.ContainsFunc(x, func(name string) bool { return !HasKey(n, name) }) {
		p.Add(Lookup(n, x[len(x)-1]), "%s: %s are both given; keep one", path, strings.Join(x, " and "))
		v.Bad = true
	}
	return v
}

// add appends a key's value; a nil value makes the whole bad.
func (v *Value) add(name *yaml.Node, c *Value) {
	v.Bad = v.Bad || !c.Good()
	if c != nil {
		v.Pairs = append(v.Pairs, Pair{name.Value, name, c})
	}
}

// Lookup is the value of a mapping's key, or nil.
func Lookup(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// HasKey says whether a mapping has the key.
func HasKey(n *yaml.Node, name string) bool { return Lookup(n, name) != nil }

func (p *Reader) unknown(n *yaml.Node, f Form, path string) {
	in := ""
	if path != "" {
		in = " in " + path
	}
	if slices.Contains(p.Doc.Reserved, n.Value) {
		p.Add(n, "%q%s is a reserved name: this version does not have it", n.Value, in)
		return
	}
	hint := DidYouMean(n.Value, f.names(), "%q")
	if hint == "" && len(f.Keys) > 0 {
		hint = "; known are " + strings.Join(f.names(), ", ")
	}
	p.Add(n, "unknown key %q%s%s", n.Value, in, hint)
}

func (p *Reader) checkTable(n *yaml.Node, k *Key, f Form, path string) *Value {
	v := &Value{Node: n, Key: k, Kind: TableKind}
	if len(n.Content) == 0 {
		p.Add(n, "%s: want %s, got an empty mapping", path, f.Hint)
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		sub := f.Key(name.Value)
		if sub == nil {
			sub = f.Item
			if !f.Pattern.MatchString(name.Value) {
				p.Add(name, "%s: %q is no name here: want %s", path, name.Value, f.Names)
				v.Bad = true
				continue
			}
		}
		v.add(name, p.Check(n.Content[i+1], sub, Join(path, name.Value)))
	}
	return v
}

// Join is the path of a key within a mapping's path.
func Join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
