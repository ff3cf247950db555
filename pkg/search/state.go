package search

import (
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// standing is where a candidate stands.
type standing int

const (
	untrained standing = iota
	open               // trained, not decided
	passed             // meets the rule on the validation images with every seed
	rejected           // its own seeds fail the rule
	skipped            // witnesses speak against it, see witnesses
	refuted            // passed, but failed on the test images
	certified          // passed on both
	unjudged           // a trial failed for a technical reason
)

// witnessesNeeded is how many networks must clearly fail before smaller
// configurations are skipped for it: one may be a bad start.
const witnessesNeeded = 2

// candidate is what is known of one candidate.
type candidate struct {
	nets      []network // in the order of seeds
	changed   bool      // since own was judged
	own       standing  // by its own networks alone
	standing  standing
	reason    string
	statistic float64          // the rule's, over nets
	witnesses []witness        // clearly failing networks that contain it, the cheapest witnessesNeeded of them
	audited   bool             // skipped, and trained all the same
	firm      bool             // then: by witnesses of which none was stopped early
	foreign   int              // how many there are of other candidates
	ceiling   float64          // the lowest accuracy of any: the assumption says that it cannot exceed that
	opening   *opening         // of the test images
	fresh     []*result.Result // trials with fresh seeds, where the rule asks for them
	alpha     float64          // given to its opening
	left      float64          // before that
	broken    *result.Result   // of fresh: the first that gave no network
	place     int              // in the field
	chosen    string           // how a search of a field came to it
}

// witness is a clearly failing network that is at least as large as another
// candidate in every layer.
type witness struct {
	candidate int
	net       network
}

// state is what a search knows after some rounds. All of it follows from the
// problem and the results taken so far.
type state struct {
	p         *Problem
	taken     map[result.Key]bool
	all       []candidate // by candidate index, cheapest first
	openings  []*opening
	exhausted bool // too little alpha is left to open the next candidate
	err       error
	used      []int64 // seeds above the experiment's that are used up, rising
	rounds    int
	steps     int                    // asked for, less those that early stops saved
	stopped   int                    // trials, early, and not trained on
	count     map[result.Finding]int // see tally
	// an audit brought a surprise
	stopsWithdrawn, skipsWithdrawn bool
}

func newState(p *Problem) *state {
	if p.field != nil {
		p.Candidates, p.field.model = nil, nil
	}
	s := &state{p: p, taken: map[result.Key]bool{}, all: make([]candidate, len(p.Candidates))}
	s.lookAhead(p.FirstAlpha)
	return s
}

// lookAhead makes screening ask for what an opening at alpha will ask for.
func (s *state) lookAhead(alpha float64) {
	if s.p.asked = alpha; s.p.field != nil {
		s.p.field.mark = s.p.logit(float64(s.p.passMark(alpha)) / float64(max(s.p.Data.Validation, 1)))
	}
	for i := range s.all {
		s.all[i].changed = len(s.all[i].nets) > 0
	}
}

// take adds finished trials, and the ends of stopped ones.
func (s *state) take(i int, r *result.Result) {
	c, n, steps := &s.all[i], s.p.look(r), s.p.Candidates[i].Recipe.Steps
	at := slices.IndexFunc(c.nets, func(n network) bool { return n.seed == r.Seed })
	switch {
	case at >= 0 && c.nets[at].stopped() && !n.stopped():
		early := c.nets[at]
		n.early = &early
		c.nets[at] = n
		s.stopped--
		s.steps -= early.result.Steps
	case s.taken[r.Key()]:
		return
	default:
		c.nets = append(c.nets, n)
	}
	s.taken[r.Key()], c.changed = true, true
	if n.stopped() {
		s.stopped++
		steps = r.Steps
	}
	s.steps += steps
}

// judge brings every standing up to date.
func (s *state) judge() {
	s.surprises()
	for i := range s.all {
		if c := &s.all[i]; c.changed {
			s.p.judgeOwn(c)
			c.changed = false
		}
	}
	s.gatherWitnesses()
	for i := range s.all {
		c := &s.all[i]
		c.standing = c.own
		if (c.standing == untrained || c.standing == open) && len(c.witnesses) >= witnessesNeeded {
			c.standing = skipped
		}
	}
}

// gatherWitnesses lists for every candidate the clearly failing networks that
// contain it, its own among them. A configuration that a trained network inside
// it contradicts, by reaching the target, is no witness. An exact search has
// none.
func (s *state) gatherWitnesses() {
	for i := range s.all {
		c := &s.all[i]
		c.witnesses, c.foreign, c.ceiling = c.witnesses[:0], 0, 1
	}
	if s.p.Exact || s.skipsWithdrawn || s.p.field != nil {
		return
	}
	for i := range s.all {
		var clear []network
		for _, n := range s.all[i].nets {
			if n.clear && !(s.stopsWithdrawn && n.stopped()) {
				clear = append(clear, n)
			}
		}
		if len(clear) == 0 {
			continue
		}
		inside := s.p.insideOf(i)
		if s.contradicted(inside) {
			continue
		}
		for _, j := range inside {
			s.all[j].hear(i, clear, i != j)
		}
	}
}

// hear adds the clearly failing networks of candidate i, which contains c.
func (c *candidate) hear(i int, clear []network, foreign bool) {
	for _, n := range clear {
		most := n.accuracy
		if n.stopped() {
			most = n.upper
		}
		c.ceiling = min(c.ceiling, most)
		if len(c.witnesses) < witnessesNeeded {
			c.witnesses = append(c.witnesses, witness{i, n})
		}
	}
	if foreign {
		c.foreign += len(clear)
	}
}

func (s *state) contradicted(inside []int) bool {
	return slices.ContainsFunc(inside, func(j int) bool {
		return slices.ContainsFunc(s.all[j].nets, func(n network) bool { return n.reaches })
	})
}

// horizon is the cheapest candidate that passed, or that passes as far as it
// was trained; the number of candidates if there is none. Nothing beyond it is
// trained while it stands.
func (s *state) horizon() int {
	for i, c := range s.all {
		if c.standing == passed || c.standing == certified || c.standing == open && s.promising(c) {
			return i
		}
	}
	return len(s.all)
}

// promising says whether an open candidate's seeds meet the target so far. A
// spread over one or two seeds means nothing yet, so tolerance looks at the
// mean.
func (s *state) promising(c candidate) bool {
	if s.p.Target.Rule != experiment.RuleTolerance {
		return c.statistic >= s.p.Target.Accuracy
	}
	correct := 0
	for _, n := range c.nets {
		correct += n.correct
	}
	return target.Reaches(correct, len(c.nets)*s.p.Data.Validation, s.p.Target.Accuracy)
}
