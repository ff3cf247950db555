package result

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"slimfit/models"
	"slimfit/pkg/footprint"
)

// CertificateFormat is the version of Certificate's JSON, and of the rules by
// which it was decided. Those of format 1 took a mean as a sum of rounded
// accuracies, a diverged network as one without a right answer, and judged no
// configuration with a failed trial, even where another seed had rejected it;
// their rules mean and tolerance judged the screened networks again.
const CertificateFormat = 2

// Certificate is the outcome of a search with everything it rests on. It holds
// nothing from the clock but the times of Looks: the same results and looks give
// the same bytes.
type Certificate struct {
	Format     int         `json:"format"`
	Slimfit    string      `json:"slimfit"` // version that wrote it
	Experiment string      `json:"experiment"`
	Dataset    models.Data `json:"dataset"`
	Target     Target      `json:"target"`
	Evidence   string      `json:"evidence,omitempty"`  // certificate or observed; "" is a certificate of before there was a choice
	Screening  *Screening  `json:"screening,omitempty"` // what passes on the validation images; nil: what reaches the target
	Seeds      []int64     `json:"seeds"`
	// rules mean and tolerance: of the networks that the test images judged, in the order of openings
	FreshSeeds   []int64       `json:"fresh_seeds,omitempty"`
	Exact        bool          `json:"exact"`                // nothing was skipped by assumption
	EarlyStop    bool          `json:"early_stop,omitempty"` // hopeless trials were stopped
	StopAbove    float64       `json:"stop_above,omitempty"` // accuracy below which none was; 0 where the rule did not ask
	Round        int           `json:"round"`                // trials asked for at once
	Verdict      Verdict       `json:"verdict"`
	Summary      string        `json:"summary"` // one sentence
	Winner       *Winner       `json:"winner"`
	Nearest      *NearestMiss  `json:"nearest_miss"`            // where there is no winner
	Candidates   []Judged      `json:"candidates"`              // every configuration of the experiment, cheapest first
	Openings     []Opening     `json:"test_openings"`           // of the test images, in order
	Cheaper      *Cheaper      `json:"cheaper,omitempty"`       // than the winner, or all where there is none
	Space        *Space        `json:"space,omitempty"`         // that a model chose the candidates from; nil: they are all there are
	FrontTargets []float64     `json:"front_targets,omitempty"` // all accuracies of one question that share trials and alpha
	Front        []Certificate `json:"front,omitempty"`         // those of the other targets
	Alpha        Alpha         `json:"alpha"`
	Looks        *Looks        `json:"looks,omitempty"` // at the same test images, by other questions; nil where nobody counted
	Assumption   Assumption    `json:"assumption"`
	// of early stops and skips; nil in older certificates, and where nothing was taken for granted
	Audit    *Audit        `json:"audit,omitempty"`
	Effort   Effort        `json:"effort"`
	Rules    []string      `json:"rules"`    // how it was decided
	Promises []string      `json:"promises"` // what the numbers can and cannot promise
	Warnings []string      `json:"warnings"`
	Machines []Environment `json:"environments"` // the distinct ones of the results
	// every result file it rests on, those of trials that were stopped early, and where precision is int8 the
	// int8.json beside each
	Files   []File   `json:"files"`
	Classes []string `json:"classes,omitempty"` // their names, by number; nil where they are not known
	// what always answering one class gets right of the validation images; nil where no result tells
	Largest *LargestClass `json:"largest_class,omitempty"`
}

// LargestClass is the class that most images show.
type LargestClass struct {
	Class int     `json:"class"`
	Share float64 `json:"share"`
}

// Targets are the certificates of all targets of a question, by rising target.
func (c *Certificate) Targets() []*Certificate {
	all := []*Certificate{c}
	for i := range c.Front {
		all = append(all, &c.Front[i])
	}
	slices.SortStableFunc(all, func(a, b *Certificate) int { return cmp.Compare(a.Target.Accuracy, b.Target.Accuracy) })
	return all
}

