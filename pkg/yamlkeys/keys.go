package yamlkeys

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Key is one key of a file. The table of a file's keys is the single source of
// what Check accepts, of the JSON Schema and of the reference in Markdown.
type Key struct {
	Name     string
	Forms    []Form // the ways to write its value; never empty
	Axis     bool   // "$name" may stand for the value
	Fraction bool   // who gives 95 is told to write 0.95
	Beside   bool   // of a Form with One: may stand beside the one
	Required bool
	Without  string // says to who gives none, or 0, how that is written
	Default  string // as a person would write it; "" where there is none
	Doc      string
	// Elsewhere says that the reference has the keys within its value at another
	// key.
	Elsewhere bool
}

// Kind is the YAML shape of a value.
type Kind int

const (
	TextKind    Kind = iota // a string
	IntegerKind             // a whole number
	NumberKind              // a finite number
	TruthKind               // true or false
	ChoiceKind              // one of Values
	ListKind                // of Item
	MappingKind             // of Keys
	TableKind               // of free names that match Pattern, each an Item
	AnyKind                 // anything but null, NaN and infinity
)

// Form is one way to write a value. Only the fields of its Kind are set.
type Form struct {
	Kind      Kind
	Min, Max  float64        // Integer, Number: the range; Text: the length; List: the number of items
	OpenMin   bool           // Number: Min itself is not allowed
	OpenMax   bool           // Number: Max itself is not allowed
	Values    []string       // Choice
	Pattern   *regexp.Regexp // Text: what the whole value matches; Table: what a name matches; nil takes all
	Hint      string         // says in words what Pattern accepts; an example of a List or Mapping
	Names     string         // Table: says in words what a name is
	Item      *Key           // List, Table
	Keys      []Key          // Mapping
	One       bool           // Mapping: exactly one of Keys, those Beside not counted
	Exclusive []string       // Mapping: keys that exclude each other; of two, one that Set brings in takes the other's place
	Short     string         // Mapping: the key that a bare value stands for; "" where it stands for none
	Needs     []string       // Mapping: at least one of these must be given

	Amount func(string) (float64, bool) // Number: also reads text with a unit, which Hint says in words; nil reads none
}

// Constructors of the forms that a table is written with.

// Text is 1 to most bytes that match the pattern as a whole; hint says the
// pattern in words.
func Text(most float64, pattern, hint string) Form {
	return Form{Kind: TextKind, Min: 1, Max: most, Pattern: whole(pattern), Hint: hint}
}

// Table is a mapping whose names match the pattern, which names says in words;
// keys are the names with a meaning of their own.
func Table(pattern, names, hint string, item Key, keys ...Key) Form {
	return Form{Kind: TableKind, Pattern: whole(pattern), Names: names, Hint: hint, Item: &item, Keys: keys}
}

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) }

// Integer is a whole number from lo to hi.
func Integer(lo, hi float64) Form { return Form{Kind: IntegerKind, Min: lo, Max: hi} }

// Number is a range; "(" and ")" at its ends leave the ends out.
func Number(open string, lo, hi float64, end string) Form {
	return Form{Kind: NumberKind, Min: lo, Max: hi, OpenMin: open == "(", OpenMax: end == ")"}
}

// Truth is true or false.
func Truth() Form { return Form{Kind: TruthKind} }

// Any is whatever JSON can hold, but nothing.
func Any() Form { return Form{Kind: AnyKind} }

// Choice is one of the words.
func Choice(values ...string) Form { return Form{Kind: ChoiceKind, Values: values} }

// List has least to most items.
func List(least, most float64, item Key) Form {
	return Form{Kind: ListKind, Min: least, Max: most, Item: &item}
}

// Mapping has the keys, each at most once.
func Mapping(keys ...Key) Form { return Form{Kind: MappingKind, Keys: keys} }

// Forms are the ways to write one value.
func Forms(f ...Form) []Form { return f }

