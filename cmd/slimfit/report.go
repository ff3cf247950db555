package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/report"
	"slimfit/pkg/store"
)

// reportCommand writes the reports of run folders.
func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "write a run folder's report in every format, and print it",
		ArgsUsage: "DIR...",
		Flags: []cli.Flag{cacheFlag(), formatFlag("text", "markdown", "csv", "json", "latex", "html"), splitFlag(),
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "print the report and write no files"},
			&cli.StringFlag{Name: "into", Usage: "write one report of all DIRs into `FOLDER` (default: each DIR's own into DIR/report)"},
			&cli.StringFlag{Name: "published", Usage: "show the figures of the CSV `FILE` beside the results: columns experiment, config or axes, accuracy, seconds, source"},
			&cli.StringFlag{Name: "claims", Usage: "hold the claims of the YAML `FILE` against the results of all DIRs"}},
		Action: func(c *cli.Context) error {
			dirs, err := someArgs(c, "run folder")
			if err != nil {
				return err
			}
			reports, folders, err := readReports(c, dirs)
			if err != nil {
				return err
			}
			if c.String("format") == "html" && len(reports) > 1 {
				return usagef("report: one page holds one experiment; give one DIR, or --into FOLDER without --format html")
			}
			if c.String("claims") != "" && len(dirs) > 1 && c.String("into") == "" && !c.Bool("dry-run") {
				return usagef("report: --claims of several DIRs make one document: say --into FOLDER, or -n to print it only")
			}
			judged, err := readClaims(c.String("claims"), reports)
			if err != nil {
				return err
			}
			if !c.Bool("dry-run") {
				if err := writeReports(c, reports, folders, judged); err != nil {
					return ioError(err)
				}
			}
			return printReports(c, reports, judged)
		},
	}
}

func splitFlag() cli.Flag {
	return &cli.StringFlag{Name: "split", Usage: "judge and draw by `IMAGES`: validation or test (default: validation where there is a target, else test)",
		Action: func(c *cli.Context, got string) error {
			if got != "" && got != string(report.Validation) && got != string(report.Test) {
				return usagef("%s %s: want validation or test", origin(c, "split"), got)
			}
			return nil
		}}
}

// readReports reads every folder before anything is written. A trial that one
// folder lacks is taken from another that has the same configuration and seed.
func readReports(c *cli.Context, dirs []string) ([]*report.Report, []*store.Folder, error) {
	published, err := readPublished(c.String("published"))
	if err != nil {
		return nil, nil, err
	}
	inputs := make([]report.Input, len(dirs))
	folders := make([]*store.Folder, len(dirs))
	for i, dir := range dirs {
		if folders[i], err = runFolder(dir); err != nil {
			return nil, nil, err
		}
		if inputs[i], err = readRun(c, folders[i]); err != nil {
			return nil, nil, err
		}
		inputs[i].Published = published
	}
	measureForReports(inputs)
	var reports []*report.Report
	for i := range inputs {
		in := inputs[i]
		for j := range inputs {
			if j != i {
				in.Others = append(in.Others, inputs[j].Results...)
				in.Int8 = append(in.Int8, inputs[j].Int8...)
			}
		}
		r, err := report.Build(in, report.Options{Split: report.Split(c.String("split"))})
		if err != nil {
			return nil, nil, &exitError{code: exitUsage, err: fmt.Errorf("report of %s: %w", dirs[i], err)}
		}
		reports = append(reports, r)
	}
	return reports, folders, nil
}

func readPublished(file string) ([]report.PublishedRow, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, ioError(err)
	}
	rows, err := report.ReadPublished(bytes.NewReader(b), file)
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	return rows, nil
}

// writeReports writes each report into its run folder, or all into one.
func writeReports(c *cli.Context, reports []*report.Report, folders []*store.Folder, judged judgedClaims) error {
	if into := c.String("into"); into != "" {
		return writeFiles(c, into, reports, judged)
	}
	for i, r := range reports {
		if err := writeFiles(c, folders[i].ReportDir(), []*report.Report{r}, judged); err != nil {
			return err
		}
	}
	return nil
}

func writeFiles(c *cli.Context, folder string, reports []*report.Report, judged judgedClaims) error {
	if err := os.MkdirAll(filepath.Join(folder, "figures"), 0o777); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	var names []string
	for _, f := range append(report.Files(reports, judged.front...), judged.json...) {
		names = append(names, f.Name)
		b, err := f.Make()
		if err != nil {
			return err
		}
		if err := store.WriteFile(filepath.Join(folder, filepath.FromSlash(f.Name)), b); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	// A figure of an earlier report that has none now would mislead.
	for _, name := range report.FigureNames() {
		for _, ending := range []string{".svg", ".png"} {
			old := "figures/" + name + ending
			if slices.Contains(names, old) {
				continue
			}
			if err := os.Remove(filepath.Join(folder, filepath.FromSlash(old))); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("write report: %w", err)
			}
		}
	}
	note(c, "report: %s", filepath.Join(folder, "report.md"))
	for _, n := range names {
		if filepath.Ext(n) == ".html" {
			note(c, "        %s", filepath.Join(folder, n))
		}
	}
	return nil
}

func printReports(c *cli.Context, reports []*report.Report, judged judgedClaims) error {
	var out []byte
	var err error
	switch c.String("format") {
	case "markdown":
		out = report.Markdown(reports, "", judged.front...)
	case "csv":
		out, err = report.TrialsCSV(reports)
	case "json":
		out, err = report.JSON(reports)
	case "latex":
		out = report.LaTeX(reports)
	case "html":
		out, err = reports[0].HTML()
	default:
		for _, p := range judged.front {
			out = append(append(out, p.Text()...), "\n\n"...)
		}
		for i, r := range reports {
			if i > 0 {
				out = append(out, "\n\n"...)
			}
			out = append(out, r.Text()...)
		}
	}
	if err != nil {
		return ioError(err)
	}
	_, err = c.App.Writer.Write(out)
	return ioError(err)
}
