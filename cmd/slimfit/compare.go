package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/report"
)

// compareCommand puts two run folders side by side.
func compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "compare two experiments or recipes, paired by configuration and seed",
		ArgsUsage: "DIR DIR",
		Flags:     []cli.Flag{cacheFlag(), splitFlag(), formatFlag("text", "json", "csv", "markdown")},
		Action: func(c *cli.Context) error {
			if c.NArg() != 2 {
				return usagef("compare: want two run folders, got %d; see slimfit compare --help", c.NArg())
			}
			var reports []*report.Report
			for _, dir := range c.Args().Slice() {
				folder, err := runFolder(dir)
				if err != nil {
					return err
				}
				in, err := readRun(c, folder)
				if err != nil {
					return err
				}
				r, err := report.Build(in, report.Options{Split: report.Split(c.String("split"))})
				if err != nil {
					return &exitError{code: exitUsage, err: fmt.Errorf("compare %s: %w", dir, err)}
				}
				reports = append(reports, r)
			}
			comparison, err := report.Compare(reports[0], reports[1])
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			return printComparison(c, comparison)
		},
	}
}

func printComparison(c *cli.Context, comparison *report.Comparison) error {
	var out []byte
	var err error
	switch c.String("format") {
	case "json":
		out, err = comparison.JSON()
	case "csv":
		out, err = comparison.CSV()
	case "markdown":
		out = comparison.Markdown()
	default:
		out = comparison.Text()
	}
	if err != nil {
		return ioError(err)
	}
	_, err = c.App.Writer.Write(out)
	return ioError(err)
}
