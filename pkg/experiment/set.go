package experiment

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxSet bounds one --set value.
const maxSet = 64 << 10

// set applies one KEY=VALUE of --set to the root: KEY is a path of keys and
// list positions (from 0) joined by dots, VALUE is YAML. What is missing on
// the way is made; the result goes through the same checks as a file.
func (p *problems) set(root *yaml.Node, arg string) {
	label := "--set " + arg
	if len(label) > 80 {
		label = label[:80] + "..."
	}
	fail := func(format string, args ...any) {
		at := &yaml.Node{}
		p.origins[at] = label
		p.add(at, format, args...)
	}
	path, value, ok := strings.Cut(arg, "=")
	if path = strings.TrimSpace(path); !ok || path == "" {
		fail("want KEY=VALUE, such as train.steps=2000")
		return
	}
	n := p.setValue(value, label, fail)
	if n == nil {
		return
	}
	steps := strings.Split(path, ".")
	if len(steps) > maxDepth {
		fail("nested deeper than %d levels", maxDepth)
		return
	}
	p.put(root, steps, n, label, fail)
}

// setValue parses the value and marks its nodes as coming from --set.
func (p *problems) setValue(value, label string, fail func(string, ...any)) *yaml.Node {
	if len(value) > maxSet {
		fail("the value is longer than %d bytes", maxSet)
		return nil
	}
	sub := &problems{file: label, origins: map[*yaml.Node]string{}}
	if _, _, bad := badRune([]byte(value)); bad {
		fail("not UTF-8 text, or a control character")
		return nil
	}
	var n *yaml.Node
	if strings.TrimSpace(value) == "" {
		n = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	} else if n = sub.document([]byte(value)); n != nil {
		x := expander{problems: sub}
		n = x.expand(n, 0)
	}
	for _, e := range sub.errs {
		fail("%s", e.Msg)
	}
	if len(sub.errs) > 0 {
		return nil
	}
	p.mark(n, label)
	return n
}

func (p *problems) mark(n *yaml.Node, label string) {
	n.Line, n.Column = 0, 0
	p.origins[n] = label
	for _, c := range n.Content {
		p.mark(c, label)
	}
}

// shortKeys are the keys that a bare value stands for, so that --set
// dataset.validation=1000 works on `dataset: mnist`.
func shortKey(parent string) string {
	switch parent {
	case "dataset":
		return "name"
	case "maxpool", "avgpool":
		return "size"
	case "dense":
		return "units"
	}
	return ""
}

func (p *problems) put(n *yaml.Node, steps []string, value *yaml.Node, label string, fail func(string, ...any)) {
	for i, step := range steps {
		last := i == len(steps)-1
		switch n.Kind {
		case yaml.SequenceNode:
			at, err := strconv.Atoi(step)
			if err != nil || at < 0 || at >= len(n.Content) {
				fail("%s: want a position from 0 to %d of the list, got %q", strings.Join(steps[:i], "."), len(n.Content)-1, step)
				return
			}
			if last {
				n.Content[at] = value
				return
			}
			n = n.Content[at]
		case yaml.MappingNode:
			n = p.child(n, step, last, value, label)
		default:
			fail("%s is %s in the file and has no key %q", strings.Join(steps[:i], "."), describeNode(n), step)
			return
		}
		if !last && n.Kind == yaml.ScalarNode {
			widen(n, steps[i+1], step)
		}
	}
}

// child returns the value of the key, or puts value there when it is the last
// of its path. A missing key starts as an empty mapping.
func (p *problems) child(n *yaml.Node, name string, last bool, value *yaml.Node, label string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			if last {
				p.mark(n.Content[i], label)
				n.Content[i+1] = value
			}
			return n.Content[i+1]
		}
	}
	if !last {
		value = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		p.mark(value, label)
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
	p.mark(key, label)
	n.Content = append(n.Content, key, value)
	if name == "steps" || name == "epochs" { // they exclude each other, and --set wins
		drop(n, map[string]string{"steps": "epochs", "epochs": "steps"}[name])
	}
	return value
}

// widen turns the short form of a value into its mapping.
func widen(n *yaml.Node, next, parent string) {
	short := shortKey(parent)
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
