package claims

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// key is a key that a mapping of the file may have.
type key struct {
	name string
	want shape
}

// shape is what may stand at a key, in words.
type shape string

const (
	words    shape = "text"
	number   shape = "a number"
	truth    shape = "true or false"
	list     shape = "a list"
	wordList shape = "a list of texts"
	mappings shape = "a list of mappings"
	anything shape = ""
)

func keyNames(keys []key) string {
	var all []string
	for _, k := range keys {
		all = append(all, k.name)
	}
	return strings.Join(all, ", ")
}

// reader collects what is wrong with a file.
type reader struct {
	file   string
	faults []error
}

func (r *reader) fault(line int, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s:%d: %w", r.file, line, fmt.Errorf(format, args...)))
}

// decode reads a mapping into the struct out, once its keys and the shapes of
// their values are right; what names the mapping.
func (r *reader) decode(node *yaml.Node, what string, keys []key, out any) bool {
	if node = resolve(node); node.Kind != yaml.MappingNode {
		r.fault(node.Line, "%s is a mapping with the keys %s", what, keyNames(keys))
		return false
	}
	before := len(r.faults)
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		at := slices.IndexFunc(keys, func(k key) bool { return k.name == name.Value })
		switch {
		case at < 0:
			r.fault(name.Line, "unknown key %q, want one of %s", name.Value, keyNames(keys))
		case seen[name.Value]:
			r.fault(name.Line, "the key %q is there twice; keep one", name.Value)
		case !keys[at].want.fits(value):
			r.fault(value.Line, "%s: want %s", name.Value, keys[at].want)
		}
		seen[name.Value] = true
	}
	if len(r.faults) > before {
		return false
	}
	if err := node.Decode(out); err != nil {
		r.fault(node.Line, "%s: %s", what, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return len(r.faults) == before
}

// resolve follows an alias.
func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// fits says whether a value has the shape; nothing fits every one.
func (s shape) fits(node *yaml.Node) bool {
	node = resolve(node)
	each := func(item func(*yaml.Node) bool) bool {
		return node.Kind == yaml.SequenceNode && !slices.ContainsFunc(node.Content, func(n *yaml.Node) bool { return !item(resolve(n)) })
	}
	switch {
	case s == anything || node.Tag == "!!null":
		return true
	case s == list:
		return node.Kind == yaml.SequenceNode
	case s == wordList:
		return each(func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode })
	case s == mappings:
		return each(func(n *yaml.Node) bool { return n.Kind == yaml.MappingNode })
	case s == number:
		return node.Tag == "!!int" || node.Tag == "!!float"
	case s == truth:
		return node.Tag == "!!bool"
	}
	return node.Kind == yaml.ScalarNode
}

// syntaxError says where a file is no YAML, as editors expect it.
func syntaxError(file string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if where, what, ok := strings.Cut(strings.TrimPrefix(text, "line "), ": "); ok {
		if line, err := strconv.Atoi(where); err == nil {
			return fmt.Errorf("%s:%d: not YAML: %s", file, line, what)
		}
	}
	return errors.New(file + ": not YAML: " + text)
}
