package experiment

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Key is one key of an experiment file. Keys is the single source of what the
// decoder accepts, of the JSON Schema and of the reference table.
type Key struct {
	Name     string
	Forms    []Form // the ways to write its value; never empty
	Axis     bool   // "$name" may stand for the value
	Required bool
	Default  string // as a person would write it; "" where there is none
	Doc      string
}

// Kind is the YAML shape of a value.
type Kind int

const (
	Text    Kind = iota // a string
	Integer             // a whole number
	Number              // a finite number
	Truth               // true or false
	Choice              // one of Values
	List                // of Item
	Mapping             // of Keys
	Table               // of free names that match Pattern, each an Item
	Any                 // anything but null, NaN and infinity
)

// Form is one way to write a value. Only the fields of its Kind are set.
type Form struct {
	Kind      Kind
	Min, Max  float64        // Integer, Number: the range; Text: the length; List: the number of items
	OpenMin   bool           // Number: Min itself is not allowed
	OpenMax   bool           // Number: Max itself is not allowed
	Values    []string       // Choice
	Pattern   *regexp.Regexp // Text: what the whole value matches; Table: what a name matches; nil takes all
	Hint      string         // says in words what Pattern accepts
	Names     string         // Table: says in words what a name is
	Item      *Key           // List, Table
	Keys      []Key          // Mapping
	One       bool           // Mapping: exactly one of Keys
	Exclusive []string       // Mapping: keys that exclude each other
	Needs     []string       // Mapping: at least one of these must be given
}

// Constructors of the forms that the table is written with.

// text is 1 to most bytes that match the pattern as a whole; hint says the
// pattern in words.
func text(most float64, pattern, hint string) Form {
	return Form{Kind: Text, Min: 1, Max: most, Pattern: whole(pattern), Hint: hint}
}

// table is a mapping whose names match the pattern, which names says in words;
// keys are the names with a meaning of their own.
func table(pattern, names, hint string, item Key, keys ...Key) Form {
	return Form{Kind: Table, Pattern: whole(pattern), Names: names, Hint: hint, Item: &item, Keys: keys}
}

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) }

func integer(lo, hi float64) Form { return Form{Kind: Integer, Min: lo, Max: hi} }

// number is a range; "(" and ")" at its ends leave the ends out.
func number(open string, lo, hi float64, end string) Form {
	return Form{Kind: Number, Min: lo, Max: hi, OpenMin: open == "(", OpenMax: end == ")"}
}

func choice(values ...string) Form { return Form{Kind: Choice, Values: values} }

func list(least, most float64, item Key) Form {
	return Form{Kind: List, Min: least, Max: most, Item: &item}
}

func mapping(keys ...Key) Form { return Form{Kind: Mapping, Keys: keys} }

func forms(f ...Form) []Form { return f }

// named turns words of another package into a Choice.
func named[T ~string](values []T) Form {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return choice(words...)
}

// String says what the form accepts, for errors and the reference table.
func (f Form) String() string {
	switch f.Kind {
	case Text:
		if f.Hint != "" {
			return f.Hint
		}
		return "text"
	case Integer:
		return "a whole number " + f.interval()
	case Number:
		return "a number " + f.interval()
	case Truth:
		return "true or false"
	case Choice:
		if len(f.Values) == 1 {
			return f.Values[0]
		}
		return "one of " + strings.Join(f.Values, ", ")
	case List:
		if nouns, ok := plural(f.Item.accepts()); ok {
			return "a list of " + nouns
		}
		return "a list, each " + f.Item.accepts()
	case Mapping:
		return "a mapping"
	case Table:
		return "a mapping of " + f.Hint
	}
	return "any value"
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
			return "above " + trim(f.Min)
		}
		return "from " + trim(f.Min)
	}
	return fmt.Sprintf("in %s%s, %s%s", open, trim(f.Min), trim(f.Max), end)
}

func trim(x float64) string {
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

// accepts says what the key's value may be.
func (k Key) accepts() string {
	words := make([]string, 0, len(k.Forms))
	for _, f := range k.Forms {
		words = append(words, f.String())
	}
	return strings.Join(words, " or ")
}

func (f Form) contains(x float64) bool {
	return x >= f.Min && x <= f.Max && !(f.OpenMin && x == f.Min) && !(f.OpenMax && x == f.Max)
}

// key returns the mapping's key of that name.
func (f Form) key(name string) *Key {
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

// form returns the key's form of that kind.
func (k *Key) form(kind Kind) (Form, bool) {
	for _, f := range k.Forms {
		if f.Kind == kind {
			return f, true
		}
	}
	return Form{}, false
}
