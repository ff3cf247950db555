package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"slimfit/models"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
	"slimfit/pkg/text"
)

// SearchOptions says how a search goes about it.
type SearchOptions struct {
	search.Options
	Certificate string   // its file's name in the run folder, ending in .json
	Train       Trainer  // WorkerTrainer, but for tests
	Reuse       []string // run folders whose finished trials are taken over
}

// SearchProblem reads what a search of the experiment starts from. keep says
// whether measured latencies are written into the run folder.
func (l *Lab) SearchProblem(ctx context.Context, e *experiment.Experiment, o search.Options, keep bool) (*search.Problem, error) {
	if err := l.measureForTarget(ctx, e, keep); err != nil {
		return nil, err
	}
	p, err := search.New(e, o)
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	names, err := (&store.Folder{Dir: filepath.Join(l.Out, e.Name)}).Names(true)
	if err != nil {
		return nil, exit.Failed(err)
	}
	p.NameBy(func(c models.Config, id string) string {
		if name, err := names(c, id); err == nil { // who reads its results will say so
			return name
		}
		return id
	})
	return p, nil
}

// Found is what a search ended with.
type Found struct {
	Certificate *result.Certificate
	JSON, Text  []byte // as they were written
	Brief       []byte // for a terminal
	Path        string
	Advice      string // what histories and grid suggest, a sentence; "" where nothing stands out
}

// Search trains towards the cheapest configuration that meets the target, or
// each target of a front, and writes the certificate.
func (l *Lab) Search(ctx context.Context, e *experiment.Experiment, o SearchOptions) (*Found, error) {
	if e.Target == nil || len(o.Front) == 0 {
		s, cert, err := l.searchOne(ctx, e, &o)
		if err != nil {
			return nil, err
		}
		return s.end(cert, o.Certificate)
	}
	var s *searcher
	var all []*result.Certificate
	for _, accuracy := range o.Front {
		one, goal := *e, *e.Target
		goal.Accuracy, one.Target = accuracy, &goal
		l.Note("search: the front's target %s", text.Threshold(accuracy))
		var cert *result.Certificate
		var err error
		if s, cert, err = l.searchOne(ctx, &one, &o); err != nil {
			return nil, err
		}
		all = append(all, cert)
	}
	for _, cert := range all { // the ledger as all openings left it
		if cert.Looks != nil {
			looks := *s.p.Looks
			looks.Left, cert.Looks = cert.Looks.Left, &looks
		}
	}
	top := max(0, slices.Index(o.Front, e.Target.Accuracy)) // experiment.yaml's own, where it is one of them
	for i, cert := range all {
		if i != top {
			all[top].Front = append(all[top].Front, *cert)
		}
	}
	return s.end(all[top], o.Certificate)
}

