package store

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"slimfit/pkg/result"
)

// LedgerName is the file beside the run folders that counts looks at test
// images, a line a look.
const LedgerName = "test-openings.jsonl"

// Ledger is the file of the looks at the test images of all run folders beside
// it. Nothing in it is ever changed.
type Ledger struct{ path string }

// LedgerIn is the ledger of the folder above the run folders.
func LedgerIn(out string) Ledger { return Ledger{filepath.Join(out, LedgerName)} }

// Exists says whether there is a file.
func (l Ledger) Exists() bool {
	_, err := os.Stat(l.path)
	return !errors.Is(err, fs.ErrNotExist)
}

// ErrNoLedger says that no ledger is there.
var ErrNoLedger = errors.New("there is no " + LedgerName)

// Looks are those at the test images of the key, in order; none where there is
// no file. Lines of other keys are passed over, however many there are.
func (l Ledger) Looks(key string) ([]result.Look, error) {
	return l.read(key, func(look *result.Look) bool { return look.Key == key })
}

// LooksOf are those at the test images that a question opened, whoever looked;
// none where it opened none.
func (l Ledger) LooksOf(question string) ([]result.Look, error) {
	own, err := l.read(question, func(look *result.Look) bool { return look.Question == question })
	if err != nil || len(own) == 0 {
		return nil, err
	}
	return l.Looks(own[0].Key)
}

// read reads the lines that contain a text and are wanted.
func (l Ledger) read(text string, want func(*result.Look) bool) ([]result.Look, error) {
	f, _, err := openFile(l.path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoLedger
	}
	if err != nil {
		return nil, fmt.Errorf("read the ledger of test openings: %w", err)
	}
	defer f.Close()
	var looks []result.Look
	known, has := []byte(fmt.Sprintf(`{"version":%d,`, result.LookVersion)), []byte(text)
	in := bufio.NewReaderSize(f, maxNote)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		switch {
		case err == io.EOF && len(line) == 0:
			return looks, nil
		case err == io.EOF:
			return nil, l.fault(n, "it is cut short, as of a process that was killed while it wrote, before it opened the images; delete that line")
		case err != nil:
			return nil, l.fault(n, fmt.Sprintf("%v; restore it from a copy", err))
		}
		if bytes.HasPrefix(line, known) && !bytes.Contains(line, has) {
			continue
		}
		var look result.Look
		if err := json.Unmarshal(line, &look); err != nil {
			return nil, l.fault(n, fmt.Sprintf("%v; restore it from a copy", err))
		}
		if look.Version != result.LookVersion {
			return nil, l.fault(n, fmt.Sprintf("its version is %d, this program knows %d; use the newer slimfit, or another --out for other "+
				"test images", look.Version, result.LookVersion))
		}
		if want(&look) {
			looks = append(looks, look)
		}
	}
}

func (l Ledger) fault(line int, what string) error {
	return fmt.Errorf("%s:%d: %s", l.path, line, what)
}

// Write adds a look. next gets those that are there and returns the one to add,
// nil for none; no other process reads or writes the ledger meanwhile.
func (l Ledger) Write(key string, next func([]result.Look) (*result.Look, error)) error {
	release, err := l.lock()
	if err != nil {
		return fmt.Errorf("lock the ledger of test openings: %w", err)
	}
	defer release()
	looks, err := l.Looks(key)
	if err != nil && !errors.Is(err, ErrNoLedger) {
		return err
	}
	look, err := next(looks)
	if err != nil || look == nil {
		return err
	}
	look.Version, look.Key, look.Time = result.LookVersion, key, time.Now().UTC().Truncate(time.Second)
	line, err := json.Marshal(look)
	if err != nil {
		return fmt.Errorf("write the ledger of test openings: %w", err)
	}
	if err := appendDurably(l.path, append(line, '\n')); err != nil {
		return fmt.Errorf("write the ledger of test openings: %w", err)
	}
	return nil
}

// lockTries is how often a ledger that others hold is asked for.
const (
	lockTries = 600
	lockWait  = 100 * time.Millisecond
)

// lock takes the ledger's lease, which works between machines too.
func (l Ledger) lock() (release func(), err error) {
	dir := l.path + ".lock"
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	s, err := (&Folder{Dir: dir}).Join(0, nil)
	if err != nil {
		return nil, err
	}
	for range lockTries {
		token, err := s.Acquire(dir)
		var held *HeldError
		switch {
		case err == nil:
			return func() { s.Release(dir, token); s.Close() }, nil
		case !errors.As(err, &held):
			return nil, errors.Join(err, s.Close())
		}
		time.Sleep(lockWait)
	}
	return nil, errors.Join(fmt.Errorf("%s is held by another process for too long", dir), s.Close())
}

// appendDurably adds bytes to a file in one write and sees them onto the disk.
func appendDurably(path string, b []byte) (err error) {
	f, _, err := openFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if n, err := f.Write(b); err != nil {
		return err
	} else if n < len(b) {
		return io.ErrShortWrite
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
