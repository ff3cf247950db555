package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/workerproc"
)

// errStopped is the cause of an attempt that was stopped as it was asked to.
var errStopped = errors.New("stopped")

// trialError is the cause of an attempt that failed with the worker: it died,
// hung, or said that it can't go on.
type trialError struct {
	reason string
	told   bool // by the worker itself, in an Error event
}

func (e *trialError) Error() string { return e.reason }

// attempt lets the worker do a claim. Trials that get a result leave c.open.
// The cause is nil when the worker did all it could, errStopped after a stop,
// a *trialError, or what made the run abort.
func (r *run) attempt(ctx context.Context, w *workerproc.Process, slot int, c *claim) error {
	command := protocol.Command{Train: &c.pack}
	if c.evaluate {
		command = protocol.Command{Evaluate: &c.pack}
	}
	w.Log.Take()
	r.begin(w, slot, c)
	defer r.copyLog(w, c)
	if err := w.Send(command); err != nil {
		w.Kill()
		return r.died(w)
	}
	silence := time.NewTicker(time.Second)
	defer silence.Stop()
	stop := ctx.Done()
	moved := false
	for quiet, stopping := 0, 0; ; {
		select {
		case e, ok := <-w.Events:
			quiet = 0
			moved = moved || e.Type == protocol.Progress
			if !ok {
				return r.died(w)
			}
			if over, cause := r.handle(slot, c, e); over {
				return cause
			}
		case <-stop:
			stop = nil
			if err := w.Send(protocol.Command{Stop: true}); err != nil {
				return errStopped
			}
		case <-silence.C:
			// Counted in ticks: a supervisor that was itself paused does not
			// blame the worker.
			quiet++
			if stop == nil {
				stopping++
			}
			switch {
			case stopping > int(r.StopGrace/time.Second):
				w.Kill()
				r.died(w)
				return errStopped
			case quiet > int(r.patience(slot, moved)/time.Second):
				w.Kill()
				r.died(w)
				return &trialError{reason: fmt.Sprintf("the worker was silent for %v and was killed%s", r.patience(slot, moved), w.Log.Ending())}
			}
		}
	}
}

// firstStep is what a GPU's first step may take: on a card that is newer than
// the library every kernel is compiled at its first use, for a minute or so.
const firstStep = 3 * time.Minute

// patience is how long a worker may be silent.
func (r *run) patience(slot int, moved bool) time.Duration {
	if r.Workers[slot].Device.Visible != "" && !moved {
		return max(r.Hang, firstStep)
	}
	return r.Hang
}

// died is the cause of an attempt whose worker is gone.
func (r *run) died(w *workerproc.Process) error {
	return &trialError{reason: w.Died().Error()}
}

// handle takes one event; over is true when it ends the attempt.
func (r *run) handle(slot int, c *claim, e protocol.Event) (over bool, cause error) {
	if e.Type == protocol.Warning {
		r.emit(Event{Kind: Notice, Message: e.Message})
		return false, nil
	}
	if e.Pack != c.pack.ID {
		return false, nil // of an earlier pack
	}
	switch e.Type {
	case protocol.Started:
		r.track.step(slot, e.Step, nil)
	case protocol.Progress:
		r.track.step(slot, e.Step, e.Members)
		r.emit(Event{Kind: Progress})
	case protocol.Finished:
		if i, ok := r.member(c, e.Key); ok && e.Result != nil {
			if err := r.finish(c, i, e); err != nil {
				return true, &fatal{err}
			}
		}
	case protocol.Hopeless:
		if i, ok := r.member(c, e.Key); ok && e.Result != nil && c.pack.EarlyStop != nil {
			if err := r.stopEarly(c, i, e); err != nil {
				return true, &fatal{err}
			}
		}
	case protocol.Fenced:
		if i, ok := r.member(c, e.Key); ok {
			r.drop(c, i)
		}
	case protocol.PackDone:
		if len(c.open) > 0 {
			return true, &trialError{reason: "the worker finished without all results"}
		}
		r.note(slot, c)
		return true, nil
	case protocol.Stopped:
		return true, errStopped
	case protocol.Error:
		return r.complaint(c, e)
	}
	return false, nil
}

// complaint handles a worker that says that the pack, or one member of it,
// can't go on.
func (r *run) complaint(c *claim, e protocol.Event) (over bool, cause error) {
	if e.Storage || outOfSpace(e.Message) {
		return true, &fatal{errors.New(e.Message)}
	}
	if i, ok := r.member(c, e.Key); ok {
		if err := r.blame(c, i, &trialError{reason: e.Message, told: true}); err != nil {
			return true, err
		}
		return false, nil
	}
	return true, &trialError{reason: e.Message, told: true}
}

