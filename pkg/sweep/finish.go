package sweep

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/workerproc"
)

// finish writes what a worker says of a finished trial. An error means that
// files cannot be written.
func (r *run) finish(c *claim, i int, e protocol.Event) error {
	t, token := r.trials[i], c.open[i]
	key := t.Key()
	dir := r.Folder.TrialDir(key)
	res, err := r.complete(c, i, *e.Result)
	if err != nil {
		return err
	}
	if !c.evaluate {
		res.HistorySHA = store.HistorySHA256(e.History)
		err = r.Folder.WriteHistory(key, token, e.History)
	}
	if err == nil && e.Scores != nil && res.Status == result.Done {
		s := *e.Scores
		s.ConfigID, s.Seed, s.WeightsSHA = res.ConfigID, res.Seed, res.WeightsSHA
		err = r.Folder.WriteScores(s, res)
	}
	if err == nil {
		err = r.write(i, token, res)
	}
	switch {
	case errors.Is(err, store.ErrFenced):
		r.drop(c, i)
		return nil
	case err != nil && !errors.Is(err, fs.ErrExist):
		return err
	case err != nil: // there is one accepted result a trial, and another process was first
		r.mu.Lock()
		r.deaths[i]++
		tries := r.deaths[i]
		r.mu.Unlock()
		if tries > r.Retries+1 {
			return fmt.Errorf("%s is there when it is written, and cannot be read before: %w", r.Folder.ResultPath(key), err)
		}
		r.queue.add(&job{members: []int{i}})
	default:
		r.log(i, "%s", outcome(res))
		r.settle(i, res)
	}
	delete(c.open, i)
	if err := r.clear(res, dir, token); err != nil {
		return err
	}
	return r.session.Release(dir, token)
}

// write writes a result and counts it as this run's.
func (r *run) write(i int, token uint64, res result.Result) error {
	r.mu.Lock()
	replace := r.replace[i]
	r.mu.Unlock()
	if err := r.Folder.WriteResult(res, token, replace); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if res.Status != result.Failed {
		r.trained++
	}
	r.touched[res.ConfigID] = struct{}{}
	return nil
}

// complete fills in what the supervisor knows of a result. A judgement of
// trained weights joins the result that is there.
func (r *run) complete(c *claim, i int, res result.Result) (result.Result, error) {
	t := r.trials[i]
	if c.evaluate {
		old, err := r.Folder.ReadResult(t.Key())
		if err != nil {
			return res, err
		}
		if res.Accuracy.Test != nil {
			old.SetOn(result.Test, res.On(result.Test))
		}
		res = old
	}
	res.Experiment, res.ConfigID, res.Seed = r.Experiment, t.ID, t.Seed
	res.Assignment = t.Assignment
	if res.Assignment == nil {
		res.Assignment = map[string]any{}
	}
	res.Model, res.Train, res.Dataset = t.Spec().FullLayers(), t.Recipe, t.Data
	res.Footprint = r.Footprint(t.Configuration)
	if res.Warnings == nil {
		res.Warnings = []string{}
	}
	return res, nil
}

// clear removes what a finished trial needs no more.
func (r *run) clear(res result.Result, dir string, token uint64) error {
	if err := store.RemoveCheckpoints(dir, token); err != nil && !errors.Is(err, store.ErrFenced) {
		return err
	}
	if r.Keep == KeepNone || res.Status != result.Done {
		return store.RemoveWeights(dir)
	}
	return nil
}

