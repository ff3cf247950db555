package result

import "time"

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
