package store

import (
	"errors"
	"path/filepath"
	"reflect"
	"syscall"

	"slimfit/models"
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

// Names says what configurations go by in the run folder; id is what one goes by
// in its file. That is its long ID where that has a folder, or where the folder
// of its short ID has results of another configuration: 32 bits are the same by
// chance, too. With read false the folders that are there decide alone, which is
// enough once Claim has made them for the same file.
func (f *Folder) Names(read bool) (func(c models.Config, id string) (string, error), error) {
	names, err := readNames(f.Dir)
	if err != nil && !errors.Is(err, syscall.ENOTDIR) { // who makes it will say so
		return nil, err
	}
	there, long := map[string]bool{}, false
	for _, n := range names {
		there[n] = true
		long = long || models.IsLongID(n)
	}
	brief := newBriefReader()
	return func(c models.Config, id string) (string, error) {
		isLong := models.IsLongID(id)
		if !isLong && !long && !(read && there[id]) {
			return id, nil
		}
		if long && there[c.LongID()] {
			return c.LongID(), nil
		}
		short := id
		if isLong {
			short = c.ID()
		}
		if !there[short] || !isLong && !read {
			return id, nil
		}
		switch owner, err := f.owner(brief, short); {
		case err != nil:
			return "", err
		case owner == nil:
			return id, nil
		case same(owner, &c):
			return short, nil
		}
		return c.LongID(), nil
	}, nil
}

// same says whether two configurations are one; most that are need no digest,
// which takes long.
func same(a, b *models.Config) bool {
	x, y := a.Data, b.Data
	x.Name = y.Name
	return reflect.DeepEqual(x, y) && reflect.DeepEqual(a.Layers, b.Layers) && reflect.DeepEqual(a.Recipe, b.Recipe) ||
		a.Digest() == b.Digest()
}

// owner is the configuration whose results are in the folder of an ID; nil where
// there is none that can be believed.
func (f *Folder) owner(brief *briefReader, id string) (*models.Config, error) {
	seeds := []int64{0} // mostly it is there, which saves listing them
	for i := 0; i < len(seeds); i++ {
		s := seeds[i]
		k := result.Key{ConfigID: id, Seed: s}
		r, err := brief.read(f.ResultPath(k), k)
		if err != nil {
			stopped, err := f.ReadStopped(k)
			if err == nil && i == 0 {
				seeds, err = f.seeds(id)
				seeds = append([]int64{0}, seeds...)
			}
			if err != nil {
				return nil, err
			}
			if len(stopped) == 0 {
				continue
			}
			r = stopped[0].Result()
		}
		c := r.Config()
		return &c, nil
	}
	return nil, nil
}

// Claim makes the folder of a long ID, so that all who read find the
// configuration there.
func (f *Folder) Claim(id string) error {
	if !models.IsLongID(id) {
		return nil
	}
	return makeDir(f.path(id))
}

// Inside returns a *FileError where a trial's folder, or that of its
// configuration, is none of the run folder's own, but a link to elsewhere.
func (f *Folder) Inside(k result.Key) error {
	dir := f.TrialDir(k)
	if err := wantDir(filepath.Dir(dir)); err != nil {
		return err
	}
	return wantDir(dir)
}
