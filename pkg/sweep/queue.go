package sweep

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"slimfit/pkg/experiment"
	"slimfit/pkg/machine"
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

// Placement says where workers train.
type Placement struct {
	Machine        machine.Machine
	Devices        []machine.Device // GPUs; none is the CPU
	Threads        int              // of each worker; below 1 is 1
	Jobs           int              // workers at most; below 1: what the machine carries
	PerDevice      int              // workers that share a GPU; below 1: nobody chose, see Sharing
	MPS            bool             // those on one GPU work at once, rather than in turns
	MemoryFraction float64          // of a GPU's memory that one worker may take; 0: as needed
}

// Slots are the places of the workers that these trials get: spread over the
// GPUs, else as many as cores and memory carry. nil trials stand for more small
// ones than there are workers.
func (p Placement) Slots(trials []experiment.Trial) []Slot {
	threads := max(1, p.Threads)
	n := p.Jobs
	switch {
	case len(p.Devices) > 0:
		n = len(p.Devices) * max(1, p.PerDevice)
		if p.Jobs > 0 {
			n = min(n, p.Jobs)
		}
	case n < 1:
		packs := len(trials)
		if trials == nil {
			packs = math.MaxInt
		}
		n = p.Machine.Jobs(threads, WorkerMemory(trials), packs)
	}
	slots := make([]Slot, n)
	for i := range slots {
		slots[i] = Slot{Index: i, Threads: threads}
		if len(p.Devices) > 0 {
			d := p.Devices[i%len(p.Devices)]
			slots[i].Device = Device{Name: fmt.Sprintf("GPU %s (%s)", d.Visible, d.Name), Visible: d.Visible, MemoryFraction: p.MemoryFraction}
		}
	}
	return slots
}

// Sharing is how many workers a measurement may put on each GPU; 1 where somebody
// chose their number, or where they would take turns and gain nothing.
func (p Placement) Sharing() int {
	if len(p.Devices) == 0 || p.PerDevice > 0 || !p.MPS {
		return 1
	}
	if p.Jobs > 0 {
		return max(1, min(maxSharing, p.Jobs/len(p.Devices)))
	}
	return maxSharing
}

// WorkerMemory is about what one worker needs for the costliest of these trials,
// in bytes: the library, the data set (in Go, and in the graph), and eight
// copies of weights, optimizer state and the activations of a batch. An upper
// bound, rather than exact. Without trials it is that of a small network on
// MNIST.
func WorkerMemory(trials []experiment.Trial) int64 {
	const library, mnist = 400 << 20, 2 * 70_000 * 784
	if len(trials) == 0 {
		return library + mnist
	}
	most := int64(0)
	seen := map[*experiment.Configuration]bool{}
	for _, t := range trials {
		if seen[t.Configuration] {
			continue
		}
		seen[t.Configuration] = true
		members := int64(1)
		if fusible(t.Layers) != "" {
			members = maxMembers
		}
		d := t.Data
		images := int64(d.Train+d.Validation+d.Test) * int64(d.Input.Elements())
		values := 5*int64(t.Footprint.Parameters) + 3*int64(t.Footprint.Activations.All)*int64(max(t.Recipe.Batch, 250))
		most = max(most, 2*images+4*values*members)
	}
	return library + most
}
