package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// verdict is what a trial's folder says about it.
type verdict int

const (
	toTrain    verdict = iota // no result
	finished                  // a result that stands
	damaged                   // a result that cannot be believed
	toRetry                   // failed before, and is to be trained again
	toEvaluate                // trained, but the test set is still closed, or shifts are asked for besides
)

// look reads what there is of a trial. The error is a *store.ResultError for
// damaged, else of reading.
func (r *run) look(i int) (verdict, result.Result, error) {
	res, err := r.Folder.ReadResult(r.trials[i].Key())
	return r.judge(i, res, err)
}

// judge says what ReadResult's answer means for the trial.
func (r *run) judge(i int, res result.Result, err error) (verdict, result.Result, error) {
	var bad *store.ResultError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return toTrain, res, nil
	case errors.As(err, &bad):
		return damaged, res, err
	case err != nil:
		return finished, res, err
	}
	if what := differs(res, r.trials[i]); what != "" {
		if of := res.Config(); of.Named(res.ConfigID) && of.Digest() != r.trials[i].Digest() {
			return finished, res, fmt.Errorf("%s is of another configuration that happens to have the same ID; use another name or --out",
				r.Folder.ResultPath(res.Key()))
		}
		return damaged, res, &store.ResultError{File: r.Folder.ResultPath(res.Key()), Reason: what + " is not the configuration's"}
	}
	if res.Status == result.Failed {
		r.mu.Lock()
		at, ok := r.retry[i]
		r.mu.Unlock()
		if ok && at.Equal(res.Finished) {
			return toRetry, res, nil
		}
	}
	if r.Test && res.Status == result.Done && res.Accuracy.Test == nil && res.Dataset.Test > 0 {
		return toEvaluate, res, nil
	}
	if lacks, err := r.lacksShifts(res); lacks || err != nil {
		return toEvaluate, res, err
	}
	return finished, res, nil
}

// lacksShifts says whether the trial's network was not judged under all shifts
// that are asked for, on the images that its result is of. Scores that cannot be
// believed are made anew.
func (r *run) lacksShifts(res result.Result) (bool, error) {
	if len(r.Shifts) == 0 || res.Status != result.Done {
		return false, nil
	}
	scores, err := r.Folder.ReadScores(res)
	if err != nil {
		return false, err
	}
	for _, s := range result.Splits() {
		for _, shift := range r.Shifts {
			if s.Images(res.Dataset) > 0 && res.On(s).Accuracy != nil && scores.Shifts[shift][s] == nil {
				return true, nil
			}
		}
	}
	right, _ := scores.Counted(r.Shifts, res.Distinct, res.Dataset.Test)
	return res.Correct.Test != nil && right == nil, nil
}

// differs names the part of a result that contradicts its configuration, "" if
// none does. The data set's name is only a label.
func differs(res result.Result, t experiment.Trial) string {
	data := t.Data
	data.Name = res.Dataset.Name
	switch {
	case !reflect.DeepEqual(res.Model, t.Spec().FullLayers()):
		return "model"
	case !reflect.DeepEqual(res.Train, t.Recipe):
		return "train"
	case !reflect.DeepEqual(res.Dataset, data):
		return "dataset"
	}
	return ""
}

// scan reads the results that are there and makes jobs of what is left.
func (r *run) scan(ctx context.Context) ([]*job, error) {
	keys := experiment.KeysOf(r.trials)
	verdicts := make([]verdict, len(keys))
	var mu sync.Mutex
	var fault error
	failed := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		fault = fmt.Errorf("read what is done: %w", err)
	}
	r.Folder.EachResult(keys, func(i int, res result.Result, err error) {
		if err == nil && res.Status == result.Failed && r.RetryFailed {
			r.mu.Lock()
			r.retry[i] = res.Finished
			r.mu.Unlock()
		}
		v, res, err := r.judge(i, res, err)
		verdicts[i] = v
		if v != finished {
			return
		}
		if err != nil {
			failed(err)
			return
		}
		r.accept(i, res)
		doubts, err := r.Folder.Doubts(res, false)
		if err := errors.Join(err, r.Folder.TidyResult(res.Key())); err != nil {
			failed(err)
			return
		}
		mu.Lock()
		r.doubts = append(r.doubts, doubts...)
		mu.Unlock()
	})
	if fault != nil {
		return nil, fault
	}
	r.track.began()
	return r.jobs(ctx, verdicts), nil
}

// tellDoubts says which files beside good results are damaged. Only people can
// tell whether that is worth a training.
func (r *run) tellDoubts() {
	const most = 10
	slices.Sort(r.doubts)
	for _, d := range r.doubts[:min(len(r.doubts), most)] {
		r.emit(Event{Kind: Notice, Message: d + "; without its result.json the trial is trained again"})
	}
	if more := len(r.doubts) - most; more > 0 {
		r.emit(Event{Kind: Notice, Message: fmt.Sprintf("%d more files beside results are damaged", more)})
	}
}

