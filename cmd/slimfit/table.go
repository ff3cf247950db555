package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table is a head and rows of equal length, the same for every format.
type table struct {
	head []string
	rows [][]string
	left int // the first this many columns are words; the others are numbers, set to the right
}

// shown is the table for people: no cell steers a terminal or breaks a line.
func (t table) shown() table {
	rows := make([][]string, len(t.rows))
	for i, row := range t.rows {
		for _, cell := range row {
			rows[i] = append(rows[i], printable(cell))
		}
	}
	t.rows = rows
	return t
}

// printable is a text from elsewhere, such as a file name, for a terminal: control
// characters and what turns the direction of writing are spelt out.
func printable(s string) string { return spellOut(s, "") }

// printableLines is printable for a text of several lines.
func printableLines(s string) string { return spellOut(s, "\n\t") }

func spellOut(s, keep string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if bad := unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError && n == 1; bad && !strings.ContainsRune(keep, r) {
			b.WriteString(strings.Trim(strconv.QuoteToASCII(s[:n]), `"`))
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// text writes aligned columns, two spaces apart.
func (t table) text(w io.Writer) error {
	t = t.shown()
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range append([][]string{t.head}, t.rows...) {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				b.WriteString("  ")
			}
			if i < t.left {
				b.WriteString(cell + pad)
			} else {
				b.WriteString(pad + cell)
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// markdown writes a Markdown table.
func (t table) markdown(w io.Writer) error {
	t = t.shown()
	line := func(cells []string) string {
		escaped := make([]string, len(cells))
		for i, c := range cells {
			escaped[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		return "| " + strings.Join(escaped, " | ") + " |\n"
	}
	var b strings.Builder
	b.WriteString(line(t.head))
	for i := range t.head {
		if i < t.left {
			b.WriteString("|---")
		} else {
			b.WriteString("|---:")
		}
	}
	b.WriteString("|\n")
	for _, row := range t.rows {
		b.WriteString(line(row))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// csv writes the head and the rows.
func (t table) csv(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write(t.head); err != nil {
		return err
	}
	return c.WriteAll(t.rows)
}

// thousands writes 3274634 as 3,274,634.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// count writes "1 seed", "2 seeds".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}
