package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"

	"slimfit/pkg/experiment"
)

// ValueText is a matrix value as a person writes it: 5, 0.5, relu, [3,3],
// layers as "conv 5x32, maxpool 2". Numbers from YAML and from JSON come out
// alike.
func ValueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case nil:
		return ""
	case []any, map[string]any:
		return experiment.FormatValue(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// compareNatural puts numbers first, by size, then text.
func compareNatural(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	switch {
	case errX == nil && errY == nil:
		return cmp.Compare(x, y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}
