package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/text"
)

// predictCommand classifies images.
func predictCommand() *cli.Command {
	return &cli.Command{
		Name:      "predict",
		Usage:     "classify images with an exported file or a trained run",
		ArgsUsage: "MODEL IMAGE...|FOLDER",
		Description: "MODEL is a file or folder that `slimfit export` wrote (.tflite, weights.npz, savedmodel, frozen.pb), or what `slimfit export` takes. " +
			"Images are PNG, JPEG, BMP, GIF or WebP pictures, idx files (.gz too), or npy files of uint8 or of float32 in [0, 1]. A FOLDER of " +
			"class folders gives what `slimfit evaluate` gives, one of pictures alone a CSV. Only savedmodel and frozen.pb need " +
			"slimfit-worker. A file that was changed after it was exported, and a graph with operations that slimfit does not write, are " +
			"refused: TensorFlow's graphs are programs, which can write any file of yours.",
		Flags: modelFlags(),
		Action: func(c *cli.Context) error {
			if c.NArg() < 2 {
				return exit.Usagef("predict: want a model and at least one image or a folder, got %d arguments; see %s --help", c.NArg(),
					c.Command.HelpName)
			}
			o := consoleOf(c)
			l := labOf(c, o)
			m, err := l.OpenModel(c.Context, c.Args().First(), seedOf(c))
			if err != nil {
				return err
			}
			files := c.Args().Tail()
			if st, err := os.Stat(files[0]); err == nil && st.IsDir() && len(files) == 1 {
				e, p, err := l.PredictFolder(m, files[0])
				switch {
				case err != nil:
					return err
				case e != nil:
					return writeEvaluation(o, e)
				case !c.IsSet("format"):
					o.format = "csv"
				}
				return writePredictions(o, p)
			}
			p, err := l.Predict(m, files, c.Bool("resize"))
			if err != nil {
				return err
			}
			return writePredictions(o, p)
		},
	}
}

func modelFlags() []cli.Flag {
	return []cli.Flag{formatFlag("text", "json", "csv"),
		&cli.BoolFlag{Name: "resize", Usage: "resize pictures to what the network takes; those of a folder are"},
		&cli.Int64Flag{Name: "seed", Usage: "of a run, take the network of seed `N`"},
		&cli.BoolFlag{Name: "trust", Usage: "run it whatever it is: only for files that you made or trust"},
		runsFlag(), cacheFlag(), workerFlag()}
}

func writePredictions(o console, p *lab.Predictions) error {
	switch o.format {
	case "json":
		return o.json(p)
	case "csv":
		return o.table(predictionsTable(p))
	}
	t := text.Table{Head: []string{"image", "class", "probability", "then"}, Left: 1}
	for _, i := range p.Images {
		t.Rows = append(t.Rows, []string{i.Image, p.Class(i.Class), text.Percent(i.Probability), runnerUp(p, i)})
	}
	if err := o.table(t); err != nil {
		return err
	}
	_, err := fmt.Fprintf(o.out, "%s in %s, %s an image (%s)\n", text.Count(len(p.Images), "image"), text.Duration(p.Seconds),
		text.Duration(p.SecondsPerImage), p.Runtime)
	return exit.Failed(err)
}

// runnerUp is the second most likely class.
func runnerUp(p *lab.Predictions, i lab.Prediction) string {
	order := make([]int, 0, len(i.Probabilities))
	for k := range i.Probabilities {
		if k != i.Class {
			order = append(order, k)
		}
	}
	best := slices.MaxFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(i.Probabilities[a], i.Probabilities[b]), cmp.Compare(b, a))
	})
	return p.Class(best) + " " + text.Percent(i.Probabilities[best])
}

// predictionsTable is for programs: every probability, unrounded.
func predictionsTable(p *lab.Predictions) text.Table {
	t := text.Table{Head: []string{"image", "class", "name"}}
	for k := range p.Images[0].Probabilities {
		t.Head = append(t.Head, fmt.Sprintf("p%d", k))
	}
	for _, i := range p.Images {
		row := []string{i.Image, strconv.Itoa(i.Class), i.Name}
		for _, x := range i.Probabilities {
			row = append(row, strconv.FormatFloat(float64(x), 'g', -1, 32))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