// Verdict is what a search found.
type Verdict string

const (
	Certified  Verdict = "certified"  // the winner is the cheapest that meets the target
	Incomplete Verdict = "incomplete" // a configuration that may be the answer could not be judged; there may be a winner all the same
	Unmet      Verdict = "unmet"      // no configuration meets the target
	// NotShown: none was shown to meet the target, and of some it is not shown either that they fail: too few
	// images, or they were stopped early or skipped
	NotShown Verdict = "not_shown"
	Observed Verdict = "observed" // evidence observed: the winner is the cheapest that reaches the target on the validation images
	// Exploratory: one passed screening, but earlier looks at the test images have
	// used up what a certificate may err.
	Exploratory Verdict = "exploratory"
)

// Target is what was asked for.
type Target struct {
	Accuracy   float64        `json:"accuracy"`
	Metric     string         `json:"metric,omitempty"` // "" is accuracy; or balanced_accuracy
	Confidence float64        `json:"confidence"`
	Rule       string         `json:"rule"`                // worst, mean or tolerance
	Precision  string         `json:"precision,omitempty"` // of the networks that were judged: "" for float32, or int8
	Cost       footprint.Cost `json:"cost"`
	Device     string         `json:"device,omitempty"` // the chip that its costs are of
	Within     []Limit        `json:"within"`
	RecallAll  float64        `json:"recall_all"` // floor of every class; 0 asks nothing
	Recall     []ClassFloor   `json:"recall"`
	Under      []ShiftFloor   `json:"under,omitempty"` // scores.json beside each result has what it rests on
}

// Limit is a hard budget.
type Limit struct {
	Cost  footprint.Cost `json:"cost"`
	Limit float64        `json:"limit"` // inclusive
}

// ShiftFloor is the accuracy that every network must reach on shifted images.
type ShiftFloor struct {
	Shift    string  `json:"shift"`
	Accuracy float64 `json:"accuracy"`
}

// ClassFloor is the recall that one class must reach.
type ClassFloor struct {
	Class int     `json:"class"`
	Floor float64 `json:"floor"`
}

// Winner is the cheapest configuration that meets the target.
type Winner struct {
	ConfigID   string              `json:"config_id"`
	Assignment map[string]any      `json:"assignment"`
	Footprint  footprint.Footprint `json:"footprint"`
	Alpha      float64             `json:"alpha"` // chance of error of its test
	Bound      float64             `json:"bound"` // the rule's lower bound on the test images, at confidence 1 - alpha
	Networks   []TestedNetwork     `json:"networks"`
}

// TestedNetwork is one network as the test images show it.
type TestedNetwork struct {
	Seed     int64      `json:"seed"`
	Correct  int        `json:"correct"`
	Accuracy float64    `json:"accuracy"`
	Lower    float64    `json:"lower"`           // one-sided Clopper-Pearson at confidence 1 - alpha
	Interval [2]float64 `json:"interval"`        // two-sided Clopper-Pearson at the target's confidence
	Under    []int      `json:"under,omitempty"` // right answers under each shift of the target's
	// those to distinct test images, which floors count, where that is not all of them
	UnderDistinct []int `json:"under_distinct,omitempty"`
	// where that is the metric: then Lower and Interval are of it
	Balanced  *float64 `json:"balanced_accuracy,omitempty"`
	Int8Bytes int      `json:"int8_bytes,omitempty"` // of the exported file, where int8 networks are judged and their bytes count
	// what Lower and Interval are of, where it is not all test images; without its lists
	Distinct *Distinct `json:"distinct,omitempty"`
}

// JudgedShare is what the target's metric makes of a network.
func JudgedShare(accuracy float64, balanced *float64) float64 {
	if balanced != nil {
		return *balanced
	}
	return accuracy
}

