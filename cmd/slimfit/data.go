package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/dataset"
)

// dataCommand lists, fetches and verifies data sets.
func dataCommand() *cli.Command {
	return &cli.Command{
		Name:  "data",
		Usage: "list, fetch and verify data sets",
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "show the known data sets and what is in the cache",
				Flags: []cli.Flag{cacheFlag(), formatFlag("text", "json")}, Action: dataList},
			{Name: "fetch", Usage: "put known data sets into the cache", ArgsUsage: "NAME...",
				Description: "Nothing is done for a data set that is in the cache and whole. Broken files are removed and fetched again.",
				Flags: []cli.Flag{cacheFlag(),
					&cli.StringFlag{Name: "from", Usage: "take the files from `FOLDER` and from nowhere else"}}, Action: dataFetch},
			{Name: "verify", Usage: "check data sets of the cache, or read a folder of your own and say what is in it", ArgsUsage: "NAME|FOLDER...",
				Flags: []cli.Flag{cacheFlag(), formatFlag("text", "json"),
					&cli.StringFlag{Name: "resize", Usage: "resize a folder of pictures to `HEIGHTxWIDTH`"}}, Action: dataVerify},
		},
	}
}

// dataRow is one known data set in the output of list.
type dataRow struct {
	Name       string       `json:"name"`
	About      string       `json:"about"`
	Input      models.Shape `json:"input"`
	Classes    int          `json:"classes"`
	Train      int          `json:"train"`
	Validation int          `json:"validation"`
	Test       int          `json:"test"`
	Bytes      int64        `json:"bytes"` // on disk
	Digest     string       `json:"digest"`
	State      string       `json:"state"` // cached, missing or broken
	Sources    []string     `json:"sources"`
}

func dataList(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("data list: unexpected argument %q; see %s --help", c.Args().First(), c.Command.HelpName)
	}
	cache := c.String("cache")
	var rows []dataRow
	for _, info := range dataset.Registry() {
		row, err := describeKnown(info, cache)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	if c.String("format") == "json" {
		return writeDataJSON(c.App.Writer, rows)
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tIMAGES\tCLASSES\tTRAIN\tVALIDATION\tTEST\tSTATE\tABOUT")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\n", r.Name, r.Input, r.Classes, r.Train, r.Validation, r.Test, r.State, r.About)
	}
	if err := w.Flush(); err != nil {
		return ioError(err)
	}
	note(c, "cache: %s", cache)
	return nil
}

func describeKnown(info dataset.Info, cache string) (dataRow, error) {
	d, err := dataset.Describe(dataset.Ref{Name: info.Name}, cache)
	if err != nil {
		return dataRow{}, err
	}
	r := dataRow{Name: info.Name, About: info.About, Input: d.Input, Classes: d.Classes, Train: d.Train, Validation: d.Validation,
		Test: d.Test, Digest: d.Digest, State: "cached", Sources: info.Sources(cache)}
	for _, f := range info.Files {
		r.Bytes += f.Size
	}
	switch err := dataset.Cached(info.Name, cache); {
	case errors.Is(err, fs.ErrNotExist):
		r.State = "missing"
	case err != nil:
		r.State = "broken"
	}
	return r, nil
}

func dataFetch(c *cli.Context) error {
	names, err := someArgs(c, "data set")
	if err != nil {
		return err
	}
	for _, name := range names { // all names before the first download
		if _, err := dataset.Lookup(name); err != nil {
			return usagef("data fetch: %w", err)
		}
	}
	log := c.App.ErrWriter
	if c.Bool("quiet") {
		log = io.Discard
	}
	var failures []error
	for _, name := range names {
		err := dataset.FetchFrom(c.Context, name, c.String("cache"), c.String("from"), log)
		if c.Context.Err() != nil {
			return err
		}
		failures = append(failures, err)
	}
	return ioError(errors.Join(failures...))
}

// dataReport is what verify found in one data set or folder.
type dataReport struct {
	models.Data
	Path       string   `json:"path"`
	ClassNames []string `json:"class_names"`
	Images     struct {
		Train      []int `json:"train"`
		Validation []int `json:"validation"`
		Test       []int `json:"test"`
	} `json:"images"` // of each class
	Notes []string `json:"notes"`
}

