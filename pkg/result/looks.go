package result

import (
	"fmt"
	"time"
)

// LookVersion is the version of Look's JSON.
const LookVersion = 1

// Who looks at test images.
const (
	ByRun      = "run"
	BySearch   = "search"
	ByEvaluate = "evaluate"
)

// Look is one look at test images, a line of the ledger beside the run folders:
// it is written before the images are opened.
type Look struct {
	Version        int       `json:"version"`
	Time           time.Time `json:"time"`
	Key            string    `json:"key"` // of the test images: dataset.TestKey
	Experiment     string    `json:"experiment"`
	By             string    `json:"by"`
	Question       string    `json:"question,omitempty"` // a search's: search.Problem.Question
	Configurations int       `json:"configurations"`     // whose networks are looked at
	ConfigIDs      []string  `json:"config_ids,omitempty"`
	Seeds          []int64   `json:"seeds,omitempty"` // fresh ones that it used up
	Alpha          float64   `json:"alpha"`           // chance of a false certificate that it may cost
	AlphaLeft      float64   `json:"alpha_left"`      // before it, of the question's
	Certificate    string    `json:"certificate,omitempty"`
}

// Looks are looks at the same test images before a certificate, as the ledger
// beside the run folders counts them.
type Looks struct {
	Before      int     `json:"before"`               // openings of other questions, before the first of this one
	AlphaBefore float64 `json:"alpha_before"`         // what these cost
	Left        float64 `json:"alpha_left,omitempty"` // after all looks, where the search is exploratory for it
	Seen        string  `json:"seen,omitempty"`       // the day on which a run first showed test figures; "" for never
	// The lines of the ledger that this rests on: every opening up to this question's last, and the first that
	// showed figures. Older certificates have none.
	Lines []Look `json:"lines,omitempty"`
}

// ProgressName is the file of a run folder in which a search says how far it is.
const ProgressName = "search.json"

// SearchProgress is its content. It is for people who wait: a search goes by its
// results alone.
type SearchProgress struct {
	Rounds int         `json:"rounds"` // finished
	Trials int         `json:"trials"` // trained so far
	Share  float64     `json:"share"`  // of all steps
	Best   *SearchBest `json:"best"`   // nil for none
}

// SearchBest is the cheapest configuration that passes as far as it is trained.
type SearchBest struct {
	ConfigID   string         `json:"config_id"`
	Assignment map[string]any `json:"assignment"`
	Cost       int            `json:"cost"`
	Unit       string         `json:"unit"`
	Accuracy   float64        `json:"accuracy"` // the rule's, on the validation images
	Seeds      int            `json:"seeds"`    // trained
	Of         int            `json:"of"`       // that the target asks for
}

// String says it in words; nil too.
func (b *SearchBest) String() string {
	if b == nil {
		return "none passes so far"
	}
	return fmt.Sprintf("best so far %s with %d %s, %.2f %% on the validation images by %d of %d seeds", b.ConfigID, b.Cost, b.Unit,
		100*b.Accuracy, b.Seeds, b.Of)
}

func (p SearchProgress) String() string {
	return fmt.Sprintf("search: %d trials, %.1f %% of all steps; %s", p.Trials, 100*p.Share, p.Best)
}
