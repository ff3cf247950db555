package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/shell"
)

// initCommand writes an experiment file to start from.
func initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a commented experiment file to start from",
		ArgsUsage: "[FILE] (default experiment.yaml)",
		Flags:     []cli.Flag{&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "overwrite the file"}},
		Action: func(c *cli.Context) error {
			file := "experiment.yaml"
			if c.NArg() > 1 {
				return exit.Usagef("init: want at most one file, got %d", c.NArg())
			} else if c.NArg() == 1 {
				file = c.Args().First()
			}
			if err := writeNew(file, startingFile, c.Bool("force")); err != nil {
				return err
			}
			consoleOf(c).note("wrote %s; next: %s", file, shell.Line("slimfit", "plan", file))
			return nil
		},
	}
}

// writeNew writes a file that must not exist yet, unless force.
func writeNew(file, content string, force bool) error {
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(file, mode, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return exit.Usagef("init: %s exists already; --force overwrites it", file)
	}
	if err != nil {
		return exit.Failed(fmt.Errorf("init: %w", err))
	}
	_, err = f.WriteString(content)
	return exit.Failed(errors.Join(err, f.Close()))
}

// startingFile is what init writes.
const startingFile = `# yaml-language-server: $schema=./slimfit.schema.json
# The line above gives completion in editors after: slimfit schema > slimfit.schema.json
#
# Claim:    which of these small CNNs still reads 97 % of MNIST's digits?
# Cost:     see: slimfit plan experiment.yaml
# Run:      slimfit run experiment.yaml, then slimfit report runs/my-experiment
# Search:   slimfit search experiment.yaml (the cheapest that meets the target)

name: my-experiment               # results go to runs/my-experiment/
about: The smallest CNN that reads 97 % of MNIST's digits.

dataset: mnist                    # or fashion-mnist, or your own images:
# dataset:
#   name: parts
#   path: images                  # images/<class>/*.png, relative to this file
#   resize: [32, 32]

matrix:                           # every combination is one configuration
  kernel: [5, 3]
  filters: [8, 4, 2]
  # exclude: [{kernel: 5, filters: 8}]

model:                            # layers in reading order; $name takes the matrix value
  - conv: {kernel: $kernel, filters: $filters}
  - maxpool: 2
  - dense: 64
  - dropout: 0.5                  # the last dense layer, one unit a class, is added by itself

baseline: base                    # ratios are against the paper's base network

train:                            # what is not given is the paper's: Adam, 1e-4, batch 50, 20,000 steps
  learning_rate: 1e-3
  steps: 2000

seeds: 3                          # 0, 1, 2

target:                           # the worst that you can live with
  accuracy: 0.97
  cost: parameters                # or macs, activations, peak, weight_bytes

report:                           # one curve a kernel, accuracy against filters
  slice: kernel
  x: filters
`
