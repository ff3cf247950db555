package store

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"slimfit/pkg/result"
)

// IsConfigID says whether a name ends in a dash and 8 hex digits, as those of
// models.Config.ID do.
func IsConfigID(name string) bool { return isConfigID(name) }

// ParseTrialDir takes <run folder>/<config-id>/seed-<n> apart.
func ParseTrialDir(dir string) (*Folder, result.Key, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, result.Key{}, err
	}
	digits, ok := strings.CutPrefix(filepath.Base(abs), seedPrefix)
	seed, err := strconv.ParseInt(digits, 10, 64)
	id := filepath.Base(filepath.Dir(abs))
	if !ok || err != nil || !isConfigID(id) {
		return nil, result.Key{}, errors.New(dir + " is no trial's folder: want <run folder>/<config-id>/seed-<n>")
	}
	return &Folder{Dir: filepath.Dir(filepath.Dir(abs))}, result.Key{ConfigID: id, Seed: seed}, nil
}
