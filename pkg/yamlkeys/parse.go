package yamlkeys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Limits of a file.
const (
	MaxBytes  = 1 << 20   // of the file
	maxNodes  = 200_000   // after aliases are expanded
	maxDepth  = 64        // of nesting
	MaxExact  = 1<<53 - 1 // the largest integer that every JSON reader keeps exactly
	MaxErrors = 100       // reported at once
)

// Document says in words what a file is, for its errors.
type Document struct {
	What       string   // "experiment file"
	Keys       string   // "name, dataset and model": some of its keys
	One        string   // "one file is one experiment"
	Empty      string   // the way out of an empty file
	References string   // where "$name" may stand
	Reserved   []string // keys of later versions
}

// Reader collects errors and knows where nodes come from.
type Reader struct {
	File    string
	Doc     Document
	origins map[*yaml.Node]string // of nodes that Set brought in
	errs    Errors
	dropped int // beyond MaxErrors
}

// New is a reader of one file, which it names in errors.
func New(file string, doc Document) *Reader {
	return &Reader{File: file, Doc: doc, origins: map[*yaml.Node]string{}}
}

// Add notes an error at a node; a nil node is the file as a whole.
func (p *Reader) Add(n *yaml.Node, format string, args ...any) {
	e := &Error{File: p.File, Msg: fmt.Sprintf(format, args...)}
	if n != nil {
		if o, ok := p.origins[n]; ok {
			e.File = o
		} else {
			e.Line, e.Column = n.Line, n.Column
		}
	}
	p.append(e)
}

func (p *Reader) append(e *Error) {
	if len(p.errs) >= MaxErrors {
		p.dropped++
		return
	}
	p.errs = append(p.errs, e)
}

// Count is how many errors were noted.
func (p *Reader) Count() int { return len(p.errs) + p.dropped }

// Place is where a node is, as errors say it.
func (p *Reader) Place(n *yaml.Node) string {
	if o, ok := p.origins[n]; ok {
		return o
	}
	return fmt.Sprintf("%s:%d:%d", p.File, n.Line, n.Column)
}

// Number is a number that stands where n does in the file, kept to twelve
// digits where it is not whole.
func (p *Reader) Number(n *yaml.Node, x float64) *yaml.Node {
	w := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatFloat(x, 'f', 0, 64), Line: n.Line, Column: n.Column}
	if x != math.Trunc(x) {
		w.Tag, w.Value = "!!float", strconv.FormatFloat(x, 'g', 12, 64)
	}
	if o, ok := p.origins[n]; ok {
		p.origins[w] = o
	}
	return w
}

// Err returns everything noted, sorted, or nil.
func (p *Reader) Err() error {
	if len(p.errs) == 0 {
		return nil
	}
	p.errs.sort()
	if p.dropped > 0 {
		p.errs = append(p.errs, &Error{File: p.File, Msg: fmt.Sprintf("and %d more errors", p.dropped)})
	}
	return p.errs
}

// Parse reads the bytes as one YAML document and returns its root mapping with
// aliases and merge keys expanded, or nil where that is not possible.
func (p *Reader) Parse(source []byte) *yaml.Node {
	if len(source) > MaxBytes {
		p.Add(nil, "the file is larger than %d bytes; that is no %s", MaxBytes, p.Doc.What)
		return nil
	}
	if line, column, ok := badRune(source); ok {
		p.append(&Error{File: p.File, Line: line, Column: column, Msg: "not UTF-8 text, or a control character"})
		return nil
	}
	root := p.document(source)
	if root == nil {
		return nil
	}
	x := expander{Reader: p}
	root = x.expand(root, 0)
	if x.stopped {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		p.Add(root, "want a mapping of keys such as %s, got %s", p.Doc.Keys, Describe(root))
		return nil
	}
	return root
}

// document decodes exactly one YAML document.
func (p *Reader) document(source []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(source))
	var doc, second yaml.Node
	err := decodeNode(dec, &doc)
	if errors.Is(err, io.EOF) || err == nil && (len(doc.Content) == 0 || doc.Content[0].Tag == "!!null") {
		p.Add(nil, "the file is empty; %s", p.Doc.Empty)
		return nil
	}
	if err != nil {
		p.syntax(err)
		return nil
	}
	if err = decodeNode(dec, &second); err == nil {
		p.Add(&second, "a second document: %s", p.Doc.One)
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
func (p *Reader) syntax(err error) {
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
	p.append(&Error{File: p.File, Line: line, Msg: "not YAML: " + msg})
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
	*Reader
	nodes   int
	stopped bool
	active  []*yaml.Node // the anchors being expanded
}

func (x *expander) stop(n *yaml.Node, format string, args ...any) *yaml.Node {
	if !x.stopped {
		x.Add(n, format, args...)
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
		if slices.Contains(x.active, n.Alias) {
			return x.stop(n, "the alias *%s contains itself", n.Value)
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
			x.Add(k, "a key must be a word, got %s", Describe(k))
			continue
		}
		if f, ok := first[k.Value]; ok {
			x.Add(k, "key %q is given twice, first in line %d", k.Value, f.Line)
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
				x.Add(e, "<<: want a mapping to merge, got %s", Describe(e))
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
			x.Add(from, "<<: want a mapping to merge, got %s", Describe(from))
		}
	}
}

// Describe says what a node is, for an error.
func Describe(n *yaml.Node) string {
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
