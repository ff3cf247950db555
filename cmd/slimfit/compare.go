package main

import (
	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/report"
	"slimfit/pkg/report/render"
)

// compareCommand puts two run folders side by side.
func compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "compare two experiments or recipes, paired by configuration and seed",
		ArgsUsage: "DIR|FILE DIR|FILE",
		Flags:     []cli.Flag{runsFlag(), cacheFlag(), splitFlag(), formatFlag("text", "json", "csv", "markdown")},
		Action: func(c *cli.Context) error {
			if c.NArg() != 2 {
				return exit.Usagef("compare: want two run folders, got %d; see slimfit compare --help", c.NArg())
			}
			o := consoleOf(c)
			split := report.Split(c.String("split"))
			comparison, err := labOf(c, o).Compare([2]string{c.Args().Get(0), c.Args().Get(1)}, split)
			if err != nil {
				return err
			}
			return printComparison(o, comparison)
		},
	}
}

func printComparison(o console, comparison *report.Comparison) error {
	out, err := render.Comparison(comparison, o.format)
	if err != nil {
		return exit.Failed(err)
	}
	return o.print(out)
}
