package sweep

import (
	"bufio"
	"io"
	"strings"
	"sync"
)

const (
	lastLines   = 12  // of the worker's log, shown with a failure
	packLines   = 200 // of the worker's log, kept for the logs of the trials in training
	longestLine = 400 // bytes kept of a line
)

// tail keeps the end of a worker's log.
type tail struct {
	mu    sync.Mutex
	lines []string // the last packLines
	taken int      // how many of lines were taken already
}

func (t *tail) add(line string) {
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
func (t *tail) read(r io.Reader) {
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		line, long, err := b.ReadLine()
		if err != nil {
			return
		}
		t.add(string(line))
		for long && err == nil { // the rest of an endless line
			_, long, err = b.ReadLine()
		}
	}
}

// take returns the lines since the last take.
func (t *tail) take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append([]string(nil), t.lines[t.taken:]...)
	t.taken = len(t.lines)
	return lines
}

// last is the end of the log as the end of a message, "" if there is none.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == 0 {
		return ""
	}
	return "; its last lines:\n  " + strings.Join(t.lines[max(0, len(t.lines)-lastLines):], "\n  ")
}
