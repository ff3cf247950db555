package experiment

import (
	"time"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// Experiment is a checked experiment file with every default filled in.
type Experiment struct {
	File     string // as given to Load
	Name     string // [a-z0-9-]{1,64}: the run folder's name
	About    string // free text, shown in reports
	Source   []byte // the effective file: loading it needs no --set; a relative dataset.path is made absolute
	Ref      dataset.Ref
	Data     models.Data
	Classes  []string        // names, by number; nil where Sources does not know them
	Axes     []Axis          // in the file's order; axes that only `include` names come last
	Configs  []Configuration // one entry an ID, in matrix order; never empty, but see Sources.Space
	Space    *Space          // the same configurations, counted
	Baseline Baseline
	Seeds    []int64 // distinct, >= 0, in the file's order; never empty
	Target   *Target // nil where the file has none
	Evaluate Evaluate
	Report   Report
	Batch    Batch
	Warnings []string // settings that have no effect, with their places
}

// Axis is one key of the matrix.
type Axis struct {
	Name   string
	Values []any // distinct; int, float64, string, bool or []any and map[string]any of these
}

// Configuration is one combination of the matrix.
type Configuration struct {
	ID         string
	Assignment map[string]any // the matrix value of each axis; empty without a matrix
	models.Config
	Footprint footprint.Footprint
	Teacher   *Teacher // that the recipe names; nil where it has none
}

// Label is the assignment in the order of the axes, such as "kernel 5,
// filters 2", or the ID where the experiment has no axes.
func (e *Experiment) Label(c Configuration) string { return label(e.Axes, c) }

// Baseline is the network that ratios are against.
type Baseline struct {
	Name      string // base, conv1, final, light; else the configuration's label
	ID        string // of the configuration in Configs; empty for a named network that is not one of them
	Layers    []models.Layer
	Footprint footprint.Footprint
}

// Trial is one configuration trained with one seed.
type Trial struct {
	*Configuration
	Seed int64
}

// Key names the trial.
func (t Trial) Key() result.Key { return result.Key{ConfigID: t.ID, Seed: t.Seed} }

// KeysOf names trials.
func KeysOf(trials []Trial) []result.Key {
	keys := make([]result.Key, len(trials))
	for i, t := range trials {
		keys[i] = t.Key()
	}
	return keys
}

// Rename gives configuration i the ID that it goes by in its run folder.
func (e *Experiment) Rename(i int, id string) {
	if e.Baseline.ID == e.Configs[i].ID {
		e.Baseline.ID = id
	}
	e.Configs[i].ID = id
}

// ByID are the configurations by their IDs; a nil e has none.
func (e *Experiment) ByID() map[string]*Configuration {
	configs := map[string]*Configuration{}
	for i := 0; e != nil && i < len(e.Configs); i++ {
		configs[e.Configs[i].ID] = &e.Configs[i]
	}
	return configs
}

// Trials lists every configuration with every seed, seeds fastest.
func (e *Experiment) Trials() []Trial {
	trials := make([]Trial, 0, len(e.Configs)*len(e.Seeds))
	for i := range e.Configs {
		for _, s := range e.Seeds {
			trials = append(trials, Trial{&e.Configs[i], s})
		}
	}
	return trials
}

// Target is what a network must reach.
type (
	Target = target.Target
	Budget = target.Budget
	Recall = target.Recall
	Under  = target.Under
)

// How seeds are judged against the target, and which of their networks.
const (
	RuleWorst     = target.Worst
	RuleMean      = target.Mean
	RuleTolerance = target.Tolerance
	Float32       = target.Float32
	Int8          = target.Int8
)

// Evaluate says when the test set is opened.
type Evaluate struct {
	Shifts []string // of images, that networks are judged under besides, in the file's order; names of package shift
	Test   string   // TestAlways, TestWinner, or "" for the command's default: run always, search winner
}

// When the test set is opened.
const (
	TestAlways = "always" // for every trial, at its end
	TestWinner = "winner" // for the network that the search chose, only
)

// Report is what the report's main figure shows.
type Report struct {
	Slice string // the axis with one curve a value; "" where there is none
	X     string // an axis or a cost; "" leaves the choice to the report
	Scale string // of x: linear or log
}

// Batch is how trials run on a cluster's batch system. What is not given is
// zero; Or fills it from a site's file.
type Batch struct {
	Engine            string        // slurm
	Partition         string        //
	Account           string        //
	QOS               string        //
	Time              time.Duration // limit of one array element
	GPUs              int           // of one element
	CPUs              int           // of one element
	Memory            string        // of one element, as Slurm writes it: 4000M, 16G
	Throttle          int           // elements running at once
	Extra             []string      // sbatch options, such as --constraint=a100
	Modules           []string      // loaded before the set-up lines
	Setup             []string      // shell lines before the worker starts
	MinMinutes        float64       // trials share an element until it runs this long
	GPUMemoryFraction float64       // share of a GPU's memory that one worker may take, in (0, 1]

	given map[string]bool // the keys that the file has
}
