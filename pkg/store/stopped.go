package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"

	"slimfit/pkg/result"
)

// StoppedTrial is a file that a trial's early stop left behind.
type StoppedTrial struct {
	Path    string // absolute
	Content []byte // of the file
	result.Stopped
}

// WriteStopped writes down that a trial was stopped early. token is the fencing
// token of its lease; a caller that lost it gets ErrFenced. What earlier stops
// wrote stays as it is, as certificates rest on it: the same stop again writes
// nothing, another one a file of its own.
func (f *Folder) WriteStopped(s result.Stopped, token uint64) error {
	dir := f.TrialDir(s.Key())
	path := filepath.Join(dir, result.StoppedName)
	if reason := checkStopped(&s, s.Key()); reason != "" {
		return fmt.Errorf("write %s: %s", path, reason)
	}
	old, err := readStopped(path, s.Key())
	var damaged *ResultError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.As(err, &damaged):
	case err != nil:
		return err
	case sameStop(&old.Stopped, &s):
		return CheckLease(dir, token)
	default:
		path = filepath.Join(dir, result.StoppedNameAt(s.Step))
	}
	return writeObject(path, s, func() error { return CheckLease(dir, token) })
}

// sameStop leaves out what the clock, the machine and the target change.
func sameStop(a, b *result.Stopped) bool {
	return a.Step == b.Step && a.Correct == b.Correct && slices.Equal(a.Wrong, b.Wrong) && reflect.DeepEqual(a.Confusion, b.Confusion) &&
		reflect.DeepEqual(a.Train, b.Train) && reflect.DeepEqual(a.Dataset, b.Dataset) && reflect.DeepEqual(a.Model, b.Model)
}

// ReadStopped reads what a trial's early stops left behind, by rising step;
// files that cannot be believed are left out.
func (f *Folder) ReadStopped(k result.Key) ([]StoppedTrial, error) {
	dir := f.TrialDir(k)
	names, err := readNames(dir)
	if err != nil {
		return nil, err
	}
	var all []StoppedTrial
	for _, name := range names {
		if !result.IsStoppedName(name) {
			continue
		}
		s, err := readStopped(filepath.Join(dir, name), k)
		var damaged *ResultError
		switch {
		case err == nil:
			all = append(all, s)
		case !errors.As(err, &damaged):
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b StoppedTrial) int { return a.Step - b.Step })
	return all, nil
}

func readStopped(path string, k result.Key) (StoppedTrial, error) {
	b, err := readEvidence(path)
	if err != nil {
		return StoppedTrial{}, fmt.Errorf("read a stopped trial: %w", err)
	}
	s, err := decode(path, b, func(s *result.Stopped) string { return checkStopped(s, k) })
	return StoppedTrial{path, b, s}, err
}

// checkStopped returns what is wrong with s as a stop of the trial k, "" if it
// can be believed.
func checkStopped(s *result.Stopped, k result.Key) string {
	switch {
	case s.Key() != k:
		return fmt.Sprintf("it is of %s in the folder of %s", s.Key(), k)
	case s.Step < 1 || s.Step >= s.Train.Steps:
		return fmt.Sprintf("it was stopped at step %d of %d", s.Step, s.Train.Steps)
	}
	f := result.Figures{Correct: &s.Correct, Wrong: s.Wrong}
	if doubts := f.Check(s.Dataset.Validation, s.Dataset.Classes, result.Kept); len(doubts) > 0 {
		return "validation: " + doubts[0]
	}
	return ""
}
