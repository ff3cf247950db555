package sweep

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// cacheName is a file of the run folder with what Look saw of its results, so
// that the next process reads only those that changed since. Whatever is wrong
// with it, it is as if it were not there; where it cannot be written, each
// process reads all. It is no evidence: whoever reports or judges reads results.
const (
	cacheName  = "status.cache"
	cacheHead  = "slimfit status 1" // another number where sights mean something else
	cacheLeast = 1000               // results read anew are worth writing it
	cacheMost  = 1 << 27            // bytes
)

// settles is how old a change must be to be told from the next one, whatever
// clock the file system has.
const settles = 2 * time.Second

func writeSeen(f *store.Folder, seen map[result.Key]sight, now time.Time) {
	var b bytes.Buffer
	for k, s := range seen {
		if s.damaged == "" && s.stamp.Changed < now.Add(-settles).UnixNano() {
			fmt.Fprintf(&b, "%s %d %d %d %d %s %q\n", k.ConfigID, k.Seed, s.stamp.Written, s.stamp.Changed, s.stamp.Size, s.status, s.reason)
		}
	}
	head := fmt.Sprintf("%s %08x\n", cacheHead, sum(b.Bytes()))
	_ = store.WriteFile(filepath.Join(f.Dir, cacheName), append([]byte(head), b.Bytes()...)) // a folder may be read-only
}

// readSeen is what writeSeen wrote; nil in doubt.
func readSeen(f *store.Folder) map[result.Key]sight {
	b, err := store.ReadFile(filepath.Join(f.Dir, cacheName), cacheMost)
	head, body, ok := strings.Cut(string(b), "\n")
	if err != nil || !ok || head != fmt.Sprintf("%s %08x", cacheHead, sum([]byte(body))) {
		return nil
	}
	seen := make(map[result.Key]sight, strings.Count(body, "\n"))
	for line := range strings.Lines(body) {
		id, rest, _ := strings.Cut(line, " ")
		var n [4]int64 // seed, written, changed, size
		for i := range n {
			var number string
			number, rest, _ = strings.Cut(rest, " ")
			if n[i], err = strconv.ParseInt(number, 10, 64); err != nil {
				return nil
			}
		}
		status, quoted, _ := strings.Cut(rest, " ")
		reason, err := strconv.Unquote(strings.TrimSuffix(quoted, "\n"))
		if err != nil || !result.Status(status).Finished() {
			return nil
		}
		seen[result.Key{ConfigID: id, Seed: n[0]}] = sight{stamp: store.Stamp{Written: n[1], Changed: n[2], Size: n[3]},
			status: result.Status(status), reason: reason}
	}
	return seen
}

func sum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
