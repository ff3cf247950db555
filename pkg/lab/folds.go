package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// trainFolds trains each trial once a fold, in a run folder of their own, and
// pools what they find.
func (l *Lab) trainFolds(ctx context.Context, t Training) (sweep.Summary, error) {
	parts, err := dataset.FoldsOf(t.Experiment.Data, l.sourceOf(t.Experiment))
	if err != nil {
		return sweep.Summary{}, exit.Failed(err)
	}
	inner, err := store.Create(t.Folder.Dir, sweep.FoldsName, t.Experiment.Source)
	if err != nil {
		return sweep.Summary{}, exit.Failed(err)
	}
	of := map[result.Key][]result.Key{}
	var left, folds []experiment.Trial
	for _, trial := range t.Trials {
		r, err := t.Folder.ReadResult(trial.Key())
		if err == nil && !(l.Work.RetryFailed && r.Status == result.Failed) {
			continue
		}
		left = append(left, trial)
		for _, data := range parts {
			cfg := *trial.Configuration
			cfg.Data = data
			cfg.ID = cfg.Config.ID()
			fold := experiment.Trial{Configuration: &cfg, Seed: trial.Seed}
			folds, of[trial.Key()] = append(folds, fold), append(of[trial.Key()], fold.Key())
		}
	}
	if len(left) == 0 { // it only says so
		return l.trainTrials(ctx, t)
	}
	outer := t.Folder
	t.Folder, t.Trials, t.Stop, t.Test = inner, folds, nil, false
	summary, err := l.trainTrials(ctx, t)
	if err != nil {
		return summary, err
	}
	session, err := outer.Join(l.Work.Lease, nil)
	if err != nil {
		return summary, exit.Failed(err)
	}
	measured := measuredFootprint()
	for _, trial := range left {
		if err = poolFolds(session, outer, inner, trial, of[trial.Key()], measured); err != nil {
			err = fmt.Errorf("pool the folds of %s: %w", trial.Key(), err)
			break
		}
	}
	return summary, exit.Failed(errors.Join(err, session.Close()))
}

// poolFolds writes the trial's result, once every fold has one.
func poolFolds(s *store.Session, outer, inner *store.Folder, t experiment.Trial, keys []result.Key,
	measured func(*experiment.Configuration) footprint.Footprint) error {
	var parts []result.Result
	for _, k := range keys {
		r, err := inner.ReadResult(k)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another process has it
		}
		if err != nil {
			return err
		}
		parts = append(parts, r)
	}
	dir := outer.TrialDir(t.Key())
	token, err := s.Acquire(dir)
	if held := (*store.HeldError)(nil); errors.As(err, &held) {
		return nil // another process pools the same
	}
	if err != nil {
		return err
	}
	_, err = outer.ReadResult(t.Key())
	r := result.Pool(parts)
	r.ConfigID, r.Dataset, r.Footprint = t.ID, t.Data, measured(t.Configuration)
	return errors.Join(outer.WriteResult(r, token, err == nil), s.Release(dir, token))
}
