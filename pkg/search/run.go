package search

import (
	"context"
	"fmt"

	"slimfit/pkg/result"
)

// Trainer trains the trials without opening the test images, keeps the final
// weights, and returns once every trial is finished, failed or diverged. What
// it trained is then found by Lookup. toEnd says that none may be stopped early.
type Trainer func(ctx context.Context, trials []result.Key, toEnd bool) error

// TestOpener judges trained networks on the test images from their kept
// weights. What it measured is then found by Lookup.
type TestOpener func(ctx context.Context, networks []result.Key) error

// Progress is where a running search stands.
type Progress struct {
	Train []result.Key // about to be trained; or
	ToEnd bool         // none of them stops early
	Open  []result.Key // about to be tested
	result.SearchProgress
}

// Run trains what the search asks for until it knows the answer. report is
// called before each round; nil is fine.
func (p *Problem) Run(ctx context.Context, finished Lookup, train Trainer, open TestOpener, report func(Progress)) (Plan, error) {
	s := newState(p)
	for {
		if err := ctx.Err(); err != nil {
			return Plan{}, context.Cause(ctx)
		}
		plan := s.advance(finished)
		if s.err != nil {
			return Plan{}, s.err
		}
		if plan.Done {
			return plan, nil
		}
		if report != nil {
			report(plan.progress())
		}
		var err error
		if len(plan.Open) > 0 {
			err = open(ctx, plan.Open)
		} else {
			err = train(ctx, plan.Train, plan.ToEnd)
		}
		if err != nil {
			return Plan{}, err
		}
		if err := plan.answered(finished); err != nil {
			return Plan{}, err
		}
	}
}

func (plan Plan) progress() Progress {
	s := plan.state
	e := s.effort()
	p := Progress{Train: plan.Train, ToEnd: plan.ToEnd, Open: plan.Open,
		SearchProgress: result.SearchProgress{Rounds: e.Rounds, Trials: e.Trials, Share: e.Share}}
	if h := s.horizon(); h < len(s.all) {
		c := s.p.Candidates[h]
		p.Best = &result.SearchBest{ConfigID: c.ID, Assignment: c.Assignment, Cost: c.Cost, Unit: s.p.Target.Cost.Unit(),
			Accuracy: s.all[h].statistic, Seeds: len(s.all[h].nets), Of: len(s.p.Seeds)}
	}
	return p
}

// answered makes sure that a round brought its results: a trainer that says it
// is done without them would be asked for ever.
func (plan Plan) answered(finished Lookup) error {
	for _, k := range plan.Train {
		if _, ok := finished(k, plan.ToEnd); !ok {
			return fmt.Errorf("search: %s was trained and left no result", k)
		}
	}
	for _, k := range plan.Open {
		if r, ok := finished(k, true); !ok || r.Correct.Test == nil {
			return fmt.Errorf("search: the test images were opened for %s and left no result", k)
		}
	}
	return nil
}

// Lookup returns a finished trial of the run folder, and whether there is one: as
// it was stopped early where it was and this search allows that, unless its end is
// asked for.
type Lookup func(k result.Key, toEnd bool) (*result.Result, bool)

// Plan is where a search stands after every result that is there.
type Plan struct {
	Train []result.Key // trials to train next; their results go into the run folder
	ToEnd bool         // those to train are not to be stopped early; stopped ones are trained on
	Open  []result.Key // networks whose test images are to be opened next
	Done  bool         // neither: the verdict stands

	state *state
}

// Replay goes through the search from its start with the results that are
// there, and stops where one is missing. It uses no result that it would not
// have asked for by then: what else lies in the folder changes nothing, and no
// test result is looked at before its network was chosen.
func (p *Problem) Replay(finished Lookup) Plan { return newState(p).advance(finished) }

// advance goes on from a state to where a result is missing.
func (s *state) advance(finished Lookup) Plan {
	for {
		a := s.next()
		switch {
		case len(a.trials) == 0 && s.takeKnown():
		case a.done:
			return Plan{Done: true, state: s}
		case a.test >= 0:
			if train, open := s.certify(a.test, finished); len(train)+len(open) > 0 {
				return Plan{Train: train, Open: open, state: s}
			}
			if s.exhausted {
				return Plan{Done: s.err == nil, state: s}
			}
		default:
			toEnd := a.toEnd || s.stopsWithdrawn
			if missing := s.takeRound(a.trials, toEnd, finished); len(missing) > 0 {
				return Plan{Train: missing, ToEnd: toEnd, state: s}
			}
		}
	}
}

// takeRound takes the results of a round, or returns the trials that are
// missing and takes none.
func (s *state) takeRound(trials []trial, toEnd bool, finished Lookup) []result.Key {
	var missing []result.Key
	results := make([]*result.Result, len(trials))
	for k, t := range trials {
		key := keyOf(s.p.Candidates[t.candidate], t.seed)
		r, ok := finished(key, toEnd)
		if !ok {
			missing = append(missing, key)
		}
		results[k] = r
	}
	if len(missing) > 0 {
		return missing
	}
	for k, t := range trials {
		s.take(t.candidate, results[k])
	}
	s.rounds++
	return nil
}

func keyOf(c Candidate, seed int64) result.Key { return result.Key{ConfigID: c.ID, Seed: seed} }
