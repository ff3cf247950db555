package sweep

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/protocol"
	"slimfit/pkg/store"
)

// claim is a job whose trials are leased to this process, ready for a worker.
type claim struct {
	pack     protocol.Pack
	evaluate bool
	open     map[int]uint64 // the trials still to be finished, and the tokens of their leases
	order    []int          // of the pack's members
}

// held is a leased trial on its way into a claim.
type held struct {
	trial int
	token uint64
	steps []int // where it can go on: at its whole checkpoints, newest first, and last at 0
}

// claim leases a job's trials and finds the step where they can go on. Trials
// that are finished meanwhile are counted; those of other processes come back
// later; those that are at another step become a job of their own. A nil claim
// means that there is nothing to do now.
func (r *run) claim(j *job) (*claim, error) {
	var got []held
	evaluate := j.evaluate
	for n, i := range j.members {
		if r.isSettled(i) {
			continue
		}
		h, err := r.take(i, &evaluate)
		if other, ok := errors.AsType[*store.HeldError](err); ok {
			r.emit(Event{Kind: Detail, Message: other.Error()})
			// The first trial of a pack stands for all: two processes that take
			// packs apart between them would lose what packing gains.
			rest := &job{members: []int{i}, cost: j.cost / float64(len(j.members)), evaluate: j.evaluate}
			if len(got) == 0 {
				rest.members, rest.cost = j.members[n:], j.cost
			}
			r.queue.later(rest, r.pollEvery())
			if len(got) == 0 {
				return nil, nil
			}
			continue
		}
		if err != nil {
			r.giveBack(got)
			return nil, err
		}
		if h != nil {
			got = append(got, *h)
		}
	}
	if len(got) == 0 {
		return nil, nil
	}
	step, now, later := together(got)
	if len(later) > 0 {
		r.giveBack(later)
		rest := &job{cost: j.cost * float64(len(later)) / float64(len(got))}
		for _, h := range later {
			rest.members = append(rest.members, h.trial)
		}
		r.queue.add(rest)
	}
	return r.newClaim(now, step, evaluate), nil
}

// take leases one trial; nil means that it needs nothing. evaluate is cleared
// where the trial must be trained after all.
func (r *run) take(i int, evaluate *bool) (*held, error) {
	if v, res, err := r.look(i); v == finished {
		if err == nil {
			r.accept(i, res)
		}
		return nil, err
	}
	key := r.trials[i].Key()
	dir := r.Folder.TrialDir(key)
	token, err := r.session.Acquire(dir)
	if err != nil {
		return nil, err
	}
	h := &held{trial: i, token: token}
	keep, err := r.prepare(h, evaluate)
	if err != nil || !keep {
		return nil, errors.Join(err, r.session.Release(dir, token))
	}
	return h, nil
}

// prepare looks again at a trial that is leased now, and clears away what would
// be in the way of its training. keep is false where it needs none.
func (r *run) prepare(h *held, evaluate *bool) (keep bool, err error) {
	i, t := h.trial, r.trials[h.trial]
	key := t.Key()
	dir := r.Folder.TrialDir(key)
	v, res, err := r.look(i)
	switch v {
	case finished:
		if err == nil {
			r.accept(i, res)
		}
		return false, err
	case damaged:
		aside, serr := r.Folder.SetResultAside(key)
		if serr != nil {
			return false, serr
		}
		r.emit(Event{Kind: Notice, Message: fmt.Sprintf("%v; it is set aside as %s and the trial is trained again", err, aside)})
	case toRetry:
		if err := r.Folder.RemoveResult(key); err != nil {
			return false, err
		}
	case toEvaluate:
		r.mu.Lock()
		r.replace[i] = true
		r.mu.Unlock()
		if !*evaluate {
			// Trained by another process just now: what it lacks is a job of its own.
			r.queue.add(&job{members: []int{i}, evaluate: true})
			return false, nil
		}
		if _, err := store.LoadWeights(dir); err == nil {
			h.steps = []int{0}
			return true, nil
		}
		r.emit(Event{Kind: Notice, Message: fmt.Sprintf("%s has no weights to be judged by: it is trained again", r.label(t))})
	}
	*evaluate = false
	notices, err := r.Folder.SetStrangersAside(key)
	for _, n := range notices {
		r.emit(Event{Kind: Notice, Message: n})
	}
	if err != nil {
		return false, err
	}
	h.steps, err = store.Checkpoints(dir)
	h.steps = append(slices.DeleteFunc(h.steps, func(s int) bool { return s > t.Recipe.Steps }), 0)
	if bad, ok := errors.AsType[*store.DamageError](err); ok {
		r.emit(Event{Kind: Notice, Message: fmt.Sprintf("%v; it can go on from step %d", bad, h.steps[0])})
		err = nil
	}
	return true, err
}

