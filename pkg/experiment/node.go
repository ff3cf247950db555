package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// problems collects errors and knows where nodes come from.
type problems struct {
	file    string
	origins map[*yaml.Node]string // of nodes that --set brought in
	errs    Errors
	dropped int // beyond maxErrors
}

// add notes an error at a node; a nil node is the file as a whole.
func (p *problems) add(n *yaml.Node, format string, args ...any) {
	e := &Error{File: p.file, Msg: fmt.Sprintf(format, args...)}
	if n != nil {
		if o, ok := p.origins[n]; ok {
			e.File = o
		} else {
			e.Line, e.Column = n.Line, n.Column
		}
	}
	p.append(e)
}

func (p *problems) append(e *Error) {
	if len(p.errs) >= maxErrors {
		p.dropped++
		return
	}
	p.errs = append(p.errs, e)
}

// err returns everything noted, sorted, or nil.
func (p *problems) err() error {
	if len(p.errs) == 0 {
		return nil
	}
	p.errs.sort()
	if p.dropped > 0 {
		p.errs = append(p.errs, &Error{File: p.file, Msg: fmt.Sprintf("and %d more errors", p.dropped)})
	}
	return p.errs
}

// parse reads the bytes as one YAML document and returns its root mapping with
// aliases and merge keys expanded, or nil where that is not possible.
func (p *problems) parse(source []byte) *yaml.Node {
	if len(source) > maxBytes {
		p.add(nil, "the file is larger than %d bytes; that is no experiment file", maxBytes)
		return nil
	}
	if line, column, ok := badRune(source); ok {
		p.append(&Error{File: p.file, Line: line, Column: column, Msg: "not UTF-8 text, or a control character"})
		return nil
	}
	root := p.document(source)
	if root == nil {
		return nil
	}
	x := expander{problems: p}
	root = x.expand(root, 0)
	if x.stopped {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		p.add(root, "want a mapping of keys such as name, dataset and model, got %s", describeNode(root))
		return nil
	}
	return root
}

// document decodes exactly one YAML document.
func (p *problems) document(source []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(source))
	var doc, second yaml.Node
	err := decodeNode(dec, &doc)
	if errors.Is(err, io.EOF) || err == nil && (len(doc.Content) == 0 || doc.Content[0].Tag == "!!null") {
		p.add(nil, "the file is empty; `slimfit init` writes one to start from")
		return nil
	}
	if err != nil {
		p.syntax(err)
		return nil
	}
	if err = decodeNode(dec, &second); err == nil {
		p.add(&second, "a second document: one file is one experiment")
		return nil
	}
	if !errors.Is(err, io.EOF) {
		p.syntax(err)
		return nil
	}
	return doc.Content[0]
}

// decodeNode turns a panic of the YAML library into an error.
func decodeNode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return dec.Decode(n)
}

// syntax notes an error of the YAML library, which has the line in its text.
func (p *problems) syntax(err error) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := regexp.MustCompile(`^line (\d+): (?s)(.*)$`).FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = m[2]
	}
	// The library counts lines from 0 in errors of its parser, from 1 in those
	// of its scanner, and leaves out line 0.
	if line == 0 || regexp.MustCompile(`^did not find expected (node content|key|'-'|',' or|<)`).MatchString(msg) {
		line++
	}
	p.append(&Error{File: p.file, Line: line, Msg: "not YAML: " + msg})
}

// badRune finds the first byte that is not UTF-8, or a control character that
// YAML does not allow.
func badRune(b []byte) (line, column int, found bool) {
	line, column = 1, 1
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 || r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f {
			return line, column, true
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
		b = b[size:]
	}
	return 0, 0, false
}

// expander copies a tree without aliases and merge keys, within bounds, so
// that a small file cannot grow into a huge one.
type expander struct {
	*problems
	nodes   int
	stopped bool
	active  []*yaml.Node // the anchors being expanded
}

func (x *expander) stop(n *yaml.Node, format string, args ...any) *yaml.Node {
	if !x.stopped {
		x.add(n, format, args...)
	}
	x.stopped = true
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
}

func (x *expander) expand(n *yaml.Node, depth int) *yaml.Node {
	x.nodes++
	switch {
	case x.stopped:
		return n
	case depth > maxDepth:
		return x.stop(n, "nested deeper than %d levels", maxDepth)
	case x.nodes > maxNodes:
		return x.stop(n, "more than %d values after aliases are expanded", maxNodes)
	case n.Kind == yaml.AliasNode:
		for _, a := range x.active {
			if a == n.Alias {
				return x.stop(n, "the alias *%s contains itself", n.Value)
			}
		}
		x.active = append(x.active, n.Alias)
		defer func() { x.active = x.active[:len(x.active)-1] }()
		return x.expand(n.Alias, depth+1)
	}
	c := *n
	c.Anchor = ""
	c.Content = make([]*yaml.Node, 0, len(n.Content))
	if n.Kind != yaml.MappingNode {
		for _, e := range n.Content {
			c.Content = append(c.Content, x.expand(e, depth+1))
		}
		return &c
	}
	x.mapping(&c, n, depth)
	return &c
}

// mapping fills dst with the pairs of src; keys that are there win over merged
// ones, and earlier merges over later ones.
func (x *expander) mapping(dst, src *yaml.Node, depth int) {
	first := map[string]*yaml.Node{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(src.Content); i += 2 {
		k := src.Content[i]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Tag == "!!merge" {
			merges = append(merges, src.Content[i+1])
			continue
		}
		if k.Kind != yaml.ScalarNode {
			x.add(k, "a key must be a word, got %s", describeNode(k))
			continue
		}
		if f, ok := first[k.Value]; ok {
			x.add(k, "key %q is given twice, first in line %d", k.Value, f.Line)
			continue
		}
		first[k.Value] = k
		key := *k
		key.Anchor = ""
		dst.Content = append(dst.Content, &key, x.expand(src.Content[i+1], depth+1))
	}
	for _, m := range merges {
		x.merge(dst, x.expand(m, depth+1), first)
	}
}

func (x *expander) merge(dst, from *yaml.Node, first map[string]*yaml.Node) {
	switch from.Kind {
	case yaml.SequenceNode:
		for _, e := range from.Content {
			if e.Kind != yaml.MappingNode {
				x.add(e, "<<: want a mapping to merge, got %s", describeNode(e))
				continue
			}
			x.merge(dst, e, first)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(from.Content); i += 2 {
			if k := from.Content[i]; first[k.Value] == nil {
				first[k.Value] = k
				dst.Content = append(dst.Content, k, from.Content[i+1])
			}
		}
	default:
		if !x.stopped {
			x.add(from, "<<: want a mapping to merge, got %s", describeNode(from))
		}
	}
}

// describeNode says what a node is, for an error.
func describeNode(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.ShortTag() == "!!null" {
		return "nothing"
	}
	v := n.Value
	if len(v) > 40 {
		v = v[:40] + "..."
	}
	switch n.ShortTag() {
	case "!!str":
		return strconv.Quote(v)
	}
	return v
}
