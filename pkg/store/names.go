package store

import (
	"errors"
	"path/filepath"

	"slimfit/pkg/result"
)

// ParseTrialDir takes <run folder>/<config-id>/seed-<n> apart.
func ParseTrialDir(dir string) (*Folder, result.Key, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, result.Key{}, err
	}
	above := filepath.Dir(abs)
	k, err := result.ParseKey(filepath.Base(above) + "/" + filepath.Base(abs))
	if err != nil {
		return nil, result.Key{}, errors.New(dir + " is no trial's folder: want <run folder>/<config-id>/seed-<n>")
	}
	return &Folder{Dir: filepath.Dir(above)}, k, nil
}
