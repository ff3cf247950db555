package result

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"slimfit/models"
	"slimfit/pkg/stats"
)

// StoppedEarly is the status of a trial that a search stopped as hopeless for
// its target. It is not finished: without such a target it is trained on.
const StoppedEarly Status = "stopped"

// StopRule is what a search stops hopeless trials by; stats.Projected is the
// rule itself.
type StopRule struct {
	Accuracy   float64 `json:"accuracy"`   // the target, in (0, 1)
	Confidence float64 `json:"confidence"` // of one trial's bound, over all looks at it, in (0, 1)
	// no network is stopped below this accuracy, as it may have just begun to
	// learn; 0 in older rules, which asked for a constant rate only
	Above float64 `json:"above,omitempty"`
}

// For is the rule for a recipe, nil where it stops nothing: where the learning
// rate changes, images are augmented or weights averaged or selected, the last
// steps may gain more than the rule allows for.
//
// It has been shown (BenchmarkEarlyStop in pkg/search) for Adam at rates of 1e-4 and more and
// networks of ReLU-like functions without batch normalisation; others may begin
// to learn late.
func (r *StopRule) For(recipe models.Recipe, layers []models.Layer) *StopRule {
	if r != nil && r.Above > 0 && (recipe.Optimizer != models.Adam || recipe.LearningRate < leastRate || recipe.WeightDecay > 0 ||
		recipe.Quantize != "" || recipe.Teacher != nil || recipe.LabelSmoothing > 0 || recipe.GradientClip > 0 ||
		recipe.ClassWeights != nil || slices.ContainsFunc(layers, mayBeginLate)) {
		return nil
	}
	if recipe.Schedule != models.Constant || recipe.Warmup > 0 || recipe.Augment != nil || recipe.EMA > 0 || recipe.Select != "" {
		return nil
	}
	return r
}

const leastRate = 1e-4

func mayBeginLate(l models.Layer) bool {
	switch l.Activation {
	case "", models.None, models.Relu, models.Relu6, models.LeakyRelu, models.PRelu:
		return l.Normed() || slices.ContainsFunc(l.Layers, mayBeginLate)
	}
	return true
}

// TooEarly says whether a network with so many right may have just begun to
// learn.
func (r *StopRule) TooEarly(correct, images int) bool {
	return float64(correct) < r.Above*float64(images)
}

// Stopped is the content of stopped.json: a trial as it stood when it was
// stopped. The checkpoint of that step lies beside it until it is trained on.
type Stopped struct {
	ConfigID    string         `json:"config_id"`
	Seed        int64          `json:"seed"`
	Model       []models.Layer `json:"model"` // the last dense layer included
	Train       models.Recipe  `json:"train"`
	Dataset     models.Data    `json:"dataset"`
	Rule        StopRule       `json:"rule"`     // that it was stopped by
	Step        int            `json:"step"`     // trained so far
	Seconds     float64        `json:"seconds"`  // of training so far, as in Result
	Accuracy    float64        `json:"accuracy"` // on the validation images, as are the following
	Correct     int            `json:"correct"`
	Environment Environment    `json:"environment"`
	Warnings    []string       `json:"warnings"`
	Started     time.Time      `json:"started"`
	Stopped     time.Time      `json:"stopped"`
	Wrong       [][2]int       `json:"wrong"`            // as in Wrong
	Confusion   [][]int        `json:"confusion"`        // as in Confusion
	Before      *Measured      `json:"before,omitempty"` // the look before; nil where there was none, and in older files
}

// Measured is what was seen of the validation images on the way.
type Measured struct {
	Step     int     `json:"step"`
	Accuracy float64 `json:"accuracy"`
}

// LookBefore is the last look of a history before a step; nil where there is none.
// What is measured between looks, of short trainings, is for their curves.
func LookBefore(history []Point, step int) *Measured {
	for _, p := range slices.Backward(history) {
		if p.Step < step && p.Step%stats.LookEvery == 0 && p.Validation != nil {
			return &Measured{p.Step, *p.Validation}
		}
	}
	return nil
}

// Key names the trial.
func (s *Stopped) Key() Key { return Key{ConfigID: s.ConfigID, Seed: s.Seed} }

// NewStopped is what is kept of a result with validation figures whose status
// is StoppedEarly, and of its history.
func NewStopped(r Result, rule StopRule, history []Point) Stopped {
	f := r.On(Validation)
	return Stopped{ConfigID: r.ConfigID, Seed: r.Seed, Model: r.Model, Train: r.Train, Dataset: r.Dataset, Rule: rule, Step: r.Steps,
		Seconds: r.Seconds, Accuracy: *f.Accuracy, Correct: *f.Correct, Environment: r.Environment,
		Warnings: r.Warnings, Started: r.Started, Stopped: r.Finished, Wrong: f.Wrong, Confusion: f.Confusion,
		Before: LookBefore(history, r.Steps)}
}

// Result is the trial as a search takes it, with status StoppedEarly.
func (s *Stopped) Result() Result {
	r := Result{ConfigID: s.ConfigID, Seed: s.Seed, Model: s.Model, Train: s.Train, Dataset: s.Dataset, Status: StoppedEarly, Steps: s.Step,
		Seconds: s.Seconds, Environment: s.Environment, Warnings: s.Warnings, Started: s.Started, Finished: s.Stopped, Before: s.Before}
	r.SetOn(Validation, Figures{Accuracy: &s.Accuracy, Correct: &s.Correct, Wrong: s.Wrong, Confusion: s.Confusion})
	return r
}

// Names of files: of a trial, in its folder, and of an experiment and a search, in
// the run folder.
const (
	ExperimentName  = "experiment.yaml"
	ResultName      = "result.json"
	Int8Name        = "int8.json"
	ScoresName      = "scores.json"
	CertificateName = "certificate.json"
	ObservedName    = "observed.json" // instead, where evidence is observed
)

// StoppedName is the file of a trial's first stop. Certificates rest on it, so
// a trial that was trained on, and stopped again, keeps it and gets another
// file: StoppedNameAt.
const StoppedName = "stopped.json"

// StoppedNameAt is the file of a later stop, at step.
func StoppedNameAt(step int) string { return fmt.Sprintf("stopped-%d.json", step) }

// IsStoppedName says whether a file of this name holds a Stopped.
func IsStoppedName(name string) bool {
	digits, ok := strings.CutPrefix(name, "stopped-")
	digits, ok2 := strings.CutSuffix(digits, ".json")
	step, err := strconv.Atoi(digits)
	return name == StoppedName || ok && ok2 && err == nil && step > 0 && name == StoppedNameAt(step)
}
