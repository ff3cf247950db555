package text

import (
	"reflect"
	"regexp"
	"strings"
)

// Noun is what a data set holds. Texts are written of images; of a set of series
// they are to speak of series. The zero value is of images.
type Noun struct{ series bool }

var imageWord = regexp.MustCompile(`(?i)\b(an )?images?\b`)

// NounOf is the noun of a data set's kind. Where one of the names, of classes or
// axes, has the word in it, texts stay as they are, and the names with them.
func NounOf(kind string, names ...string) Noun {
	return Noun{kind == "series" && !imageWord.MatchString(strings.Join(names, "\n"))}
}

// Of is s with the noun; words within paths, keys and quotes stay.
func (n Noun) Of(s string) string {
	if !n.series {
		return s
	}
	var out strings.Builder
	at := 0
	for _, m := range imageWord.FindAllStringIndex(s, -1) {
		word := s[m[0]:m[1]]
		before, after := s[:m[0]], s[m[1]:]
		if strings.HasSuffix(before, "single-") {
			before = before[:len(before)-1]
		}
		joined := func(c byte) bool { return strings.IndexByte(`-_/\="`, c) >= 0 }
		if before != "" && (joined(before[len(before)-1]) || before[len(before)-1] == '.') ||
			after != "" && joined(after[0]) || len(after) > 1 && after[0] == '.' && after[1] > ' ' {
			continue
		}
		noun := "series"
		if len(word) > len("images") {
			noun = "a series"
		}
		if word[0] < 'a' {
			noun = strings.ToUpper(noun[:1]) + noun[1:]
		}
		out.WriteString(s[at:m[0]] + noun)
		at = m[1]
	}
	return out.String() + s[at:]
}

// Err gives an error's words the noun.
func (n Noun) Err(err error) error {
	if err == nil || !n.series {
		return err
	}
	return nounError{err, n}
}

type nounError struct {
	error
	noun Noun
}

func (e nounError) Error() string { return e.noun.Of(e.error.Error()) }
func (e nounError) Unwrap() error { return e.error }

// All gives every string that v, a pointer, leads to the noun, but for maps and
// named types.
func (n Noun) All(v any) {
	if n.series {
		n.walk(reflect.ValueOf(v))
	}
}

func (n Noun) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			n.walk(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n.walk(v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		if k := v.Type().Elem().Kind(); k >= reflect.Bool && k <= reflect.Complex128 {
			return
		}
		for i := range v.Len() {
			n.walk(v.Index(i))
		}
	case reflect.String:
		if v.CanSet() && v.Type() == reflect.TypeFor[string]() {
			v.SetString(n.Of(v.String()))
		}
	}
}