func (l *Lab) searchOne(ctx context.Context, e *experiment.Experiment, o *SearchOptions) (*searcher, *result.Certificate, error) {
	p, err := l.SearchProblem(ctx, e, o.Options, true)
	if err != nil {
		return nil, nil, err
	}
	ahead, err := l.AheadOf(e, p)
	if err == nil {
		err = ahead.Impossible()
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := l.newSearcher(e, p, *o)
	if err != nil {
		return nil, nil, err
	}
	if p.Observed() && o.Certificate == result.CertificateName {
		o.Certificate = result.ObservedName
	}
	if err := s.count(s.fileFor(o.Certificate)); err != nil {
		return nil, nil, err
	}
	cert, err := s.run(ctx)
	return s, cert, err
}

// end writes the certificate, and says what comes next.
func (s *searcher) end(cert *result.Certificate, name string) (*Found, error) {
	f, err := s.write(cert, name)
	if err == nil {
		s.advise(f)
	}
	return f, err
}

// advise adds what the run folder's report says to histories and grid.
func (s *searcher) advise(f *Found) {
	in, err := s.l.readRun(s.folder)
	if in.Certificate = f.Certificate; err == nil {
		var r *report.Report
		if r, err = report.Build(in, report.Options{}); err == nil {
			f.Advice = r.Answer.Advice
		}
	}
	if err != nil {
		s.l.Detail("no report to advise by: %v", err)
	}
}

// write writes the certificate, as JSON and as text.
func (s *searcher) write(cert *result.Certificate, name string) (*Found, error) {
	b, err := json.MarshalIndent(cert, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	var words bytes.Buffer
	if err := search.WriteText(&words, cert); err != nil {
		return nil, err
	}
	var brief bytes.Buffer
	if err := search.WriteBrief(&brief, cert); err != nil {
		return nil, err
	}
	if file := s.fileFor(name); file != name {
		s.l.Note("%s stays: it answers another question; this answer is %s", filepath.Join(s.folder.Dir, name), file)
		name = file
	}
	f := &Found{Brief: brief.Bytes(), Certificate: cert, JSON: append(b, '\n'), Text: words.Bytes(), Path: filepath.Join(s.folder.Dir, name)}
	for _, out := range []struct {
		path    string
		content []byte
	}{{questionName(f.Path), s.e.Source}, {f.Path, f.JSON}, {textName(f.Path), f.Text}} {
		if err := store.WriteFile(out.path, out.content); err != nil {
			return nil, exit.Failed(fmt.Errorf("write %s: %w", filepath.Base(out.path), err))
		}
	}
	return f, nil
}

// searcher is one search at work.
type searcher struct {
	l       *Lab
	e       *experiment.Experiment
	p       *search.Problem
	folder  *store.Folder
	reader  *resultReader
	int8    *quantizer // nil where float32 networks are judged
	configs map[string]*experiment.Configuration
	train   Trainer
	reuse   []string // run folders that trials of a space are taken over from, as they are asked for
}

func (l *Lab) newSearcher(e *experiment.Experiment, p *search.Problem, o SearchOptions) (*searcher, error) {
	folder, reused, err := l.Prepare(e, e.Trials(), o.Reuse)
	if err != nil {
		return nil, err
	}
	if len(o.Reuse) > 0 && e.Configs != nil {
		l.Note("%s taken over from other run folders", text.Count(reused, "trial"))
	}
	s := &searcher{l: l, e: e, p: p, folder: folder, reader: newResultReader(folder, p, l.Work.RetryFailed), train: o.Train, configs: e.ByID()}
	if e.Configs == nil {
		s.reuse = o.Reuse
	}
	p.Scores = l.evidenceIn(folder).Scores
	if p.Target.Precision == experiment.Int8 {
		s.int8 = newQuantizer(folder, l.sourceOf(e), l.Note, e.Evaluate.Shifts...)
	}
	return s, nil
}

// run searches to the end and writes down what it found.
func (s *searcher) run(ctx context.Context) (*result.Certificate, error) {
	always := s.e.Evaluate.Test == experiment.TestAlways
	if always {
		s.l.Note("evaluate.test is always: every trial's test images are opened; the search looks at the chosen ones' only")
	}
	if always || s.e.Data.Folds > 0 {
		if err := s.l.ShowTest(s.e, len(s.e.Trials())); err != nil {
			return nil, err
		}
	}
	s.p.Known = s.reader.finished
	plan, err := s.p.Run(ctx, s.reader.finished,
		func(ctx context.Context, keys []result.Key, toEnd bool) error {
			return s.ask(ctx, keys, always, false, toEnd)
		},
		func(ctx context.Context, keys []result.Key) error { return s.ask(ctx, keys, true, true, true) },
		s.report)
	if s.reader.err != nil {
		return nil, exit.Failed(s.reader.err)
	}
	if err != nil {
		return nil, err
	}
	return s.p.Certificate(plan, Version(), s.filesOf)
}

// ask trains trials, or opens the test images of trained ones.
func (s *searcher) ask(ctx context.Context, keys []result.Key, test, wantTest, toEnd bool) error {
	trials := make([]experiment.Trial, len(keys))
	for i, k := range keys {
		config := s.p.Configuration(k.ConfigID)
		if config == nil {
			config = s.configs[k.ConfigID]
		}
		trials[i] = experiment.Trial{Configuration: config, Seed: k.Seed}
	}
	if len(s.reuse) > 0 {
		if _, _, err := s.l.Prepare(s.e, trials, s.reuse); err != nil {
			return err
		}
	}
	stop := s.p.StopRule()
	if toEnd {
		stop = nil
	}
	summary, err := s.train(ctx, s.l, Training{Experiment: s.e, Folder: s.folder, Trials: trials, Test: test,
		KeepAll: s.int8 != nil || len(s.p.Target.Under) > 0, Stop: stop})
	s.reader.forget(keys)
	if err != nil {
		return err
	}
	if err := s.quantize(ctx, keys, wantTest); err != nil {
		return err
	}
	if summary.Left > 0 {
		return exit.With(exit.Requeue, fmt.Errorf("%s of other processes are not finished yet", text.Count(summary.Left, "trial")))
	}
	return s.reader.missing(keys, wantTest, toEnd, summary)
}

// report says what comes next.
func (s *searcher) report(p search.Progress) {
	passing := p.Best.String()
	if b, err := json.Marshal(p.SearchProgress); err == nil { // for status and serve, which can do without
		_ = store.WriteFile(filepath.Join(s.folder.Dir, result.ProgressName), b)
	}
	if len(p.Open) > 0 {
		s.l.Note("search: %d trials, %.1f %% of the grid's steps; opening the test images of %s", p.Trials, 100*p.Share, p.Open[0].ConfigID)
		return
	}
	what := "more"
	if p.ToEnd {
		what = "to their end, to check what was taken for granted"
	}
	s.l.Note("search: %d trials, %.1f %% of the grid's steps; %s; training %d %s", p.Trials, 100*p.Share, passing, len(p.Train), what)
	for _, k := range p.Train {
		s.l.Detail("  %s", k)
	}
}

// filesOf names the files that a trial's result is from.
func (s *searcher) filesOf(r *result.Result) ([]result.File, error) {
	k := r.Key()
	path, b, err := s.reader.file(r)
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
	if b, err = store.ReadFile(s.folder.Int8Path(k), store.MaxJSON); err != nil {
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
	return result.File{Path: filepath.ToSlash(rel), SHA256: result.SHA256(b)}, nil
}
