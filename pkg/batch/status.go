package batch

import (
	"cmp"
	"context"
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// Status is where a run folder's trials stand: by its result files, then by
// what its processes say, then by what Slurm still holds.
type Status struct {
	sweep.Overview
	Queued     int           `json:"queued"`        // of Pending: in elements that Slurm holds
	Missing    int           `json:"missing"`       // of Pending: neither a result nor a job
	TimeLeft   float64       `json:"batch_seconds"` // until the queued trials are done as things go; 0 while unknown
	Elements   []ElementView `json:"elements"`      // that Slurm holds, by submission and number
	Lost       []LostElement `json:"lost"`          // that ended with trials left which are not queued again
	QueueFault string        `json:"queue_fault"`   // why Slurm could not be asked, else ""
}

// ElementView is an array element that Slurm holds.
type ElementView struct {
	Submission int    `json:"submission"`
	Element    int    `json:"element"`
	Task       string `json:"task"`  // as Slurm's commands name it: <job>_<index>
	State      string `json:"state"` // PENDING, RUNNING, ...
	Reason     string `json:"reason"`
	Nodes      string `json:"nodes"`
	TimeLeft   string `json:"time_left"` // of its limit, as Slurm writes it
	Trials     int    `json:"trials"`    // without a result
}

// LostElement is an element that is over, though trials of it are not.
type LostElement struct {
	Submission int      `json:"submission"`
	Element    int      `json:"element"`
	Task       string   `json:"task"`
	State      string   `json:"state"` // how it ended, as far as Slurm remembers
	Trials     []string `json:"trials"`
	Log        string   `json:"log"`       // its file
	LastLine   string   `json:"last_line"` // of the log; "" if there is none
}

// Look reads where the experiment's trials stand; without an experiment, those
// that have a folder.
func Look(ctx context.Context, f *store.Folder, e *experiment.Experiment) (Status, error) {
	subs, err := Submissions(f)
	if err != nil {
		return Status{}, err
	}
	var keys []result.Key
	if e != nil {
		keys = experiment.KeysOf(e.Trials())
	}
	view := sweep.Viewer{Folder: f}
	s := Status{Elements: []ElementView{}, Lost: []LostElement{}}
	if s.Overview, err = view.Look(keys); err != nil {
		return Status{}, err
	}
	held, err := queue(ctx, jobNames(subs))
	if err != nil {
		s.QueueFault = err.Error()
	}
	queued := inQueue(subs, held)
	left := func(k result.Key) bool { return !s.Overview.Status[k].Finished() }
	s.Elements = append(s.Elements, views(subs, held, left)...)
	for _, k := range keys {
		switch {
		case s.Overview.Status[k].Finished() || s.Overview.Status[k] == result.Running:
		case queued[k]:
			s.Queued++
		default:
			s.Missing++
		}
	}
	if s.QueueFault == "" {
		gone := func(k result.Key) bool { return left(k) && !queued[k] && s.Overview.Status[k] != result.Running }
		s.Lost = append(s.Lost, lost(ctx, subs, held, gone)...)
	}
	s.TimeLeft = s.timeLeft(f, e.ByID(), keys, queued)
	return s, nil
}

// views lists the elements that Slurm holds.
func views(subs []Submission, held []Held, left func(result.Key) bool) []ElementView {
	var all []ElementView
	for _, h := range held {
		if h.Over() {
			continue
		}
		for _, s := range subs {
			n, ok := s.Tasks.element(h.Job, h.Index)
			if !ok {
				continue
			}
			v := ElementView{Submission: s.Number, Element: n, Task: h.Task(), State: h.State, Reason: h.Reason, Nodes: h.Nodes, TimeLeft: h.Left}
			v.Trials = len(filter(s.Tasks.Elements[n].Trials, left))
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b ElementView) int {
		return cmp.Or(cmp.Compare(a.Submission, b.Submission), cmp.Compare(a.Element, b.Element))
	})
	return all
}

// speedSample is how many results are enough to know a speed by.
const speedSample = 200

// timeLeft predicts when the trials that are running or queued are done if as
// many workers go on with them as do now.
func (s Status) timeLeft(f *store.Folder, configs map[string]*experiment.Configuration, keys []result.Key,
	queued map[result.Key]bool) float64 {
	workers := 0
	for _, p := range s.Processes {
		if p.Alive {
			workers += len(p.State.Workers)
		}
	}
	if workers == 0 || s.Running+s.Queued == 0 {
		return 0
	}
	var done []result.Key
	for _, k := range keys {
		if s.Overview.Status[k] == result.Done && len(done) < speedSample {
			done = append(done, k)
		}
	}
	results, _, err := f.ResultsOf(done, store.Brief)
	speed := speedOf(results, configs, func(result.Key) bool { return true })
	if err != nil || speed.measure == 0 {
		return s.Left // what the processes say of themselves
	}
	total := 0.0
	for _, k := range keys {
		status := s.Overview.Status[k]
		if c := configs[k.ConfigID]; c != nil && (status == result.Running || queued[k] && status == "") {
			total += speed.seconds(sweep.Pack{Trials: []experiment.Trial{{Configuration: c, Seed: k.Seed}}})
		}
	}
	return total / float64(workers)
}
