package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// tmpMark is in the name of every file that is not whole yet. What a killed
// process leaves behind is swept away by the next owner of the folder.
const tmpMark = ".tmp-"

// writeFile writes a whole file: to a temporary file beside it, synced, then
// renamed. before, if not nil, runs just before the rename and can call it off
// (a lease that was lost meanwhile, a file that does not read back).
func writeFile(path string, write func(io.Writer) error, before func(tmp string) error) error {
	tmp, err := writeTemp(path, write)
	if err != nil {
		return err
	}
	if before != nil {
		if err := before(tmp); err != nil {
			os.Remove(tmp)
			return err
		}
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("write %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// createFile writes a whole file that must not exist yet: of several callers
// exactly one succeeds, the others get an error that is fs.ErrExist. A link is
// atomic on NFS too, and whoever sees the file sees all of it.
func createFile(path string, write func(io.Writer) error) error {
	tmp, err := writeTemp(path, write)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	err = os.Link(tmp, path)
	if err != nil && linked(tmp) {
		err = nil // NFS lost the answer of the first try, the link is ours
	}
	if noLinks(err) {
		return createExclusive(path, write)
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// createExclusive serves file systems without hard links: atomic in who wins,
// though a reader may see the file before its content.
func createExclusive(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return fill(f, path, write)
}

// linked says whether the file has a second name.
func linked(path string) bool {
	info, err := os.Stat(path)
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

// writeTemp writes and syncs a temporary file beside path.
func writeTemp(path string, write func(io.Writer) error) (tmp string, err error) {
	tmp = path + tmpMark + randomHex(6)
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return tmp, fill(f, path, write)
}

// fill writes, syncs and closes f; on an error f's file is removed.
func fill(f *os.File, path string, write func(io.Writer) error) error {
	err := write(f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
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

// sweepTemp removes what killed processes left half-written in a folder.
func sweepTemp(dir string) error {
	names, err := readNames(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.Contains(name, tmpMark) {
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
