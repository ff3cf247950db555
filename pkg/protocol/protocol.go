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
	Evaluate *Pack    `json:"evaluate,omitempty"`
	Export   *Export  `json:"export,omitempty"`
	Latency  *Latency `json:"latency,omitempty"`
	Predict  *Predict `json:"predict,omitempty"`
	Preview  *Preview `json:"preview,omitempty"`
	Stop     bool     `json:"stop,omitempty"` // checkpoint the pack in hand, report Stopped, go on reading
	Info     bool     `json:"info,omitempty"`
}

// Pack is a set of trials that train in one graph. Its members share recipe, data
// set and batch order, and start at one step; those that can be one stack on a GPU
// (models.Stackable) may have orders of their own.
type Pack struct {
	ID              int           `json:"id"`
	Source          models.Source `json:"source"`
	Data            models.Data   `json:"data"`
	Recipe          models.Recipe `json:"recipe"`
	Members         []Member      `json:"members"`
	Step            int           `json:"step"`              // steps that every member's checkpoint has done; 0 starts afresh
	CheckpointEvery float64       `json:"checkpoint_every"`  // seconds; 0 means only on Stop
	Test            bool          `json:"test"`              // open the test set at the end
	Shifts          []string      `json:"shifts,omitempty"`  // of images, that networks are judged under besides, by package shift's names
	Teacher         *Teacher      `json:"teacher,omitempty"` // where the recipe has one
	Stem            string        `json:"stem,omitempty"`    // kernels that a result names, to train as it was; "": the worker's choice
	Form            string        `json:"form,omitempty"`    // of a stack's convolutions, one of models.StackForms; "": separate
	Unroll          int           `json:"unroll,omitempty"`  // steps that one run of TensorFlow trains; below 2: one
	// EarlyStop lets members stop that are hopeless for a search's target: after
	// each measurement on the validation images, and before the first step of a
	// pack that is taken up again. nil stops none.
	EarlyStop *result.StopRule `json:"early_stop,omitempty"`
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

// Model files that only TensorFlow writes and reads.
const (
	SavedModel = "savedmodel" // the content of a saved_model.pb
	Frozen     = "frozen"     // a GraphDef
)

// Export asks for a network in one of TensorFlow's forms, for inference: an
// Exported event once File is written.
type Export struct {
	Dir    string         `json:"dir,omitempty"` // the trial's folder, absolute: checkpoint/weights.bin; "" takes untrained weights
	Layers []models.Layer `json:"layers"`        // without the last dense layer
	Data   models.Data    `json:"data"`          // what the network is for: only its shapes are read
	Format string         `json:"format"`        // SavedModel or Frozen
	File   string         `json:"file"`          // absolute; in a folder that is there
}

// Latency asks how long one image takes in a TensorFlow session on the CPU: a
// Timed event. Weights are untrained, images noise: neither matters for time.
type Latency struct {
	Layers []models.Layer `json:"layers"` // without the last dense layer
	Data   models.Data    `json:"data"`   // only its shapes are read
	Images int            `json:"images"` // timed one by one, after some that are not; >= 1
}

// Predict asks for the logits of an exported network: a Predicted event.
type Predict struct {
	Model   string       `json:"model"`   // absolute: a SavedModel's folder, or a file
	Format  string       `json:"format"`  // SavedModel or Frozen
	Images  string       `json:"images"`  // absolute: an npy file of float32 in [0, 1], [n, h, w, c]
	Input   models.Shape `json:"input"`   // of one image
	Classes int          `json:"classes"` //
	// of a graph that slimfit did not write: run it all the same
	Trust bool `json:"trust,omitempty"`
}

// Preview asks for a PNG of training images as a pack's first member sees them: a
// Previewed event once File is written. Each row has one image as it is, then as
// it is seen in its place of the batch at steps 0, 1, 2, ...
type Preview struct {
	Pack  Pack   `json:"pack"`
	Rows  int    `json:"rows"`  // at most; >= 1
	Steps int    `json:"steps"` // >= 1
	File  string `json:"file"`  // absolute; in a folder that is there
}

// EventType tells which fields of an Event are set.
type EventType string

const (
	Ready      EventType = "ready"      // the worker started, or an answer to Info: Environment, GPUs
	Started    EventType = "started"    // a pack's graph is built: Pack, Step
	Progress   EventType = "progress"   // about once a second: Pack, Step, Members
	Checkpoint EventType = "checkpoint" // all members saved: Pack, Step
	Finished   EventType = "finished"   // one member is done or diverged: Pack, Key, Result, History
	Hopeless   EventType = "hopeless"   // one member was stopped early, checkpointed: Pack, Step, Key, Result, History
	PackDone   EventType = "pack_done"  // the worker is idle again: Pack
	Stopped    EventType = "stopped"    // after Stop, checkpointed: Pack, Step
	Error      EventType = "error"      // the pack (or one member: Key) can't go on: Pack, Message
	Fenced     EventType = "fenced"     // a member's lease is another's now, it is dropped: Pack, Key
	Measured   EventType = "measured"   // Seconds a step of the whole pack
	Exported   EventType = "exported"   // an Export's file is written
	Timed      EventType = "timed"      // Times of a Latency
	Previewed  EventType = "previewed"  // a Preview's file is written
	Predicted  EventType = "predicted"  // Logits and Seconds, of all images together
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
	Scores      *result.Scores      `json:"scores,omitempty"` // with a Result that is done
	History     []result.Point      `json:"history,omitempty"`
	Environment *result.Environment `json:"environment,omitempty"`
	GPUs        []GPU               `json:"gpus,omitempty"` // with the answer to Info
	Seconds     float64             `json:"seconds,omitempty"`
	Times       *Times              `json:"times,omitempty"`
	Logits      []float32           `json:"logits,omitempty"` // [n, classes]
	Message     string              `json:"message,omitempty"`
	// Storage is set with Error where a file could not be written or read (disk
	// full, read-only), or where a data set or a teacher is missing or damaged:
	// trying again won't help, and no trial is to blame.
	Storage bool `json:"storage,omitempty"`
}

// Times sums up single-image latencies, in seconds.
type Times struct {
	Median float64 `json:"median"`
	P95    float64 `json:"p95"` // 95 % of the images took no longer
	Images int     `json:"images"`
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
