package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// searchCommand finds the cheapest configuration that meets the target.
func searchCommand(train trainer) *cli.Command {
	return &cli.Command{
		Name:      "search",
		Usage:     "train towards the cheapest configuration that meets the target, and certify it",
		ArgsUsage: "FILE",
		Flags: append(trainFlags(), outFlag(), setFlag(), cacheFlag(), dryRunFlag(), formatFlag("text", "json"),
			&cli.BoolFlag{Name: "exact", Usage: "skip nothing by assumption: train every cheaper configuration"},
			&cli.BoolFlag{Name: "no-early-stop", Usage: "train every trial to its end: stop none as hopeless"},
			&cli.IntFlag{Name: "round", Value: search.DefaultRound, Usage: "ask for about `N` trials at once; a part of the answer, unlike --jobs"},
			&cli.StringFlag{Name: "certificate", Value: result.CertificateName, Usage: "write the certificate to `FILE` in the run folder"}),
		Action: func(c *cli.Context) error {
			file, err := oneArg(c, "experiment file")
			if err != nil {
				return err
			}
			name, err := checkSearchFlags(c)
			if err != nil {
				return err
			}
			e, err := loadExperiment(c, file)
			if err != nil {
				return err
			}
			if err := measureForTarget(c, e); err != nil {
				return err
			}
			p, err := search.New(e, search.Options{Exact: c.Bool("exact"), EarlyStop: !c.Bool("no-early-stop"), Round: c.Int("round")})
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			if c.Bool("dry-run") {
				return dryRun(c, p)
			}
			s, err := newSearcher(c, e, p, train)
			if err != nil {
				return err
			}
			cert, err := s.run(c.Context)
			if err != nil {
				if c.Context.Err() != nil {
					note(c, "to go on: %s", again(c))
				}
				return err
			}
			return s.conclude(cert, name)
		},
	}
}

// checkSearchFlags refuses what makes no sense, and returns the certificate's
// file name. It must not lead out of the run folder: a certificate finds its
// results beside it.
func checkSearchFlags(c *cli.Context) (name string, err error) {
	if err := checkTrainFlags(c); err != nil {
		return "", err
	}
	if keep := c.String("keep"); keep != "" && keep != string(sweep.KeepAll) {
		return "", usagef("%s %s: a search needs all weights until it has opened the test images", origin(c, "keep"), keep)
	}
	if err := atLeast(c, "round", 1); err != nil {
		return "", err
	}
	name = c.String("certificate")
	if name != filepath.Base(name) || !strings.HasSuffix(name, ".json") {
		return "", usagef("--certificate %s: want a file name that ends in .json; it goes into the run folder", name)
	}
	return name, nil
}

// searcher is one search at work.
type searcher struct {
	c       *cli.Context
	e       *experiment.Experiment
	p       *search.Problem
	folder  *store.Folder
	reader  *resultReader
	int8    *quantizer // nil where float32 networks are judged
	configs map[string]*experiment.Configuration
	train   trainer
}

func newSearcher(c *cli.Context, e *experiment.Experiment, p *search.Problem, train trainer) (*searcher, error) {
	folder, err := store.Create(c.String("out"), e.Name, e.Source)
	if err != nil {
		return nil, ioError(err)
	}
	s := &searcher{c: c, e: e, p: p, folder: folder, reader: newResultReader(folder, p, c.Bool("retry-failed")), train: train, configs: map[string]*experiment.Configuration{}}
	if p.Target.Precision == experiment.Int8 {
		s.int8 = newQuantizer(folder, sourceOf(c, e), func(f string, args ...any) { note(c, f, args...) })
	}
	for i := range e.Configs {
		s.configs[e.Configs[i].ID] = &e.Configs[i]
	}
	return s, nil
}

// run searches to the end and writes down what it found.
func (s *searcher) run(ctx context.Context) (*result.Certificate, error) {
	always := s.e.Evaluate.Test == experiment.TestAlways
	if always {
		note(s.c, "evaluate.test is always: every trial's test images are opened; the search looks at the chosen ones' only")
	}
	plan, err := s.p.Run(ctx, s.reader.finished,
		func(_ context.Context, keys []result.Key) error { return s.ask(keys, always, false) },
		func(_ context.Context, keys []result.Key) error { return s.ask(keys, true, true) },
		s.report)
	if s.reader.err != nil {
		return nil, ioError(s.reader.err)
	}
	if err != nil {
		return nil, err
	}
	return s.p.Certificate(plan, version(), s.filesOf)
}

