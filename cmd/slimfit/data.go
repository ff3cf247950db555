package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/dataset"
	"slimfit/pkg/dataset/fetch"
	"slimfit/pkg/exit"
	"slimfit/pkg/lab"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// dataCommand lists, fetches, verifies and draws data sets.
func dataCommand() *cli.Command {
	return &cli.Command{
		Name:  "data",
		Usage: "list, fetch, verify and preview data sets",
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "show the known data sets and what is in the cache",
				Flags: []cli.Flag{cacheFlag(), formatFlag("text", "json")}, Action: dataList},
			{Name: "fetch", Usage: "put known data sets into the cache", ArgsUsage: "NAME...",
				Description: "Nothing is done for a data set that is in the cache and whole. Broken files are removed and fetched again.",
				Flags: []cli.Flag{cacheFlag(),
					&cli.StringFlag{Name: "from", Usage: "take the files from `FOLDER` and from nowhere else"}}, Action: dataFetch},
			{Name: "verify", Usage: "check data sets of the cache, or read a folder of your own and say what is in it", ArgsUsage: "NAME|FOLDER|FILE...",
				Description: "Of an experiment FILE it also says what the test images can show of its target.",
				Flags: []cli.Flag{cacheFlag(), outFlag(), formatFlag("text", "json"),
					&cli.StringFlag{Name: "resize", Usage: "resize a folder of pictures to `HEIGHTxWIDTH`"},
					&cli.BoolFlag{Name: "all", Usage: "list every file that cannot be read, not the first twenty"},
					&cli.BoolFlag{Name: "skip-unreadable", Usage: "leave out files that cannot be read, as the key of that name does"},
					&cli.BoolFlag{Name: "accept", Usage: "take the faults that the key accept takes"}}, Action: dataVerify},
			{Name: "preview", Usage: "draw training images as the networks of an experiment see them", ArgsUsage: "FILE",
				Description: "A picture for each way of train.augment in the file: rows of training images, first as they are, then as steps 0, 1, 2, ... see them.",
				Flags: []cli.Flag{setFlag(), cacheFlag(), workerFlag(),
					&cli.StringFlag{Name: "into", Aliases: []string{"o"}, Value: ".", Usage: "write into `DIR`"}}, Action: dataPreview},
		},
	}
}

func dataPreview(c *cli.Context) error {
	file, err := oneArg(c, "experiment file")
	if err != nil {
		return err
	}
	o := consoleOf(c)
	l := labOf(c, o)
	e, err := l.Load(c.Context, file, sets(c))
	if err != nil {
		return err
	}
	sheets, err := l.Preview(c.Context, e, c.String("into"))
	if err != nil {
		return err
	}
	for _, s := range sheets {
		how := "as they are: the file has no train.augment for them"
		if b, err := json.Marshal(s.Augment); err == nil && s.Augment != nil {
			how = string(b)
		}
		fmt.Fprintf(o.out, "%s  %s\n", s.File, how)
	}
	return nil
}

func dataList(c *cli.Context) error {
	if c.NArg() > 0 {
		return exit.Usagef("data list: unexpected argument %q; see %s --help", c.Args().First(), c.Command.HelpName)
	}
	return listData(consoleOf(c), c.String("cache"))
}

