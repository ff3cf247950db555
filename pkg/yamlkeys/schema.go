package yamlkeys

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"gopkg.in/yaml.v3"
)

// object is one node of a JSON Schema.
type object = map[string]any

// Schema is the JSON Schema (draft 2020-12) of a file with these keys, for
// editors. It says all of the table that a schema can say; what depends on
// other keys is checked by whoever reads the file.
func Schema(title string, keys []Key) ([]byte, error) {
	root := Mapping(keys...).schema()
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = title
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(b, '\n'), nil
}

// Schema is the key's value as a schema.
func (k *Key) Schema() object {
	var options []any
	for _, f := range k.Forms {
		options = append(options, f.schema())
	}
	if k.Axis {
		options = append(options, referenceSchema())
	}
	s := object{"anyOf": options}
	if len(options) == 1 {
		s = options[0].(object)
	}
	if k.Doc != "" {
		s["description"] = k.Doc
	}
	if v := k.DefaultValue(); v != nil {
		s["default"] = New("", Document{}).plain(v.Node, k.Name)
	}
	return s
}

// DefaultValue is Default as a value; nil where it is prose or none.
func (k *Key) DefaultValue() *Value {
	var doc yaml.Node
	if k.Default == "" || yaml.Unmarshal([]byte(k.Default), &doc) != nil {
		return nil
	}
	if v := New("", Document{}).Check(doc.Content[0], k, k.Name); v.Good() {
		return v
	}
	return nil
}

func (f Form) schema() object {
	switch f.Kind {
	case TextKind:
		s := object{"type": "string", "maxLength": int(f.Max)}
		if f.Min > 0 {
			s["minLength"] = int(f.Min)
		}
		if f.Pattern != nil {
			s["pattern"] = f.Pattern.String()
		}
		return s
	case IntegerKind:
		return object{"type": "integer", "minimum": int(f.Min), "maximum": int(f.Max)}
	case NumberKind:
		return f.number()
	case TruthKind:
		return object{"type": "boolean"}
	case ChoiceKind:
		return object{"enum": f.Values}
	case ListKind:
		return object{"type": "array", "items": f.Item.Schema(), "minItems": int(f.Min), "maxItems": int(f.Max)}
	case MappingKind, TableKind:
		return f.object()
	}
	return object{"not": object{"anyOf": []any{object{"type": "null"}, referenceSchema()}}}
}

func referenceSchema() object {
	return object{"type": "string", "pattern": `^[-+*() 0-9]*\$` + NamePattern + `([-+*()][-+*() A-Za-z0-9_$]*)?$`}
}

func (f Form) number() object {
	s := object{"type": "number"}
	low, high := "minimum", "maximum"
	if f.OpenMin {
		low = "exclusiveMinimum"
	}
	if f.OpenMax {
		high = "exclusiveMaximum"
	}
	s[low] = f.Min
	if !math.IsInf(f.Max, 1) {
		s[high] = f.Max
	}
	if f.Amount != nil {
		return object{"anyOf": []any{s, object{"type": "string", "pattern": `^[0-9]*\.?[0-9]+ ?[A-Za-zµμ]+$`}}}
	}
	return s
}

func (f Form) object() object {
	s := object{"type": "object", "additionalProperties": false}
	properties := object{}
	var required []string
	for i := range f.Keys {
		properties[f.Keys[i].Name] = f.Keys[i].Schema()
		if f.Keys[i].Required {
			required = append(required, f.Keys[i].Name)
		}
	}
	if len(properties) > 0 {
		s["properties"] = properties
	}
	if required != nil {
		s["required"] = required
	}
	if ones := f.ones(); f.One && len(ones) < len(f.Keys) {
		var one []object
		for _, name := range ones {
			one = append(one, object{"required": []string{name}})
		}
		s["oneOf"] = one
	} else if f.One {
		s["minProperties"], s["maxProperties"] = 1, 1
	}
	if len(f.Needs) > 0 {
		var any []object
		for _, name := range f.Needs {
			any = append(any, object{"required": []string{name}})
		}
		s["anyOf"] = any
	}
	if len(f.Exclusive) > 0 {
		s["not"] = object{"required": f.Exclusive}
	}
	if f.Kind == TableKind {
		s["minProperties"] = 1
		s["patternProperties"] = object{f.Pattern.String(): f.Item.Schema()}
	}
	return s
}

// Docs is the table of every key in Markdown.
func Docs(keys []Key) string {
	var b strings.Builder
	b.WriteString("| Key | Value | Default | Meaning |\n|---|---|---|---|\n")
	for _, k := range keys {
		k.rows(&b, "")
	}
	b.WriteString("\n`$`: a matrix value, `$name`, may stand for the value.\n")
	return b.String()
}

func (k Key) rows(b *strings.Builder, prefix string) {
	path := prefix + k.Name
	if k.Name != "" {
		value := k.Accepts()
		if k.Axis {
			value += ", `$`"
		}
		otherwise := k.Default
		if k.Required {
			otherwise = "required"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", path, cell(value), cell(otherwise), cell(k.Doc))
		path += "."
	}
	if k.Elsewhere {
		return
	}
	for _, f := range k.Forms {
		switch f.Kind {
		case MappingKind, TableKind:
			for _, sub := range f.Keys {
				sub.rows(b, path)
			}
			if f.Item != nil {
				f.Item.rows(b, path)
			}
		case ListKind:
			f.Item.rows(b, strings.TrimSuffix(path, ".")+"[].")
		}
	}
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
