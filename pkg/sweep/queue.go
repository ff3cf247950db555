package sweep

import (
	"slices"
	"sync"
	"time"
)

// job is trials that one worker is to train, or evaluate, together.
type job struct {
	members  []int   // indices into run.trials
	cost     float64 // longest first
	evaluate bool    // they are trained already: open the test set
}

// queue hands out jobs, costliest first, until all are done.
type queue struct {
	noWait  bool
	waiting func() // called when nothing but delayed jobs is left

	mu      sync.Mutex
	changed *sync.Cond
	jobs    []*job // by falling cost
	busy    int    // jobs handed out
	delayed int    // jobs that come back after a while
	stopped bool
	told    bool // waiting was called
}

func newQueue(jobs []*job, noWait bool, waiting func()) *queue {
	q := &queue{jobs: jobs, noWait: noWait, waiting: waiting}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// next waits for a job; ok is false when there will be none. done must follow
// each job.
func (q *queue) next() (j *job, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.stopped:
			return nil, false
		case len(q.jobs) > 0:
			j, q.jobs = q.jobs[0], q.jobs[1:]
			q.busy++
			return j, true
		case q.busy == 0 && (q.delayed == 0 || q.noWait):
			q.changed.Broadcast()
			return nil, false
		case q.busy == 0 && !q.told:
			q.told = true
			q.mu.Unlock()
			q.waiting()
			q.mu.Lock()
			continue
		}
		q.changed.Wait()
	}
}

// done says that a job which next gave is over; what is left of it was added
// before.
func (q *queue) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy--
	q.changed.Broadcast()
}

func (q *queue) add(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.insert(j)
}

// later adds the job after a while.
func (q *queue) later(j *job, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.delayed++
	time.AfterFunc(wait, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.delayed--
		q.insert(j)
	})
}

func (q *queue) insert(j *job) {
	i, _ := slices.BinarySearchFunc(q.jobs, j, func(a, b *job) int {
		if a.cost >= b.cost {
			return -1
		}
		return 1
	})
	q.jobs = slices.Insert(q.jobs, i, j)
	q.changed.Broadcast()
}

// stop lets next hand out nothing more.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = true
	q.changed.Broadcast()
}