func listData(o console, cache string) error {
	var rows []lab.DataRow
	for _, info := range dataset.Registry() {
		row, err := lab.DescribeKnown(info, cache)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	if o.format == "json" {
		return o.json(rows)
	}
	t := text.Table{Head: []string{"NAME", "IMAGES", "CLASSES", "TRAIN", "VALIDATION", "TEST", "STATE", "ABOUT"}, Left: 8}
	for _, r := range rows {
		t.Rows = append(t.Rows, []string{r.Name, r.Input.String(), strconv.Itoa(r.Classes), strconv.Itoa(r.Train), strconv.Itoa(r.Validation),
			strconv.Itoa(r.Test), r.State, r.About})
	}
	if err := t.Text(o.out); err != nil {
		return exit.Failed(err)
	}
	o.note("cache: %s", cache)
	return nil
}

func dataFetch(c *cli.Context) error {
	names, err := someArgs(c, "data set")
	if err != nil {
		return err
	}
	return fetchData(c.Context, consoleOf(c), names, c.String("cache"), c.String("from"))
}

func fetchData(ctx context.Context, o console, names []string, cache, from string) error {
	for _, name := range names { // all names before the first download
		if _, err := dataset.Lookup(name); err != nil {
			return exit.Usagef("data fetch: %w", err)
		}
	}
	log := o.err
	if o.quiet {
		log = io.Discard
	}
	var failures []error
	for _, name := range names {
		err := fetch.Known(ctx, name, cache, from, log)
		if ctx.Err() != nil {
			return err
		}
		failures = append(failures, err)
	}
	return exit.Failed(errors.Join(failures...))
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
	accept := c.Bool("accept")
	how := dataset.Ref{Resize: resize, SkipUnreadable: c.Bool("skip-unreadable"),
		Accept: dataset.Accept{Duplicates: accept, Constant: accept, Dark: accept}}
	o := consoleOf(c)
	return verifyData(c.Context, o, labOf(c, o), names, how, c.Bool("all"))
}

// verifyData reads data sets; folders as how says, those of experiment files as
// these do.
func verifyData(ctx context.Context, o console, l *lab.Lab, names []string, how dataset.Ref, all bool) error {
	refs, ahead := make([]dataset.Ref, len(names)), make([]*lab.Ahead, len(names))
	for i, name := range names {
		var err error
		if st, statErr := os.Stat(name); statErr == nil && st.Mode().IsRegular() && !dataset.IsTable(name) {
			e, err := l.Load(ctx, name, nil)
			if err != nil {
				return err
			}
			refs[i] = e.Ref
			if ahead[i], err = l.Ahead(e); err != nil {
				return err
			}
		} else if refs[i], err = dataRef(name, how); err != nil {
			return err
		}
	}
	reports, faults := []lab.DataReport{}, 0
	for i, ref := range refs {
		set, err := l.LoadVerified(ref)
		if err != nil {
			faults++
			var unreadable *dataset.Faults
			if errors.As(err, &unreadable) {
				unreadable.All = all
			}
			fmt.Fprintln(o.err, message(err))
			continue
		}
		r := lab.ReportData(ref, l.Cache, set)
		r.Target = ahead[i]
		reports = append(reports, r)
	}
	if err := writeDataReports(o, reports); err != nil {
		return exit.Failed(err)
	}
	if faults > 0 {
		return exit.With(exit.Trials, nil)
	}
	return nil
}

// dataRef takes a name of the registry, or a folder.
func dataRef(name string, how dataset.Ref) (dataset.Ref, error) {
	if _, err := dataset.Lookup(name); err == nil {
		if how.Resize != nil {
			return dataset.Ref{}, exit.Usagef("data verify: --resize is for folders of pictures, not for %s", name)
		}
		return dataset.Ref{Name: name}, nil
	} else if st, statErr := os.Stat(name); statErr != nil || !st.IsDir() && !dataset.IsTable(name) {
		return dataset.Ref{}, exit.Usagef("data verify: %w; nor is there such a folder", err)
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return dataset.Ref{}, exit.Failed(err)
	}
	how.Path = path
	return how, nil
}

// parseResize reads HEIGHTxWIDTH; "" is nil.
func parseResize(s string) (*[2]int, error) {
	if s == "" {
		return nil, nil
	}
	var size [2]int
	var rest string
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return &[2]int{n, n}, nil
	}
	if n, _ := fmt.Sscanf(s+" ", "%dx%d%s", &size[0], &size[1], &rest); n != 2 || size[0] < 1 || size[1] < 1 {
		return nil, exit.Usagef("--resize %s: want HEIGHTxWIDTH in pixels, such as 32x32, or one edge", s)
	}
	return &size, nil
}

func writeDataReports(o console, reports []lab.DataReport) error {
	if o.format == "json" {
		return o.json(reports)
	}
	for _, r := range reports {
		fmt.Fprintf(o.out, "%s: %s images of %d classes: %d train, %d validation, %d test\n", r.Name, r.Input, r.Classes, r.Train, r.Validation,
			r.Test)
		fmt.Fprintf(o.out, "  folder  %s\n  digest  %s\n", text.Printable(r.Path), r.Digest)
		for _, n := range r.Notes {
			fmt.Fprintf(o.out, "  note    %s\n", text.Printable(n))
		}
		if r.Guess.Images > 0 {
			fmt.Fprintf(o.out, "  guess   always answering %s is right for %s of the test images\n",
				text.Printable(r.ClassNames[r.Guess.Class]), text.Percent(float64(r.Guess.Images)/float64(r.Test)))
		}
		for _, line := range shows(r) {
			fmt.Fprintf(o.out, "  target  %s\n", line)
		}
		t := text.Table{Head: []string{"      class", "name", "train", "validation", "test"}}
		for i, name := range r.ClassNames {
			t.Rows = append(t.Rows, []string{strconv.Itoa(i), name, strconv.Itoa(r.Images.Train[i]), strconv.Itoa(r.Images.Validation[i]),
				strconv.Itoa(r.Images.Test[i])})
		}
		if err := t.Text(o.out); err != nil {
			return err
		}
	}
	return nil
}

// shows says what the test images can show: of a target, or at the most.
func shows(r lab.DataReport) []string {
	const alpha = 0.025 // of the first opening, at 95 %
	n, err := target.NewNeed(r.Test, 0, alpha)
	if r.Target != nil || err != nil {
		return r.Target.Lines()
	}
	return []string{fmt.Sprintf("%s can certify at most %.1f %% in a first opening (alpha %v)", text.Count(r.Test, "test image"),
		math.Floor(1000*n.Most)/10, alpha)}
}
