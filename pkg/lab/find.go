package lab

import (
	"errors"

	"slimfit/pkg/exit"
	"slimfit/pkg/export"
)

// FindTrial opens the trained network that a person names, of a seed where one
// is given.
func (l *Lab) FindTrial(name string, seed *int64) (*export.Trial, error) {
	choice, err := export.Find(name, l.Out)
	if err != nil {
		return nil, trialError(err)
	}
	if seed != nil {
		if choice.Seed != nil && *choice.Seed != *seed {
			return nil, exit.Usagef("--seed %d: %s is of seed %d", *seed, name, *choice.Seed)
		}
		choice.Seed = seed
	}
	t, err := export.Open(choice)
	if err != nil {
		return nil, trialError(err)
	}
	for _, w := range t.Warnings {
		l.Note("%s", w)
	}
	l.Detail("%s: %s", t.Result.Key(), t.Chosen)
	return t, nil
}

// trialError gives an error of finding a network its exit code.
func trialError(err error) error {
	var unfit *export.UnfitError
	if errors.As(err, &unfit) {
		return exit.With(exit.Trials, err)
	}
	return err
}
