package experiment

import (
	"math"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// checkScalar takes the first form of the key that accepts the scalar.
func (p *problems) checkScalar(n *yaml.Node, k *Key, path string) *value {
	v := &value{node: n, key: k}
	tag := n.ShortTag()
	for _, f := range k.Forms {
		v.kind = f.Kind
		switch f.Kind {
		case Choice:
			if tag == "!!str" && slices.Contains(f.Values, n.Value) {
				v.text = n.Value
				return v
			}
		case Text:
			if tag != "!!str" && tag != "!!timestamp" {
				continue
			}
			if size := float64(len(n.Value)); size >= f.Min && size <= f.Max && (f.Pattern == nil || f.Pattern.MatchString(n.Value)) {
				v.text = n.Value
				return v
			}
		case Truth:
			if tag == "!!bool" {
				v.truth = n.Value[0] == 't' || n.Value[0] == 'T'
				return v
			}
		case Integer, Number:
			x, ok := parseNumber(n)
			if ok && f.contains(x) && (f.Kind == Number || x == math.Trunc(x)) {
				v.num = x
				return v
			}
		}
	}
	p.wrong(n, k, path, scalarHint(n, k, path))
	return nil
}

// scalarHint adds the likely cause to a refused scalar.
func scalarHint(n *yaml.Node, k *Key, path string) string {
	if _, ok := reference(n); ok {
		return "; matrix values can be used in model and train only"
	}
	x, isNumber := parseNumber(n)
	last := path[strings.LastIndexByte(path, '.')+1:]
	if isNumber && x > 1 && x <= 100 && (last == "accuracy" || last == "confidence" || strings.HasPrefix(path, "target.recall")) {
		return "; it is a fraction: write " + trim(x/100) + " for " + trim(x) + " %"
	}
	if f, ok := k.form(Choice); ok && n.ShortTag() == "!!str" {
		return DidYouMean(n.Value, f.Values, "%q")
	}
	if _, ok := k.form(Text); ok && n.ShortTag() != "!!str" && len(k.Forms) == 1 {
		return "; put it in quotes"
	}
	if f, ok := k.form(List); ok && f.Item != nil && last == "model" {
		if l, ok := f.Item.form(Mapping); ok {
			return DidYouMean(n.Value, l.names(), "%q")
		}
	}
	return ""
}

// parseNumber reads a finite YAML number.
func parseNumber(n *yaml.Node) (float64, bool) {
	switch n.ShortTag() {
	case "!!int", "!!float":
		var x float64
		if n.Kind != yaml.ScalarNode || n.Decode(&x) != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return 0, false
		}
		return x, true
	}
	return 0, false
}

// checkAny accepts every value that JSON can hold.
func (p *problems) checkAny(n *yaml.Node, k *Key, path string) *value {
	v := &value{node: n, key: k, kind: Any}
	before := len(p.errs) + p.dropped
	v.any = p.plain(n, path)
	if len(p.errs)+p.dropped > before {
		return nil
	}
	return v
}

// plain turns a node into int, float64, string, bool, []any or map[string]any.
func (p *problems) plain(n *yaml.Node, path string) any {
	switch {
	case n.ShortTag() == "!!null":
		p.add(n, "%s: no value", path)
		return nil
	case !standardTag(n):
		p.add(n, "%s: the tag %s is not supported", path, n.Tag)
		return nil
	}
	if name, ok := reference(n); ok {
		p.add(n, "%s: a matrix value cannot refer to another axis ($%s)", path, name)
		return nil
	}
	switch n.Kind {
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			list[i] = p.plain(c, path)
		}
		return list
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = p.plain(n.Content[i+1], path)
		}
		return m
	}
	return p.plainScalar(n, path)
}

func (p *problems) plainScalar(n *yaml.Node, path string) any {
	switch n.ShortTag() {
	case "!!bool":
		return n.Value[0] == 't' || n.Value[0] == 'T'
	case "!!int", "!!float":
		x, ok := parseNumber(n)
		if !ok {
			p.add(n, "%s: want a finite number, got %s", path, describeNode(n))
			return nil
		}
		if n.ShortTag() == "!!int" && math.Abs(x) <= maxExact {
			return int(x)
		}
		return x
	}
	return n.Value
}
