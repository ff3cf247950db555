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

// A lease is a file lease.<token> in the trial's folder. A taker creates the
// file of the next token, then removes the one before it, so tokens only rise
// and each has had one owner. The last one stays when the trial is finished.
const leasePrefix = "lease."

func leasePath(dir string, token uint64) string {
	return filepath.Join(dir, leasePrefix+strconv.FormatUint(token, 10))
}

// CheckLease returns ErrFenced unless token is the newest lease on the trial in
// dir. Token 0 stands for a folder that is not shared: it is never fenced.
func CheckLease(dir string, token uint64) error {
	if token == 0 {
		return nil
	}
	newest, err := newestLease(dir)
	if err != nil {
		return fmt.Errorf("check lease: %w", err)
	}
	if newest != token {
		return fmt.Errorf("%s: lease %d: %w", dir, token, ErrFenced)
	}
	// On NFS the listing may come from a cache; opening asks the server.
	f, err := os.Open(leasePath(dir, token))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: lease %d: %w", dir, token, ErrFenced)
	}
	if err != nil {
		return fmt.Errorf("check lease: %w", err)
	}
	return f.Close()
}

// newestLease is the highest token in the trial's folder, 0 without any.
func newestLease(dir string) (uint64, error) {
	names, err := readNames(dir)
	if err != nil {
		return 0, err
	}
	var newest uint64
	for _, name := range names {
		if digits, ok := strings.CutPrefix(name, leasePrefix); ok {
			if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
				newest = max(newest, n)
			}
		}
	}
	return newest, nil
}
