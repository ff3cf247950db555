package result

import "fmt"

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
