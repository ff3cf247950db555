package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"slimfit/pkg/shell"
)

// loadKnown reads a set of the registry from the cache and checks its digest.
func loadKnown(ref Ref, cache string) (*Set, error) {
	info, n, err := ref.known()
	if err != nil {
		return nil, err
	}
	if err := Cached(info.Name, cache); err != nil {
		return nil, wayOut(info.Name, cache, err)
	}
	dir := filepath.Join(cache, info.Name)
	c, err := info.read(dir)
	if err != nil {
		return nil, wayOut(info.Name, cache, err)
	}
	if c.digest != info.Digest {
		// The files have the right sizes: only their checksums tell which one it is.
		if err := Verify(info.Name, cache); err != nil {
			return nil, err
		}
		return nil, wayOut(info.Name, cache, fmt.Errorf("%s: digest %s, want %s", dir, c.digest, info.Digest))
	}
	if err := c.recolour(ref.Channels); err != nil {
		return nil, fmt.Errorf("data set %s: %w", info.Name, err)
	}
	c.classes, c.classNames = len(info.ClassNames), info.ClassNames
	set := c.part(ref, n)
	set.caution(missingClasses(set)...)
	return set, nil
}

// known is the set of the registry that the reference names, and its parts' sizes.
func (r Ref) known() (info Info, n counts, err error) {
	if info, err = Lookup(r.Name); err != nil {
		return info, n, err
	}
	if err = r.noFolderKeys(info.Name); err != nil {
		return info, n, err
	}
	if n, err = r.split(info.TrainImages, info.TestImages); err != nil {
		err = fmt.Errorf("data set %s: %w", info.Name, err)
	}
	return info, n, err
}

// read reads the set's files from a folder, by their names in the registry.
func (i Info) read(dir string) (content, error) {
	var paths []string
	for _, f := range i.Files {
		paths = append(paths, filepath.Join(dir, f.Name))
	}
	if i.Format == formatCIFAR {
		last := len(paths) - 1
		return readCIFARSet(paths[:last], paths[last])
	}
	return readIDXSet(idxPaths{paths[0], paths[1], paths[2], paths[3]}, readIDX)
}

// BrokenError is a cached file that is not what it must be: of another size,
// checksum or kind.
type BrokenError struct{ text string }

func (e *BrokenError) Error() string { return e.text }

// checkSize is a quick look at a cached file.
func (f File) checkSize(dir string) error {
	path := filepath.Join(dir, f.Name)
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is missing: %w", path, fs.ErrNotExist)
	case err != nil:
		return err
	case !st.Mode().IsRegular():
		return &BrokenError{path + " is not a regular file"}
	case st.Size() != f.Size:
		return &BrokenError{fmt.Sprintf("%s is broken: %d bytes, want %d", path, st.Size(), f.Size)}
	}
	return nil
}

// Check compares the file in dir with its size and checksum. The error is a
// *BrokenError, or wraps fs.ErrNotExist.
func (f File) Check(dir string) error {
	if err := f.checkSize(dir); err != nil {
		return err
	}
	path := filepath.Join(dir, f.Name)
	sum, err := fileSHA256(path)
	if err != nil {
		return err
	}
	if sum != f.SHA256 {
		return &BrokenError{fmt.Sprintf("%s is broken: SHA-256 %s, want %s", path, sum, f.SHA256)}
	}
	return nil
}

// Verify reads every cached file of a known data set again and compares it
// with its SHA-256. The error names every file at fault.
func Verify(name, cache string) error {
	info, err := Lookup(name)
	if err != nil {
		return err
	}
	return wayOut(name, cache, info.Verify(filepath.Join(cache, name)))
}

// Verify is the check of every file in dir.
func (i Info) Verify(dir string) error {
	var faults []error
	for _, f := range i.Files {
		if err := f.Check(dir); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// Cached says, by a quick look at names and sizes, whether a known data set is
// in the cache; it returns what is wrong otherwise.
func Cached(name, cache string) error {
	info, err := Lookup(name)
	if err != nil {
		return err
	}
	for _, f := range info.Files {
		if err := f.checkSize(filepath.Join(cache, name)); err != nil {
			return err
		}
	}
	return nil
}

// FetchCommand is the command line that puts a known data set into the cache.
func FetchCommand(name, cache string) string {
	words := []string{"slimfit", "data", "fetch", name}
	if cache != DefaultCache() {
		words = append(words, "--cache", cache)
	}
	return shell.Line(words...)
}

// wayOut adds the name of the set and what to do to an error; nil stays nil.
func wayOut(name, cache string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("data set %s: %w; run `%s`", name, err, FetchCommand(name, cache))
}

func fileSHA256(path string) (string, error) {
	f, _, err := openFile(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
