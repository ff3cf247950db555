package search

import "slimfit/pkg/result"

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

// Winner is the configuration that a search that is done certifies; "" for none.
func (plan Plan) Winner() string {
	if w := plan.state.winner(); plan.Done && w < len(plan.state.all) {
		return plan.state.p.Candidates[w].ID
	}
	return ""
}