// fail writes a failed result. The trial's checkpoints stay: --retry-failed goes
// on from them. A trial that has a result already, and could not be evaluated,
// keeps it.
func (r *run) fail(c *claim, i int, reason string) error {
	t, token := r.trials[i], c.open[i]
	now := time.Now().UTC()
	res, err := r.complete(&claim{}, i, result.Result{Status: result.Failed, Reason: reason, Started: now, Finished: now})
	if err != nil {
		return err
	}
	res.Environment.Host = r.session.Owner().Host
	r.mu.Lock()
	keep := r.replace[i]
	r.mu.Unlock()
	if !keep {
		if err := r.write(i, token, res); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	r.settle(i, res)
	delete(c.open, i)
	dir := r.Folder.TrialDir(t.Key())
	if err := store.CheckLease(dir, token); err == nil { // the worker may have died in the middle of a write
		if err := store.SweepLeftovers(dir); err != nil {
			return err
		}
	}
	return r.session.Release(dir, token)
}

// tidyWeights leaves the weights of each configuration's best seed.
func (r *run) tidyWeights() error {
	if r.Keep != KeepBest {
		return nil
	}
	for id := range r.touched {
		if err := r.Folder.KeepBestWeights(id); err != nil {
			return err
		}
	}
	return nil
}

// begin notes the start of an attempt.
func (r *run) begin(w *workerproc.Process, slot int, c *claim) {
	r.track.begin(slot, w.PID(), c, r.memberStates(c))
	what := "training"
	if c.evaluate {
		what = "evaluation"
	}
	text := fmt.Sprintf("%s starts at step %d of %d: worker %d of %s, %s", what, c.pack.Step, c.pack.Recipe.Steps,
		w.PID(), r.session.Owner(), r.Workers[slot].Device)
	if n := len(c.order); n > 1 {
		text += fmt.Sprintf(", in a pack of %d", n)
	}
	for _, i := range c.order {
		r.log(i, "%s, lease %d", text, c.open[i])
	}
	r.emit(Event{Kind: Detail, Message: fmt.Sprintf("%s: %s", text, r.label(r.trials[c.order[0]]))})
}

func (r *run) memberStates(c *claim) []MemberState {
	var all []MemberState
	for _, i := range c.order {
		all = append(all, MemberState{Key: r.trials[i].Key(), Label: r.label(r.trials[i])})
	}
	return all
}

// outcome is a finished trial in a line.
func outcome(res result.Result) string {
	text := string(res.Status)
	if res.Status == result.StoppedEarly {
		text = fmt.Sprintf("stopped early, at step %d of %d", res.Steps, res.Train.Steps)
	}
	if res.Reason != "" {
		text += ": " + res.Reason
	}
	for _, s := range result.Splits() {
		if a := res.On(s).Accuracy; a != nil {
			text += fmt.Sprintf(", %s accuracy %.2f %%", s, 100**a)
		}
	}
	return text
}

// log adds a line to a trial's log.
func (r *run) log(i int, format string, args ...any) {
	line := time.Now().UTC().Format("2006-01-02T15:04:05Z ") + fmt.Sprintf(format, args...) + "\n"
	r.append(i, line)
}

// copyLog adds what the worker wrote to its stderr to the logs of its trials.
func (r *run) copyLog(w *workerproc.Process, c *claim) {
	lines := w.Log.Take()
	if len(lines) == 0 {
		return
	}
	for _, i := range c.order {
		r.append(i, "  "+strings.Join(lines, "\n  ")+"\n")
	}
}

// append does not stop the run where a log cannot be written; that is said
// once.
func (r *run) append(i int, text string) {
	err := r.Folder.Log(r.trials[i].Key(), text)
	if err == nil || errors.Is(err, os.ErrNotExist) {
		return
	}
	r.mu.Lock()
	told := r.logFault
	r.logFault = true
	r.mu.Unlock()
	if !told {
		r.emit(Event{Kind: Notice, Message: err.Error()})
	}
}

// stopEarly writes down that the worker stopped a hopeless trial, whose
// checkpoint it has saved. An error means that files cannot be written.
func (r *run) stopEarly(c *claim, i int, e protocol.Event) error {
	t, token := r.trials[i], c.open[i]
	res, err := r.complete(c, i, *e.Result)
	if err != nil {
		return err
	}
	err = r.Folder.WriteHistory(t.Key(), token, e.History)
	if err == nil {
		err = r.Folder.WriteStopped(result.NewStopped(res, *c.pack.EarlyStop, e.History), token)
	}
	if errors.Is(err, store.ErrFenced) {
		r.drop(c, i)
		return nil
	} else if err != nil {
		return err
	}
	r.mu.Lock()
	r.trained++
	r.mu.Unlock()
	r.log(i, "%s", outcome(res))
	r.settle(i, res)
	delete(c.open, i)
	return r.session.Release(r.Folder.TrialDir(t.Key()), token)
}
