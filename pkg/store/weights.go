package store

import (
	"slimfit/pkg/result"
)

// KeepBestWeights removes the weights of a configuration's trials, but for the
// one with the best validation accuracy, the lowest seed in a tie. Trials without a
// result, or without a validation accuracy, are left alone.
func (f *Folder) KeepBestWeights(configID string) error {
	seeds, err := f.seeds(configID)
	if err != nil {
		return err
	}
	var keys []result.Key
	for _, s := range seeds {
		keys = append(keys, result.Key{ConfigID: configID, Seed: s})
	}
	results, _, err := f.ResultsOf(keys, Brief)
	if err != nil {
		return err
	}
	best := -1
	for i, r := range results {
		if a := r.Accuracy.Validation; a != nil && (best < 0 || *a > *results[best].Accuracy.Validation) {
			best = i
		}
	}
	for i, r := range results {
		if i == best || r.Accuracy.Validation == nil {
			continue
		}
		if err := RemoveWeights(f.TrialDir(r.Key())); err != nil {
			return err
		}
	}
	return nil
}
