package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/export"
	"slimfit/pkg/lab"
	"slimfit/pkg/text"
)

// exportCommand writes a trained network as files that other programs load.
func exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write a trained network as model files, with a card that says what they are",
		ArgsUsage: "RUN|CONFIG|CERTIFICATE",
		Description: "Takes the folder of a run, of a configuration or of a trial, a configuration's ID, or a search's certificate; the best seed " +
			"on the validation images, unless told.\n\n" +
			"savedmodel and frozen: TensorFlow (written by slimfit-worker). tflite: TensorFlow Lite, float32. tflite-int8: full-integer, " +
			"calibrated on training images. c: the int8 file as a C array for TensorFlow Lite Micro. c-code: the int8 network as freestanding " +
			"C99, with a header, no runtime and no floating point; c-code-float: the same in float32. npz: the weights for NumPy. " +
			"all: each of them.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "the `FORMATS` to write: savedmodel, frozen, tflite, tflite-int8, c, c-code, c-code-float, npz or all, several with commas"},
			&cli.StringFlag{Name: "into", Aliases: []string{"o"}, Usage: "write into `DIR` (default: <run folder>/export/<config-id>-seed-<n>)"},
			&cli.Int64Flag{Name: "seed", Usage: "take the network of seed `N`"},
			&cli.BoolFlag{Name: "force", Usage: "replace the export of another network, and files that no export wrote"},
			&cli.BoolFlag{Name: "quick", Usage: "leave out what takes time: the files' accuracy and the latency"},
			&cli.BoolFlag{Name: "dense-per-channel", Usage: "in int8 files, give each unit of a dense layer a weight scale of its own, as TensorFlow's converter does since 2.17; " +
				"a little more exact, and larger; runtimes made to the older specification read one scale a layer only; slimfit quantize and " +
				"searches judge files without it"},
			&cli.StringFlag{Name: "data", Usage: "the `FOLDER` of your own data set, where it is not the experiment's any more"},
			runsFlag(), cacheFlag(), workerFlag(), pythonFlag()},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "run, configuration or certificate")
			if err != nil {
				return err
			}
			names := c.String("format")
			if names == "" {
				return exit.Usagef("export: no --format: want savedmodel, frozen, tflite, tflite-int8, c, c-code, c-code-float, npz or all, several " +
					"with commas")
			}
			formats, err := export.ParseFormats(names)
			if err != nil {
				return exit.Usagef("%s: %w", origin(c, "format"), err)
			}
			o := consoleOf(c)
			l := labOf(c, o)
			t, err := l.FindTrial(name, seedOf(c))
			if err != nil {
				return err
			}
			wrote, err := l.Export(c.Context, t, lab.ExportOptions{Formats: formats, Into: c.String("into"), Data: c.String("data"),
				Force: c.Bool("force"), Quick: c.Bool("quick"), DensePerChannel: c.Bool("dense-per-channel")})
			if err != nil {
				return err
			}
			return writeExported(o, wrote)
		},
	}
}

// seedOf is the seed that a person chose; nil where none is given.
func seedOf(c *cli.Context) *int64 {
	if !c.IsSet("seed") {
		return nil
	}
	seed := c.Int64("seed")
	return &seed
}

// runsFlag is outFlag for commands whose -o is something else.
func runsFlag() cli.Flag {
	return &cli.StringFlag{Name: "out", Value: defaultOut, Usage: "the `FOLDER` above the run folders <name>/"}
}

// writeExported prints what was written.
func writeExported(o console, x lab.Exported) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)", x.Key, x.Chosen)
	if len(x.Card.Accuracy) > 0 {
		a := x.Card.Accuracy[0]
		fmt.Fprintf(&b, ": %s of %s right, as trained", text.Percent(a.Share), text.Count(a.Images, a.Split+" image"))
	}
	b.WriteString("\n")
	t := text.Table{Head: []string{"file", "bytes", "right", "of"}, Left: 1}
	for _, f := range x.Card.Files {
		row := []string{filepath.Join(x.Dir, f.Path), text.Thousands(f.Bytes), "", ""}
		if f.Accuracy != nil {
			row[2], row[3] = text.Percent(f.Accuracy.Share), text.Count(f.Accuracy.Images, f.Accuracy.Split+" image")
		}
		t.Rows = append(t.Rows, row)
	}
	if err := t.Text(&b); err != nil {
		return err
	}
	fmt.Fprintf(&b, "card: %s\n", filepath.Join(x.Dir, export.CardName))
	return o.print([]byte(b.String()))
}
