package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"slimfit/pkg/result"
)

// ScoresPath is the trial's scores.json.
func (f *Folder) ScoresPath(k result.Key) string {
	return filepath.Join(f.TrialDir(k), result.ScoresName)
}

// ReadScores reads the scores of a result's network. Where there are none, or
// none of its weights that can be believed, they are empty: they can be made
// anew from the weights.
func (f *Folder) ReadScores(r result.Result) (s result.Scores, err error) {
	b, err := readEvidence(f.ScoresPath(r.Key()))
	var damaged *ResultError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &damaged) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read scores: %w", err)
	}
	if json.Unmarshal(b, &s) != nil || checkScores(s, r) != "" {
		return result.Scores{}, nil
	}
	return s, nil
}

// WriteScores writes the scores of a result's network, with what older ones of
// the same weights have besides. It takes no lease, as WriteInt8.
func (f *Folder) WriteScores(s result.Scores, r result.Result) error {
	path := f.ScoresPath(r.Key())
	if doubt := checkScores(s, r); doubt != "" {
		return fmt.Errorf("write %s: %s", path, doubt)
	}
	old, err := f.ReadScores(r)
	if err != nil {
		return err
	}
	s.Add(old)
	if err := wantDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write scores: %w", err)
	}
	b, err := encodeObject(s)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return content(path, b, nil).replace()
}

// checkScores returns what is wrong with s as the scores of r's network.
func checkScores(s result.Scores, r result.Result) string {
	if !s.Of(r) {
		return "it is of another trial, or of other weights"
	}
	return s.Check(func(split result.Split) int { return split.Images(r.Dataset) }, r.Dataset.Classes)
}
