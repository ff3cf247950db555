package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"slimfit/pkg/exit"
	"slimfit/pkg/parallel"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/text"
)

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

// finishedInt8 is finished for a trial that is trained: its result as its int8
// network is judged. There is none before that is quantized.
func (r *resultReader) finishedInt8(k result.Key, res result.Result) (*result.Result, bool) {
	q, err := r.folder.ReadInt8(k)
	var damaged *store.ResultError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false
	case errors.As(err, &damaged):
		r.doubts[k] = err.Error()
		return nil, false
	case err != nil:
		r.err = errors.Join(r.err, err)
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
