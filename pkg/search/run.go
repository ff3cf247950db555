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
