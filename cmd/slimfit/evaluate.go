package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/export"
	"slimfit/pkg/lab"
	"slimfit/pkg/text"
)

// evaluateCommand judges any model on labelled images.
func evaluateCommand() *cli.Command {
	return &cli.Command{
		Name:      "evaluate",
		Usage:     "measure an exported file or a trained run on labelled images",
		ArgsUsage: "MODEL DATA",
		Description: "MODEL is what `slimfit predict` takes. DATA is a known data set, of which the test images are taken, or a folder: of the one " +
			"that the network was trained on the test images that were held back then, of another one all pictures. Classes are told by their " +
			"names. Of a network for series it is a .npz or .csv of such. The CSV has every " +
			"image.\n\nDATA may also be the golden.npz of an export, which has ten images and what each form of the " +
			"network must say of them: int8 bit for bit, float32 to 1e-5; exit code 1 where they differ.",
		Flags: slices.DeleteFunc(modelFlags(), func(f cli.Flag) bool { return f.Names()[0] == "resize" }),
		Action: func(c *cli.Context) error {
			if c.NArg() != 2 {
				return exit.Usagef("evaluate: want a model and a data set or folder, got %d arguments; see %s --help", c.NArg(), c.Command.HelpName)
			}
			o := consoleOf(c)
			l := labOf(c, o)
			m, err := l.OpenModel(c.Context, c.Args().First(), seedOf(c))
			if err != nil {
				return err
			}
			data := c.Args().Get(1)
			if filepath.Ext(data) == ".npz" && (!m.Series() || filepath.Base(data) == export.GoldenName) {
				return checkGolden(o, l, m, data)
			}
			e, err := l.Evaluate(m, data)
			if err != nil {
				return err
			}
			return writeEvaluation(o, e)
		},
	}
}

// shownWrong is how many mistakes the text lists, those first that the network is
// surest of.
const shownWrong = 20

func writeEvaluation(o console, e *lab.Evaluation) error {
	switch o.format {
	case "json":
		return o.json(e)
	case "csv":
		t := predictionsTable(e.Predictions)
		t.Head = slices.Insert(t.Head, 1, "true")
		for i, row := range t.Rows {
			t.Rows[i] = slices.Insert(row, 1, strconv.Itoa(int(e.Labels[i])))
		}
		return o.table(t)
	}
	a := e.Accuracy
	var b strings.Builder
	b.WriteString(text.Wrap(fmt.Sprintf("%s right on %s of %s: %s (95 %% interval %s to %s). They are %s.", text.Printable(e.Model),
		text.Thousands(a.Correct), text.Count(a.Images, "image"), text.Percent(a.Share), text.Percentage(a.Bounds[0]), text.Percent(a.Bounds[1]),
		text.Printable(e.Data)), helpWidth, "", ""))
	if e.Guess != "" {
		fmt.Fprintf(&b, "It %s.\n", text.Printable(e.Guess))
	}
	tables := []text.Table{recallTable(e)}
	if t := confusionTable(e); text.Width(strings.Join(t.Head, "  ")) < helpWidth {
		tables = append(tables, t)
	}
	if len(e.Wrong) > 0 {
		tables = append(tables, wrongTable(e))
	}
	for _, t := range tables {
		b.WriteString("\n")
		if err := t.Text(&b); err != nil {
			return err
		}
	}
	if n := len(e.Wrong) - shownWrong; n > 0 {
		fmt.Fprintf(&b, "and %s more; --format json lists all\n", text.Thousands(n))
	}
	fmt.Fprintf(&b, "\n%s in %s (%s)\n", text.Count(a.Images, "image"), text.Duration(e.Seconds), e.Runtime)
	return o.print([]byte(b.String()))
}

func recallTable(e *lab.Evaluation) text.Table {
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

// confusionTable has a row for each true class.
func confusionTable(e *lab.Evaluation) text.Table {
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

func wrongTable(e *lab.Evaluation) text.Table {
	t := text.Table{Head: []string{"wrong image", "is", "answer", "probability"}, Left: 3}
	for _, w := range e.Wrong[:min(len(e.Wrong), shownWrong)] {
		t.Rows = append(t.Rows, []string{text.ShortenMiddle(w.Image, 40), w.Class, w.Answer, text.Percent(float64(w.Probability))})
	}
	return t
}

func checkGolden(o console, l *lab.Lab, m *lab.Model, file string) error {
	check, err := l.CheckGolden(m, file)
	if err != nil {
		return err
	}
	switch {
	case o.format == "json":
		err = o.json(check)
	case check.Difference == nil:
		err = o.print(fmt.Appendf(nil, "%s says of %s what %s has of %s (%s)\n", check.Model, text.Count(check.Images, "image"), check.Golden,
			check.Form, check.Runtime))
	}
	if err != nil {
		return err
	}
	return check.Err()
}
