package shell

import (
	"os/exec"
	"strings"
	"testing"
	"unicode"
)

func TestWord(t *testing.T) {
	for in, want := range map[string]string{
		"plain/e.yaml":  "plain/e.yaml",
		"train.steps=5": "train.steps=5",
		"":              "''",
		"my images":     "'my images'",
		"it's":          `'it'\''s'`,
		"$HOME `x` *":   "'$HOME `x` *'",
		"a\x1b[2Jb'\\":  `$'a\x1b[2Jb\'\\'`,
		"two\nlines":    `$'two\x0alines'`,
		"\xff\u009bé":   `$'\xff\xc2\x9bé'`,
	} {
		if got := Word(in); got != want {
			t.Errorf("Word(%q) = %s, want %s", in, got, want)
		}
	}
}

// Bash reads back what was meant, and nothing of it steers a terminal.
func TestWordInBash(t *testing.T) {
	for _, s := range []string{"", "a b", "'", `"$(date)"`, `\`, "*", "~", "é", "tab\there", "a\n\nb\n", "\x1b]0;x\x07", "\xc3", "$HOME",
		"--x=`id`", "#", "!x", "-n", "\x01f0"} {
		word := Word(s)
		out, err := exec.Command("bash", "-c", "printf '%s' "+word).Output()
		if err != nil || string(out) != s {
			t.Errorf("bash reads %s as %q, %v; want %q", word, out, err, s)
		}
		if strings.ContainsFunc(word, unicode.IsControl) {
			t.Errorf("%q holds a control character", word)
		}
	}
}

func TestLine(t *testing.T) {
	if got, want := Line("slimfit", "run", "my file.yaml", "-j", "2"), "slimfit run 'my file.yaml' -j 2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
