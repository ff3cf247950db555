package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"slimfit/pkg/experiment"
	"slimfit/pkg/stats"
)

// valueText is a matrix value as a person writes it: 5, 0.5, relu, [3,3],
// layers as "conv 5x32, maxpool 2". Numbers from YAML and from JSON come out
// alike.
func valueText(v any) string {
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

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// percent is a fraction in percent with two decimals, without the sign: one
// of 10,000 images is 0.01.
func percent(v float64) string { return strconv.FormatFloat(100*v, 'f', 2, 64) }

// percentAgainst is percent with as many more decimals as it takes to see on
// which side of the limit v lies.
func percentAgainst(v, limit float64) string {
	for digits := 2; digits < 8; digits++ {
		s := strconv.FormatFloat(100*v, 'f', digits, 64)
		if shown, err := strconv.ParseFloat(s, 64); err == nil && (shown < 100*limit) == (v < limit) {
			return s
		}
	}
	return strconv.FormatFloat(100*v, 'g', -1, 64)
}

// threshold is a fraction in percent with as many decimals as it needs.
func threshold(v float64) string {
	return strconv.FormatFloat(stats.Round(100*v), 'f', -1, 64) + " %"
}

// points is a difference of two accuracies in percentage points, with its sign.
func points(v float64) string {
	s := fmt.Sprintf("%+.2f", 100*v)
	if s == "-0.00" {
		return "+0.00"
	}
	return s
}

// Count is a whole number with thousands separators: 3,274,634.
func Count(v float64) string { return count(v) }

// count is a whole number with thousands separators: 3,274,634.
func count(v float64) string {
	s := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// times is a ratio: 234x, 19.5x, 1.00x.
func times(v float64) string {
	switch {
	case v >= 100:
		return count(v) + "×"
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64) + "×"
	}
	return strconv.FormatFloat(v, 'f', 2, 64) + "×"
}

// fourDigits is a ratio as papers print it: 1,234, 235.9, 19.52.
func fourDigits(v float64) string {
	switch {
	case v >= 1000:
		return count(v)
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// seconds is a duration for reading: 0.42 s, 98 s, 12 min 5 s, 3 h 20 min.
func seconds(v float64) string {
	switch {
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64) + " s"
	case v < 120:
		return strconv.FormatFloat(v, 'f', 0, 64) + " s"
	case v < 7200:
		return fmt.Sprintf("%d min %d s", int(v)/60, int(v)%60)
	}
	return fmt.Sprintf("%d h %d min", int(v)/3600, int(v)%3600/60)
}

// plural is "1 trial", "2 trials".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(float64(n)) + " " + one + "s"
}

// list joins words: "a", "a and b", "a, b and c".
func list(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// plain makes text safe for a terminal and for one line of a table: control
// characters, line breaks and direction marks become spaces or go.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case r == unicode.ReplacementChar || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
