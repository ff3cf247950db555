package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/export"
	"slimfit/pkg/parallel"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// quantizeCommand finds out what the trained networks of run folders get in
// int8.
func quantizeCommand() *cli.Command {
	return &cli.Command{
		Name:      "quantize",
		Usage:     "quantize every trained network of run folders to int8, and judge what comes out",
		ArgsUsage: "DIR...",
		Description: "Writes int8.json beside each result.json whose trained weights were kept (run --keep all): the accuracy of the int8 file that " +
			"`slimfit export --format tflite-int8` writes of it, its bytes and its checksum. The test images are looked at only where the result has test " +
			"figures already. `slimfit report` shows what is there. No TensorFlow is needed.",
		Flags: []cli.Flag{cacheFlag(), formatFlag("text", "markdown", "csv"),
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "quantize `N` networks side by side (default: one a core)"},
			&cli.StringFlag{Name: "data", Usage: "the `FOLDER` of your own data set, where it is not the experiments' any more"}},
		Action: func(c *cli.Context) error {
			dirs, err := someArgs(c, "run folder")
			if err != nil {
				return err
			}
			if err := atLeast(c, "jobs", 0); err != nil {
				return err
			}
			var folders []*store.Folder
			for _, dir := range dirs {
				f, err := runFolder(dir)
				if err != nil {
					return err
				}
				folders = append(folders, f)
			}
			var o quantizeOutcome
			for _, f := range folders {
				if err := o.quantizeFolder(c, f); err != nil {
					return err
				}
			}
			if err := writeQuantized(c, o.all); err != nil {
				return ioError(err)
			}
			return o.err()
		},
	}
}

// quantizeOutcome is what became of the finished trials of run folders.
type quantizeOutcome struct {
	all    []quantized
	failed int // have no int8 form, or cannot be read
	lost   int // their weights were not kept
}

// err is what the command ends with: trials without weights are no fault as
// long as there is something to show.
func (o *quantizeOutcome) err() error {
	text := ""
	switch {
	case o.failed > 0:
		text = fmt.Sprintf("%s quantized, %s could not be", count(len(o.all), "network"), thousands(o.failed))
	case len(o.all) > 0:
		return nil
	case o.lost > 0:
		text = fmt.Sprintf("no network quantized, as %v", errNoWeights)
	default:
		text = "no network quantized, as no trial is finished; `slimfit run` takes them up"
	}
	return &exitError{code: exitTrials, err: errors.New("quantize: " + text)}
}

// quantized is one trial with what its network gets in int8.
type quantized struct {
	run    string
	result result.Result // without its lists
	int8   result.Int8
}

// quantizeFolder quantizes the finished trials of a run folder, and names those
// that could not be.
func (o *quantizeOutcome) quantizeFolder(c *cli.Context, folder *store.Folder) error {
	results, damaged, err := folder.Results(store.Brief)
	if err != nil {
		return ioError(err)
	}
	for _, d := range damaged {
		note(c, "%v; `slimfit run` trains it again", d)
		o.failed++
	}
	done := results[:0:0]
	for _, r := range results {
		if r.Status == result.Done {
			done = append(done, r)
		}
	}
	if len(done) == 0 {
		note(c, "%s: no trial of it is finished", folder.Dir)
		return nil
	}
	path := c.String("data")
	if path == "" {
		path = ownDataPath(folder.Dir, done[0].Dataset)
	}
	q := newQuantizer(folder, models.Source{Cache: c.String("cache"), Path: path}, func(f string, args ...any) { note(c, f, args...) })
	int8s, errs := make([]result.Int8, len(done)), make([]error, len(done))
	err = parallel.Each(c.Context, len(done), c.Int("jobs"), func(i int) error {
		int8s[i], errs[i] = q.make(c.Context, done[i], done[i].Correct.Test != nil, 1)
		var unfit *export.UnfitError
		if errors.Is(errs[i], errNoWeights) || errors.As(errs[i], &unfit) {
			return nil // the others may be well
		}
		detail(c, "%s: int8 done", done[i].Key())
		return errs[i]
	})
	if err != nil {
		return err
	}
	var lost []string
	for i, r := range done {
		switch {
		case errors.Is(errs[i], errNoWeights):
			lost = append(lost, r.Key().String())
		case errs[i] != nil:
			o.failed++
			note(c, "%v", errs[i])
		case int8s[i].Reason != "":
			o.failed++
			note(c, "%s has no int8 form: %s", r.Key(), int8s[i].Reason)
		default:
			o.all = append(o.all, quantized{filepath.Base(folder.Dir), r, int8s[i]})
		}
	}
	o.lost += len(lost)
	if len(lost) > 0 {
		note(c, "%s not quantized, as %v: %s", count(len(lost), "trial"), errNoWeights, strings.Join(lost, ", "))
	}
	return nil
}

// writeQuantized prints one row a configuration.
func writeQuantized(c *cli.Context, all []quantized) error {
	if len(all) == 0 {
		return nil
	}
	t := table{head: []string{"run", "configuration", "images", "seeds", "float32", "int8", "difference", "bytes"}, left: 3}
	plain := c.String("format") == "csv"
	for first := 0; first < len(all); {
		last := first
		for last < len(all) && all[last].run == all[first].run && all[last].result.ConfigID == all[first].result.ConfigID {
			last++
		}
		t.rows = append(t.rows, quantizedRow(all[first:last], plain))
		first = last
	}
	switch c.String("format") {
	case "markdown":
		return t.markdown(c.App.Writer)
	case "csv":
		return t.csv(c.App.Writer)
	}
	return t.text(c.App.Writer)
}

// quantizedRow sums up the seeds of a configuration, on the test images where
// all of them have been there. plain writes fractions and bytes for programs.
func quantizedRow(seeds []quantized, plain bool) []string {
	split, images := export.Test, seeds[0].result.Dataset.Test
	for _, s := range seeds {
		if s.result.Accuracy.Test == nil || s.int8.Accuracy.Test == nil {
			split, images = export.Validation, s.result.Dataset.Validation
		}
	}
	row := []string{seeds[0].run, seeds[0].result.ConfigID, split, strconv.Itoa(len(seeds))}
	float, int8, bytes := 0.0, 0.0, [2]int{seeds[0].int8.Bytes, seeds[0].int8.Bytes}
	for _, s := range seeds {
		bytes[0], bytes[1] = min(bytes[0], s.int8.Bytes), max(bytes[1], s.int8.Bytes)
		a, b := s.result.Accuracy.Test, s.int8.Accuracy.Test
		if split == export.Validation {
			a, b = s.result.Accuracy.Validation, s.int8.Accuracy.Validation
		}
		if images == 0 || a == nil || b == nil {
			return append(row, "", "", "", span(bytes, plain))
		}
		float, int8 = float+*a/float64(len(seeds)), int8+*b/float64(len(seeds))
	}
	if plain {
		return append(row, fmt.Sprintf("%.6f", float), fmt.Sprintf("%.6f", int8), fmt.Sprintf("%+.6f", int8-float), span(bytes, plain))
	}
	return append(row, fmt.Sprintf("%.2f %%", 100*float), fmt.Sprintf("%.2f %%", 100*int8), fmt.Sprintf("%+.2f", 100*(int8-float)), span(bytes, plain))
}

// span writes the bytes of a configuration's files, which may differ between
// seeds by a shared array.
func span(bytes [2]int, plain bool) string {
	text := thousands
	if plain {
		text = strconv.Itoa
	}
	if bytes[0] == bytes[1] {
		return text(bytes[0])
	}
	return text(bytes[0]) + "-" + text(bytes[1])
}
