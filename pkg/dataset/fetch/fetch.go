// Package fetch puts the known data sets into the cache: from a folder, a Go
// module, a Debian package or mirrors, with every file's SHA-256 checked.
package fetch

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"slimfit/pkg/dataset"
)

// maxArchive bounds what an archive unpacks to, in bytes.
const maxArchive = 1 << 30

// Known puts a known data set into the cache, unpacked and checked, unless it
// is there already. It removes cached files that are broken, tries the set's
// sources one after the other (from, a folder, alone, where it is not ""), and
// says on log what it does. Every file appears under its name only when it is
// complete; processes that fetch at once wait for each other where the file
// system has locks, and do no harm where it has none. The error names each
// source's failure, and which files to put where by hand.
func Known(ctx context.Context, name, cache, from string, log io.Writer) error {
	info, err := dataset.Lookup(name)
	if err != nil {
		return err
	}
	dir := filepath.Join(cache, name)
	list := sources(info, dir)
	if from != "" {
		list = []source{localSource(from)}
	}
	if err := fill(ctx, info, dir, list, log); err != nil {
		return fmt.Errorf("fetch %s: %w", name, err)
	}
	fmt.Fprintf(log, "%s: complete in %s\n", name, dir)
	return nil
}

// fill fills dir from the sources.
func fill(ctx context.Context, info dataset.Info, dir string, sources []source, log io.Writer) error {
	if info.Verify(dir) == nil { // needs no right to write
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	unlock, locked, err := lockFolder(ctx, dir)
	if err != nil {
		return err
	}
	defer unlock()
	f := &fetch{info: info, dir: dir, missing: map[string]dataset.File{}, log: log}
	if err := f.prepare(locked); err != nil {
		return err
	}
	defer os.RemoveAll(f.tmp)
	return f.run(ctx, sources)
}

// source is one place that files come from.
type source struct {
	name  string
	fetch func(ctx context.Context, f *fetch) error
}

// fetch is one data set on its way into the cache.
type fetch struct {
	info    dataset.Info
	dir     string                  // the set's folder in the cache
	tmp     string                  // a folder in dir for this process's unfinished files
	missing map[string]dataset.File // by name
	log     io.Writer
}

// prepare finds out what is missing, and removes broken files and what killed
// processes left; alone says that no other process is at work.
func (f *fetch) prepare(alone bool) error {
	for _, file := range f.info.Files {
		err := file.Check(f.dir)
		if broken := new(dataset.BrokenError); errors.As(err, &broken) {
			f.say("%v; removed", err)
			if err := os.RemoveAll(filepath.Join(f.dir, file.Name)); err != nil {
				return err
			}
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err != nil {
			f.missing[file.Name] = file
		}
	}
	if err := f.removeUnfinished(alone); err != nil {
		return err
	}
	var err error
	f.tmp, err = os.MkdirTemp(f.dir, tmpPrefix)
	return err
}

// removeUnfinished removes downloads of processes that are dead: all of them
// where there is no other process, else those that are old.
func (f *fetch) removeUnfinished(alone bool) error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		st, err := e.Info()
		if !strings.HasPrefix(e.Name(), tmpPrefix) || err != nil || !alone && time.Since(st.ModTime()) < staleAfter {
			continue
		}
		path := filepath.Join(f.dir, e.Name())
		f.say("%s is an unfinished download; removed", path)
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

func (f *fetch) say(format string, args ...any) {
	fmt.Fprintf(f.log, f.info.Name+": "+format+"\n", args...)
}

// run tries the sources until nothing is missing.
func (f *fetch) run(ctx context.Context, sources []source) error {
	var failures []string
	for _, s := range sources {
		if len(f.missing) == 0 {
			return nil
		}
		f.say("trying %s", s.name)
		err := s.fetch(ctx, f)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if disk := new(writeError); errors.As(err, &disk) {
			return err // no other source would help
		}
		if err == nil && len(f.missing) > 0 {
			err = fmt.Errorf("does not have %s", strings.Join(f.missingNames(), ", "))
		}
		if err != nil {
			f.say("%v", err)
			failures = append(failures, fmt.Sprintf("  %s: %v", s.name, err))
		}
	}
	if len(f.missing) == 0 {
		return nil
	}
	return fmt.Errorf("no source has it:\n%s\n%s", strings.Join(failures, "\n"), f.byHand())
}

func (f *fetch) missingNames() []string {
	var names []string
	for _, file := range f.info.Files {
		if _, ok := f.missing[file.Name]; ok {
			names = append(names, file.Name)
		}
	}
	return names
}

// byHand says what a person can do when no source works.
func (f *fetch) byHand() string {
	var b strings.Builder
	what := "these files, each as it is or as .gz"
	if f.info.Archive != "" {
		what = f.info.Archive + ", or the files in it"
	}
	fmt.Fprintf(&b, "get %s from anywhere (their SHA-256 is checked), put them into %s and run `%s` again, or add --from FOLDER:",
		what, f.dir, dataset.FetchCommand(f.info.Name, filepath.Dir(f.dir)))
	for _, name := range f.missingNames() {
		fmt.Fprintf(&b, "\n  %s  %d bytes", name, f.missing[name].Size)
	}
	return b.String()
}

// writeError is a failure of the cache's file system, not of a source.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// put takes a file that a source has, plain or gzip-compressed, if it is one
// that is missing. The file is checked, then renamed to its place.
func (f *fetch) put(name string, r io.Reader) error {
	file, ok := f.missing[strings.TrimSuffix(path.Base(filepath.ToSlash(name)), ".gz")]
	if !ok {
		return nil
	}
	tmp := filepath.Join(f.tmp, file.Name)
	if err := unpack(file, tmp, r); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("%s: %w", file.Name, err)
	}
	if err := os.Rename(tmp, filepath.Join(f.dir, file.Name)); err != nil {
		return &writeError{err}
	}
	syncFolder(f.dir)
	delete(f.missing, file.Name)
	f.say("%s: %d bytes, SHA-256 as expected", file.Name, file.Size)
	return nil
}

// unpack writes the plain file to path and compares it with what it must be.
func unpack(f dataset.File, path string, r io.Reader) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return &writeError{err}
	}
	defer out.Close()
	buffered := bufio.NewReaderSize(r, 1<<16)
	var plain io.Reader = buffered
	if dataset.IsGzip(buffered) {
		if plain, err = gzip.NewReader(buffered); err != nil {
			return fmt.Errorf("damaged gzip header: %w", err)
		}
	}
	hash := sha256.New()
	limited := &readerError{r: io.LimitReader(plain, f.Size+1)} // one byte more tells too large
	n, err := io.Copy(io.MultiWriter(out, hash), limited)
	switch {
	case limited.err != nil:
		return fmt.Errorf("broken after %d of %d bytes: %w", n, f.Size, limited.err)
	case err != nil:
		return &writeError{err}
	case n > f.Size:
		return fmt.Errorf("is larger than %d bytes: not the file that is meant", f.Size)
	case n < f.Size:
		return fmt.Errorf("has %d of %d bytes: not the file that is meant, or half of it", n, f.Size)
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != f.SHA256 {
		return fmt.Errorf("SHA-256 is %s, want %s: not the file that is meant", sum, f.SHA256)
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		return &writeError{err}
	}
	return nil
}

