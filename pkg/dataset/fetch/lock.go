package fetch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

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
