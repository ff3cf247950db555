package lab

import (
	"errors"
	"path/filepath"

	"slimfit/pkg/exit"
	"slimfit/pkg/export"
	"slimfit/pkg/report"
)

// FindTrial opens the trained network that a person names, of a seed where one
// is given.
func (l *Lab) FindTrial(name string, seed *int64) (*export.Trial, error) {
	choice, err := export.Find(name, l.Out)
	var open *export.UnchosenError
	if errors.As(err, &open) {
		choice, err = l.answerOf(open)
	}
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

// answerOf is the configuration that the report of a run folder answers with.
func (l *Lab) answerOf(open *export.UnchosenError) (export.Choice, error) {
	in, err := l.readRun(open.Folder)
	if err != nil {
		return export.Choice{}, err
	}
	r, err := report.Build(in, report.Options{})
	if err != nil {
		return export.Choice{}, exit.With(exit.Usage, err)
	}
	at := r.Chosen()
	if at < 0 {
		return export.Choice{}, open
	}
	row := &r.Rows[at]
	if r.Target != nil && r.Answer.Pick < 0 {
		return export.Choice{}, exit.Usagef("%s To take it all the same: %s", r.Answer.Sentence, filepath.Join(open.Folder.Dir, row.ID))
	}
	what := "the most accurate network"
	if r.Target != nil {
		what = "the answer of its report"
	}
	l.Note("%s: taking %s (%s), %s", filepath.Base(open.Folder.Dir), row.Label, row.ID, what)
	return export.Choice{Folder: open.Folder, ConfigID: row.ID}, nil
}

// trialError gives an error of finding a network its exit code.
func trialError(err error) error {
	var unfit *export.UnfitError
	if errors.As(err, &unfit) {
		return exit.With(exit.Trials, err)
	}
	return err
}
