package store

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// tmpMark is in the name of every file that is not whole yet. What a killed
// process leaves behind is swept away by the next owner of the folder.
const tmpMark = ".tmp-"

// file is a file to be written whole: to a temporary file beside it that takes
// its name when everything is well.
type file struct {
	path    string
	write   func(io.Writer) error
	verify  func(tmp string) error // reads the temporary file back; nil trusts the disk
	fence   func() error           // runs just before the file takes its name and can call it off; nil is never fenced
	durable bool                   // survives a power cut once written
}

// content is a durable file of these bytes.
func content(path string, b []byte, fence func() error) file {
	return file{path: path, fence: fence, durable: true, write: func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}}
}

// replace writes the file, whether or not there was one.
func (f file) replace() error {
	tmp, err := f.temp()
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, f.path); err != nil {
		os.Remove(tmp)
		return f.failed("write", err)
	}
	return f.syncDir()
}

// create writes a file that must not exist yet: of several callers exactly one
// succeeds, the others get an error that is fs.ErrExist. A link is atomic on
// NFS too, and whoever sees the file sees all of it.
func (f file) create() error {
	tmp, err := f.temp()
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	err = os.Link(tmp, f.path)
	if err != nil && linked(tmp) {
		err = nil // NFS lost the answer of the first try, the link is ours
	}
	if noLinks(err) {
		err = f.createExclusive()
	}
	if err != nil {
		return f.failed("create", err)
	}
	return f.syncDir()
}

// failed wraps an error of writing f. A new owner of the folder sweeps away
// what former ones have half-written, so to them a missing temporary file
// means that they are fenced.
func (f file) failed(act string, err error) error {
	failed := fmt.Errorf("%s %s: %w", act, f.path, err)
	if f.fence == nil || !errors.Is(err, fs.ErrNotExist) {
		return failed
	}
	if fenced := f.fence(); fenced != nil {
		return fenced
	}
	return lostFolder(failed)
}

// lostFolder says of a write into a trial's folder that failed where the folder
// was deleted, whose lease may still be there while that goes on.
func lostFolder(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the trial's folder was deleted under the run: %w", err)
	}
	return err
}

// createExclusive serves file systems without hard links: atomic in who wins,
// though a reader may see the file before its content.
func (f file) createExclusive() error {
	out, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	return f.fill(out)
}

// temp writes and checks the temporary file.
func (f file) temp() (tmp string, err error) {
	tmp = f.path + tmpMark + randomHex(6)
	out, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err == nil {
		err = f.fill(out)
	}
	if err != nil {
		return "", f.failed("write", err)
	}
	if f.verify != nil {
		if err := f.verify(tmp); err != nil {
			os.Remove(tmp)
			return "", f.failed("verify", err)
		}
	}
	if f.fence != nil {
		if err := f.fence(); err != nil {
			os.Remove(tmp)
			return "", err
		}
	}
	return tmp, nil
}

// fill writes and closes out; on an error out's file is removed.
func (f file) fill(out *os.File) error {
	err := f.write(out)
	if err == nil && f.durable {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		os.Remove(out.Name())
	}
	return err
}

func (f file) syncDir() error {
	if !f.durable {
		return nil
	}
	return syncDir(filepath.Dir(f.path))
}

// linked says whether the file has a second name.
func linked(path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	return ok && sys.Nlink > 1
}

func noLinks(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOTSUP) ||
		errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EMLINK)
}

// syncDir makes renames in the folder durable. File systems that cannot sync a
// folder are taken as they are.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	defer d.Close()
	err = d.Sync()
	if err == nil || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return fmt.Errorf("sync folder %s: %w", dir, err)
}

// SweepLeftovers removes what killed processes left half-written in a trial's
// folder. The caller holds its lease.
func SweepLeftovers(dir string) error {
	return errors.Join(sweepTemp(dir), sweepTemp(filepath.Join(dir, checkpointDir)))
}

// sweepTemp removes what killed processes left half-written in a folder; behind
// a link there is nothing of theirs.
func sweepTemp(dir string) error {
	if wantDir(dir) != nil {
		return nil
	}
	return sweepPrefix(dir, "")
}

// sweepPrefix removes those whose names begin so.
func sweepPrefix(dir, prefix string) error {
	names, err := readNames(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.Contains(name, tmpMark) && strings.HasPrefix(name, prefix) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("remove a leftover: %w", err)
			}
		}
	}
	return nil
}

// readNames lists a folder; one that does not exist is empty.
func readNames(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("read folder %s: %w", dir, err)
	}
	return names, nil
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails, see crypto/rand
	return hex.EncodeToString(b)
}

// WriteFile writes a whole file by rename, whether or not there is one: who
// reads it sees the old content or the new.
func WriteFile(path string, b []byte) error { return content(path, b, nil).replace() }

// WriteJSON is WriteFile of v as indented JSON.
func WriteJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return WriteFile(path, append(b, '\n'))
}