// readerError remembers the error of a reader, to tell it from the writer's.
type readerError struct {
	r   io.Reader
	err error
}

func (e *readerError) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	if err != nil && err != io.EOF {
		e.err = err
	}
	return n, err
}

// putTar offers every file of a tar archive.
func (f *fetch) putTar(r io.Reader) error {
	archive := tar.NewReader(r)
	var failures []error
	for len(f.missing) > 0 {
		head, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("broken archive: %w", err))
			break
		}
		if head.Typeflag == tar.TypeReg {
			failures = append(failures, f.put(head.Name, archive))
		}
	}
	return errors.Join(failures...)
}

// putArchive offers every file of a gzip-compressed tar archive.
func (f *fetch) putArchive(r io.Reader) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("broken archive: %w", err)
	}
	return f.putTar(io.LimitReader(z, maxArchive))
}

// putFile offers a file on disk.
func (f *fetch) putFile(path string) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	if f.info.Archive != "" && filepath.Base(path) == f.info.Archive {
		return f.putArchive(r)
	}
	return f.put(filepath.Base(path), r)
}

// tmpPrefix starts the names of folders with unfinished downloads. They lie in
// the data set's own folder, so that a rename stays on one file system.
const tmpPrefix = ".fetch-"

// staleAfter is how old an unfinished download of another process must be
// before it is taken for dead.
const staleAfter = 6 * time.Hour

// lockFolder waits until no other process fetches into dir. The kernel drops
// the lock with its process. Where the file system has no locks it goes on
// without: files are renamed into place whole, so that two do no harm.
func lockFolder(ctx context.Context, dir string) (unlock func(), locked bool, err error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, false, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return func() { f.Close() }, err == nil, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, false, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// syncFolder makes a rename durable, as far as the file system can.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}
