package experiment

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"gopkg.in/yaml.v3"
)

// object is one node of a JSON Schema.
type object = map[string]any

// Schema is the JSON Schema (draft 2020-12) of an experiment file, for
// editors. It is made from Keys and says all of it that a schema can say;
// what depends on other keys, such as shapes that fit, is checked by Load.
func Schema() ([]byte, error) {
	root := mapping(Keys()...).schema()
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "slimfit experiment"
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(b, '\n'), nil
}

// schema is the key's value as a schema.
func (k *Key) schema() object {
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
	if v, ok := k.defaultValue(); ok {
		s["default"] = v
	}
	return s
}

// defaultValue is Default as a value, where it is one and no prose.
func (k *Key) defaultValue() (any, bool) {
	var doc yaml.Node
	if k.Default == "" || yaml.Unmarshal([]byte(k.Default), &doc) != nil {
		return nil, false
	}
	p := &problems{origins: map[*yaml.Node]string{}}
	if !p.check(doc.Content[0], k, k.Name).good() {
		return nil, false
	}
	return p.plain(doc.Content[0], k.Name), true
}

func (f Form) schema() object {
	switch f.Kind {
	case Text:
		s := object{"type": "string", "maxLength": int(f.Max)}
		if f.Min > 0 {
			s["minLength"] = int(f.Min)
		}
		if f.Pattern != nil {
			s["pattern"] = f.Pattern.String()
		}
		return s
	case Integer:
		return object{"type": "integer", "minimum": int(f.Min), "maximum": int(f.Max)}
	case Number:
		return f.number()
	case Truth:
		return object{"type": "boolean"}
	case Choice:
		return object{"enum": f.Values}
	case List:
		return object{"type": "array", "items": f.Item.schema(), "minItems": int(f.Min), "maxItems": int(f.Max)}
	case Mapping, Table:
		return f.object()
	}
	return object{"not": object{"anyOf": []any{object{"type": "null"}, referenceSchema()}}}
}

func referenceSchema() object {
	return object{"type": "string", "pattern": `^\$` + axisName + `$`}
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
	return s
}

func (f Form) object() object {
	s := object{"type": "object", "additionalProperties": false}
	properties := object{}
	var required []string
	for i := range f.Keys {
		properties[f.Keys[i].Name] = f.Keys[i].schema()
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
	if f.One {
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
	if f.Kind == Table {
		s["minProperties"] = 1
		s["patternProperties"] = object{f.Pattern.String(): f.Item.schema()}
	}
	return s
}

// Reference is the table of every key in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString("| Key | Value | Default | Meaning |\n|---|---|---|---|\n")
	for _, k := range Keys() {
		k.rows(&b, "")
	}
	b.WriteString("\n`$`: a matrix value, `$name`, may stand for the value.\n")
	return b.String()
}

func (k Key) rows(b *strings.Builder, prefix string) {
	path := prefix + k.Name
	if k.Name != "" {
		value := k.accepts()
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
	for _, f := range k.Forms {
		switch f.Kind {
		case Mapping, Table:
			for _, sub := range f.Keys {
				sub.rows(b, path)
			}
			if f.Item != nil {
				f.Item.rows(b, path)
			}
		case List:
			f.Item.rows(b, strings.TrimSuffix(path, ".")+"[].")
		}
	}
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
