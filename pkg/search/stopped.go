package search

import (
	"fmt"
	"math"
	"path"
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// stopsEarly says whether the early stop that was asked for can reject
// anything. One network below the target rejects its configuration under the
// worst rule alone: in a mean others may make up for it, and a tolerance bound
// of many seeds outlives an outlier, so that a stopped trial would have to be
// trained on. An exact search assumes nothing, and what a trainer can look at
// while it trains are float32 networks, which say nothing certain of int8
// ones, and their right answers, which say nothing of a balanced accuracy.
func (p *Problem) stopsEarly() bool {
	return p.EarlyStop && !p.Exact && p.Target.Rule == experiment.RuleWorst && p.Target.Precision != experiment.Int8 && !p.Target.Balanced() &&
		p.Data.Folds == 0 && (slices.ContainsFunc(p.Candidates, p.mayStop) || p.field != nil && p.field.any(p.mayStop))
}

// mayStop says whether a candidate's trials may stop early, where any may.
func (p *Problem) mayStop(c Candidate) bool {
	return p.StopRule().For(c.Recipe, c.Layers) != nil && stats.Looks(c.Recipe.Steps) > 0
}

// StopRule is what a trainer may stop this search's trials by; nil where it
// must train all to the end.
func (p *Problem) StopRule() *result.StopRule {
	if !p.EarlyStop {
		return nil
	}
	return &result.StopRule{Accuracy: p.Target.Accuracy, Confidence: p.clearConfidence(), Above: p.stopAbove}
}

// lookStopped judges a trial that was stopped early: it clearly fails.
func (p *Problem) lookStopped(r *result.Result) network {
	n := network{result: r, seed: r.Seed}
	highest, why := p.hopeless(r)
	if why != "" {
		n.failed, n.trouble = true, fmt.Sprintf("seed %d: %s", r.Seed, why)
		return n
	}
	n.correct = *r.Correct.Validation
	n.accuracy = float64(n.correct) / float64(p.Data.Validation)
	n.upper, n.clear = highest, true
	n.trouble = fmt.Sprintf("seed %d was stopped at step %d with %s", r.Seed, r.Steps, text.Percent(n.accuracy))
	return n
}

// hopeless applies the rule to a stopped trial: the most that it could have
// reached, and why the rule does not stop it there, "" where it does.
func (p *Problem) hopeless(r *result.Result) (highest float64, why string) {
	rule := p.StopRule().For(r.Train, r.Model)
	if rule == nil {
		return 0, "it was stopped early, which this search does not allow"
	}
	if r.Correct.Validation == nil {
		return 0, "it was stopped early without validation figures"
	}
	if rule.TooEarly(*r.Correct.Validation, p.Data.Validation) {
		return 0, "it was stopped early, where it may have just begun to learn"
	}
	now := float64(*r.Correct.Validation) / float64(p.Data.Validation)
	if b := r.Before; rule.Above > 0 && b != nil && stats.FallsFaster(b.Accuracy, b.Step, now, r.Steps) {
		return 0, fmt.Sprintf("it was stopped early, while its error fell faster than the rule allows: %s at step %d, %s at step %d",
			text.Percent(b.Accuracy), b.Step, text.Percent(now), r.Steps)
	}
	highest, err := stats.Projected(*r.Correct.Validation, p.Data.Validation, r.Steps, r.Train.Steps, rule.Confidence)
	switch {
	case err != nil:
		return 0, "it was stopped early: " + err.Error()
	case highest >= rule.Accuracy:
		return highest, fmt.Sprintf("it was stopped at step %d of %d, where it could still have reached %s by the rule, and the target is %s",
			r.Steps, r.Train.Steps, bound(highest), text.Threshold(rule.Accuracy))
	}
	return highest, ""
}

// stoppedDoubts is the part of doubts for a trial that was stopped early.
func (p *Problem) stoppedDoubts(r *result.Result) []string {
	var out []string
	if _, why := p.hopeless(r); why != "" {
		out = append(out, why)
	}
	return append(out, p.splitDoubts(r.On)...)
}

// RetrainedStopped compares a trial that was stopped early, and its history,
// nil where it is not known, with its training anew to the very end: up to the
// stop bit for bit, and whether it was right to stop it. Which images were
// wrong at the stop is not compared: only their number is kept on the way.
func RetrainedStopped(where string, target float64, old result.Stopped, history []result.Point, again Trained) []Fault {
	var faults []Fault
	add := func(format string, args ...any) {
		faults = append(faults, Fault{where, "trained again: " + fmt.Sprintf(format, args...)})
	}
	until := func(all []result.Point) []result.Point {
		i := slices.IndexFunc(all, func(p result.Point) bool { return p.Step > old.Step })
		if i < 0 {
			return all
		}
		return all[:i]
	}
	now := until(again.History)
	if i := firstDifference(until(history), now); history != nil && i >= 0 {
		add("another history, from its point %d on", i+1)
	}
	correct := -1
	if n := len(now); n > 0 && now[n-1].Step == old.Step && now[n-1].Validation != nil {
		correct = int(math.Round(*now[n-1].Validation * float64(old.Dataset.Validation)))
	}
	if b, was := old.Before, result.LookBefore(now, old.Step); b != nil && (was == nil || *b != *was) {
		add("another look before the stop, at step %d", b.Step)
	}
	switch r := again.Result; {
	case r.Status == result.Failed:
		add("it is now failed: %s", r.Reason)
	case correct < 0:
		add("it was not measured at step %d, where it was stopped", old.Step)
	case correct != old.Correct:
		add("%d validation images correct at step %d, was %d", correct, old.Step, old.Correct)
	}
	if len(faults) > 0 {
		faults = append(faults, otherMachine(where, old.Environment, again.Result.Environment)...)
	}
	if a := again.Result.Accuracy.Validation; a != nil && *a >= target {
		add("it was stopped as hopeless at step %d, and reaches %s at its end: the target is %s", old.Step, text.Percent(*a),
			text.Threshold(target))
	}
	return faults
}

// trialPath is where the result of a listed file's trial lies, and whether the
// file is that of an early stop instead.
func trialPath(file string) (at string, stopped bool) {
	dir, name := path.Split(file)
	if !result.IsStoppedName(name) {
		return file, false
	}
	return dir + result.ResultName, true
}

// stoppedRule states the rule by which trials stop.
func (p *Problem) stoppedRule() string {
	tail := "It counts as a network that clearly fails. This holds for trials with a constant learning rate only: where the rate falls, the " +
		"last steps gain more."
	if p.stopAbove > 0 {
		tail = fmt.Sprintf("None is stopped below %s, half of what guessing leaves, nor while its error falls faster than that. It counts as a "+
			"network that clearly fails, by a projection. This was shown for Adam at a constant rate of 1e-4 or more and ReLU-like functions, "+
			"and is done for these only.", text.Threshold(p.stopAbove))
	}
	return fmt.Sprintf("A trial is stopped after a step s, a multiple of %d from a quarter of its steps S on, when it would clearly miss "+
		"the target even if its error fell as the power %v of the steps: "+
		"when 1 - l (s/S)^%v is below %s, with l the one-sided Clopper-Pearson lower bound of its error on the validation images, and the "+
		"bounds of all configurations and of all such steps of one trial holding together at %s (Bonferroni). "+
		"%s", stats.LookEvery, stats.ErrorExponent, stats.ErrorExponent, text.Threshold(p.Target.Accuracy),
		text.Threshold(p.Target.Confidence), tail)
}

// stoppingText is what early stops rest on.
func stoppingText() string {
	return fmt.Sprintf("A trial is stopped early where its error would have to fall faster than as the power %v of the steps to reach the "+
		"target. "+
		"This assumes that from there to its end no error does.", stats.ErrorExponent)
}
