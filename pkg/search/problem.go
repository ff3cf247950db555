package search

import (
	"cmp"
	"fmt"
	"slices"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/stats"
)

// Candidate is one configuration of the grid.
type Candidate struct {
	ID         string
	Assignment map[string]any
	models.Config
	Footprint footprint.Footprint
	Cost      int // the target's cost
}

// Problem is one question to the grid.
type Problem struct {
	Experiment string
	Data       models.Data
	Target     experiment.Target
	Seeds      []int64     // a configuration is judged by all of them
	Candidates []Candidate // within every budget, cheapest first, see Compare
	OverBudget []Candidate // the others, in the same order
	Options

	factor float64       // tolerance rule: k of mean - k*sd
	inside map[int][]int // row cache of insideOf
}

// Options change how much is trained, and through Exact what is assumed.
type Options struct {
	Exact     bool // nothing is skipped by the assumption on larger networks
	EarlyStop bool // hopeless trials may stop before their last step; setCandidates clears it where that can reject nothing
	Round     int  // trials asked for at once, >= 1; part of the answer, so not the number of workers
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
	t := *e.Target
	if t.Seeds == 0 || t.Seeds > len(e.Seeds) {
		t.Seeds = len(e.Seeds)
	}
	p := &Problem{Experiment: e.Name, Data: e.Data, Target: t, Seeds: slices.Clone(e.Seeds[:t.Seeds]), Options: o}
	var all []Candidate
	for _, c := range e.Configs {
		all = append(all, Candidate{ID: c.ID, Assignment: c.Assignment, Config: c.Config, Footprint: c.Footprint})
	}
	if err := p.setCandidates(all); err != nil {
		return nil, fmt.Errorf("%s: %w", e.File, err)
	}
	return p, nil
}

// setCandidates prices, sorts and splits the configurations, and checks that
// the target can be judged.
func (p *Problem) setCandidates(all []Candidate) error {
	if p.Round < 1 {
		p.Round = DefaultRound
	}
	if p.Data.Validation < 1 || p.Data.Test < 1 {
		return fmt.Errorf("the data set has %d validation and %d test images: a search chooses on the first and certifies on the second; set dataset.validation",
			p.Data.Validation, p.Data.Test)
	}
	if least := leastSeeds(p.Target.Rule); len(p.Seeds) < least {
		return fmt.Errorf("target rule %q needs at least %d seeds, got %d; set seeds: %d", p.Target.Rule, least, len(p.Seeds), least)
	}
	if p.Target.Rule == experiment.RuleTolerance {
		k, err := stats.ToleranceFactor(len(p.Seeds), toleranceCoverage, p.Target.Confidence)
		if err != nil {
			return err
		}
		p.factor = k
	}
	for _, c := range all {
		for _, cost := range p.Target.Costs() {
			if !c.Footprint.Has(cost) {
				return fmt.Errorf("%s: its %s was not measured", c.ID, cost)
			}
		}
		c.Cost = c.Footprint.Get(p.Target.Cost)
		if over(c, p.Target.Within) == "" {
			p.Candidates = append(p.Candidates, c)
		} else {
			p.OverBudget = append(p.OverBudget, c)
		}
	}
	slices.SortFunc(p.Candidates, Compare)
	slices.SortFunc(p.OverBudget, Compare)
	p.EarlyStop = p.stopsEarly()
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
		cmp.Compare(a.ID, b.ID),
	)
}

// over says which budget the candidate breaks; "" if none.
func over(c Candidate, within []experiment.Budget) string {
	for _, b := range within {
		if v := c.Footprint.Get(b.Cost); float64(v) > b.Limit {
			return fmt.Sprintf("%s is %d, the budget %v", b.Cost, v, b.Limit)
		}
	}
	return ""
}

// FullSteps is what training every candidate with every seed takes.
func (p *Problem) FullSteps() int {
	sum := 0
	for _, c := range p.Candidates {
		sum += c.Recipe.Steps
	}
	return sum * len(p.Seeds)
}

// insideOf lists the candidates that candidate i contains, itself included, by
// rising cost.
func (p *Problem) insideOf(i int) []int {
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
