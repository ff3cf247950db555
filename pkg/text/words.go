package text

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Count writes "1 seed", "2 seeds".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Thousands(n) + " " + noun + "s"
}

// Parts writes "73 done" and "1 failed" of these states, but for those with a
// count of none.
func Parts(states []string, counts ...int) []string {
	var parts []string
	for i, n := range counts {
		if n > 0 {
			parts = append(parts, Thousands(n)+" "+states[i])
		}
	}
	return parts
}

// List joins words: "a", "a and b", "a, b and c".
func List(words []string) string {
	n := len(words)
	if n < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
}

// Class is the word for a class among other words: its name, in quotes where a
// list would not keep it apart, or #9 where the names are not known.
func Class(names []string, class int) string {
	if class < 0 || class >= len(names) {
		return "#" + strconv.Itoa(class)
	}
	n := names[class]
	if n == "" || n != OneLine(n) || strings.ContainsAny(n, `,;"`) || n[0] == '#' {
		return strconv.Quote(n)
	}
	return n
}

// Classes are the words for all of them.
func Classes(names []string) []string {
	out := make([]string, len(names))
	for i := range names {
		out[i] = Class(names, i)
	}
	return out
}

// Numbered says whether names are no more than the classes' numbers.
func Numbered(names []string) bool {
	for i, n := range names {
		if n != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

// OrUnknown is s, or "unknown" where it is empty.
func OrUnknown(s string) string { return cmp.Or(s, "unknown") }

// Shorten cuts s to at most most characters, the last three of them dots.
func Shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-3]) + "..."
	}
	return s
}

// ShortenMiddle cuts s to at most most characters by its middle: labels that
// begin alike often end differently.
func ShortenMiddle(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	head := most / 2
	return strings.TrimRight(string(r[:head]), " ") + "…" + strings.TrimLeft(string(r[len(r)-(most-1-head):]), " ")
}

// Width is how many columns of a terminal s takes. It does not ask the locale:
// the same text is laid out the same on every machine.
func Width(s string) int { return (&runewidth.Condition{StrictEmojiNeutral: true}).StringWidth(s) }

// pad fills s with spaces up to width columns, on its left where right is set.
func pad(s string, width int, right bool) string {
	space := strings.Repeat(" ", max(0, width-Width(s)))
	if right {
		return space + s
	}
	return s + space
}

// Wrap breaks a paragraph at spaces into lines of at most width columns, but
// never before a percent sign: the first line stands after first, the others
// after rest. Every line ends with a line break.
func Wrap(s string, width int, first, rest string) string {
	var out strings.Builder
	line, empty := first, true
	for _, word := range unbroken(s) {
		if !empty && Width(line)+1+Width(word) > width {
			out.WriteString(strings.TrimRight(line, " ") + "\n")
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	out.WriteString(strings.TrimRight(line, " ") + "\n")
	return out.String()
}

// unbroken splits s into words, percent signs left with their numbers.
func unbroken(s string) []string {
	var out []string
	for _, w := range strings.Fields(s) {
		if n := len(out); n > 0 && w[0] == '%' {
			out[n-1] += " " + w
			continue
		}
		out = append(out, w)
	}
	return out
}
