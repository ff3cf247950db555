package yamlkeys

import (
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// checkScalar takes the first form of the key that accepts the scalar.
func (p *Reader) checkScalar(n *yaml.Node, k *Key, path string) *Value {
	v := &Value{Node: n, Key: k}
	if p.twoReadings(n, path) {
		return nil
	}
	tag := n.ShortTag()
	for _, f := range k.Forms {
		v.Kind = f.Kind
		switch f.Kind {
		case ChoiceKind:
			if tag == "!!str" && slices.Contains(f.Values, n.Value) {
				v.Text = n.Value
				return v
			}
		case TextKind:
			if tag != "!!str" && tag != "!!timestamp" {
				continue
			}
			if size := float64(len(n.Value)); size >= f.Min && size <= f.Max && (f.Pattern == nil || f.Pattern.MatchString(n.Value)) {
				v.Text = n.Value
				return v
			}
		case TruthKind:
			if tag == "!!bool" {
				v.Truth = n.Value[0] == 't' || n.Value[0] == 'T'
				return v
			}
		case IntegerKind, NumberKind:
			x, ok := parseNumber(n)
			if !ok && f.Amount != nil && tag == "!!str" {
				x, ok = f.Amount(n.Value)
			}
			if ok && f.contains(x) && (f.Kind == NumberKind || x == math.Trunc(x)) {
				v.Num = x
				return v
			}
		}
	}
	p.wrong(n, k, path, p.scalarHint(n, k))
	return nil
}

// scalarHint adds the likely cause to a refused scalar.
func (p *Reader) scalarHint(n *yaml.Node, k *Key) string {
	if _, ok := Reference(n); ok {
		return "; " + p.Doc.References
	}
	if k.Without != "" && slices.Contains([]string{"none", "no", "off", "false", "0"}, n.Value) {
		return "; " + k.Without
	}
	if x, ok := parseNumber(n); ok && k.Fraction && x > 1 && x <= 100 {
		return "; it is a fraction: write " + Trim(x/100) + " for " + Trim(x) + " %"
	}
	if f, ok := k.Form(ChoiceKind); ok && n.ShortTag() == "!!str" {
		return DidYouMean(n.Value, f.Values, "%q")
	}
	if _, ok := k.Form(TextKind); ok && n.ShortTag() != "!!str" && len(k.Forms) == 1 {
		return "; put it in quotes"
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
func (p *Reader) checkAny(n *yaml.Node, k *Key, path string) *Value {
	v := &Value{Node: n, Key: k, Kind: AnyKind}
	before := p.Count()
	v.Any = p.plain(n, path)
	if p.Count() > before {
		return nil
	}
	return v
}

// plain turns a node into int, float64, string, bool, []any or map[string]any.
func (p *Reader) plain(n *yaml.Node, path string) any {
	switch {
	case n.ShortTag() == "!!null":
		p.Add(n, "%s: no value", path)
		return nil
	case !standardTag(n):
		p.Add(n, "%s: the tag %s is not supported", path, n.Tag)
		return nil
	}
	if names := References(n); names != nil {
		p.Add(n, "%s: a matrix value cannot refer to another axis ($%s)", path, names[0])
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

func (p *Reader) plainScalar(n *yaml.Node, path string) any {
	switch n.ShortTag() {
	case "!!bool":
		return n.Value[0] == 't' || n.Value[0] == 'T'
	case "!!int", "!!float":
		if p.twoReadings(n, path) {
			return nil
		}
		x, ok := parseNumber(n)
		if !ok {
			p.Add(n, "%s: want a finite number, got %s", path, Describe(n))
			return nil
		}
		if n.ShortTag() == "!!int" && math.Abs(x) <= MaxExact {
			return int(x)
		}
		return x
	}
	return n.Value
}

// odd are the whole numbers that YAML 1.1 and 1.2 read differently: leading
// zeros, underscores, binary.
var odd = regexp.MustCompile(`^[-+]?(0[0-9_]+|[0-9]*_[0-9_]*|0b[01_]+)$`)

// twoReadings notes a number that readers of YAML do not agree on.
func (p *Reader) twoReadings(n *yaml.Node, path string) bool {
	if tag := n.ShortTag(); tag != "!!int" && tag != "!!float" || !odd.MatchString(n.Value) {
		return false
	}
	digits := strings.ReplaceAll(n.Value, "_", "")
	old, err := strconv.ParseInt(digits, 0, 64) // of YAML 1.1: 0 leads an octal number, _ is left out
	said := strconv.FormatInt(old, 10)
	if err != nil {
		said = "text"
	}
	plain, err := strconv.ParseInt(digits, 10, 64) // of YAML 1.2
	other, write := strconv.FormatInt(plain, 10), strconv.FormatInt(plain, 10)
	switch {
	case err != nil && old == 0: // too large for either
		other, write = "text", "fewer digits"
	case err != nil || digits != n.Value:
		other, write = "text", said
	case said == other:
		p.Add(n, "%s: %s begins with a zero, which makes octal numbers of YAML 1.1; write %s", path, n.Value, write)
		return true
	case said != "text" && digits[0] == '0':
		write += ", or 0o" + strings.TrimLeft(digits, "0")
	}
	p.Add(n, "%s: %s is %s to readers of YAML 1.1 and %s to those of 1.2; write %s", path, n.Value, said, other, write)
	return true
}

// Into puts the value where it belongs: a pointer to text, a number, a truth, or
// texts.
func (v *Value) Into(to any) {
	switch to := reflect.ValueOf(to).Elem(); to.Kind() {
	case reflect.String:
		to.SetString(v.Text)
	case reflect.Int:
		to.SetInt(int64(v.Num))
	case reflect.Float64:
		to.SetFloat(v.Num)
	case reflect.Bool:
		to.SetBool(v.Truth)
	case reflect.Slice:
		to.Set(reflect.ValueOf(v.Texts()))
	}
}

// Int is the number of a key that may not be given.
func (v *Value) Int(name string, otherwise int) int {
	if x := v.Get(name); x != nil {
		return int(x.Num)
	}
	return otherwise
}

// Float is the number of a key that may not be given.
func (v *Value) Float(name string, otherwise float64) float64 {
	if x := v.Get(name); x != nil {
		return x.Num
	}
	return otherwise
}

// Str is the text of a key that may not be given.
func (v *Value) Str(name, otherwise string) string {
	if x := v.Get(name); x != nil {
		return x.Text
	}
	return otherwise
}

// Strs are the texts of a list; nil where it is not given.
func (v *Value) Strs(name string) []string {
	if x := v.Get(name); x != nil {
		return x.Texts()
	}
	return nil
}

// Texts are the texts of a list's items.
func (v *Value) Texts() []string {
	words := make([]string, len(v.Items))
	for i, item := range v.Items {
		words[i] = item.Text
	}
	return words
}
