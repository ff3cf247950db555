package workerproc

import (
	"bufio"
	"io"
	"strings"
	"sync"
)

const (
	shownLines  = 12  // of the worker's log, shown with a failure
	packLines   = 200 // of the worker's log, kept for the logs of the trials in training
	longestLine = 400 // bytes kept of a line
)

// Tail keeps the end of a worker's log.
type Tail struct {
	mu    sync.Mutex
	lines []string // the last packLines
	taken int      // how many of lines were taken already
}

// Add adds a line.
func (t *Tail) Add(line string) {
	if len(line) > longestLine {
		line = strings.ToValidUTF8(line[:longestLine], "") + " ..."
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	if n := len(t.lines) - packLines; n > 0 {
		t.lines = append(t.lines[:0], t.lines[n:]...)
		t.taken = max(0, t.taken-n)
	}
}

// read adds every line of r.
func (t *Tail) read(r io.Reader) {
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		line, long, err := b.ReadLine()
		if err != nil {
			return
		}
		t.Add(string(line))
		for long && err == nil { // the rest of an endless line
			_, long, err = b.ReadLine()
		}
	}
}

// Take returns the lines since the last Take.
func (t *Tail) Take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append([]string(nil), t.lines[t.taken:]...)
	t.taken = len(t.lines)
	return lines
}

// Last is the end of the log, "" if there is none.
func (t *Tail) Last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines[max(0, len(t.lines)-shownLines):], "\n  ")
}

// Ending is Last as the end of a message.
func (t *Tail) Ending() string { return lastLines(t.Last()) }

// lastLines is a log's end as the end of a message.
func lastLines(said string) string {
	if said == "" {
		return ""
	}
	return "; its last lines:\n  " + said
}
