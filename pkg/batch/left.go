package batch

import (
	"fmt"
	"strconv"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// Left says what of an experiment is still to be submitted.
type Left struct {
	Total    int // trials
	Finished int // done or diverged; failed too, unless these are to be trained again
	Queued   int // in elements that Slurm holds, waiting or running
	Running  int // by processes outside of those
	Missing  int // the rest: what a submission would hold
}

// missing lists the trials that have no result and no job, and counts the rest.
func (r Request) missing(subs []Submission, held []Held, left *Left) ([]experiment.Trial, []result.Result, error) {
	trials := r.Experiment.Trials()
	keys := experiment.KeysOf(trials)
	results, _, err := r.Folder.ResultsOf(keys, store.Brief)
	if err != nil {
		return nil, nil, err
	}
	finished := map[result.Key]bool{}
	for _, res := range results {
		finished[res.Key()] = r.final(res)
	}
	queued := inQueue(subs, held)
	running, err := sweep.Running(r.Folder)
	if err != nil {
		return nil, nil, err
	}
	left.Total = len(trials)
	var missing []experiment.Trial
	for i, t := range trials {
		switch k := keys[i]; {
		case finished[k]:
			left.Finished++
		case queued[k]:
			left.Queued++
		case running[k]:
			left.Running++
		default:
			missing = append(missing, t)
		}
	}
	left.Missing = len(missing)
	return missing, results, nil
}

// final says whether `run` would leave the result as it is.
func (r Request) final(res result.Result) bool {
	if res.Status == result.Failed {
		return !r.RetryFailed
	}
	closed := res.Status == result.Done && res.Accuracy.Test == nil && res.Dataset.Test > 0
	return !closed || r.Experiment.Evaluate.Test == experiment.TestWinner
}

// inQueue are the trials of elements that Slurm holds.
func inQueue(subs []Submission, held []Held) map[result.Key]bool {
	keys := map[result.Key]bool{}
	for _, h := range held {
		if h.Over() {
			continue
		}
		for _, s := range subs {
			if n, ok := s.Tasks.element(h.Job, h.Index); ok {
				s.Tasks.Elements[n].mark(keys)
			}
		}
	}
	return keys
}

// speed is how long trials take where this submission goes.
func (r Request) speed(subs []Submission, results []result.Result) Speed {
	if r.TrialMinutes > 0 {
		return Speed{each: 60 * r.TrialMinutes, From: fmt.Sprintf("%g minutes a trial, as given", r.TrialMinutes)}
	}
	there := map[result.Key]bool{}
	for _, s := range subs {
		if s.Tasks.Partition != r.Settings.Partition || (s.Tasks.GPUs > 0) != (r.Settings.GPUs > 0) {
			continue
		}
		for _, e := range s.Tasks.Elements {
			e.mark(there)
		}
	}
	s := speedOf(results, r.Experiment.ByID(), func(k result.Key) bool { return there[k] })
	where := "the default partition"
	if r.Settings.Partition != "" {
		where = "partition " + r.Settings.Partition
	}
	if s.measure > 0 {
		s.From = strconv.Itoa(s.measure) + " finished results of " + where
	} else {
		s.From = "no result of " + where + " yet: one thread of a current CPU core is assumed, --trial-minutes says better"
	}
	return s
}

// jobNames are the arrays of all submissions.
func jobNames(subs []Submission) []string {
	var names []string
	for _, s := range subs {
		for _, a := range s.Tasks.Arrays {
			names = append(names, a.Job)
		}
	}
	return names
}
