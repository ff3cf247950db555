package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

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
	words, err := e.Text(helpWidth)
	if err != nil {
		return err
	}
	return o.print([]byte(words))
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
