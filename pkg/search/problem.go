package search

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// Candidate is one configuration of the grid.
type Candidate struct {
	ID         string
	Assignment map[string]any
	models.Config
	Footprint footprint.Footprint
	Cost      int // the target's cost
	place     int // in the field; 0 without one
}

// Problem is one question to the grid.
type Problem struct {
	Experiment string
	Data       models.Data
	Target     experiment.Target
	Seeds      []int64                           // a configuration is judged by all of them
	Candidates []Candidate                       // within every budget, cheapest first, see Compare; of a field the touched ones
	OverBudget []Candidate                       // the others, in the same order
	FreshFrom  int64                             // rules mean and tolerance: the least seed to certify by; 0: the first above Seeds
	Charge     Charge                            // nil: nobody else looks at the test images
	Scores     func(result.Result) result.Scores // of a network; nil: nobody knows any
	Known      Lookup                            // ends of stopped trials that are there, whoever trained them on; nil: none are
	FirstAlpha float64                           // of the first opening, see screen.go; 0: Share of 1 - confidence
	Looks      *result.Looks                     // at them by other questions, for the certificate; nil where nobody counted
	Options

	next     bool          // screening asks for what the next opening will ask for, not the first; see screen.go
	asked    float64       // chance of error of the opening that screening looks ahead to
	built    bool          // its sizes are of one file, of untrained weights
	underAll bool          // its floors under shifts count repeated images
	untold   bool          // the certificate that is checked has no largest class
	format   int           // of the certificate that is checked; 0 for one that is yet to be written
	older    bool          // it is of before not_shown was told from unmet
	needs    map[need]int  // see needed
	judge    *target.Judge // of the validation images
	// accuracy below which no trial is stopped early; 0 in older certificates
	stopAbove float64
	audits    bool          // see audit.go; false in older certificates
	inside    map[int][]int // row cache of insideOf
	field     *field        // nil: Candidates are all there are
}

// Options change how much is trained, and through Exact what is assumed.
type Options struct {
	Exact     bool // nothing is skipped by the assumption on larger networks
	EarlyStop bool // hopeless trials may stop before their last step; setCandidates clears it where that can reject nothing
	Round     int  // trials asked for at once, >= 1; part of the answer, so not the number of workers
	// A model of accuracy chooses what to train; New sets it above ModelAbove
	// configurations, but for an exact search.
	Model      bool
	SearchSeed int64 // of the model's draws
	// All targets of one question, rising, this one's among them: they share trials
	// and alpha. Nil where there is only one.
	Front []float64
}

// DefaultRound keeps a few workers busy, in packs too, and wastes few trials
// when one of the round settles the question.
const DefaultRound = 8

// New makes the problem of an experiment's target. It fails where the target
// cannot be judged: no target, no validation or test images, too few seeds for
// the rule.
func New(e *experiment.Experiment, o Options) (*Problem, error) {
	if e.Target == nil {
		return nil, fmt.Errorf("%s: no target to search for; add `target: {accuracy: 0.95}`", e.File)
	}
	t, seeds := *e.Target, judgedSeeds(e)
	t.Seeds = len(seeds)
	p := &Problem{Experiment: e.Name, Data: e.Data, Target: t, Seeds: slices.Clone(seeds), Options: o}
	if p.Model = p.inField(e); p.Model && p.Exact {
		return nil, fmt.Errorf("%s: an exact search trains every cheaper configuration, one by one: not of more than %d, and not by a model",
			e.File, experiment.MaxListed)
	}
	if p.Model {
		var err error
		if p.field, err = newField(e, &t, o.SearchSeed); err != nil {
			return nil, fmt.Errorf("%s: %w", e.File, err)
		}
	}
	var all []Candidate
	for _, c := range e.Configs {
		if p.Model {
			break
		}
		all = append(all, Candidate{ID: c.ID, Assignment: c.Assignment, Config: c.Config, Footprint: c.Footprint})
	}
	if err := p.setCandidates(all); err != nil {
		return nil, fmt.Errorf("%s: %w", e.File, err)
	}
	return p, nil
}

// inField says whether a model chooses what to train of the experiment.
func (p *Problem) inField(e *experiment.Experiment) bool {
	return p.Model || e.Configs == nil || len(e.Configs) > ModelAbove && !p.Exact
}

// setCandidates prices, sorts and splits the configurations, and checks that
// the target can be judged.
func (p *Problem) setCandidates(all []Candidate) error {
	if p.Round < 1 {
		p.Round = DefaultRound
	}
	if p.Data.Validation < 1 || p.Data.Test < 1 && !p.Observed() {
		return fmt.Errorf("the data set has %d validation and %d test images: a search chooses on the first and certifies on the second; set "+
			"dataset.validation",
			p.Data.Validation, p.Data.Test)
	}
	var err error
	if p.judge, err = target.NewJudge(&p.Target, len(p.Seeds)); err != nil {
		return err
	}
	p.judge.FloatSums = p.format == 1
	p.next = p.large() && !p.Observed() && (p.format == 0 || p.next)
	switch {
	case p.older || p.Observed():
		p.FirstAlpha = 0
	case p.FirstAlpha == 0:
		p.FirstAlpha = (1 - p.Target.Confidence) * p.Share()
	}
	for _, c := range all {
		for _, cost := range p.Target.Costs() {
			if !c.Footprint.Has(cost) {
				return fmt.Errorf("%s: its %s was not measured", c.ID, cost)
			}
		}
		c.Cost = c.Footprint.Get(p.Target.Cost)
		if len(p.Target.Over(c.Footprint)) == 0 {
			p.Candidates = append(p.Candidates, c)
		} else {
			p.OverBudget = append(p.OverBudget, c)
		}
	}
	slices.SortFunc(p.Candidates, Compare)
	slices.SortFunc(p.OverBudget, Compare)
	if p.format == 0 {
		p.audits = !p.Exact
		p.stopAbove = stats.AboveChance(p.Data.Classes)
	}
	if p.EarlyStop = p.stopsEarly(); !p.EarlyStop {
		p.stopAbove = 0
	}
	return nil
}

