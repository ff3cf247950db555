package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/export"
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
			"calibrated on training images. c: the int8 file as a C array for microcontrollers. npz: the weights for NumPy. all: each of them.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "the `FORMATS` to write: savedmodel, frozen, tflite, tflite-int8, c, npz or all, several with commas"},
			&cli.StringFlag{Name: "into", Aliases: []string{"o"}, Usage: "write into `DIR` (default: <run folder>/export/<config-id>-seed-<n>)"},
			&cli.Int64Flag{Name: "seed", Usage: "take the network of seed `N`"},
			&cli.BoolFlag{Name: "force", Usage: "replace the export of another network, and files that no export wrote"},
			&cli.BoolFlag{Name: "quick", Usage: "leave out what takes time: the files' accuracy and the latency"},
			&cli.BoolFlag{Name: "dense-per-channel", Usage: "in int8 files, give each unit of a dense layer a weight scale of its own, as TensorFlow's converter does since 2.17; " +
				"a little more exact, and larger; runtimes made to the older specification read one scale a layer only; slimfit quantize and searches judge files without it"},
			&cli.StringFlag{Name: "data", Usage: "the `FOLDER` of your own data set, where it is not the experiment's any more"},
			runsFlag(), cacheFlag(), workerFlag(), pythonFlag()},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "run, configuration or certificate")
			if err != nil {
				return err
			}
			if c.String("format") == "" {
				return usagef("export: no --format: want savedmodel, frozen, tflite, tflite-int8, c, npz or all, several with commas")
			}
			formats, err := export.ParseFormats(c.String("format"))
			if err != nil {
				return usagef("%s: %w", origin(c, "format"), err)
			}
			t, err := findTrial(c, name)
			if err != nil {
				return err
			}
			return newExporter(c, t, formats).run()
		},
	}
}

// runsFlag is outFlag for commands whose -o is something else.
func runsFlag() cli.Flag {
	return &cli.StringFlag{Name: "out", Value: defaultOut, Usage: "the `FOLDER` above the run folders <name>/"}
}

// findTrial opens the trained network that a person names.
func findTrial(c *cli.Context, name string) (*export.Trial, error) {
	choice, err := export.Find(name, c.String("out"))
	if err != nil {
		return nil, trialError(err)
	}
	if c.IsSet("seed") {
		seed := c.Int64("seed")
		if choice.Seed != nil && *choice.Seed != seed {
			return nil, usagef("--seed %d: %s is of seed %d", seed, name, *choice.Seed)
		}
		choice.Seed = &seed
	}
	t, err := export.Open(choice)
	if err != nil {
		return nil, trialError(err)
	}
	for _, w := range t.Warnings {
		note(c, "%s", w)
	}
	detail(c, "%s: %s", t.Result.Key(), t.Chosen)
	return t, nil
}

// trialError gives an error of finding a network its exit code.
func trialError(err error) error {
	var unfit *export.UnfitError
	if errors.As(err, &unfit) {
		return &exitError{code: exitTrials, err: err}
	}
	return err
}
