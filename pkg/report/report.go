// Package report turns results into a document: everything that a report of an
// experiment says, as plain data, whose JSON is report.json.
//
// Build makes a Report of an Input in four steps, each of which has a type, so
// that none can be taken before the one that it rests on: planned (rows and
// trials laid out), filled (results, scores, warnings), decided (verdicts, the
// front, the chart, comparisons), and then the answer, what was done and the
// definitions. Compare puts two of them side by side.
//
// What people read is written in the rooms below: render (text, Markdown, CSV,
// JSON, LaTeX), figure (SVG, PNG), page (HTML), claims (what the results make of
// statements), and output (files and formats of them all). They compute nothing
// that another would not say. The same input gives the same bytes: no clock, no
// map order, computed figures rounded to twelve digits so that machines agree.
package report

import (
	"slimfit/models"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// Report is everything that the report of one experiment says.
type Report struct {
	Name     string        `json:"experiment"`
	About    string        `json:"about"`
	Planned  bool          `json:"planned"` // false: the experiment file is gone, only what was found is known
	Asked    string        `json:"asked"`
	Answer   Answer        `json:"answer"`
	Target   *Target       `json:"target"` // nil where none was set
	Split    Split         `json:"split"`  // the images that networks are judged and drawn by
	StandIn  string        `json:"-"`      // what is drawn where int8 networks are judged and there are none; else ""
	Setup    []Fact        `json:"setup"`
	Dataset  models.Data   `json:"dataset"`
	Noun     text.Noun     `json:"-"` // of the data set: every text has it
	Axes     []Axis        `json:"axes"`
	Costs    []Cost        `json:"costs"`
	Baseline Baseline      `json:"baseline"`
	Seeds    []int64       `json:"seeds"`
	Rows     []Row         `json:"configurations"` // in the experiment's order
	LeftOut  int           `json:"-"`              // rows that are not in Rows, see shown
	Counts   Counts        `json:"trials"`
	Chart    Chart         `json:"chart"`
	Front    []int         `json:"front"`       // rows that no other beats in Answer.Cost and mean accuracy at once, by rising cost
	Pairs    *Pairs        `json:"pairs"`       // nil where there is nothing to compare
	Evidence *Evidence     `json:"certificate"` // nil without a search
	Missing  Missing       `json:"missing"`
	Warnings []Warning     `json:"warnings"`
	Machines []Environment `json:"environments"`
	Notes    []Note        `json:"definitions"`

	read   []string // how the images were read, as results note it
	source []byte   // the experiment file; nil where it is gone

	Classes  []string      `json:"classes,omitempty"`  // names of the classes, by number; nil where nobody knows
	Guess    *Guess        `json:"guess,omitempty"`    // on Split; nil where no confusion matrix is known
	ByClass  []ByClass     `json:"by_class,omitempty"` // of the Chosen row, a split each
	counted  map[Split]int // images that bounds are of
	Shifts   []string      `json:"shifts,omitempty"` // of images, that networks were judged under
	Sure     *Sure         `json:"sure,omitempty"`   // of the chosen row; nil without scores
	Mistakes []Mistake     `json:"-"`                // of the Chosen row on Split, the worst first; nil where the images are not there
}

// Split names the images of a figure.
type Split = result.Split

const (
	Validation = result.Validation
	Test       = result.Test
)

// Fact is one line of "what was done".
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Axis is one key of the matrix, its values as text.
type Axis struct {
	Name   string   `json:"name"`
	Values []string `json:"values"` // in the experiment's order
}

// Cost is one figure of a network that should be small.
type Cost struct {
	Key  footprint.Cost `json:"key"`
	Head string         `json:"head"` // short, for table heads
	Unit string         `json:"unit"` // for axes
}

// Baseline is the network that ratios are against.
type Baseline struct {
	Name  string    `json:"name"`
	Row   int       `json:"row"`   // in Rows, -1 where it is not one of them
	Costs []float64 `json:"costs"` // as Report.Costs

	Footprint footprint.Footprint `json:"-"`
}

// Row is one configuration.
type Row struct {
	ID                string              `json:"config_id"`
	Label             string              `json:"label"`
	Values            []string            `json:"values"` // of each axis; "" where it has none
	Model             []models.Layer      `json:"model"`  // the last dense layer included
	Train             models.Recipe       `json:"train"`
	Footprint         footprint.Footprint `json:"footprint"`
	Costs             []float64           `json:"costs"`  // as Report.Costs
	Ratios            []float64           `json:"ratios"` // baseline / this, as Report.Costs
	Trials            []Trial             `json:"trials"` // one a planned seed, in the experiment's order
	Counts            Counts              `json:"counts"`
	result.By[*Score]                     // over the seeds that are done; nil where none is
	Balanced          map[Split]*Score    `json:"balanced_accuracy,omitempty"` // of the networks that are judged, where it is the target's metric
	Int8              *Int8Score          `json:"int8,omitempty"`              // where networks of it are quantized
	Shifts            []Shifted           `json:"shifts,omitempty"`            // how networks of it do on shifted images; unshifted ones first
	Seconds           *Times              `json:"seconds"`                     // of training, over the seeds that are done
	OverBudget        []string            `json:"over_budget"`                 // limits of the target that it breaks
	Verdict           Verdict             `json:"verdict"`                     // "" without a target
	Why               string              `json:"why"`                         // of the verdict, in words
	Published         *Published          `json:"published"`                   // what somebody else reports for it
	Confusion         result.Confusion    `json:"confusion"`                   // summed over the seeds that are done
	X                 *float64            `json:"x"`                           // place on the chart's x; nil where it has none
	Curve             int                 `json:"curve"`                       // of the chart

	Judged    map[Split][]Judged       `json:"-"` // by rule, for the page's own threshold
	Histories map[int64][]result.Point `json:"-"` // of training, by seed
	Guesses   []string                 `json:"-"` // what is wrong with networks that guess, in words, a seed each
	missed    bool                     // picked, and below the target on the test images
	Refused   string                   `json:"-"` // why the search did not take it, whatever its validation accuracy; else ""
	model     string                   // Model as JSON, to find the same network elsewhere
	wrong     map[Split][][]int        // of each seed that is done and has the list
}

// Times describes the seconds that trials took. A pause or other work on the
// machine, which slows single trials, hardly moves the median.
type Times struct {
	stats.Summary
	Median float64 `json:"median"`
}

// Score describes the accuracy of one configuration over its finished seeds.
type Score struct {
	N      int             `json:"n"`
	Mean   float64         `json:"mean"`
	SD     *float64        `json:"sd"` // over seeds, n-1; nil for one seed
	Min    float64         `json:"min"`
	Max    float64         `json:"max"`
	Mean95 *stats.Interval `json:"mean95"` // Student's 95 % interval of the mean over seeds; nil for one seed
	// WorstBound is the one-sided 95 % Clopper-Pearson bound of the worst seed;
	// nil where the number of images is not known.
	WorstBound *float64 `json:"worst_bound"`
}

// Status of a planned trial that has no result.
const (
	Absent  result.Status = "missing"
	Skipped result.Status = "skipped" // a search answered without it
)

// Trial is one configuration with one seed.
type Trial struct {
	Seed   int64         `json:"seed"`
	Status result.Status `json:"status"` // done, failed, diverged, missing or skipped
	Reason string        `json:"reason"`
	result.By[*Measured]
	Steps      int               `json:"steps"`
	Seconds    float64           `json:"seconds"`
	WeightsSHA string            `json:"weights_sha256,omitempty"`
	From       string            `json:"from,omitempty"` // another experiment that it was trained for
	Int8       *Int8             `json:"int8,omitempty"` // where its network is quantized
	confusion  map[Split][][]int // where it is known
	scores     *result.Scores    // empty where there are none
}

// Measured is the accuracy of one network on one split.
type Measured struct {
	Accuracy float64         `json:"accuracy"`
	Correct  *int            `json:"correct"`
	Images   int             `json:"images"`
	Interval *stats.Interval `json:"interval"` // two-sided 95 % Clopper-Pearson, of Distinct where it is there; nil without counts
	// test images that repeat no other image, where that is not all of them; without its lists
	Distinct *result.Distinct `json:"distinct,omitempty"`
	// where the target's metric is that: the mean over classes of recalls, and its interval
	Balanced *Balanced `json:"balanced_accuracy,omitempty"`
}

// Balanced is a balanced accuracy with its exact bounds.
type Balanced struct {
	Accuracy float64         `json:"accuracy"`
	Interval *stats.Interval `json:"interval"` // two-sided 95 %
	Lower    float64         `json:"lower"`    // one-sided 95 %
}

// Counts says how many trials stand where.
type Counts struct {
	Planned  int `json:"planned"`
	Done     int `json:"done"`
	Failed   int `json:"failed"`
	Diverged int `json:"diverged"`
	Missing  int `json:"missing"`
	Skipped  int `json:"skipped"`
}

// Missing is what keeps the report from being complete.
type Missing struct {
	Trials   []result.Key `json:"trials"`   // planned, without a result
	Skipped  []result.Key `json:"skipped"`  // left out by a search
	Failed   []result.Key `json:"failed"`   //
	Diverged []result.Key `json:"diverged"` //
	Command  string       `json:"command"`  // that trains what is missing, said in the run folder; "" where nothing is or nobody knows
	Retry    string       `json:"retry"`    // that trains what failed again, said there too
}

// Warning is something that a reader should know before trusting a figure.
type Warning struct {
	Text   string       `json:"text"`
	Trials []result.Key `json:"trials"` // that it is about; none: the whole report
}

// Environment is a machine and software that trials ran on.
type Environment struct {
	result.Environment
	Trials int `json:"trials"`
}

// Note defines one term of the report.
type Note struct {
	Term string `json:"term"`
	Text string `json:"text"`
}

// Published is what somebody else reports for a configuration.
type Published struct {
	Accuracy float64  `json:"accuracy"` // a fraction
	Seconds  *float64 `json:"seconds"`  // of training, on their machine
	Source   string   `json:"source"`   // such as "Table IV"
	Place    string   `json:"place"`    // where Accuracy lies among our seeds
	Rounding float64  `json:"-"`        // half a unit of Accuracy's last printed digit
}
