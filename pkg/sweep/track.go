package sweep

import (
	"slices"
	"sync"
	"time"

	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
)

// tracker knows where a run stands and guesses when it ends: predicted costs
// are worth as many seconds as those of the work done so far took.
type tracker struct {
	mu      sync.Mutex
	now     State
	costs   []float32 // predicted, of each trial
	left    float64   // cost of the trials without a result
	earned  float64   // cost of what this run trained
	start   time.Time // of this run's training
	running []running // what each slot does
}

// running is a pack in training.
type running struct {
	trials   []int
	cost     float64   // of the trials without a result
	first    int       // step at which this run took it up
	begun    time.Time // when the worker got it
	moved    time.Time // when the first progress came
	movedAt  int       // step of the first progress
	lastStep int
	last     time.Time
}

func newTracker(o Options, trials int) *tracker {
	t := &tracker{now: State{Experiment: o.Experiment, Total: trials}, costs: make([]float32, trials)}
	t.places(o.Workers)
	return t
}

// places sets the workers, none of which does anything yet.
func (t *tracker) places(workers []Slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running, t.now.Workers = make([]running, len(workers)), nil
	for _, s := range workers {
		t.now.Workers = append(t.now.Workers, WorkerState{Device: s.Device.String()})
	}
}

// cost sets the predicted cost of a trial that is left.
func (t *tracker) cost(trial int, cost float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.costs[trial] = float32(cost)
	t.left += cost
}

func (t *tracker) costOf(trials []int) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := 0.0
	for _, i := range trials {
		sum += float64(t.costs[i])
	}
	return sum
}

// began ends the scan: what is finished now was so before.
func (t *tracker) began() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Before = t.now.Finished()
}

func (t *tracker) stopping() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Stopping = true
}

// finished counts a trial with a result.
func (t *tracker) finished(trial int, status result.Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch status {
	case result.Done:
		t.now.Done++
	case result.Failed:
		t.now.Failed++
	case result.Diverged:
		t.now.Diverged++
	case result.StoppedEarly:
		t.now.Stopped++
	}
	cost := float64(t.costs[trial])
	t.left -= cost
	for i := range t.running {
		r := &t.running[i]
		if slices.Contains(r.trials, trial) {
			steps := float64(max(1, t.now.Workers[i].Steps))
			r.cost -= cost
			t.earned += cost * (1 - float64(r.first)/steps)
		}
	}
}

// begin notes that a slot's worker got a claim.
func (t *tracker) begin(slot, pid int, c *claim, members []MemberState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.start.IsZero() {
		t.start = time.Now()
	}
	w := &t.now.Workers[slot]
	*w = WorkerState{PID: pid, Device: w.Device, Members: members, Step: c.pack.Step, Steps: c.pack.Recipe.Steps}
	r := running{trials: slices.Clone(c.order), first: c.pack.Step, begun: time.Now()}
	for _, i := range c.order {
		r.cost += float64(t.costs[i])
	}
	t.running[slot] = r
}

// step notes how far a slot's pack is.
func (t *tracker) step(slot, step int, members []protocol.MemberProgress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w, r, now := &t.now.Workers[slot], &t.running[slot], time.Now()
	w.Step = step
	for _, m := range members {
		for i := range w.Members {
			if w.Members[i].Key == m.Key {
				loss := m.Loss
				w.Members[i].Loss, w.Members[i].Validation = &loss, m.Validation
			}
		}
	}
	if members == nil {
		return
	}
	if r.moved.IsZero() {
		r.moved, r.movedAt = now, step
	}
	r.last, r.lastStep = now, step
	if rate, ok := r.secondsPerStep(); ok {
		w.Left = rate * float64(w.Steps-step)
	}
}

// secondsPerStep is the pack's speed so far, without its start.
func (r running) secondsPerStep() (float64, bool) {
	steps := r.lastStep - r.movedAt
	if steps < 1 {
		return 0, false
	}
	return r.last.Sub(r.moved).Seconds() / float64(steps), true
}

// idle ends a slot's pack; pid is that of its worker, 0 if it has none.
func (t *tracker) idle(slot, pid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := &t.now.Workers[slot]
	*w = WorkerState{PID: pid, Device: w.Device}
	t.running[slot] = running{}
}

// pace is a finished pack's seconds a step, and the seconds around its steps:
// building the graph, judging, saving.
func (t *tracker) pace(slot int) (step, around float64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.running[slot]
	step, ok = r.secondsPerStep()
	return step, time.Since(r.begun).Seconds() - step*float64(t.now.Workers[slot].Steps-r.first), ok
}

// state is a copy of where the run stands.
func (t *tracker) state() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.now
	s.Workers = make([]WorkerState, len(t.now.Workers))
	for i, w := range t.now.Workers {
		w.Members = slices.Clone(w.Members)
		s.Workers[i] = w
	}
	s.Left = t.timeLeft()
	return s
}

// firstGuess is how long a run trains before it says when it ends: first steps
// are slow.
const firstGuess = 2 * time.Second

// timeLeft is 0 while there is nothing to go by.
func (t *tracker) timeLeft() float64 {
	left, earned := t.left, t.earned
	for i, r := range t.running {
		if steps := float64(t.now.Workers[i].Steps); steps > 0 {
			step := float64(t.now.Workers[i].Step)
			left -= r.cost * step / steps
			earned += r.cost * (step - float64(r.first)) / steps
		}
	}
	elapsed := time.Since(t.start)
	if earned <= 0 || left <= 0 || t.start.IsZero() || elapsed < firstGuess || t.now.Finished() == t.now.Total {
		return 0
	}
	return left * elapsed.Seconds() / earned
}
