// Package protocol is what slimfit and slimfit-worker say to each other: one
// JSON object a line, commands on the worker's stdin, events on its stdout.
// Anything else that the worker has to say goes to its stderr. End of file on
// stdin means that the supervisor is gone: the worker ends at once.
package protocol

import (
	"slimfit/models"
	"slimfit/pkg/result"
)

// Command is one line from the supervisor; exactly one field is set.
type Command struct {
	Train   *Pack    `json:"train,omitempty"`
	Measure *Measure `json:"measure,omitempty"`
	// Evaluate judges trained weights (checkpoint/weights.bin of each member) on
	// validation and, where Test is set, test images: a Finished event for each
	// member, with a result that holds only what was judged, then PackDone.
	Evaluate *Pack `json:"evaluate,omitempty"`
	Stop     bool  `json:"stop,omitempty"` // checkpoint the pack in hand, report Stopped, go on reading
	Info     bool  `json:"info,omitempty"`
}

// Source tells the worker where the images of a models.Data lie.
type Source struct {
	Cache string `json:"cache"`          // folder of fetched data sets
	Path  string `json:"path,omitempty"` // folder of the user's own data
}

// Pack is a set of trials that see the same batches and train in one graph.
// Its members share recipe, data set and batch order, and start at one step.
type Pack struct {
	ID              int           `json:"id"`
	Source          Source        `json:"source"`
	Data            models.Data   `json:"data"`
	Recipe          models.Recipe `json:"recipe"`
	Members         []Member      `json:"members"`
	Step            int           `json:"step"`              // steps that every member's checkpoint has done; 0 starts afresh
	CheckpointEvery float64       `json:"checkpoint_every"`  // seconds; 0 means only on Stop
	Test            bool          `json:"test"`              // open the test set at the end
	Teacher         *Teacher      `json:"teacher,omitempty"` // where the recipe has one
}

// Teacher is the trained network that a recipe's teacher names.
type Teacher struct {
	Layers []models.Layer `json:"layers"` // without the last dense layer
	Dir    string         `json:"dir"`    // its trial's folder, absolute: checkpoint/weights.bin
}

// Member is one trial of a pack.
type Member struct {
	Key    result.Key     `json:"key"`
	Layers []models.Layer `json:"layers"` // without the last dense layer
	Dir    string         `json:"dir"`    // the trial's folder, absolute
	Token  uint64         `json:"token"`  // fencing token of its lease, checked before every write
}

// Measure asks for the speed of a pack: a few steps on random weights, nothing
// is written.
type Measure struct {
	Pack  Pack `json:"pack"`
	Steps int  `json:"steps"`
}

// EventType tells which fields of an Event are set.
type EventType string

const (
	Ready      EventType = "ready"      // the worker started, or an answer to Info: Environment, GPUs
	Started    EventType = "started"    // a pack's graph is built: Pack, Step
	Progress   EventType = "progress"   // about once a second: Pack, Step, Members
	Checkpoint EventType = "checkpoint" // all members saved: Pack, Step
	Finished   EventType = "finished"   // one member is done or diverged: Pack, Key, Result, History
	PackDone   EventType = "pack_done"  // the worker is idle again: Pack
	Stopped    EventType = "stopped"    // after Stop, checkpointed: Pack, Step
	Error      EventType = "error"      // the pack (or one member: Key) can't go on: Pack, Message
	Fenced     EventType = "fenced"     // a member's lease is another's now, it is dropped: Pack, Key
	Measured   EventType = "measured"   // Seconds a step of the whole pack
	Warning    EventType = "warning"    // Message
)

// Event is one line from the worker.
type Event struct {
	Type        EventType           `json:"type"`
	Pack        int                 `json:"pack,omitempty"`
	Step        int                 `json:"step,omitempty"`
	Key         *result.Key         `json:"key,omitempty"`
	Members     []MemberProgress    `json:"members,omitempty"`
	Result      *result.Result      `json:"result,omitempty"`
	History     []result.Point      `json:"history,omitempty"`
	Environment *result.Environment `json:"environment,omitempty"`
	GPUs        []GPU               `json:"gpus,omitempty"` // with the answer to Info
	Seconds     float64             `json:"seconds,omitempty"`
	Message     string              `json:"message,omitempty"`
	// Storage is set with Error where a file could not be written or read (disk
	// full, read-only, missing data set): trying again won't help.
	Storage bool `json:"storage,omitempty"`
}

// MemberProgress is where one member of a pack stands.
type MemberProgress struct {
	Key        result.Key `json:"key"`
	Loss       float64    `json:"loss"`                 // of the last step
	Validation *float64   `json:"validation,omitempty"` // the last accuracy measured, in [0, 1]
}

// GPU is a device as NVML sees it, whatever CUDA_VISIBLE_DEVICES allows.
type GPU struct {
	Index      int    `json:"index"`
	UUID       string `json:"uuid"`
	Name       string `json:"name"`
	Memory     uint64 `json:"memory"`     // bytes
	Capability string `json:"capability"` // compute capability, such as 8.0
}
