package sweep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/workerproc"
)

// run is one call of Run.
type run struct {
	Options
	session *store.Session
	trials  []experiment.Trial
	index   map[result.Key]int
	queue   *queue
	abort   context.CancelCauseFunc
	track   *tracker

	doubts []string // what is damaged beside the results that were there

	eventMu sync.Mutex // events do not overlap

	mu       sync.Mutex
	settled  []result.Status     // of each trial; "" while it has no result
	retry    map[int]time.Time   // failed in an earlier run, and when: to be trained again
	replace  map[int]bool        // has a result that the new one replaces
	deaths   map[int]int         // of workers that trained the trial alone
	failures map[int]Failure     // failed or diverged
	trained  int                 // results, not failures, and early stops written by this run
	packs    int                 // sent to workers
	started  bool                // some worker was ready
	alike    map[string]int      // failures that a worker reported, by message
	suspects map[int]bool        // trials whose workers died too often while nothing succeeded
	touched  map[string]struct{} // configurations whose weights may have to go
	logFault bool                // a log that could not be written was reported
}

// fatal is the cause of a run that cannot go on: files or workers fail, and no
// trial is to blame.
type fatal struct{ err error }

func (f *fatal) Error() string { return f.err.Error() }
func (f *fatal) Unwrap() error { return f.err }

// Run trains the trials that have no result yet and writes their results. When
// ctx is done it lets the workers write checkpoints and returns ctx's cause;
// any other error means that files cannot be read or written, or that workers
// do not start. The summary is good in every case. Failed trials are no error.
func Run(ctx context.Context, o Options, trials []experiment.Trial) (Summary, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Summary{}, err
	}
	r := &run{Options: o, trials: trials, index: make(map[result.Key]int, len(trials)),
		settled: make([]result.Status, len(trials)), retry: map[int]time.Time{}, replace: map[int]bool{}, deaths: map[int]int{},
		failures: map[int]Failure{}, alike: map[string]int{}, suspects: map[int]bool{}, touched: map[string]struct{}{}}
	for i, t := range trials {
		r.index[t.Key()] = i
	}
	r.track = newTracker(o, len(trials))
	r.session, err = o.Folder.Join(o.Lease, func() any { return r.track.state() })
	if err != nil {
		return Summary{}, err
	}
	err = r.all(ctx)
	if cerr := r.session.Close(); err == nil {
		err = cerr
	}
	return r.summary(), err
}

// all scans, trains and tidies up.
func (r *run) all(ctx context.Context) error {
	jobs, err := r.scan(ctx)
	if err != nil {
		return err
	}
	ctx, r.abort = context.WithCancelCause(ctx)
	defer r.abort(nil)
	if file := r.Worker; file != "" && len(jobs) > 0 {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("start the worker %s: %w; `make build` makes it, `slimfit doctor` says what else is wrong", file, fs.ErrNotExist)
		}
	}
	r.queue = newQueue(jobs, r.NoWait, r.tellWaiting)
	r.emit(Event{Kind: Planned})
	r.tellDoubts()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case err := <-r.session.Lost():
			r.abort(&fatal{err})
		case <-ctx.Done():
		}
		<-ctx.Done()
		r.queue.stop()
		if cause := context.Cause(ctx); !errors.Is(cause, errOver) {
			r.track.stopping()
			r.emit(Event{Kind: Stopping, Message: cause.Error()})
		}
	}()
	var slots sync.WaitGroup
	for i := range r.Workers {
		slots.Go(func() { r.slot(ctx, i) })
	}
	slots.Wait()
	r.abort(errOver)
	<-watched
	if cause := context.Cause(ctx); !errors.Is(cause, errOver) {
		return cause
	}
	return r.tidyWeights()
}

// errOver is the cause of a run's context when everything is done.
var errOver = errors.New("the run is over")

