package main

import (
	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/report"
	"slimfit/pkg/report/output"
)

// reportCommand writes the reports of run folders.
func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "write a run folder's report in every format, and print it",
		ArgsUsage: "DIR|FILE...",
		Flags: []cli.Flag{runsFlag(), cacheFlag(), formatFlag("text", "markdown", "csv", "json", "latex", "html"), splitFlag(),
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "print the report and write no files"},
			&cli.StringFlag{Name: "into", Usage: "write one report of all DIRs into `FOLDER` (default: each DIR's own into DIR/report)"},
			&cli.StringFlag{Name: "published", Usage: "show the figures of the CSV `FILE` beside the results: columns experiment, config or axes, accuracy, seconds, source"},
			&cli.StringFlag{Name: "claims", Usage: "hold the claims of the YAML `FILE` against the results of all DIRs"}},
		Action: func(c *cli.Context) error {
			dirs, err := someArgs(c, "run folder")
			if err != nil {
				return err
			}
			o := reportOptions{console: consoleOf(c), into: c.String("into"), dryRun: c.Bool("dry-run"),
				ReportOptions: lab.ReportOptions{Split: report.Split(c.String("split")), Published: c.String("published"), Claims: c.String("claims")}}
			o.lab = labOf(c, o.console)
			return runReport(o, dirs)
		},
	}
}

// reportOptions are what a report is asked for.
type reportOptions struct {
	console
	lab.ReportOptions
	lab    *lab.Lab
	into   string
	dryRun bool
}

func runReport(o reportOptions, dirs []string) error {
	switch {
	case o.format == "html" && len(dirs) > 1:
		return exit.Usagef("report: one page holds one experiment; give one DIR, or --into FOLDER without --format html")
	case o.Claims != "" && len(dirs) > 1 && o.into == "" && !o.dryRun:
		return exit.Usagef("report: --claims of several DIRs make one document: say --into FOLDER, or -n to print it only")
	}
	o.Pictures = !o.dryRun || o.format == "html"
	reports, err := o.lab.ReadReports(dirs, o.ReportOptions)
	if err != nil {
		return err
	}
	if !o.dryRun {
		if err := reports.Write(o.lab, o.into); err != nil {
			return exit.Failed(err)
		}
	}
	return printReports(o, reports)
}

func splitFlag() cli.Flag {
	return &cli.StringFlag{Name: "split", Usage: "judge and draw by `IMAGES`: validation or test (default: validation where there is a " +
		"target, else test)",
		Action: func(c *cli.Context, got string) error {
			if got != "" && got != string(report.Validation) && got != string(report.Test) {
				return exit.Usagef("%s %s: want validation or test", origin(c, "split"), got)
			}
			return nil
		}}
}

func printReports(o reportOptions, r *lab.Reports) error {
	out, err := output.Write(r.Reports, o.format, r.Front...)
	if err != nil {
		return exit.Failed(err)
	}
	return o.print(out)
}
