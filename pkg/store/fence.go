package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrFenced means that the caller's lease on a trial is another's now: it must
// drop the trial and write nothing more to its folder.
var ErrFenced = errors.New("the trial's lease was taken over")

// A lease is a file lease.<token> in the trial's folder; given back, it is
// renamed to lease.<token>.free, which works on a full disk too. A taker creates
// the file of the next token, removes the one before it, then sweeps away what
// former owners have half-written; only then does it read the folder. So tokens
// only rise and each has had one owner. The last one stays when the trial is
// finished.
//
// An owner writes a temporary file, checks its lease, renames. Taken over
// before the check, it is fenced there; taken over after it, either the rename
// comes before the sweep, and so before the new owner reads, or it fails for
// want of the temporary file. A paused owner can therefore never write behind
// the back of the next one.
const (
	leasePrefix = "lease."
	freeSuffix  = ".free"
	maxToken    = 1 << 62 // so many takings nobody lives to see: a file of a higher one is no lease
)

func leasePath(dir string, token uint64) string {
	return filepath.Join(dir, leasePrefix+strconv.FormatUint(token, 10))
}

// CheckLease returns ErrFenced unless token is the newest lease on the trial in
// dir, and fs.ErrNotExist where the folder or the lease was deleted: then, too,
// nothing may be written. Token 0 stands for a folder that is not shared: it is
// never fenced.
func CheckLease(dir string, token uint64) error {
	if token == 0 {
		return nil
	}
	newest, err := newestLease(dir)
	if err != nil {
		return fmt.Errorf("check lease: %w", err)
	}
	if newest.token > token {
		return fmt.Errorf("%s: lease %d: %w", dir, token, ErrFenced)
	}
	// On NFS the listing may come from a cache; opening asks the server.
	f, _, err := openFile(leasePath(dir, token), os.O_RDONLY)
	if err == nil {
		return f.Close()
	}
	if errors.Is(err, fs.ErrNotExist) {
		if newest, err := newestLease(dir); err == nil && newest.token > token {
			return fmt.Errorf("%s: lease %d: %w", dir, token, ErrFenced)
		}
		return fmt.Errorf("the trial's lease was deleted under the run: %w", err)
	}
	return fmt.Errorf("check lease: %w", err)
}

// leaseName is a lease file in a trial's folder.
type leaseName struct {
	token uint64
	free  bool // was given back
}

func (l leaseName) path(dir string) string {
	if l.free {
		return leasePath(dir, l.token) + freeSuffix
	}
	return leasePath(dir, l.token)
}

// leases lists the lease files in the trial's folder, in no order.
func leases(dir string) ([]leaseName, error) {
	names, err := readNames(dir)
	if err != nil {
		return nil, err
	}
	var all []leaseName
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, leasePrefix)
		digits, free := strings.CutSuffix(digits, freeSuffix)
		if n, err := strconv.ParseUint(digits, 10, 64); ok && err == nil && n <= maxToken {
			all = append(all, leaseName{n, free})
		}
	}
	return all, nil
}

// newestLease is the one with the highest token in the trial's folder; its
// token is 0 without any.
func newestLease(dir string) (newest leaseName, err error) {
	all, err := leases(dir)
	for _, l := range all {
		if l.token > newest.token {
			newest = l
		}
	}
	return newest, err
}