func dataVerify(c *cli.Context) error {
	names, err := someArgs(c, "data set or folder")
	if err != nil {
		return err
	}
	resize, err := parseResize(c.String("resize"))
	if err != nil {
		return err
	}
	var refs []dataset.Ref
	for _, name := range names {
		ref, err := dataRef(name, resize)
		if err != nil {
			return err
		}
		refs = append(refs, ref)
	}
	reports, faults := []dataReport{}, 0
	for _, ref := range refs {
		set, err := loadVerified(ref, c.String("cache"))
		if err != nil {
			faults++
			fmt.Fprintln(c.App.ErrWriter, message(err))
			continue
		}
		reports = append(reports, reportData(ref, c.String("cache"), set))
	}
	if err := writeDataReports(c, reports); err != nil {
		return ioError(err)
	}
	if faults > 0 {
		return &exitError{code: exitTrials}
	}
	return nil
}

// loadVerified loads a data set; for a known one every broken file is named.
func loadVerified(ref dataset.Ref, cache string) (*dataset.Set, error) {
	if ref.Path == "" {
		if err := dataset.Verify(ref.Name, cache); err != nil {
			return nil, err
		}
	}
	return dataset.Load(ref, cache)
}

// dataRef takes a name of the registry, or a folder.
func dataRef(name string, resize *[2]int) (dataset.Ref, error) {
	if _, err := dataset.Lookup(name); err == nil {
		if resize != nil {
			return dataset.Ref{}, usagef("data verify: --resize is for folders of pictures, not for %s", name)
		}
		return dataset.Ref{Name: name}, nil
	} else if st, statErr := os.Stat(name); statErr != nil || !st.IsDir() {
		return dataset.Ref{}, usagef("data verify: %w; nor is there such a folder", err)
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return dataset.Ref{}, ioError(err)
	}
	return dataset.Ref{Path: path, Resize: resize}, nil
}

// parseResize reads HEIGHTxWIDTH; "" is nil.
func parseResize(s string) (*[2]int, error) {
	if s == "" {
		return nil, nil
	}
	var size [2]int
	var rest string
	if n, _ := fmt.Sscanf(s+" ", "%dx%d%s", &size[0], &size[1], &rest); n != 2 || size[0] < 1 || size[1] < 1 {
		return nil, usagef("--resize %s: want HEIGHTxWIDTH in pixels, such as 32x32", s)
	}
	return &size, nil
}

func reportData(ref dataset.Ref, cache string, set *dataset.Set) dataReport {
	r := dataReport{Data: set.Data, Path: ref.Path, ClassNames: set.ClassNames, Notes: set.Notes}
	if r.Path == "" {
		r.Path = filepath.Join(cache, ref.Name)
	}
	r.Images.Train = set.Train.Histogram(set.Data.Classes)
	r.Images.Validation = set.Validation.Histogram(set.Data.Classes)
	r.Images.Test = set.Test.Histogram(set.Data.Classes)
	return r
}

func writeDataReports(c *cli.Context, reports []dataReport) error {
	if c.String("format") == "json" {
		return writeDataJSON(c.App.Writer, reports)
	}
	for _, r := range reports {
		fmt.Fprintf(c.App.Writer, "%s: %s images of %d classes: %d train, %d validation, %d test\n", r.Name, r.Input, r.Classes, r.Train, r.Validation, r.Test)
		fmt.Fprintf(c.App.Writer, "  folder  %s\n  digest  %s\n", printable(r.Path), r.Digest)
		for _, n := range r.Notes {
			fmt.Fprintf(c.App.Writer, "  note    %s\n", printable(n))
		}
		w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(w, "\t  class\ttrain\tvalidation\ttest\t\n")
		for i, name := range r.ClassNames {
			fmt.Fprintf(w, "\t  %s\t%d\t%d\t%d\t\n", printable(name), r.Images.Train[i], r.Images.Validation[i], r.Images.Test[i])
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func writeDataJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
