package sweep

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"time"

	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// Overview is where a run folder stands, as its files tell.
type Overview struct {
	Total     int                    `json:"total"` // trials asked about
	Done      int                    `json:"done"`
	Failed    int                    `json:"failed"`
	Diverged  int                    `json:"diverged"`
	Running   int                    `json:"running"`
	Pending   int                    `json:"pending"`
	Left      float64                `json:"left_seconds"` // of the process that needs longest; 0 while unknown
	Processes []ProcessView          `json:"processes"`
	Failures  []FailureView          `json:"failures"`         // failed or diverged, in the order asked
	Damaged   []string               `json:"damaged"`          // results that cannot be believed, `run` trains them again
	Search    *result.SearchProgress `json:"search,omitempty"` // of a search that is at work, or was

	Status map[result.Key]result.Status `json:"-"` // of trials that are finished or running; the others are pending
	Mark   uint64                       `json:"-"` // another where a result appeared, changed or went
}

// ProcessView is a process that has a file in the run folder.
type ProcessView struct {
	Host   string  `json:"host"`
	PID    int     `json:"pid"`
	Alive  bool    `json:"alive"`
	Silent float64 `json:"silent_seconds"` // since its last heartbeat
	State  State   `json:"state"`
}

// FailureView is a trial without an accuracy.
type FailureView struct {
	result.Key
	Status result.Status `json:"status"`
	Reason string        `json:"reason"`
}

// Viewer looks at a run folder again and again, and reads a result only where
// its file is new, or another than at the last look, or at one of another process
// that left its sights in the folder.
type Viewer struct {
	Folder *store.Folder
	seen   map[result.Key]sight
}

// sight is a result as it was last read.
type sight struct {
	stamp   store.Stamp
	status  result.Status
	reason  string
	damaged string
}

// Look reads the folder. keys are the trials to count; nil counts those that
// have a folder.
func (v *Viewer) Look(keys []result.Key) (Overview, error) {
	there, err := v.Folder.Keys()
	if err != nil {
		return Overview{}, err
	}
	if keys == nil {
		keys = there
	}
	if v.seen == nil {
		v.seen = readSeen(v.Folder)
	}
	now := time.Now()
	fresh, err := v.results(there)
	if err != nil {
		return Overview{}, err
	}
	if fresh >= cacheLeast {
		writeSeen(v.Folder, v.seen, now)
	}
	o := Overview{Total: len(keys), Failures: []FailureView{}, Damaged: []string{}, Status: make(map[result.Key]result.Status, len(there))}
	if o.Processes, err = v.Processes(); err != nil {
		return Overview{}, err
	}
	if b, err := v.Folder.ReadFile(result.ProgressName); err == nil {
		if json.Unmarshal(b, &o.Search) != nil {
			o.Search = nil // half of another program's file: it is only for show
		}
	}
	o.take(v.seen, there)
	running := runningIn(o.Processes)
	for _, p := range o.Processes {
		if p.Alive {
			o.Left = max(o.Left, p.State.Left)
		}
	}
	for k := range running {
		if o.Status[k] == "" {
			o.Status[k] = result.Running
		}
	}
	for _, k := range keys {
		switch s := o.Status[k]; s {
		case result.Done:
			o.Done++
		case result.Failed, result.Diverged:
			o.count(s)
			o.Failures = append(o.Failures, FailureView{k, s, v.seen[k].reason})
		case result.Running:
			o.Running++
		default:
			o.Pending++
		}
	}
	return o, nil
}

func (o *Overview) count(s result.Status) {
	if s == result.Failed {
		o.Failed++
	} else {
		o.Diverged++
	}
}

// take sums up what was seen of the trials.
func (o *Overview) take(seen map[result.Key]sight, there []result.Key) {
	mark := fnv.New64a()
	for _, k := range there {
		s, ok := seen[k]
		if !ok {
			continue
		}
		fmt.Fprint(mark, k, s.stamp)
		if s.damaged != "" {
			o.Damaged = append(o.Damaged, s.damaged)
		} else {
			o.Status[k] = s.status
		}
	}
	o.Mark = mark.Sum64()
}

// results reads what is new among the trials, and says how many results were.
func (v *Viewer) results(there []result.Key) (fresh int, err error) {
	seen := make(map[result.Key]sight, len(there))
	var unread []result.Key
	stamps := map[result.Key]store.Stamp{}
	for i, stamp := range v.Folder.Stamps(there) {
		k := there[i]
		if stamp == (store.Stamp{}) {
			continue
		}
		if was, ok := v.seen[k]; ok && was.stamp == stamp {
			seen[k] = was
			continue
		}
		unread, stamps[k] = append(unread, k), stamp
	}
	results, bad, err := v.Folder.ResultsOf(unread, store.Brief)
	if err != nil {
		return 0, err
	}
	for _, r := range results {
		seen[r.Key()] = sight{stamps[r.Key()], r.Status, r.Reason, ""}
	}
	damaged := map[string]string{}
	for _, b := range bad {
		damaged[b.File] = b.Error()
	}
	if len(bad) > 0 {
		for _, k := range unread {
			if why := damaged[v.Folder.ResultPath(k)]; why != "" {
				seen[k] = sight{stamp: stamps[k], damaged: why}
			}
		}
	}
	v.seen = seen
	return len(results), nil
}

// FoldsName is the run folder inside a run folder that has the trainings of folds.
const FoldsName = "folds"

// Processes lists the folder's processes with what they say of themselves.
func (v *Viewer) Processes() ([]ProcessView, error) {
	all, err := v.Folder.Processes()
	folds, ferr := (&store.Folder{Dir: filepath.Join(v.Folder.Dir, FoldsName)}).Processes() // its own, where there are folds
	if err = errors.Join(err, ferr); err != nil {
		return nil, err
	}
	all = append(all, folds...)
	now := time.Now()
	views := []ProcessView{}
	for _, p := range all {
		v := ProcessView{Host: p.Owner.Host, PID: p.Owner.PID, Alive: !p.Dead(now), Silent: p.Silence(now).Seconds()}
		if len(p.Status) > 0 {
			if err := json.Unmarshal(p.Status, &v.State); err != nil {
				return nil, fmt.Errorf("read the status of %s: %w", p.Owner, err)
			}
		}
		views = append(views, v)
	}
	return views, nil
}

// runningIn are the trials that living processes say they train.
func runningIn(processes []ProcessView) map[result.Key]bool {
	running := map[result.Key]bool{}
	for _, p := range processes {
		if !p.Alive {
			continue
		}
		for _, w := range p.State.Workers {
			for _, m := range w.Members {
				running[m.Key] = true
			}
		}
	}
	return running
}

// Running are the trials that living processes say they train.
func Running(f *store.Folder) (map[result.Key]bool, error) {
	all, err := (&Viewer{Folder: f}).Processes()
	if err != nil {
		return nil, err
	}
	return runningIn(all), nil
}

// Statuses says where the trials of a run folder stand; those that it does not
// name are pending.
func Statuses(f *store.Folder) (map[result.Key]result.Status, error) {
	o, err := (&Viewer{Folder: f}).Look(nil)
	return o.Status, err
}