// Named turns words of another package into a Choice.
func Named[T ~string](values []T) Form {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return Choice(words...)
}

// String says what the form accepts, for errors and the reference table.
func (f Form) String() string {
	switch f.Kind {
	case TextKind:
		if f.Hint != "" {
			return f.Hint
		}
		return "text"
	case IntegerKind:
		return "a whole number " + f.interval()
	case NumberKind:
		if f.Hint != "" {
			return "a number " + f.interval() + ", " + f.Hint
		}
		return "a number " + f.interval()
	case TruthKind:
		return "true or false"
	case ChoiceKind:
		if len(f.Values) == 1 {
			return f.Values[0]
		}
		return "one of " + strings.Join(f.Values, ", ")
	case ListKind:
		if nouns, ok := plural(f.Item.Accepts()); ok {
			return "a list of " + nouns + f.such()
		}
		return "a list, each " + f.Item.Accepts() + f.such()
	case MappingKind:
		return "a mapping" + f.such()
	case TableKind:
		return "a mapping of " + f.Hint
	}
	return "any value"
}

// such is the example of a list or mapping.
func (f Form) such() string {
	if f.Hint == "" {
		return ""
	}
	return " such as " + f.Hint
}

// interval writes the range as mathematics does, without an end that no one meets.
func (f Form) interval() string {
	open, end := "[", "]"
	if f.OpenMin {
		open = "("
	}
	if f.OpenMax {
		end = ")"
	}
	if math.IsInf(f.Max, 1) {
		if f.OpenMin {
			return "above " + Trim(f.Min)
		}
		return "from " + Trim(f.Min)
	}
	return fmt.Sprintf("in %s%s, %s%s", open, Trim(f.Min), Trim(f.Max), end)
}

// Trim writes a number without zeros that say nothing: 1e9, 0.95.
func Trim(x float64) string {
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if digits := strings.TrimRight(s, "0"); len(s)-len(digits) >= 5 && !strings.Contains(s, ".") { // 1e9 is easier to read
		return digits + "e" + strconv.Itoa(len(s)-len(digits))
	}
	return s
}

// plural turns "a whole number in [1, 5]" into "whole numbers in [1, 5]".
func plural(s string) (string, bool) {
	for _, noun := range []string{"whole number", "number", "mapping"} {
		if rest, ok := strings.CutPrefix(s, "a "+noun); ok {
			return noun + "s" + rest, true
		}
	}
	return s, false
}

// Accepts says what the key's value may be.
func (k Key) Accepts() string {
	words := make([]string, 0, len(k.Forms))
	for _, f := range k.Forms {
		words = append(words, f.String())
	}
	return strings.Join(words, " or ")
}

func (f Form) contains(x float64) bool {
	return x >= f.Min && x <= f.Max && !(f.OpenMin && x == f.Min) && !(f.OpenMax && x == f.Max)
}

// Key returns the mapping's key of that name.
func (f Form) Key(name string) *Key {
	for i := range f.Keys {
		if f.Keys[i].Name == name {
			return &f.Keys[i]
		}
	}
	return nil
}

func (f Form) names() []string {
	names := make([]string, len(f.Keys))
	for i, k := range f.Keys {
		names[i] = k.Name
	}
	return names
}

// ones are the keys of which One wants exactly one.
func (f Form) ones() []string {
	var names []string
	for _, k := range f.Keys {
		if !k.Beside {
			names = append(names, k.Name)
		}
	}
	return names
}

// beside counts the mapping's keys that do not count for One.
func (f Form) beside(n *yaml.Node) int {
	count := 0
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := f.Key(n.Content[i].Value); k != nil && k.Beside {
			count++
		}
	}
	return count
}

// Form returns the key's form of that kind.
func (k *Key) Form(kind Kind) (Form, bool) {
	for _, f := range k.Forms {
		if f.Kind == kind {
			return f, true
		}
	}
	return Form{}, false
}
