package dataset

import (
	"fmt"
	"strings"
)

// shownFaults is how many faults an error lists.
const shownFaults = 20

// Faults are all the files of a folder that cannot be read.
type Faults struct {
	List []string // "path: why", by path
	Of   int      // files that were read
}

// Error lists the first faults.
func (f *Faults) Error() string {
	const wayOut = "replace them, or set skip_unreadable: true to leave them out"
	if len(f.List) == 1 {
		return f.List[0] + "; replace it, or set skip_unreadable: true to leave it out"
	}
	shown := f.List[:min(len(f.List), shownFaults)]
	text := fmt.Sprintf("%d of %d files cannot be read; %s:\n  %s", len(f.List), f.Of, wayOut, strings.Join(shown, "\n  "))
	if more := len(f.List) - len(shown); more > 0 {
		text += fmt.Sprintf("\n  and %d more; `slimfit data verify --all` lists them", more)
	}
	return text
}