// together divides leased trials into those that go on now, all from one step,
// and the others. Checkpoints of a pack are written one after the other, so
// after a kill some members may be one checkpoint ahead: all then go on from
// the newest that every member has. Without one, the step that most members
// stand at goes first, the later one in a tie.
func together(got []held) (step int, now, later []held) {
	common := slices.Clone(got[0].steps)
	count := map[int]int{} // of trials, by newest step
	for _, h := range got {
		common = slices.DeleteFunc(common, func(s int) bool { return !slices.Contains(h.steps, s) })
		count[h.steps[0]]++
	}
	if common[0] > 0 || len(count) == 1 {
		return common[0], got, nil
	}
	for s, n := range count {
		if n > count[step] || n == count[step] && s > step {
			step = s
		}
	}
	for _, h := range got {
		if h.steps[0] == step {
			now = append(now, h)
		} else {
			later = append(later, h)
		}
	}
	return step, now, later
}

func (r *run) newClaim(got []held, step int, evaluate bool) *claim {
	t := r.trials[got[0].trial]
	r.mu.Lock()
	r.packs++
	id := r.packs
	r.mu.Unlock()
	c := &claim{evaluate: evaluate, open: map[int]uint64{}, pack: newPack(id, r.Source, t)}
	fit, _ := r.Speeds.stack(t, r.Workers[0].Device)
	c.pack.Stem, c.pack.Form = r.Stem, fit.Form
	c.pack.Step, c.pack.CheckpointEvery, c.pack.Test, c.pack.Shifts = step, r.CheckpointEvery.Seconds(), r.Test, r.Shifts
	if !evaluate {
		c.pack.Unroll = fit.unroll(len(got))
		c.pack.EarlyStop = r.EarlyStop
		for _, h := range got { // where one of them may begin late, the rule is for none
			c.pack.EarlyStop = c.pack.EarlyStop.For(t.Recipe, r.trials[h.trial].Layers)
		}
	}
	for _, h := range got {
		t := r.trials[h.trial]
		c.open[h.trial] = h.token
		c.order = append(c.order, h.trial)
		c.pack.Members = append(c.pack.Members, protocol.Member{Key: t.Key(), Layers: t.Layers,
			Dir: r.Folder.TrialDir(t.Key()), Token: h.token})
	}
	return c
}

// newPack is a pack for trials like t, still without members.
func newPack(id int, source models.Source, t experiment.Trial) protocol.Pack {
	p := protocol.Pack{ID: id, Source: source, Data: t.Data, Recipe: t.Recipe}
	if t.Teacher != nil {
		p.Teacher = &protocol.Teacher{Layers: t.Teacher.Layers, Dir: t.Teacher.Dir}
	}
	return p
}

// giveBack releases leases; an error only means that others wait a term.
func (r *run) giveBack(got []held) {
	for _, h := range got {
		r.session.Release(r.Folder.TrialDir(r.trials[h.trial].Key()), h.token)
	}
}

// release gives back what is left of a claim.
func (r *run) release(c *claim) {
	for i, token := range c.open {
		r.session.Release(r.Folder.TrialDir(r.trials[i].Key()), token)
	}
}

// pollEvery is how often the run looks after trials of other processes.
func (r *run) pollEvery() time.Duration { return min(r.session.Every(), 5*time.Second) }
