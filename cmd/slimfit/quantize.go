package main

import (
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/lab"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// quantizeCommand finds out what the trained networks of run folders get in
// int8.
func quantizeCommand() *cli.Command {
	return &cli.Command{
		Name:      "quantize",
		Usage:     "quantize every trained network of run folders to int8, and judge what comes out",
		ArgsUsage: "DIR...",
		Description: "Writes int8.json beside each result.json whose trained weights were kept (run --keep all): the accuracy of the int8 file that " +
			"`slimfit export --format tflite-int8` writes of it, its bytes and its checksum. The test images are looked at only where the " +
			"result has test " +
			"figures already. `slimfit report` shows what is there. No TensorFlow is needed.",
		Flags: []cli.Flag{cacheFlag(), formatFlag("text", "markdown", "csv"),
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "quantize `N` networks side by side (default: one a core)"},
			&cli.StringFlag{Name: "data", Usage: "the `FOLDER` of your own data set, where it is not the experiments' any more"}},
		Action: func(c *cli.Context) error {
			dirs, err := someArgs(c, "run folder")
			if err != nil {
				return err
			}
			o := consoleOf(c)
			l := labOf(c, o)
			if l.Work, err = workOf(c); err != nil {
				return err
			}
			q, err := l.Quantize(c.Context, dirs, c.String("data"))
			if err != nil {
				return err
			}
			if err := writeQuantized(o, q.All); err != nil {
				return err
			}
			return q.Err()
		},
	}
}

// writeQuantized prints one row a configuration.
func writeQuantized(o console, all []lab.QuantizedTrial) error {
	if len(all) == 0 {
		return nil
	}
	t := text.Table{Head: []string{"run", "configuration", "images", "seeds", "float32", "int8", "difference", "bytes"}, Left: 3}
	plain := o.format == "csv"
	for first := 0; first < len(all); {
		last := first
		for last < len(all) && all[last].Run == all[first].Run && all[last].Result.ConfigID == all[first].Result.ConfigID {
			last++
		}
		t.Rows = append(t.Rows, quantizedRow(all[first:last], plain))
		first = last
	}
	return o.table(t)
}

// quantizedRow sums up the seeds of a configuration, on the test images where
// all of them have been there. plain writes fractions and bytes for programs.
func quantizedRow(seeds []lab.QuantizedTrial, plain bool) []string {
	split := result.Test
	for _, s := range seeds {
		if s.Result.Accuracy.Test == nil || s.Int8.Accuracy.Test == nil {
			split = result.Validation
		}
	}
	row := []string{seeds[0].Run, seeds[0].Result.ConfigID, string(split), strconv.Itoa(len(seeds))}
	float, int8, bytes := 0.0, 0.0, [2]int{seeds[0].Int8.Bytes, seeds[0].Int8.Bytes}
	for _, s := range seeds {
		bytes[0], bytes[1] = min(bytes[0], s.Int8.Bytes), max(bytes[1], s.Int8.Bytes)
		a, b := s.Result.On(split).Accuracy, s.Int8.On(split).Accuracy
		if split.Images(s.Result.Dataset) == 0 || a == nil || b == nil {
			return append(row, "", "", "", span(bytes, plain))
		}
		float, int8 = float+*a/float64(len(seeds)), int8+*b/float64(len(seeds))
	}
	if plain {
		return append(row, fmt.Sprintf("%.6f", float), fmt.Sprintf("%.6f", int8), fmt.Sprintf("%+.6f", int8-float), span(bytes, plain))
	}
	return append(row, text.Percent(float), text.Percent(int8), text.Points(int8-float), span(bytes, plain))
}

// span writes the bytes of a configuration's files, which may differ between
// seeds by a shared array.
func span(bytes [2]int, plain bool) string {
	words := text.Thousands
	if plain {
		words = strconv.Itoa
	}
	if bytes[0] == bytes[1] {
		return words(bytes[0])
	}
	return words(bytes[0]) + "-" + words(bytes[1])
}
