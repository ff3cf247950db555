package text

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// Table is a head and rows of equal length, the same for every format.
type Table struct {
	Head []string
	Rows [][]string
	Left int // the first this many columns are words; the others are numbers, set to the right

	// Words says of each column whether it is words, where Left cannot.
	Words []bool
	// Document is the look of a table in a document: a line below the head, and
	// in Markdown every cell as it stands. Else a cell may be Markdown itself.
	Document bool
}

// right says whether a column is set to the right.
func (t Table) right(i int) bool {
	if t.Words != nil {
		return !t.Words[i]
	}
	return i >= t.Left
}

// shown is the table for people: no cell steers a terminal or breaks a line.
func (t Table) shown() Table {
	safe := Printable
	if t.Document {
		safe = Plain
	}
	rows := make([][]string, len(t.Rows))
	for i, row := range t.Rows {
		for _, cell := range row {
			rows[i] = append(rows[i], safe(cell))
		}
	}
	t.Rows = rows
	return t
}

// Text writes aligned columns, two spaces apart.
func (t Table) Text(w io.Writer) error {
	t = t.shown()
	widths := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], Width(cell))
		}
	}
	lines := [][]string{t.Head}
	if t.Document {
		var below []string
		for _, n := range widths {
			below = append(below, strings.Repeat("-", n))
		}
		lines = append(lines, below)
	}
	for _, row := range append(lines, t.Rows...) {
		var b strings.Builder
		for i, cell := range row {
			if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(pad(cell, widths[i], t.right(i)))
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// Markdown writes a table in GitHub's flavour.
func (t Table) Markdown(w io.Writer) error {
	t = t.shown()
	escape, words, numbers := barred, "|---", "|---:"
	if t.Document {
		escape, words, numbers = Markdown, "| --- ", "| ---: "
	}
	line := func(cells []string) string {
		escaped := make([]string, len(cells))
		for i, c := range cells {
			escaped[i] = escape(c)
		}
		return "| " + strings.Join(escaped, " | ") + " |\n"
	}
	var b strings.Builder
	b.WriteString(line(t.Head))
	for i := range t.Head {
		if t.right(i) {
			b.WriteString(numbers)
		} else {
			b.WriteString(words)
		}
	}
	b.WriteString("|\n")
	for _, row := range t.Rows {
		b.WriteString(line(row))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// barred escapes the bars of a cell that are not escaped yet.
func barred(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, `\|`, "|"), "|", `\|`) }

// CSV writes the head and the rows; no cell is a formula.
func (t Table) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = SheetCell(cell)
		}
		if err := c.Write(cells); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}
