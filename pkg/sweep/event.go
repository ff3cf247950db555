package sweep

import (
	"slimfit/pkg/result"
)

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
