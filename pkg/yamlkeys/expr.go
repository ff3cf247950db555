package yamlkeys

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Expr is arithmetic on the axes' values: whole numbers, $names, + - * and
// brackets.
//
//	sum     = product {("+" | "-") product}
//	product = factor {"*" factor}
//	factor  = number | $name | "-" factor | "(" sum ")"
type Expr struct {
	Text  string
	Names []string // the distinct axes, in the text's order
	root  *term
}

// term is a node of an expression: a number, a name, or two terms.
type term struct {
	op          byte // '+', '-', '*'; 0 for a leaf
	left, right *term
	name        string
	number      int64
}

// arithmetic is what a text has to look like to be read as an expression: a
// $name and an operator, and nothing else but what people also try.
var arithmetic = regexp.MustCompile(`^[-+*() ]*[A-Za-z0-9_$][-+*()/%. A-Za-z0-9_$]*$`)

// maxExpr bounds an expression in bytes, and so its depth.
const maxExpr = 200

// expression reads a node that is arithmetic; ok is false for any other.
func expression(n *yaml.Node) (e *Expr, ok bool, err error) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || !strings.Contains(n.Value, "$") || !strings.ContainsAny(n.Value, "+-*(/%") ||
		!arithmetic.MatchString(n.Value) {
		return nil, false, nil
	}
	if len(n.Value) > maxExpr {
		return nil, true, fmt.Errorf("the arithmetic is longer than %d bytes", maxExpr)
	}
	p := exprParser{rest: n.Value, e: &Expr{Text: n.Value}}
	p.e.root, err = p.sum()
	if err == nil && p.peek() != 0 {
		err = fmt.Errorf("nothing fits before %q", p.rest)
	}
	if err != nil {
		return nil, true, fmt.Errorf("cannot read %q: %w; arithmetic has whole numbers, $names, + - * and brackets", n.Value, err)
	}
	return p.e, true, nil
}

// References are the axes that a node names, by "$name" or in arithmetic.
func References(n *yaml.Node) []string {
	if name, ok := Reference(n); ok {
		return []string{name}
	}
	if e, ok, err := expression(n); ok && err == nil {
		return e.Names
	}
	return nil
}

type exprParser struct {
	rest string
	e    *Expr
}

// peek is the next byte that is no space; 0 at the end.
func (p *exprParser) peek() byte {
	if p.rest = strings.TrimLeft(p.rest, " "); p.rest == "" {
		return 0
	}
	return p.rest[0]
}

func (p *exprParser) sum() (*term, error) { return p.chain("+-", p.product) }

func (p *exprParser) product() (*term, error) { return p.chain("*", p.factor) }

// chain reads parts joined by the operators, from left to right.
func (p *exprParser) chain(operators string, part func() (*term, error)) (*term, error) {
	left, err := part()
	for err == nil && p.peek() != 0 && strings.IndexByte(operators, p.peek()) >= 0 {
		t := &term{op: p.peek(), left: left}
		p.rest = p.rest[1:]
		t.right, err = part()
		left = t
	}
	return left, err
}

func (p *exprParser) factor() (*term, error) {
	switch c := p.peek(); {
	case c == '-':
		p.rest = p.rest[1:]
		right, err := p.factor()
		return &term{op: '-', left: &term{}, right: right}, err
	case c == '(':
		p.rest = p.rest[1:]
		t, err := p.sum()
		if err == nil && p.peek() != ')' {
			err = fmt.Errorf("a bracket is not closed")
		}
		p.rest = strings.TrimPrefix(p.rest, ")")
		return t, err
	case c == '$':
		name := p.word(p.rest[1:])
		if !IsName(name) {
			return nil, fmt.Errorf("no axis's name after $")
		}
		p.rest = p.rest[1+len(name):]
		if !slices.Contains(p.e.Names, name) {
			p.e.Names = append(p.e.Names, name)
		}
		return &term{name: name}, nil
	case c >= '0' && c <= '9':
		digits := p.word(p.rest)
		x, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || x > MaxExact || len(digits) > 1 && digits[0] == '0' {
			return nil, fmt.Errorf("%q is no whole number here", digits)
		}
		p.rest = p.rest[len(digits):]
		return &term{number: x}, nil
	case c == 0:
		return nil, fmt.Errorf("it ends too early")
	}
	return nil, fmt.Errorf("nothing fits before %q", p.rest)
}

// word is the letters, digits and _ that s begins with.
func (p *exprParser) word(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool {
		return !(r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
	if end < 0 {
		end = len(s)
	}
	return s[:end]
}

// Value computes the expression; of gives the value of an axis. It fails beyond
// what every JSON reader keeps exactly.
func (e *Expr) Value(of func(name string) int64) (int64, error) {
	x, ok := e.root.value(of)
	if !ok {
		return 0, fmt.Errorf("%s is beyond %d", e.Text, int64(MaxExact))
	}
	return x, nil
}

func (t *term) value(of func(string) int64) (int64, bool) {
	if t.op == 0 && t.name != "" {
		x := of(t.name)
		return x, x >= -MaxExact && x <= MaxExact
	}
	if t.op == 0 {
		return t.number, true
	}
	a, ok := t.left.value(of)
	b, good := t.right.value(of)
	if !ok || !good {
		return 0, false
	}
	x := a + b
	switch t.op {
	case '-':
		x = a - b
	case '*':
		if a != 0 && a*b/a != b { // it overflowed
			return 0, false
		}
		x = a * b
	}
	return x, x >= -MaxExact && x <= MaxExact
}
