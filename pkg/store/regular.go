package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"slimfit/pkg/result"
)

// What files of a run folder may have at most, in bytes: whoever can write
// there must not fill the memory of those who read.
const (
	MaxJSON = 64 << 20 // a result with five million wrong images, a certificate of 20,000 configurations
	maxBlob = 8 << 30  // weights and checkpoints
	maxNote = 1 << 20  // leases and heartbeats
)

// FileError says that what is in the place of a run folder's file is none that
// slimfit wrote: a link, a pipe, a device, a folder, or far too large.
type FileError struct {
	Path   string
	Reason string // it is a symbolic link, not a file
}

func (e *FileError) Error() string { return e.Path + ": " + e.Reason }

// openFile opens a regular file of a run folder.
func openFile(path string, flag int) (*os.File, fs.FileInfo, error) {
	f, err := openNoFollow(path, flag)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &FileError{path, notA("file", info.Mode())}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// Tail reads the last bytes of a regular file, limit at most.
func Tail(path string, limit int64) ([]byte, error) {
	f, info, err := openFile(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-limit), limit))
}

// openNoFollow opens what is there: links are not followed, and the open of a
// pipe does not wait.
func openNoFollow(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o666)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		if other := wantFile(path); other != nil {
			err = other
		}
	}
	return f, err
}

// ReadFile reads a regular file of a run folder of at most limit bytes. The
// error is a *FileError where there is something else.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := openNoFollow(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return readOpen(f, limit)
}

// readOpen reads a regular file and closes it.
func readOpen(f *os.File, limit int64) ([]byte, error) {
	defer f.Close()
	path := f.Name()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &FileError{path, notA("file", info.Mode())}
	case info.Size() > limit:
		return nil, &FileError{path, fmt.Sprintf("it has %d bytes, at most %d are read", info.Size(), limit)}
	}
	var b bytes.Buffer
	b.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) > limit {
		return nil, &FileError{path, fmt.Sprintf("it has grown beyond the %d bytes that are read", limit)}
	}
	return b.Bytes(), nil
}

// ReadFile reads a regular file of at most MaxJSON bytes below the run folder, by
// its path with forward slashes: one that leads out of it, also by a link, is an
// error.
func (f *Folder) ReadFile(path string) ([]byte, error) {
	root, err := os.OpenRoot(f.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.OpenFile(filepath.FromSlash(path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return readOpen(file, MaxJSON)
}

// readEvidence is ReadFile where a *FileError counts as damage.
func readEvidence(path string) ([]byte, error) {
	b, err := ReadFile(path, MaxJSON)
	if bad, ok := errors.AsType[*FileError](err); ok {
		return nil, &ResultError{path, bad.Reason}
	}
	return b, err
}

// wantFile and wantDir return a *FileError where something else is in the
// place of a file or folder, and no error where nothing is.
func wantFile(path string) error { return want(path, "file", fs.FileMode.IsRegular) }
func wantDir(path string) error  { return want(path, "folder", fs.FileMode.IsDir) }

func want(path, what string, fits func(fs.FileMode) bool) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !fits(info.Mode()) {
		err = &FileError{path, notA(what, info.Mode())}
	}
	return err
}

// notA says what is there instead.
func notA(what string, mode fs.FileMode) string {
	is := "a device"
	switch {
	case mode.IsRegular():
		is = "a file"
	case mode.IsDir():
		is = "a folder"
	case mode&fs.ModeSymlink != 0:
		is = "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		is = "a pipe"
	case mode&fs.ModeSocket != 0:
		is = "a socket"
	}
	return fmt.Sprintf("it is %s, not a %s", is, what)
}

// SetStrangersAside renames what is in the place of the trial's own files, but
// for result.json and the checkpoints, and is none: links are not to be written
// through. notices tell of each. The caller holds the trial's lease.
func (f *Folder) SetStrangersAside(k result.Key) (notices []string, err error) {
	dir := f.TrialDir(k)
	for _, own := range []struct {
		name string
		want func(string) error
	}{
		{logName, wantFile}, {historyName, wantFile}, {result.Int8Name, wantFile}, {result.ScoresName, wantFile}, {result.StoppedName, wantFile},
		{checkpointDir, wantDir}, {filepath.Join(checkpointDir, weightsName), wantFile},
	} {
		path := filepath.Join(dir, own.name)
		var bad *FileError
		switch err := own.want(path); {
		case errors.As(err, &bad):
			aside, err := setAside(path)
			if err != nil {
				return notices, err
			}
			notices = append(notices, fmt.Sprintf("%v; it is set aside as %s", bad, aside))
		case err != nil:
			return notices, fmt.Errorf("look at %s: %w", path, err)
		}
	}
	return notices, nil
}
