package experiment

import (
	"slices"
	"strings"

	"slimfit/models"
)

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
