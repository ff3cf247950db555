package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/lab"
	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// searchOptions are what a search is asked for.
type searchOptions struct {
	console
	lab.SearchOptions
	lab    *lab.Lab
	file   string
	sets   []string
	dryRun bool
}

// searchCommand finds the cheapest configuration that meets the target.
func searchCommand(train lab.Trainer) *cli.Command {
	return &cli.Command{
		Name:      "search",
		Usage:     "train towards the cheapest configuration that meets the target, and certify it",
		ArgsUsage: "FILE",
		Flags: append(trainFlags(), outFlag(), setFlag(), cacheFlag(), dryRunFlag(), formatFlag("text", "json"), reuseFlag(),
			&cli.BoolFlag{Name: "exact", Usage: "skip nothing by assumption: train every cheaper configuration"},
			&cli.BoolFlag{Name: "model", Usage: fmt.Sprintf("let a model of accuracy choose what to train, as with more than %d configurations", search.ModelAbove)},
			&cli.StringFlag{Name: "front", Usage: "answer for several accuracies as one question, such as `LIST` 0.90,0.95,0.98"},
			&cli.Int64Flag{Name: "search-seed", Usage: "draw the model's choices by seed `N`; a part of the answer"},
			&cli.BoolFlag{Name: "no-early-stop", Usage: "train every trial to its end: stop none early"},
			&cli.IntFlag{Name: "round", Value: search.DefaultRound, Usage: "ask for about `N` trials at once; a part of the answer, unlike --jobs"},
			&cli.StringFlag{Name: "certificate", Value: result.CertificateName, Usage: "write the certificate to `FILE` in the run folder"}),
		Action: func(c *cli.Context) error {
			o, err := searchOptionsOf(c)
			if err != nil {
				return err
			}
			o.Train = train
			return runSearch(c.Context, o)
		},
	}
}

// searchOptionsOf refuses what makes no sense. The certificate's name must not
// lead out of the run folder: a certificate finds its results beside it.
func searchOptionsOf(c *cli.Context) (searchOptions, error) {
	o := searchOptions{console: consoleOf(c), sets: sets(c), dryRun: c.Bool("dry-run"), SearchOptions: lab.SearchOptions{
		Options: search.Options{Exact: c.Bool("exact"), EarlyStop: !c.Bool("no-early-stop"), Round: c.Int("round"), Model: c.Bool("model"),
			SearchSeed: c.Int64("search-seed")}, Certificate: c.String("certificate"), Reuse: c.StringSlice("reuse")}}
	o.lab = labOf(c, o.console)
	var err error
	if o.file, err = oneArg(c, "experiment file"); err != nil {
		return o, err
	}
	if o.lab.Work, err = workOf(c); err != nil {
		return o, err
	}
	if keep := o.lab.Work.Keep; keep != "" && keep != sweep.KeepAll {
		return o, exit.Usagef("%s %s: a search needs all weights until it has opened the test images", origin(c, "keep"), keep)
	}
	if o.Front, err = frontOf(c); err != nil {
		return o, err
	}
	if o.Round < 1 {
		return o, tooSmall(c, "round", o.Round, 1)
	}
	if name := o.Certificate; name != filepath.Base(name) || !strings.HasSuffix(name, ".json") {
		return o, exit.Usagef("--certificate %s: want a file name that ends in .json; it goes into the run folder", name)
	}
	return o, nil
}

// frontOf reads --front: distinct accuracies, rising.
func frontOf(c *cli.Context) (front []float64, err error) {
	if c.String("front") == "" {
		return nil, nil
	}
	const most = 20
	for _, word := range strings.Split(c.String("front"), ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil || !(v > 0 && v < 1) {
			return nil, exit.Usagef("--front %s: %q is no accuracy above 0 and below 1; give such as 0.90,0.95,0.98", c.String("front"), word)
		}
		front = append(front, v)
	}
	slices.Sort(front)
	if front = slices.Compact(front); len(front) < 2 || len(front) > most {
		return nil, exit.Usagef("--front %s: want 2 to %d different accuracies", c.String("front"), most)
	}
	return front, nil
}

