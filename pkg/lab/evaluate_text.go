package lab

import (
	"fmt"
	"strconv"
	"strings"

	"slimfit/pkg/text"
)

// shownWrong is how many mistakes the text lists, those first that the network is
// surest of.
const shownWrong = 20

// Text tells the evaluation in lines of at most width columns; the confusion
// matrix is left out where it is wider.
func (e *Evaluation) Text(width int) (string, error) {
	a := e.Accuracy
	var b strings.Builder
	b.WriteString(text.Wrap(fmt.Sprintf("%s right on %s of %s: %s (95 %% interval %s to %s). They are %s.", text.Printable(e.Model),
		text.Thousands(a.Correct), text.Count(a.Images, "image"), text.Percent(a.Share), text.Percentage(a.Bounds[0]), text.Percent(a.Bounds[1]),
		text.Printable(e.Data)), width, "", ""))
	if e.Guess != "" {
		fmt.Fprintf(&b, "It %s.\n", text.Printable(e.Guess))
	}
	tables := []text.Table{e.recalls()}
	if t := e.confusion(); text.Width(strings.Join(t.Head, "  ")) < width {
		tables = append(tables, t)
	}
	if len(e.Wrong) > 0 {
		tables = append(tables, e.mistakes())
	}
	for _, t := range tables {
		b.WriteString("\n")
		if err := t.Text(&b); err != nil {
			return "", err
		}
	}
	if n := len(e.Wrong) - shownWrong; n > 0 {
		fmt.Fprintf(&b, "and %s more; --format json lists all\n", text.Thousands(n))
	}
	fmt.Fprintf(&b, "\n%s in %s (%s)\n", text.Count(a.Images, "image"), text.Duration(e.Seconds), e.Runtime)
	return b.String(), nil
}

func (e *Evaluation) recalls() text.Table {
	t := text.Table{Head: []string{"class", "images", "recall", "most often taken for"}, Words: []bool{true, false, false, true}}
	for _, c := range e.Recall {
		recall, taken := "", ""
		if c.Images > 0 {
			recall = text.Percent(c.Recall)
		}
		if c.Taken != "" {
			taken = c.Taken + " (" + text.Percent(c.Share) + ")"
		}
		t.Rows = append(t.Rows, []string{c.Class, text.Thousands(c.Images), recall, taken})
	}
	return t
}

// confusion has a row for each true class.
func (e *Evaluation) confusion() text.Table {
	t := text.Table{Head: []string{"true class"}, Left: 1}
	for class, row := range e.Confusion {
		t.Head = append(t.Head, text.Shorten(e.Predictions.Class(class), 8))
		cells := []string{e.Predictions.Class(class)}
		for _, n := range row {
			cells = append(cells, strconv.Itoa(n))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

func (e *Evaluation) mistakes() text.Table {
	t := text.Table{Head: []string{"wrong image", "is", "answer", "probability"}, Left: 3}
	for _, w := range e.Wrong[:min(len(e.Wrong), shownWrong)] {
		t.Rows = append(t.Rows, []string{text.ShortenMiddle(w.Image, 40), w.Class, w.Answer, text.Percent(float64(w.Probability))})
	}
	return t
}
