package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/export"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// quantizer makes the int8.json files of a run folder's trials. Several
// goroutines may use it.
type quantizer struct {
	folder *store.Folder
	source models.Source
	note   func(format string, args ...any)
	shifts []string // that the int8 networks are judged under too
	mu     sync.Mutex
	sets   map[string]loaded // by the data set as JSON
}

type loaded struct {
	set *dataset.Set
	err error
}

func newQuantizer(folder *store.Folder, source models.Source, note func(string, ...any), shifts ...string) *quantizer {
	return &quantizer{folder: folder, source: source, note: note, shifts: shifts, sets: map[string]loaded{}}
}

// errNoWeights says that a trial cannot be quantized any more.
var errNoWeights = errors.New("weights were not kept: train with `--keep all` in a fresh folder to have them")

// current returns the trial's int8.json, nil where there is none of the result's
// weights, and whether it has all that is asked for. A damaged one is set aside.
func (q *quantizer) current(r result.Result, test bool) (have *result.Int8, complete bool, err error) {
	key := r.Key()
	old, err := q.folder.ReadInt8(key)
	var damaged *store.ResultError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case errors.As(err, &damaged):
		name, err := q.folder.SetInt8Aside(key)
		if err != nil {
			return nil, false, err
		}
		q.note("%v; set aside as %s and made anew", damaged, name)
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case !old.Of(r):
		q.note("%s is of other weights than result.json is of now; made anew", q.folder.Int8Path(key))
		return nil, false, nil
	}
	return &old, old.Reason != "" || !test || old.Correct.Test != nil || r.Dataset.Test == 0, nil
}

// make returns the int8 figures of a finished trial: those that are there, else
// made now from its weights and written. The error is errNoWeights where they
// were not kept.
func (q *quantizer) make(ctx context.Context, r result.Result, test bool, workers int) (result.Int8, error) {
	made, err := q.figures(ctx, r, test, workers)
	if err == nil && made.Reason == "" {
		err = q.stress(ctx, r, test, workers)
	}
	return made, err
}

// stress adds to scores.json what the int8 network finds in shifted images, where it
// lacks that.
func (q *quantizer) stress(ctx context.Context, r result.Result, test bool, workers int) error {
	if len(q.shifts) == 0 {
		return nil
	}
	scores, err := q.folder.ReadScores(r)
	if err != nil {
		return exit.Failed(err)
	}
	have, test := scores.Judged(true), test && r.Dataset.Test > 0
	tested, _ := have.Counted(q.shifts, r.Distinct, r.Dataset.Test)
	if (r.Dataset.Validation == 0 || have.Correct(q.shifts, result.Validation) != nil) && (!test || tested != nil) {
		return nil
	}
	t, set, err := q.open(r.Key())
	if err != nil {
		return err
	}
	fresh := result.NewScores(r)
	if fresh.Int8, err = export.Int8Shifted(ctx, t, set, test, q.shifts, workers); err != nil {
		return err
	}
	return exit.Failed(q.folder.WriteScores(fresh, r))
}

func (q *quantizer) figures(ctx context.Context, r result.Result, test bool, workers int) (result.Int8, error) {
	old, complete, err := q.current(r, test)
	if err != nil {
		return result.Int8{}, exit.Failed(err)
	}
	if complete {
		return *old, nil
	}
	fresh, err := q.again(ctx, r.Key(), test, workers)
	if err != nil {
		return fresh, err
	}
	if old != nil && (old.SHA256 != fresh.SHA256 || old.Reason != fresh.Reason) {
		return fresh, exit.Failed(fmt.Errorf("%s is of another int8 file (SHA-256 %.12s, made by slimfit %s on %s) than this program makes "+
			"of the same weights (%.12s): "+
			"to have all figures of one file, move it away and do this again", q.folder.Int8Path(r.Key()), old.SHA256, old.Slimfit, old.OS,
			fresh.SHA256))
	}
	return fresh, exit.Failed(q.folder.WriteInt8(fresh))
}

// again makes the figures from the kept weights, whatever is there, and writes
// nothing.
func (q *quantizer) again(ctx context.Context, k result.Key, test bool, workers int) (result.Int8, error) {
	t, set, err := q.open(k)
	if err != nil {
		return result.Int8{}, err
	}
	return export.Int8(ctx, t, set, test, Version(), workers)
}

// open is a trial with its weights and images; errNoWeights where they were not kept.
func (q *quantizer) open(k result.Key) (*export.Trial, *dataset.Set, error) {
	if !export.HasWeights(q.folder, k) {
		return nil, nil, errNoWeights
	}
	t, err := export.OpenTrial(q.folder, k)
	if err != nil {
		return nil, nil, trialError(err)
	}
	set, err := q.images(t.Result.Dataset)
	if err != nil {
		return nil, nil, exit.Failed(fmt.Errorf("int8 needs training images to learn the ranges of activations from: %w", err))
	}
	return t, set, nil
}

// images reads a data set once.
func (q *quantizer) images(d models.Data) (*dataset.Set, error) {
	key, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	l, ok := q.sets[string(key)]
	if !ok {
		l.set, l.err = dataset.LoadData(d, q.source)
		q.sets[string(key)] = l
	}
	return l.set, l.err
}

// parallelism is --jobs for work that needs no worker process: below 1 stands
// for one a core.
func parallelism(jobs int) int {
	if jobs < 1 {
		return runtime.GOMAXPROCS(0)
	}
	return jobs
}