// Compare orders by the target's cost. Equal costs are ordered by parameters,
// multiply-accumulates and peak activation elements, then by ID.
func Compare(a, b Candidate) int {
	return cmp.Or(
		cmp.Compare(a.Cost, b.Cost),
		cmp.Compare(a.Footprint.Parameters, b.Footprint.Parameters),
		cmp.Compare(a.Footprint.MACs, b.Footprint.MACs),
		cmp.Compare(a.Footprint.Peak, b.Footprint.Peak),
		cmp.Compare(a.place, b.place),
		cmp.Compare(a.ID, b.ID),
	)
}

// over says which budget the candidate breaks first.
func (p *Problem) over(c Candidate) string {
	b := p.Target.Over(c.Footprint)[0]
	return fmt.Sprintf("%s is %d, the budget %v", b.Cost, c.Footprint.Get(b.Cost), b.Limit)
}

// excludedAll says which budgets leave no configuration, and by how much.
func (p *Problem) excludedAll() string {
	var parts []string
	for k, b := range p.Target.Within {
		least := math.MaxInt
		for _, c := range p.OverBudget {
			least = min(least, c.Footprint.Get(b.Cost))
		}
		if p.field != nil {
			least = p.field.least[k]
		}
		if over := float64(least) - b.Limit; over > 0 {
			parts = append(parts, fmt.Sprintf("the least %s is %d, %v above its budget of %v", b.Cost, least, over, b.Limit))
		}
	}
	if len(parts) == 0 {
		return "each budget alone leaves some, all together none"
	}
	return text.List(parts)
}

// Question identifies what is asked: the target, the seeds and the configurations,
// whose IDs hold recipe and data set. Asked again it is the same look at the test
// images.
func (p *Problem) Question() string {
	ids := make([]string, 0, len(p.Candidates))
	for _, c := range p.Candidates {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	if p.field != nil {
		ids = p.field.ids
		if ids == nil {
			ids = []string{p.field.digest}
		}
	}
	evidence := ""
	if p.Observed() {
		evidence = p.Target.Evidence
	}
	asked := struct {
		Target   result.Target
		Seeds    []int64
		IDs      []string
		Evidence string    `json:",omitempty"`
		Front    []float64 `json:",omitempty"`
	}{p.target(), p.Seeds, ids, evidence, p.Front}
	if len(p.Front) > 0 {
		asked.Target.Accuracy = p.Front[0]
	}
	b, err := json.Marshal(asked)
	if err != nil {
		return "" // plain fields: cannot fail
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

// Count is how many configurations there are within the budgets.
func (p *Problem) Count() int {
	if p.field != nil {
		return len(p.field.places)
	}
	return len(p.Candidates)
}

// Over is how many configurations are above a budget.
func (p *Problem) Over() int {
	if p.field != nil {
		return p.field.over
	}
	return len(p.OverBudget)
}

// Range is the least and the largest cost within the budgets; zeros for none.
func (p *Problem) Range() (low, high int) {
	switch n := p.Count(); {
	case n == 0:
		return 0, 0
	case p.field != nil:
		return p.field.places[0].cost, p.field.places[n-1].cost
	default:
		return p.Candidates[0].Cost, p.Candidates[n-1].Cost
	}
}

// Configuration is the touched one of a field; nil without a field.
func (p *Problem) Configuration(id string) *experiment.Configuration {
	if p.field == nil {
		return nil
	}
	return p.field.touched[id]
}

// FullSteps is what training every candidate with every seed takes.
func (p *Problem) FullSteps() int {
	if p.field != nil {
		return p.field.steps * len(p.Seeds)
	}
	sum := 0
	for _, c := range p.Candidates {
		sum += c.Recipe.Steps
	}
	return sum * len(p.Seeds)
}

// insideOf lists the candidates that candidate i contains, itself included, by
// rising cost.
func (p *Problem) insideOf(i int) []int {
	if p.field != nil { // whose indices shift
		return p.findInside(i)
	}
	if row, ok := p.inside[i]; ok {
		return row
	}
	row := p.findInside(i)
	if p.inside == nil {
		p.inside = map[int][]int{}
	}
	p.inside[i] = row
	return row
}

// findInside is insideOf without keeping the row: those of all candidates of a
// large grid would fill the memory.
func (p *Problem) findInside(i int) []int {
	var row []int
	for j := range p.Candidates {
		if Contains(&p.Candidates[i].Config, &p.Candidates[j].Config) {
			row = append(row, j)
		}
	}
	return row
}
