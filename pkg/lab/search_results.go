package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/parallel"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
	"slimfit/pkg/text"
)

// Trainer trains the trials that have no result yet, and opens test images.
type Trainer func(context.Context, *Lab, Training) (sweep.Summary, error)

// WorkerTrainer trains in worker processes.
func WorkerTrainer(ctx context.Context, l *Lab, t Training) (sweep.Summary, error) {
	if err := l.CheckData(t.Experiment); err != nil {
		return sweep.Summary{}, err
	}
	return l.Train(ctx, t)
}

// resultReader reads the results that a search asks for, each once until it
// may have changed.
type resultReader struct {
	folder *store.Folder
	p      *search.Problem
	known  map[result.Key]*result.Result
	early  map[result.Key]*store.StoppedTrial // as it was stopped early; nil: it was not, so that this search would
	doubts map[result.Key]string              // results that cannot be believed, and why
	retry  bool                               // failed trials count as not trained, until they are
	asked  map[result.Key]bool                // trained or tested by this process
	err    error                              // failures to read
}

func newResultReader(folder *store.Folder, p *search.Problem, retry bool) *resultReader {
	return &resultReader{folder: folder, p: p, retry: retry, known: map[result.Key]*result.Result{},
		early:  map[result.Key]*store.StoppedTrial{},
		doubts: map[result.Key]string{}, asked: map[result.Key]bool{}}
}

// finished is the search's Lookup. A result that cannot be believed is none: it
// is trained again. A trial that was stopped early stays so for a search that
// would stop it, whoever trained it on, until its end is asked for: asked again,
// the search decides the same.
func (r *resultReader) finished(k result.Key, toEnd bool) (*result.Result, bool) {
	if !toEnd {
		if res, ok := r.stopped(k); ok {
			return res, true
		}
	}
	if res, ok := r.known[k]; ok {
		return res, true
	}
	res, err := r.folder.ReadResult(k)
	if !r.whole(k, err) {
		return nil, false
	}
	if res.Status == result.Failed && r.retry && !r.asked[k] {
		return nil, false
	}
	if d := r.p.Doubts(&res); len(d) > 0 {
		r.doubts[k] = fmt.Sprintf("%s: %s", r.folder.ResultPath(k), d[0])
		return nil, false
	}
	if !r.asked[k] && r.p.Lacks(&res, result.Validation) {
		return nil, false // its weights are judged on the shifted images
	}
	if r.p.Target.Precision == experiment.Int8 && res.Status == result.Done {
		return r.finishedInt8(k, res)
	}
	delete(r.doubts, k)
	r.known[k] = &res
	return &res, true
}

// stopped finds a trial that was stopped early where this search would stop it
// too: at the earliest such step, if there are several.
func (r *resultReader) stopped(k result.Key) (*result.Result, bool) {
	if r.p.StopRule() == nil {
		return nil, false
	}
	if s, ok := r.early[k]; ok {
		if s == nil {
			return nil, false
		}
		res := s.Result()
		return &res, true
	}
	r.early[k] = nil
	all, err := r.folder.ReadStopped(k)
	if err != nil {
		r.err = errors.Join(r.err, err)
		return nil, false
	}
	for _, s := range all {
		if res := s.Result(); len(r.p.Doubts(&res)) == 0 {
			r.early[k] = &s
			return &res, true
		}
	}
	return nil, false
}

// file is the file that the search took a result from.
func (r *resultReader) file(of *result.Result) (path string, content []byte, err error) {
	k := of.Key()
	if of.Status == result.StoppedEarly {
		return r.early[k].Path, r.early[k].Content, nil
	}
	path = r.folder.ResultPath(k)
	if content, err = store.ReadFile(path, store.MaxJSON); err != nil {
		return "", nil, fmt.Errorf("read result: %w", err)
	}
	return path, content, nil
}

// forget drops what training or testing may have changed.
func (r *resultReader) forget(keys []result.Key) {
	for _, k := range keys {
		delete(r.known, k)
		if r.early[k] == nil { // a stop stays as it was
			delete(r.early, k)
		}
		r.asked[k] = true
	}
}

// missing says why one of the keys has no result, or no test result, after it
// was trained or tested; nil where all have.
func (r *resultReader) missing(keys []result.Key, test, toEnd bool, s sweep.Summary) error {
	for _, k := range keys {
		res, ok := r.finished(k, toEnd)
		if ok && (!test || res.Correct.Test != nil && !r.p.Lacks(res, result.Test)) {
			continue
		}
		if ok && test && res.Correct.Test != nil {
			return exit.Failed(fmt.Errorf("judge %s on shifted test images: %s lacks them; move it away and search again", k,
				r.folder.ScoresPath(k)))
		}
		if r.err != nil {
			return exit.Failed(r.err)
		}
		for _, f := range s.Failures {
			if f.Key == k && test {
				return exit.Failed(fmt.Errorf("open the test images of %s: %s; without its weights, move %s away and search again", k, f.Reason,
					r.folder.TrialDir(k)))
			}
		}
		if d := r.doubts[k]; d != "" {
			return exit.Failed(fmt.Errorf("%s; move the file away and search again", d))
		}
	}
	return nil
}

// quantize makes the int8 figures of trials that are trained, with test figures
// only where their test images are being opened. It does nothing where float32
// networks are judged.
func (s *searcher) quantize(ctx context.Context, keys []result.Key, test bool) error {
	if s.int8 == nil {
		return nil
	}
	s.l.Detail("quantizing what of %s is new", text.Count(len(keys), "trial"))
	err := parallel.Each(ctx, len(keys), s.l.Work.Jobs, func(i int) error {
		r, err := s.folder.ReadResult(keys[i])
		var damaged *store.ResultError
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.As(err, &damaged):
			return nil // the search sees that for itself
		case err != nil:
			return exit.Failed(err)
		case r.Status != result.Done:
			return nil
		}
		_, err = s.int8.make(ctx, r, test && r.Correct.Test != nil, 1)
		if errors.Is(err, errNoWeights) {
			return exit.Failed(fmt.Errorf("quantize %s: its weights were not kept; move %s away and search again", keys[i],
				s.folder.TrialDir(keys[i])))
		}
		return err
	})
	s.reader.forget(keys)
	return err
}

// whole says whether the trial's file could be read; it keeps why a damaged one
// could not, and joins what went wrong with the folder.
func (r *resultReader) whole(k result.Key, err error) bool {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err == nil
	}
	if _, damaged := errors.AsType[*store.ResultError](err); damaged {
		r.doubts[k] = err.Error()
	} else {
		r.err = errors.Join(r.err, err)
	}
	return false
}

// finishedInt8 is finished for a trial that is trained: its result as its int8
// network is judged. There is none before that is quantized.
func (r *resultReader) finishedInt8(k result.Key, res result.Result) (*result.Result, bool) {
	q, err := r.folder.ReadInt8(k)
	if !r.whole(k, err) {
		return nil, false
	}
	if d := r.p.Int8Doubts(&q, &res); len(d) > 0 {
		r.doubts[k] = fmt.Sprintf("%s: %s", r.folder.Int8Path(k), d[0])
		return nil, false
	}
	delete(r.doubts, k)
	judged := q.Judge(res)
	r.known[k] = &judged
	return &judged, true
}