// outOfSpace recognizes what no retry helps against in a message from deep
// within TensorFlow.
func outOfSpace(message string) bool {
	message = strings.ToLower(message)
	return slices.ContainsFunc([]string{"no space left on device", "read-only file system", "disk quota exceeded", "too many open files"},
		func(m string) bool { return strings.Contains(message, m) })
}

// member finds the open trial that an event is about.
func (r *run) member(c *claim, k *result.Key) (trial int, ok bool) {
	if k == nil {
		return 0, false
	}
	i, known := r.index[*k]
	_, open := c.open[i]
	return i, known && open
}

// drop leaves a trial to the process that took its lease over.
func (r *run) drop(c *claim, i int) {
	delete(c.open, i)
	r.emit(Event{Kind: Notice, Message: fmt.Sprintf("%s was taken over by another process", r.label(r.trials[i]))})
	r.queue.later(&job{members: []int{i}}, r.pollEvery())
}

// afterwards decides what becomes of the trials that an attempt left open.
func (r *run) afterwards(ctx context.Context, c *claim, cause error) {
	left := slices.Sorted(maps.Keys(c.open))
	if stop, ok := errors.AsType[*fatal](cause); ok {
		r.abort(stop)
	}
	if len(left) == 0 {
		return
	}
	var failure *trialError
	if ctx.Err() != nil || !errors.As(cause, &failure) {
		r.release(c)
		return
	}
	if len(left) == 1 {
		if err := r.blame(c, left[0], failure); err != nil {
			r.release(c)
			r.abort(err)
		}
		return
	}
	// One of them may be the culprit: halves find it, and need less memory.
	r.emit(Event{Kind: Retry, Message: fmt.Sprintf("%s (training %d trials together; they are taken up again from their checkpoints, in "+
		"two halves)", failure.reason, len(left))})
	for _, i := range left {
		r.log(i, "%s", failure.reason)
	}
	r.release(c)
	for _, half := range [][]int{left[:len(left)/2], left[len(left)/2:]} {
		r.queue.add(&job{members: half, cost: r.track.costOf(half)})
	}
}

// blame counts a failure against a trial that trained alone, or that a worker
// named: it is tried again, or fails. The error is fatal.
func (r *run) blame(c *claim, i int, failure *trialError) error {
	r.mu.Lock()
	r.deaths[i]++
	deaths := r.deaths[i]
	r.mu.Unlock()
	r.log(i, "%s", failure.reason)
	if deaths > r.Retries {
		last, err := r.suspect(i, failure)
		if err != nil {
			return err
		}
		if last {
			return r.putBack(c, i, 0)
		}
		if err := r.sameAgain(failure); err != nil {
			return err
		}
		err = r.fail(c, i, failure.reason)
		if errors.Is(err, store.ErrFenced) {
			r.drop(c, i)
			return nil
		}
		if err != nil {
			return &fatal{err}
		}
		return nil
	}
	r.emit(Event{Kind: Retry, Message: fmt.Sprintf("%s: %s; it is taken up again from its checkpoint (%d of %d)", r.label(r.trials[i]),
		failure.reason, deaths, r.Retries)})
	return r.putBack(c, i, r.track.costOf([]int{i}))
}

// putBack releases a trial and queues it again; the dearest come first.
func (r *run) putBack(c *claim, i int, cost float64) error {
	token := c.open[i]
	delete(c.open, i)
	if err := r.session.Release(r.Folder.TrialDir(r.trials[i].Key()), token); err != nil {
		return &fatal{err}
	}
	r.queue.add(&job{members: []int{i}, cost: cost})
	return nil
}

// suspect decides on a trial whose workers died as often as it may be tried,
// before any other trial succeeded: it may be the trial, or the machine. The
// trial then comes last, once; where the workers of three die so, the run ends
// and no trial is to blame.
func (r *run) suspect(i int, failure *trialError) (last bool, err error) {
	const enough = 3
	r.mu.Lock()
	defer r.mu.Unlock()
	if failure.told || r.trained > 0 {
		return false, nil
	}
	again := r.suspects[i]
	if r.suspects[i] = true; len(r.suspects) >= enough {
		return false, &fatal{fmt.Errorf("the workers of every trial die, and none succeeds: this machine may lack memory, processes or open "+
			"files; the trials are left for another try: %s", failure.reason)}
	}
	return !again && len(r.trials) >= enough, nil
}

// sameAgain ends a run that is going wrong as a whole: the same complaint from
// the workers for one trial after the other, and no success yet. The trials stay
// pending rather than fail one by one.
func (r *run) sameAgain(failure *trialError) error {
	const enough = 3
	r.mu.Lock()
	defer r.mu.Unlock()
	if !failure.told || r.trained > 0 {
		return nil
	}
	if r.alike[failure.reason]++; r.alike[failure.reason] <= enough {
		return nil
	}
	return &fatal{fmt.Errorf("the first trials all fail in the same way, the others are left: %s", failure.reason)}
}