// slot works on jobs until there are no more. Its worker starts with the first.
func (r *run) slot(ctx context.Context, slot int) {
	var w *workerproc.Process
	defer func() {
		if w != nil {
			w.Close(workerproc.Grace)
		}
		r.track.idle(slot, 0)
	}()
	for {
		j, ok := r.queue.next()
		if !ok {
			return
		}
		w = r.work(ctx, w, slot, j)
		r.queue.done()
	}
}

// work does one job, and returns the worker for the next one, nil if it is
// gone. What is left of the job goes back to the queue.
func (r *run) work(ctx context.Context, w *workerproc.Process, slot int, j *job) *workerproc.Process {
	c, err := r.claim(j)
	if err != nil {
		r.abort(&fatal{err})
	}
	if err != nil || c == nil {
		return w
	}
	settings := r.settings(slot, c.pack.Recipe)
	if w != nil && w.Settings != settings { // a worker serves one kind of arithmetic
		w.Close(workerproc.Grace)
		w = nil
	}
	for failed := 0; w == nil; {
		w, err = workerproc.Start(ctx, r.Command(settings))
		if err == nil {
			w.Settings = settings
			break
		}
		failed++
		if ctx.Err() != nil || !r.startAgain(err, failed) {
			r.release(c)
			return nil
		}
	}
	if err := onItsDevice(w, r.Workers[slot].Device); err != nil {
		r.release(c)
		w.Close(0)
		r.abort(&fatal{err})
		return nil
	}
	r.mu.Lock()
	r.started = true
	r.mu.Unlock()
	r.track.idle(slot, w.PID())
	cause := r.attempt(ctx, w, slot, c)
	r.track.idle(slot, w.PID())
	r.afterwards(ctx, c, cause)
	if cause == nil || errors.Is(cause, errStopped) && !w.Over() {
		return w
	}
	w.Close(0)
	r.track.idle(slot, 0)
	return nil
}

// settings are what a worker of the slot needs for a recipe.
func (o Options) settings(slot int, recipe models.Recipe) workerproc.Settings {
	s := o.Workers[slot].settings(recipe)
	s.Deterministic = o.deterministic
	return s
}

// onItsDevice refuses a worker that got a GPU and does not see it: TensorFlow
// would train on the CPU without a word.
func onItsDevice(w *workerproc.Process, d Device) error {
	if d.Visible != "" && w.Environment.Device == "CPU" {
		return fmt.Errorf("TensorFlow does not see %s: the driver, the CUDA libraries or slimfit-worker's build do not fit; `slimfit doctor` "+
			"says more, --gpus none trains on the CPU", d)
	}
	return nil
}

// startAgain says whether it makes sense to start a worker once more after it
// failed to start; else it aborts the run. The first worker of a run must
// start: if not, something is wrong with the machine, not with a trial.
func (r *run) startAgain(err error, failed int) bool {
	r.mu.Lock()
	ever := r.started
	r.mu.Unlock()
	if ever && failed < 3 {
		r.emit(Event{Kind: Notice, Message: err.Error() + "; trying again"})
		return true
	}
	r.abort(&fatal{err})
	return false
}

// emit hands an event to the listener.
func (r *run) emit(e Event) {
	r.eventMu.Lock()
	defer r.eventMu.Unlock()
	e.State = r.track.state()
	r.Events(e)
}

// tellWaiting says for whom the run waits.
func (r *run) tellWaiting() {
	message := "the trials that are left are being trained by another process; waiting for it"
	if others, err := r.Folder.Processes(); err == nil {
		for _, p := range others {
			if p.Owner != r.session.Owner() && !p.Dead(time.Now()) {
				message = fmt.Sprintf("the trials that are left are being trained by %s; waiting for it", p.Owner)
			}
		}
	}
	r.emit(Event{Kind: Waiting, Message: message})
}

// summary is what the run has come to.
func (r *run) summary() Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Summary{State: r.track.state(), Trained: r.trained}
	s.Left = s.State.Total - s.State.Finished()
	for _, f := range r.failures {
		s.Failures = append(s.Failures, f)
	}
	slices.SortFunc(s.Failures, func(a, b Failure) int { return r.index[a.Key] - r.index[b.Key] })
	return s
}
