package sweep

import (
	"cmp"
	"fmt"
	"os/exec"
	"time"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/workerproc"
)

// Options is how Run trains.
type Options struct {
	Folder     *store.Folder
	Experiment string           // goes into each result
	Source     models.Source    // of the images
	Test       bool             // open the test set at the end of each trial
	Shifts     []string         // that networks are judged under besides; names of package shift
	Stem       string           // kernels of first convolutions, see result.Environment; "": the worker's choice
	EarlyStop  *result.StopRule // what stops hopeless trials early; nil: nothing

	Workers []Slot // one worker process each; at least one
	Sharing int    // workers that may share each GPU instead, where that is measured to be faster; below 2: Workers as they are
	// Command is the worker's command line and environment, not started. All
	// workers of a run are deterministic if one trial has to be.
	Command func(workerproc.Settings) *exec.Cmd
	Worker  string // the file that Command starts, which must be there; "": not looked for

	CheckpointEvery time.Duration // 0: only when stopped
	Lease           time.Duration // silence after which other processes may take this one's trials; 0: store.DefaultTerm
	Retries         int           // abnormal deaths of a trial that trains alone, before it counts as failed
	RetryFailed     bool          // train the trials again that failed in an earlier run
	Keep            Keep          // whose weights stay
	NoWait          bool          // do not wait for trials that other processes are training
	Hang            time.Duration // a worker that says nothing for so long is killed; 0: DefaultHang
	StopGrace       time.Duration // time for the checkpoint after a stop; 0: DefaultGrace

	Footprint func(*experiment.Configuration) footprint.Footprint // goes into each result; nil: the counted one
	Label     func(experiment.Configuration) string               // how people call a configuration; nil: its ID
	Events    func(Event)                                         // nil: nobody listens; calls do not overlap
	Speeds    *Speeds                                             // gets what packs really took; nil: nobody asks

	deterministic bool                                    // of a trial's recipe
	pack          func([]experiment.Trial, []Slot) []Pack // a test's; nil: Speeds.Packs
}

// Defaults of Options.
const (
	DefaultCheckpoint = time.Minute
	DefaultRetries    = 1
	DefaultHang       = workerproc.Silence
	DefaultGrace      = time.Minute
)

// Slot is the place of one worker process.
type Slot struct {
	Index   int    `json:"index"`   // from 0
	Threads int    `json:"threads"` // of the worker's sessions
	Device  Device `json:"device"`  // the zero value is the CPU
}

// Settings are those of the slot's worker.
func (s Slot) Settings() workerproc.Settings {
	return workerproc.Settings{Threads: s.Threads, Visible: s.Device.Visible, MemoryFraction: s.Device.MemoryFraction}
}

// settings are those of the slot's worker for a recipe. On the CPU, tf32 is
// float32.
func (s Slot) settings(r models.Recipe) workerproc.Settings {
	w := s.Settings()
	w.TF32 = s.Device.Visible != "" && r.Precision == models.TF32
	return w
}

// Device is a processor that a worker is given.
type Device struct {
	Name           string  `json:"name"`                      // for people; "" is the CPU
	Visible        string  `json:"visible,omitempty"`         // its CUDA_VISIBLE_DEVICES; "" is the CPU
	MemoryFraction float64 `json:"memory_fraction,omitempty"` // that one worker may take, in (0, 1]; 0: as needed
}

func (d Device) String() string {
	if d.Visible == "" {
		return "CPU"
	}
	return cmp.Or(d.Name, "GPU "+d.Visible)
}

// Keep says whose weights stay when a trial is done.
type Keep string

const (
	KeepAll  Keep = "all"
	KeepBest Keep = "best" // of each configuration, the seed with the best validation accuracy
	KeepNone Keep = "none"
)

// withDefaults fills in what was left zero.
func (o Options) withDefaults() (Options, error) {
	if len(o.Workers) == 0 {
		return o, fmt.Errorf("train: no workers")
	}
	if o.Folder == nil || o.Command == nil {
		return o, fmt.Errorf("train: no run folder or no worker command")
	}
	if o.Lease <= 0 {
		o.Lease = store.DefaultTerm
	}
	if o.Hang <= 0 {
		o.Hang = DefaultHang
	}
	if o.StopGrace <= 0 {
		o.StopGrace = DefaultGrace
	}
	o.Keep = cmp.Or(o.Keep, KeepAll)
	if o.Footprint == nil {
		o.Footprint = func(c *experiment.Configuration) footprint.Footprint { return c.Footprint }
	}
	if o.Label == nil {
		o.Label = func(c experiment.Configuration) string { return c.ID }
	}
	if o.Events == nil {
		o.Events = func(Event) {}
	}
	return o, nil
}

// EventKind tells what an Event is about.
type EventKind string

const (
	Planned  EventKind = "planned"  // the run begins: State says with how much
	Progress EventKind = "progress" // a worker trained on: State
	Trained  EventKind = "trained"  // a trial is done, failed, diverged or stopped early: Result
	Retry    EventKind = "retry"    // a worker died, its trials are taken up again: Message
	Notice   EventKind = "notice"   // something worth knowing: Message
	Detail   EventKind = "detail"   // something for the curious: Message
	Waiting  EventKind = "waiting"  // only trials of other processes are left: Message
	Stopping EventKind = "stopping" // a stop was asked for, checkpoints are being written
)

// Event is something that happened in a run, as it happens.
type Event struct {
	Kind    EventKind
	Message string
	Label   string         // of Result's configuration
	Result  *result.Result // without the long lists
	State   State          // at this moment
}

// State is where a run stands; it is the status that the process's file in the
// run folder shows to others.
type State struct {
	Experiment string        `json:"experiment"`
	Total      int           `json:"total"`             // trials of the run
	Before     int           `json:"before"`            // of Total: finished when the run began
	Done       int           `json:"done"`              // of Total, whoever trained them and whenever
	Failed     int           `json:"failed"`            //
	Diverged   int           `json:"diverged"`          //
	Stopped    int           `json:"stopped,omitempty"` // of Total, by this run as hopeless
	Left       float64       `json:"left"`              // seconds to the end as things go; 0 while unknown
	Stopping   bool          `json:"stopping,omitempty"`
	Workers    []WorkerState `json:"workers"`
}

// Finished is how many trials need no more training here.
func (s State) Finished() int { return s.Done + s.Failed + s.Diverged + s.Stopped }

// WorkerState is what one worker is doing.
type WorkerState struct {
	PID     int           `json:"pid"` // 0 while it is not running
	Device  string        `json:"device"`
	Members []MemberState `json:"members"` // of the pack in training; empty when idle
	Step    int           `json:"step"`
	Steps   int           `json:"steps"`
	Left    float64       `json:"left"` // seconds to the end of the pack; 0 while unknown
}

// MemberState is one trial in training.
type MemberState struct {
	Key        result.Key `json:"key"`
	Label      string     `json:"label"`
	Loss       *float64   `json:"loss,omitempty"`       // of the last step, nil before the first
	Validation *float64   `json:"validation,omitempty"` // the last accuracy measured, in [0, 1]
}

// Summary is how a run ended.
type Summary struct {
	State    State
	Trained  int       // results and early stops written by this run
	Left     int       // trials without a result: stopped, or in other processes' hands
	Failures []Failure // all trials that failed or diverged, of earlier runs too, by key
}

// Failure is a trial that has no accuracy.
type Failure struct {
	Key    result.Key
	Label  string
	Status result.Status // failed or diverged
	Reason string
}
