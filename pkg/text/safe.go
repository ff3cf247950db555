package text

import (
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// OneLine folds the white space of a text of several lines.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Plain makes a text from elsewhere safe for one line of a document: control
// characters and line breaks become spaces, direction marks go.
func Plain(s string) string {
	return OneLine(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case r == unicode.ReplacementChar || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s))
}

// Printable is a text from elsewhere, such as a file name, for a terminal: control
// characters and what turns the direction of writing are spelt out.
func Printable(s string) string { return spellOut(s, "") }

// Lines is Printable for a text of several lines.
func Lines(s string) string { return spellOut(s, "\n\t") }

func spellOut(s, keep string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		bad := unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError && n == 1
		if bad && !strings.ContainsRune(keep, r) {
			b.WriteString(strings.Replace(strings.Trim(strconv.QuoteToASCII(s[:n]), `"`), `\x7f`, `\u007f`, 1)) // as in JSON
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// Markdown escapes what Markdown or HTML would take as markup. A dot, a minus
// or a plus is markup only at the start of a line, where none of ours stands.
func Markdown(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch c {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '\\', '`', '*', '_', '[', ']', '|', '#', '~', '!', '$':
			b.WriteRune('\\')
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// MarkdownCode escapes a line but for a command between two backquotes.
func MarkdownCode(s string) string {
	parts := strings.Split(s, "`")
	if len(parts) != 3 {
		return Markdown(s)
	}
	return Markdown(parts[0]) + "`" + parts[1] + "`" + Markdown(parts[2])
}

// SheetCell keeps a spreadsheet from taking text as a formula: text that starts
// as one gets a quote in front, as spreadsheets themselves write it.
func SheetCell(s string) string {
	s = Plain(s)
	if s == "" || !strings.ContainsRune("=+-@", rune(s[0])) {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	return "'" + s
}

// Neutral is where a command writes text for a terminal: what could steer it is
// spelt out, as Lines does it, whoever made the text. Several goroutines may
// write.
type Neutral struct {
	To io.Writer

	mu   sync.Mutex
	part []byte // of a character that is not whole yet
	noun *Noun  // of what is written about; nil: not known yet
}

// Speak gives what is written from now on a noun, whole words at a time; where it
// is about both kinds, it stays of images.
func (n *Neutral) Speak(of Noun) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.noun != nil && *n.noun != of {
		of = Noun{}
	}
	n.noun = &of
}

// Write writes whole characters.
func (n *Neutral) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := append(n.part, b...)
	end := len(all)
	for back := 1; back <= min(utf8.UTFMax-1, len(all)); back++ {
		if c := all[len(all)-back]; utf8.RuneStart(c) {
			if !utf8.FullRune(all[len(all)-back:]) {
				end = len(all) - back
			}
			break
		}
	}
	n.part = append([]byte(nil), all[end:]...)
	words := string(all[:end])
	if n.noun != nil {
		words = n.noun.Of(words)
	}
	if _, err := io.WriteString(n.To, Lines(words)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close writes what is left.
func (n *Neutral) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, err := io.WriteString(n.To, Lines(string(n.part)))
	n.part = nil
	return err
}
