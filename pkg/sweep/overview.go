package sweep

import (
	"encoding/json"
	"fmt"
	"time"

	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// Overview is where a run folder stands, as its files tell.
type Overview struct {
	Total     int           `json:"total"` // trials asked about
	Done      int           `json:"done"`
	Failed    int           `json:"failed"`
	Diverged  int           `json:"diverged"`
	Running   int           `json:"running"`
	Pending   int           `json:"pending"`
	Left      float64       `json:"left_seconds"` // of the process that needs longest; 0 while unknown
	Processes []ProcessView `json:"processes"`
	Failures  []FailureView `json:"failures"` // failed or diverged, in the order asked
	Damaged   []string      `json:"damaged"`  // results that cannot be believed, `run` trains them again

	Status map[result.Key]result.Status `json:"-"` // of trials that are finished or running; the others are pending
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

// Viewer looks at a run folder again and again, and reads each result once.
type Viewer struct {
	Folder *store.Folder
	final  map[result.Key]result.Status
}

// Look reads the folder. keys are the trials to count; nil counts those that
// have a folder.
func (v *Viewer) Look(keys []result.Key) (Overview, error) {
	if v.final == nil {
		v.final = map[result.Key]result.Status{}
	}
	there, err := v.Folder.Keys()
	if err != nil {
		return Overview{}, err
	}
	if keys == nil {
		keys = there
	}
	status, failures, damaged, err := v.results(there)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{Total: len(keys), Processes: []ProcessView{}, Failures: []FailureView{}, Damaged: []string{}}
	if o.Processes, err = processes(v.Folder); err != nil {
		return Overview{}, err
	}
	running := runningIn(o.Processes)
	for _, p := range o.Processes {
		if p.Alive {
			o.Left = max(o.Left, p.State.Left)
		}
	}
	o.Damaged, o.Status = append(o.Damaged, damaged...), status
	for k := range running {
		if status[k] == "" {
			status[k] = result.Running
		}
	}
	for _, k := range keys {
		switch s := status[k]; s {
		case result.Done:
			o.Done++
		case result.Failed, result.Diverged:
			o.count(s)
			o.Failures = append(o.Failures, FailureView{k, s, failures[k]})
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

// results reads what is new among the trials.
func (v *Viewer) results(there []result.Key) (status map[result.Key]result.Status, reasons map[result.Key]string, damaged []string,
	err error) {
	status, reasons = make(map[result.Key]result.Status, len(there)), map[result.Key]string{}
	var unread []result.Key
	for _, k := range there {
		if v.final[k] == result.Done {
			status[k] = result.Done
		} else {
			unread = append(unread, k)
		}
	}
	results, bad, err := v.Folder.ResultsOf(unread, store.Brief)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, r := range results {
		k := r.Key()
		status[k] = r.Status
		if r.Status == result.Done {
			v.final[k] = r.Status
		} else {
			reasons[k] = r.Reason
		}
	}
	for _, b := range bad {
		damaged = append(damaged, b.Error())
	}
	return status, reasons, damaged, nil
}

// processes lists the folder's processes with what they say of themselves.
func processes(f *store.Folder) ([]ProcessView, error) {
	all, err := f.Processes()
	if err != nil {
		return nil, err
	}
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
	all, err := processes(f)
	if err != nil {
		return nil, err
	}
	return runningIn(all), nil
}

// Statuses says where the trials of a run folder stand; those that it does not
// name are pending.
func Statuses(f *store.Folder) (map[result.Key]result.Status, error) {
	v := Viewer{Folder: f}
	there, err := f.Keys()
	if err != nil {
		return nil, err
	}
	v.final = map[result.Key]result.Status{}
	status, _, _, err := v.results(there)
	if err != nil {
		return nil, err
	}
	running, err := Running(f)
	if err != nil {
		return nil, err
	}
	for k := range running {
		if status[k] == "" {
			status[k] = result.Running
		}
	}
	return status, nil
}
