package experiment

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"slimfit/models"
	"slimfit/pkg/yamlkeys"
)

// Name reads the name in an experiment file, whatever else is in it.
func Name(source []byte) (string, error) {
	var f struct{ Name string }
	if len(source) > yamlkeys.MaxBytes {
		return "", fmt.Errorf("larger than %d bytes", yamlkeys.MaxBytes)
	}
	if err := yaml.Unmarshal(source, &f); err != nil {
		return "", err
	}
	if len(f.Name) > 64 || strings.Trim(f.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || f.Name == "" {
		return "", fmt.Errorf("it has no key name of 1 to 64 of a-z, 0-9 and -")
	}
	return f.Name, nil
}

// Flat lists every key of an experiment file that has no further keys in it, as
// messages name them ("model[0].conv.kernel"), with its value.
func Flat(source []byte) (keys []string, values map[string]string) {
	values = map[string]string{}
	var walk func(path string, n *yaml.Node)
	walk = func(path string, n *yaml.Node) {
		switch {
		case n.Kind == yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				walk(strings.TrimPrefix(path+"."+n.Content[i].Value, "."), n.Content[i+1])
			}
			return
		case n.Kind == yaml.SequenceNode && slices.ContainsFunc(n.Content, func(x *yaml.Node) bool { return x.Kind == yaml.MappingNode }):
			for i, x := range n.Content {
				walk(fmt.Sprintf("%s[%d]", path, i), x)
			}
			return
		}
		value := n.Value
		if n.Kind == yaml.SequenceNode {
			var items []string
			for _, x := range n.Content {
				items = append(items, x.Value)
			}
			value = "[" + strings.Join(items, ", ") + "]"
		}
		keys, values[path] = append(keys, path), value
	}
	if root := newProblems("").Parse(source); root != nil {
		walk("", root)
	}
	return keys, values
}

// FormatValue writes a matrix value for a person: text without quotes, layers
// as "conv 5x32, maxpool 2", other lists and mappings as JSON.
func FormatValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var words []string
		for _, item := range v {
			word, ok := formatLayer(item)
			if !ok {
				return canonical(v)
			}
			words = append(words, word)
		}
		return strings.Join(words, ", ")
	case map[string]any:
		if word, ok := formatLayer(v); ok {
			return word
		}
	}
	return canonical(v)
}

// formatLayer writes a layer as an experiment file has it; false for anything
// else.
func formatLayer(v any) (string, bool) {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return "", false
	}
	for kind, value := range m {
		if !slices.Contains(models.Kinds(), models.Kind(kind)) {
			return "", false
		}
		fields, ok := value.(map[string]any)
		if !ok {
			return kind + " " + canonical(value), true
		}
		return strings.TrimSpace(kind + " " + formatFields(fields)), true
	}
	return "", false
}

// formatFields puts the sizes first, as in 5x32, and the rest by name.
func formatFields(fields map[string]any) string {
	var sizes, rest []string
	for _, name := range []string{"kernel", "filters", "size", "units", "multiplier", "stride", "padding", "activation"} {
		v, ok := fields[name]
		switch {
		case !ok:
		case name == "multiplier" || name == "stride" || name == "padding" || name == "activation":
			rest = append(rest, name+" "+FormatValue(v))
		default:
			sizes = append(sizes, canonical(v))
		}
	}
	return strings.Join(append([]string{strings.Join(sizes, "x")}, rest...), " ")
}

func label(axes []Axis, c Configuration) string {
	var words []string
	for _, a := range axes {
		if v, ok := c.Assignment[a.Name]; ok {
			words = append(words, a.Name+" "+FormatValue(v))
		}
	}
	if len(words) == 0 {
		return c.ID
	}
	return strings.Join(words, ", ")
}
