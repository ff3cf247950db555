package yamlkeys

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxSet bounds one value of Set.
const maxSet = 64 << 10

// Set applies one KEY=VALUE to the root, a mapping by the key's forms: KEY is a
// path as errors name it (model[0].conv.kernel, or model.0.conv.kernel), VALUE
// is YAML. What is missing on the way is made; the result goes through the same
// checks as a file.
func (p *Reader) Set(root *yaml.Node, key *Key, arg string) {
	label := "--set " + arg
	if len(label) > 80 {
		label = label[:80] + "..."
	}
	s := setter{Reader: p, label: label}
	path, value, ok := strings.Cut(arg, "=")
	if path = strings.TrimSpace(path); !ok || path == "" {
		s.fail("want KEY=VALUE, such as train.steps=2000")
		return
	}
	n := s.value(value)
	if n == nil {
		return
	}
	steps := strings.Split(position.ReplaceAllString(path, ".$1"), ".")
	if len(steps) > maxDepth {
		s.fail("nested deeper than %d levels", maxDepth)
		return
	}
	s.put(root, key, steps, n)
}

// position is an item of a list, as errors write it.
var position = regexp.MustCompile(`\[([0-9]+)\]`)

// setter is at work on one --set.
type setter struct {
	*Reader
	label string
}

func (s *setter) fail(format string, args ...any) {
	at := &yaml.Node{}
	s.origins[at] = s.label
	s.Add(at, format, args...)
}

// value parses the value and marks its nodes as coming from --set.
func (s *setter) value(value string) *yaml.Node {
	if len(value) > maxSet {
		s.fail("the value is longer than %d bytes", maxSet)
		return nil
	}
	sub := New(s.label, s.Doc)
	if _, _, bad := badRune([]byte(value)); bad {
		s.fail("not UTF-8 text, or a control character")
		return nil
	}
	var n *yaml.Node
	if strings.TrimSpace(value) == "" {
		n = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	} else if n = sub.document([]byte(value)); n != nil {
		x := expander{Reader: sub}
		n = x.expand(n, 0)
	}
	for _, e := range sub.errs {
		s.fail("%s", e.Msg)
	}
	if len(sub.errs) > 0 {
		return nil
	}
	s.mark(n)
	return n
}

func (s *setter) mark(n *yaml.Node) {
	n.Line, n.Column = 0, 0
	s.origins[n] = s.label
	for _, c := range n.Content {
		s.mark(c)
	}
}

// put walks down the steps, with the table where it knows them.
func (s *setter) put(n *yaml.Node, key *Key, steps []string, value *yaml.Node) {
	path := "" // walked so far, as errors write it
	for i, step := range steps {
		last := i == len(steps)-1
		list := n.Kind == yaml.SequenceNode
		switch n.Kind {
		case yaml.SequenceNode:
			at, err := strconv.Atoi(step)
			if err != nil || at < 0 || at >= len(n.Content) {
				s.fail("%s: want a position from 0 to %d of the list, got %q", path, len(n.Content)-1, step)
				return
			}
			if last {
				n.Content[at] = value
				return
			}
			n = n.Content[at]
		case yaml.MappingNode:
			n = s.child(n, key, step, last, value)
		default:
			s.fail("%s is %s in the file and has no key %q", path, Describe(n), step)
			return
		}
		key = key.below(step)
		if path = Join(path, step); list {
			path = strings.TrimSuffix(path, "."+step) + "[" + step + "]"
		}
		if !last && n.Kind == yaml.ScalarNode {
			widen(n, key, steps[i+1])
		}
	}
}

// below is the table's key of one step down; nil where it has none.
func (k *Key) below(step string) *Key {
	if k == nil {
		return nil
	}
	for _, f := range k.Forms {
		if sub := f.Key(step); sub != nil {
			return sub
		}
		if f.Item != nil {
			return f.Item
		}
	}
	return nil
}

// child returns the value of the key, or puts value there when it is the last
// of its path. A missing key starts as an empty mapping.
func (s *setter) child(n *yaml.Node, key *Key, name string, last bool, value *yaml.Node) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			if last {
				s.mark(n.Content[i])
				n.Content[i+1] = value
			}
			return n.Content[i+1]
		}
	}
	if !last {
		value = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		s.mark(value)
	}
	word := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
	s.mark(word)
	n.Content = append(n.Content, word, value)
	if key == nil {
		return value
	}
	for _, f := range key.Forms { // of two that exclude each other --set wins
		if len(f.Exclusive) == 2 && slices.Contains(f.Exclusive, name) {
			drop(n, f.Exclusive[1-slices.Index(f.Exclusive, name)])
		}
	}
	return value
}

// widen turns the short form of a value into its mapping.
func widen(n *yaml.Node, key *Key, next string) {
	short := ""
	if key != nil {
		f, _ := key.Form(MappingKind)
		short = f.Short
	}
	if short == "" && n.Tag != "!!null" {
		return
	}
	old := *n
	*n = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: old.Line, Column: old.Column}
	if short != "" && old.Tag != "!!null" && short != next {
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: short, Line: old.Line, Column: old.Column}
		n.Content = append(n.Content, key, &old)
	}
}

func drop(n *yaml.Node, name string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			n.Content = append(n.Content[:i], n.Content[i+2:]...)
			return
		}
	}
}