// NearestMiss is the configuration that came closest where none meets the
// target.
type NearestMiss struct {
	ConfigID   string         `json:"config_id"`
	Assignment map[string]any `json:"assignment"`
	Cost       int            `json:"cost"`
	Statistic  float64        `json:"statistic"` // the rule's, on the validation images, over the seeds it has
	Seeds      int            `json:"seeds"`
	Reason     string         `json:"reason"`
	TestBound  *float64       `json:"test_bound"` // where its test images were opened
}

// Finding is what a certificate says of one configuration.
type Finding string

const (
	FoundWinner   Finding = "winner"
	FoundRejected Finding = "rejected"    // its own networks are shown below the target on the validation images
	FoundRefuted  Finding = "refuted"     // it passed there, and is shown below the target on the test images
	FoundNotShown Finding = "not_shown"   // neither: there are too few images to show it
	FoundStopped  Finding = "stopped"     // a network was stopped early, as its projection lies below the target
	FoundSkipped  Finding = "skipped"     // untrained: networks at least as large clearly fail, see Witnesses
	FoundUnjudged Finding = "unjudged"    // a trial failed for a technical reason
	FoundDearer   Finding = "dearer"      // dearer than the winner; some are trained on the way to it
	FoundUnopened Finding = "unopened"    // it passed there; too little of alpha was left to open the test images
	FoundOver     Finding = "over_budget" // above a hard limit, never trained
)

// Words is the finding for a person. In those of older certificates rejected
// and refuted ones may be not shown, too.
func (f Finding) Words() string {
	words := map[Finding]string{FoundRejected: "fails", FoundRefuted: "fails on the test images", FoundStopped: "stopped early",
		FoundSkipped: "untrained", FoundUnjudged: "not judged"}[f]
	return cmp.Or(words, strings.ReplaceAll(string(f), "_", " "))
}

// Screening is what the validation images must show of a network before its
// test images are opened: the share of right answers that the first opening
// will ask for.
type Screening struct {
	Alpha  float64 `json:"alpha"`  // of the first opening
	Right  int     `json:"right"`  // of Images; 0 where the metric is balanced accuracy: it is bounded class by class
	Images int     `json:"images"` // test images
	// Once an opening failed, it is by what the next one may err.
	Next bool `json:"next,omitempty"`
}

// Cheaper counts configurations by what was trained of them.
type Cheaper struct {
	Trained   int `json:"trained"`   // a network or more to its end
	Stopped   int `json:"stopped"`   // early, by a projection
	Skipped   int `json:"skipped"`   // untrained, as larger ones clearly fail
	Untouched int `json:"untouched"` // untrained for another reason
}

// Space is what a search by a model of accuracy chooses from. Its certificate
// lists the configurations that it touched, and counts the others.
type Space struct {
	Configurations int    `json:"configurations"` // within the budgets
	OverBudget     int    `json:"over_budget"`
	Cheapest       int    `json:"cheapest"` // the target's cost, within the budgets
	Dearest        int    `json:"dearest"`
	SHA256         string `json:"sha256"` // of all layers, recipes and the data set, those over a budget included
	SearchSeed     int64  `json:"search_seed"`
}

// Judged is one configuration and why it is, or is not, the answer.
type Judged struct {
	ConfigID   string              `json:"config_id"`
	Assignment map[string]any      `json:"assignment"`
	Model      []models.Layer      `json:"model"` // the last dense layer included
	Train      models.Recipe       `json:"train"`
	Cost       int                 `json:"cost"`
	Finding    Finding             `json:"finding"`
	Reason     string              `json:"reason"`
	Statistic  *float64            `json:"statistic"`          // the rule's, on the validation images, over Networks
	Measured   *footprint.Measured `json:"measured,omitempty"` // where the target looks at a measured cost
	Chosen     string              `json:"chosen,omitempty"`   // of a space: start, model, or audit, against the model
	Networks   []ScreenedNetwork   `json:"networks"`
	Witnesses  []Key               `json:"witnesses"` // skipped: the networks that speak against it
}