// ask trains trials, or opens the test images of trained ones.
func (s *searcher) ask(keys []result.Key, test, wantTest bool) error {
	trials := make([]experiment.Trial, len(keys))
	for i, k := range keys {
		trials[i] = experiment.Trial{Configuration: s.configs[k.ConfigID], Seed: k.Seed}
	}
	stop := s.p.StopRule()
	if wantTest {
		stop = nil // they are trained, or must be
	}
	summary, err := s.train(s.c, training{experiment: s.e, folder: s.folder, trials: trials, test: test, keepAll: s.int8 != nil, stop: stop})
	s.reader.forget(keys)
	if err != nil {
		return err
	}
	if err := s.quantize(keys, wantTest); err != nil {
		return err
	}
	if summary.Left > 0 {
		return &exitError{code: exitRequeue, err: fmt.Errorf("%s of other processes are not finished yet", count(summary.Left, "trial"))}
	}
	return s.reader.missing(keys, wantTest, summary)
}

// report says what comes next.
func (s *searcher) report(p search.Progress) {
	passing := "none passes so far"
	if p.Horizon != "" {
		passing = p.Horizon + " passes so far"
	}
	if len(p.Open) > 0 {
		note(s.c, "search: %d trials, %.1f %% of the grid's steps; opening the test images of %s", p.Trials, 100*p.Share, p.Open[0].ConfigID)
		return
	}
	note(s.c, "search: %d trials, %.1f %% of the grid's steps; %s; training %d more", p.Trials, 100*p.Share, passing, len(p.Train))
	for _, k := range p.Train {
		detail(s.c, "  %s", k)
	}
}

// filesOf names the files that say what became of a trial.
func (s *searcher) filesOf(k result.Key) ([]result.File, error) {
	path, b, err := s.reader.file(k)
	if err != nil {
		return nil, err
	}
	f, err := s.fileOf(path, b)
	if err != nil || s.int8 == nil {
		return []result.File{f}, err
	}
	if r, err := s.folder.ReadResult(k); err != nil || r.Status != result.Done {
		return []result.File{f}, err // there was nothing to quantize
	}
	if b, err = os.ReadFile(s.folder.Int8Path(k)); err != nil {
		return nil, fmt.Errorf("read the int8 figures: %w", err)
	}
	q, err := s.fileOf(s.folder.Int8Path(k), b)
	return []result.File{f, q}, err
}

func (s *searcher) fileOf(path string, b []byte) (result.File, error) {
	rel, err := filepath.Rel(s.folder.Dir, path)
	if err != nil {
		return result.File{}, err
	}
	sum := sha256.Sum256(b)
	return result.File{Path: filepath.ToSlash(rel), SHA256: hex.EncodeToString(sum[:])}, nil
}

// conclude writes the certificate, prints the answer and chooses the exit code.
func (s *searcher) conclude(cert *result.Certificate, name string) error {
	b, err := json.MarshalIndent(cert, "", "  ")
	if err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	b = append(b, '\n')
	var text strings.Builder
	if err := search.WriteText(&text, cert); err != nil {
		return err
	}
	path := filepath.Join(s.folder.Dir, name)
	if err := store.WriteFile(path, b); err != nil {
		return ioError(fmt.Errorf("write certificate: %w", err))
	}
	if err := store.WriteFile(strings.TrimSuffix(path, ".json")+".txt", []byte(text.String())); err != nil {
		return ioError(fmt.Errorf("write certificate: %w", err))
	}
	out := text.String()
	if s.c.String("format") == "json" {
		out = string(b)
	}
	if _, err := io.WriteString(s.c.App.Writer, out); err != nil {
		return ioError(err)
	}
	note(s.c, "certificate: %s", path)
	switch cert.Verdict {
	case result.Unmet:
		return &exitError{code: exitUnmet}
	case result.Incomplete:
		why := "search: some configurations could not be judged, as their trials failed; to train them again: " + again(s.c, "--retry-failed")
		if s.int8 != nil {
			why += "; what has no int8 form has to be left out of the matrix"
		}
		return &exitError{code: exitTrials, err: errors.New(why)}
	}
	return nil
}

// dryRun says what a search would start with.
func dryRun(c *cli.Context, p *search.Problem) error {
	plan := p.Replay(func(result.Key) (*result.Result, bool) { return nil, false })
	w := c.App.Writer
	fmt.Fprintf(w, "%d configurations within the budgets, %d above one; by %s from %s to %s\n", len(p.Candidates), len(p.OverBudget),
		p.Target.Cost, costOf(p, 0), costOf(p, len(p.Candidates)-1))
	fmt.Fprintf(w, "the full grid: %d trials, %d steps\n", len(p.Candidates)*len(p.Seeds), p.FullSteps())
	fmt.Fprintf(w, "first round:\n")
	for _, k := range plan.Train {
		if _, err := fmt.Fprintf(w, "  %s\n", k); err != nil {
			return ioError(err)
		}
	}
	return nil
}

func costOf(p *search.Problem, i int) string {
	if len(p.Candidates) == 0 {
		return "none"
	}
	return fmt.Sprint(p.Candidates[i].Cost)
}