func runSearch(ctx context.Context, o searchOptions) error {
	e, err := o.lab.LoadSpace(ctx, o.file, o.sets)
	if err != nil {
		return err
	}
	if o.dryRun {
		if len(o.Front) > 0 && e.Target != nil {
			e.Target.Accuracy = o.Front[0]
		}
		p, err := o.lab.SearchProblem(ctx, e, o.Options, false)
		if err != nil {
			return err
		}
		return firstRound(o, e, p)
	}
	found, err := o.lab.Search(ctx, e, o.SearchOptions)
	if err != nil {
		if ctx.Err() != nil {
			for _, line := range lab.Halfway(e, &store.Folder{Dir: filepath.Join(o.lab.Out, e.Name)}, e.Trials()) {
				o.note("%s", line)
			}
			o.note("to go on: %s", o.again())
		}
		return err
	}
	b := found.Brief
	switch {
	case o.format == "json":
		b = found.JSON
	case o.verbose:
		b = found.Text
	}
	if o.format != "json" {
		b = append(b, o.comesNext(found)...)
	}
	if err := o.print(b); err != nil {
		return err
	}
	what := "certificate"
	if found.Certificate.Evidence == target.Observed {
		what = "written"
	}
	o.note("%s: %s", what, found.Path)
	for _, cert := range found.Certificate.Targets() {
		if err := o.verdict(cert); err != nil {
			return err
		}
	}
	return nil
}

// comesNext is the last word: what histories and grid suggest, and the next command.
func (o searchOptions) comesNext(f *lab.Found) string {
	words, flags := "\n", report.FlagsAfter(f.Certificate)
	if f.Advice != "" {
		words += text.Wrap(f.Advice, o.columns(), "", "")
	}
	if w := f.Certificate.Winner; w != nil {
		words += "What comes next: " + report.ExportLine(filepath.Join(o.lab.Out, f.Certificate.Experiment, w.ConfigID),
			f.Certificate.Target.Precision == experiment.Int8, f.Certificate.Dataset.Folds) + "\n"
	} else if len(flags) > 0 {
		words += "What comes next: " + o.again(flags...) + "\n"
	}
	return words
}

// verdict chooses the exit code.
func (o searchOptions) verdict(cert *result.Certificate) error {
	switch cert.Verdict {
	case result.Unmet, result.NotShown, result.Exploratory:
		return exit.With(exit.Unmet, nil)
	case result.Incomplete:
		why := "search: some configurations could not be judged, as their trials failed; to train them again: " + o.again("--retry-failed")
		if cert.Target.Precision == experiment.Int8 {
			why += "; what has no int8 form has to be left out of the matrix"
		}
		return exit.With(exit.Trials, errors.New(why))
	}
	return nil
}

// firstRound says what a search would start with, and what the test images can
// show.
func firstRound(o searchOptions, e *experiment.Experiment, p *search.Problem) error {
	ahead, err := o.lab.AheadOf(e, p)
	if err != nil {
		return err
	}
	if err := ahead.Impossible(); err != nil {
		return err
	}
	w := o.out
	plan := p.Replay(func(result.Key, bool) (*result.Result, bool) { return nil, false })
	low, high := "none", "none"
	if a, b := p.Range(); p.Count() > 0 {
		low, high = text.Thousands(a), text.Thousands(b)
	}
	fmt.Fprintf(w, "%s configurations within the budgets, %s above one; by %s from %s to %s\n",
		text.Thousands(p.Count()), text.Thousands(p.Over()), p.Target.Cost, low, high)
	fmt.Fprintf(w, "the full grid: %s trials, %s steps\n", text.Thousands(p.Count()*len(p.Seeds)), text.Thousands(p.FullSteps()))
	for _, line := range ahead.Lines() {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "first round:\n")
	for _, k := range plan.Train {
		if _, err := fmt.Fprintf(w, "  %s\n", k); err != nil {
			return exit.Failed(err)
		}
	}
	return nil
}