// ScreenedNetwork is one network as the validation images show it.
type ScreenedNetwork struct {
	Seed      int64   `json:"seed"`
	Status    Status  `json:"status"`
	StoppedAt int     `json:"stopped_at,omitempty"` // the step, where it was stopped early: Correct and Accuracy are of that step
	Projected float64 `json:"projected,omitempty"`  // what it could have reached from there, where it was trained on: the others are of its end
	Correct   int     `json:"correct"`
	Accuracy  float64 `json:"accuracy"`
	// one-sided bound, together for all candidates; of a stopped one, of what it could have reached
	Upper        float64  `json:"upper"`
	Balanced     *float64 `json:"balanced_accuracy,omitempty"` // where that is the metric: then Upper is of it
	ClearlyFails bool     `json:"clearly_fails"`               // Upper is below the target
	Under        []int    `json:"under,omitempty"`             // right answers under each shift of the target's
}

// Opening is one look at the test images.
type Opening struct {
	ConfigID string          `json:"config_id"`
	Alpha    float64         `json:"alpha"`
	Left     float64         `json:"alpha_left,omitempty"` // before it, after all earlier looks; not in format 1
	Bound    float64         `json:"bound"`
	Passed   bool            `json:"passed"`
	Reason   string          `json:"reason"`
	Networks []TestedNetwork `json:"networks"`
}

// Alpha is the account of the chance of a false certificate.
type Alpha struct {
	Total float64 `json:"total"` // 1 - confidence
	Spent float64 `json:"spent"`
}

// Assumption is what skipping rests on, and how the data bear it out.
type Assumption struct {
	Text         string `json:"text"`
	Stopping     string `json:"stopping,omitempty"` // what early stops rest on
	Skipped      int    `json:"skipped"`            // configurations that rest on it, cheaper than the winner
	Checked      int    `json:"checked"`            // trained though it spoke against them: all of them failed
	Contradicted []Key  `json:"contradicted"`       // clearly failing networks that contain one that reached the target: they skip nothing

	// Of a space: configurations that the model gives up, drawn at random and
	// trained with one seed all the same; those that reached the target; and the
	// share of those like them that would, at most, at the target's confidence.
	Audited         int     `json:"audited,omitempty"`
	Surprises       int     `json:"surprises,omitempty"`
	SurprisesAtMost float64 `json:"surprises_at_most,omitempty"`

	// How the trained configurations bear it out, by mean validation accuracy of
	// the networks that were trained to the end.
	Pairs    int     `json:"pairs"`    // where one contains the other
	Inverted int     `json:"inverted"` // of Pairs, where the smaller one is better
	Largest  float64 `json:"largest"`  // accuracy by which it is
}

// Rules that an audit may withdraw.
const (
	Stopping = "stopping"
	Skipping = "skipping"
)

// Audit is how what a search took for granted bore training to the end.
type Audit struct {
	Stopped   int      `json:"stopped"`             // trials that were stopped early, and then trained on
	Skipped   int      `json:"skipped"`             // configurations that were skipped, and trained all the same
	Exceeded  []Key    `json:"exceeded,omitempty"`  // networks that ended above their projection, or at the target though skipped
	Withdrawn []string `json:"withdrawn,omitempty"` // rules that were given up for it: stopping, skipping
}

// Effort is what the search trained.
type Effort struct {
	Trials     int     `json:"trials"`
	Stopped    int     `json:"stopped,omitempty"` // of Trials, early
	Steps      int     `json:"steps"`             // really trained, where trials were stopped early
	GridTrials int     `json:"grid_trials"`       // every configuration within the budgets with every seed
	GridSteps  int     `json:"grid_steps"`
	Share      float64 `json:"share"` // Steps / GridSteps
	Rounds     int     `json:"rounds"`
}

// File is a file of a trial and its SHA-256, hex.
type File struct {
	Path   string `json:"path"` // below the run folder, with forward slashes
	SHA256 string `json:"sha256"`
}

// SHA256 is the digest of a file's content, hex.
func SHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