// jobs packs the trials that are left.
func (r *run) jobs(ctx context.Context, verdicts []verdict) []*job {
	var train []experiment.Trial
	var jobs []*job
	for i, v := range verdicts {
		switch v {
		case toTrain, damaged, toRetry:
			train = append(train, r.trials[i])
		case toEvaluate:
			jobs = append(jobs, &job{members: []int{i}, evaluate: true})
		}
	}
	if stacked(r.Workers) && r.Speeds != nil {
		say := func(text string) { r.emit(Event{Kind: Notice, Message: text}) }
		if err := r.Speeds.MeasureStacks(ctx, r.Options, train, say); err != nil && ctx.Err() == nil {
			say(fmt.Sprintf("the best size of packs is not known: %v", err)) // what is wrong with the workers is told soon
		}
		var best string
		if r.Workers, best = r.Speeds.Shared(train, r.Workers, r.Sharing); best != "" {
			say(best)
		}
		r.track.places(r.Workers)
	}
	pack := r.pack
	if pack == nil {
		pack = r.Speeds.Packs
	}
	packs := pack(train, r.Workers)
	all := make([]*job, 0, len(packs)+len(jobs))
	for _, p := range packs {
		j := &job{cost: p.Cost}
		for _, t := range p.Trials {
			i := r.index[t.Key()]
			j.members = append(j.members, i)
			r.track.cost(i, p.Cost/float64(len(p.Trials)))
		}
		all = append(all, j)
	}
	return append(all, jobs...)
}

// accept counts a finished trial, once; ours says that this run trained it.
func (r *run) accept(i int, res result.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.settled[i] != "" {
		return
	}
	r.settled[i] = res.Status
	if res.Status != result.Done && res.Status != result.StoppedEarly {
		t := r.trials[i]
		r.failures[i] = Failure{Key: t.Key(), Label: r.label(t), Status: res.Status, Reason: res.Reason}
	}
	r.track.finished(i, res.Status)
}

// settle counts a trial that this run finished and tells of it, both at once:
// the event's counts are those with this trial and no other.
func (r *run) settle(i int, res result.Result) {
	r.eventMu.Lock()
	defer r.eventMu.Unlock()
	r.accept(i, res)
	res.Wrong, res.Confusion = result.Wrong{}, result.Confusion{}
	r.Events(Event{Kind: Trained, Label: r.label(r.trials[i]), Result: &res, State: r.track.state()})
}

func (r *run) isSettled(i int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.settled[i] != ""
}

func (r *run) label(t experiment.Trial) string {
	return fmt.Sprintf("%s, seed %d", r.Label(*t.Configuration), t.Seed)
}

// cacheName is a file of the run folder with what Look saw of its results, so
// that the next process reads only those that changed since. Whatever is wrong
// with it, it is as if it were not there; where it cannot be written, each
// process reads all. It is no evidence: whoever reports or judges reads results.
const (
	cacheName  = "status.cache"
	cacheHead  = "slimfit status 1" // another number where sights mean something else
	cacheLeast = 1000               // results read anew are worth writing it
	cacheMost  = 1 << 27            // bytes
)

// settles is how old a change must be to be told from the next one, whatever
// clock the file system has.
const settles = 2 * time.Second

func writeSeen(f *store.Folder, seen map[result.Key]sight, now time.Time) {
	var b bytes.Buffer
	for k, s := range seen {
		if s.damaged == "" && s.stamp.Changed < now.Add(-settles).UnixNano() {
			fmt.Fprintf(&b, "%s %d %d %d %d %s %q\n", k.ConfigID, k.Seed, s.stamp.Written, s.stamp.Changed, s.stamp.Size, s.status, s.reason)
		}
	}
	head := cacheHead + " " + store.Checksum(b.Bytes()) + "\n"
	_ = store.WriteFile(filepath.Join(f.Dir, cacheName), append([]byte(head), b.Bytes()...)) // a folder may be read-only
}

// readSeen is what writeSeen wrote; nil in doubt.
func readSeen(f *store.Folder) map[result.Key]sight {
	b, err := store.ReadFile(filepath.Join(f.Dir, cacheName), cacheMost)
	head, body, ok := strings.Cut(string(b), "\n")
	if err != nil || !ok || head != cacheHead+" "+store.Checksum([]byte(body)) {
		return nil
	}
	seen := make(map[result.Key]sight, strings.Count(body, "\n"))
	for line := range strings.Lines(body) {
		id, rest, _ := strings.Cut(line, " ")
		var n [4]int64 // seed, written, changed, size
		for i := range n {
			var number string
			number, rest, _ = strings.Cut(rest, " ")
			if n[i], err = strconv.ParseInt(number, 10, 64); err != nil {
				return nil
			}
		}
		status, quoted, _ := strings.Cut(rest, " ")
		reason, err := strconv.Unquote(strings.TrimSuffix(quoted, "\n"))
		if err != nil || !result.Status(status).Finished() {
			return nil
		}
		seen[result.Key{ConfigID: id, Seed: n[0]}] = sight{stamp: store.Stamp{Written: n[1], Changed: n[2], Size: n[3]},
			status: result.Status(status), reason: reason}
	}
	return seen
}
