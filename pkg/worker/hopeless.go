package worker

import (
	"fmt"

	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
)

// stopHopeless stops the members that will miss the pack's target even if
// their error falls as fast as stats.Projected allows for, at the steps where
// that is looked at. Their checkpoints are saved, so that they can be trained on.
func (j *job) stopHopeless() error {
	rule, step, steps := j.pack.EarlyStop, j.training.Step(), j.pack.Recipe.Steps
	if rule == nil || !stats.IsLook(step, steps) || j.pack.Data.Validation == 0 {
		return nil
	}
	results, err := j.training.Results(false)
	if err != nil {
		return err
	}
	for i, r := range results {
		if j.gone[i] || r.Status != result.Done {
			continue
		}
		if rule.TooEarly(*r.Correct.Validation, j.pack.Data.Validation) || fallsFaster(j.training.History(i), *r.Accuracy.Validation, step) {
			continue
		}
		highest, err := stats.Projected(*r.Correct.Validation, j.pack.Data.Validation, step, steps, rule.Confidence)
		if err != nil {
			return err
		}
		if highest >= rule.Accuracy {
			continue
		}
		if err := j.save(i); err != nil {
			return fmt.Errorf("stop %s early: %w", j.pack.Members[i].Key, err)
		}
		if j.gone[i] { // fenced
			continue
		}
		r.Status = result.StoppedEarly
		if err := j.tell(i, protocol.Hopeless, r, nil); err != nil {
			return err
		}
	}
	return nil
}

// fallsFaster compares a look with the one before it.
func fallsFaster(history []result.Point, now float64, step int) bool {
	before := result.LookBefore(history, step)
	return before != nil && stats.FallsFaster(before.Accuracy, before.Step, now, step)
}
