package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Heartbeat and lease of a process that does not ask for others. The term is
// above the minute or so for which an NFS client may answer from its cache.
const (
	DefaultTerm = 90 * time.Second
	beatsInTerm = 9               // at least
	slowestBeat = 5 * time.Second // `status --watch` shows what the last one said
)

// Process is what a process at work on a run folder tells the others: a file of
// its own in processes/, written at every heartbeat.
type Process struct {
	Owner   Owner           `json:"owner"`
	Beat    uint64          `json:"beat"`    // rises with every heartbeat
	Every   float64         `json:"every"`   // seconds between heartbeats
	Term    float64         `json:"term"`    // seconds without one after which its leases may be taken
	Started time.Time       `json:"started"` // by its own clock, as is Updated
	Updated time.Time       `json:"updated"`
	Status  json.RawMessage `json:"status,omitempty"` // what it is doing, see package sweep

	written time.Time // when the file was, by the folder's clock
}

// Session is this process's work on a run folder: its heartbeat and its leases.
// It is safe for use by several goroutines.
type Session struct {
	folder *Folder
	status func() any
	stop   chan struct{}
	done   chan struct{}
	lost   chan error

	mu   sync.Mutex
	self Process
	seen map[string]sighting // others' heartbeats, by file
}

// sighting is a heartbeat as it was first seen unchanged, by this process's
// monotonic clock.
type sighting struct {
	mark  string
	since time.Time
}

// Join announces this process to the others in the folder and starts its
// heartbeat. term 0 means DefaultTerm. status, which may be nil, is called at
// each heartbeat and its JSON goes into the process's file.
func (f *Folder) Join(term time.Duration, status func() any) (*Session, error) {
	if term <= 0 {
		term = DefaultTerm
	}
	s := &Session{folder: f, status: status, stop: make(chan struct{}), done: make(chan struct{}),
		lost: make(chan error, 1), seen: map[string]sighting{}}
	every := min(term/beatsInTerm, slowestBeat)
	s.self = Process{Owner: newOwner(), Every: every.Seconds(), Term: term.Seconds(), Started: time.Now()}
	if err := makeDir(f.path(processDir)); err != nil {
		return nil, fmt.Errorf("join run folder: %w", err)
	}
	if err := s.beat(); err != nil {
		return nil, fmt.Errorf("join run folder: %w", err)
	}
	s.forget()
	go s.run(every)
	return s, nil
}

// Owner identifies this process.
func (s *Session) Owner() Owner { return s.self.Owner }

// Every is the time between heartbeats.
func (s *Session) Every() time.Duration { return seconds(s.self.Every) }

// Lost gives the reason when heartbeats can no longer be written: others will
// take this process's leases over, so it must stop.
func (s *Session) Lost() <-chan error { return s.lost }

// Close ends the heartbeat and takes the process's file away. Leases are to be
// released before.
func (s *Session) Close() error {
	close(s.stop)
	<-s.done
	if err := os.Remove(s.folder.processPath(s.self.Owner)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("leave run folder: %w", err)
	}
	os.Remove(s.folder.path(processDir)) // fails, as it should, unless empty
	return nil
}

func (s *Session) run(every time.Duration) {
	defer close(s.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	good := time.Now()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		err := s.beat()
		if err == nil {
			good = time.Now()
			continue
		}
		// A deleted folder does not come back; a full disk may.
		if errors.Is(err, fs.ErrNotExist) || time.Since(good) >= seconds(s.self.Term)/2 {
			s.lost <- fmt.Errorf("heartbeat: %w", err)
			return
		}
	}
}

// beat writes the process's file.
func (s *Session) beat() error {
	var status json.RawMessage
	if s.status != nil {
		b, err := json.Marshal(s.status())
		if err != nil {
			return fmt.Errorf("write status: %w", err)
		}
		status = b
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.self.Beat++
	s.self.Updated = time.Now()
	s.self.Status = status
	b, err := json.Marshal(s.self)
	if err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	f := content(s.folder.processPath(s.self.Owner), append(b, '\n'), nil)
	f.durable = false
	if err := f.replace(); err != nil {
		if _, serr := os.Stat(s.folder.Dir); errors.Is(serr, fs.ErrNotExist) {
			return fmt.Errorf("the run folder was deleted under the run: %w", serr)
		}
		if errors.Is(err, fs.ErrNotExist) { // processes/ alone is gone
			if err = os.MkdirAll(s.folder.path(processDir), 0o777); err == nil {
				err = f.replace()
			}
		}
		if err != nil {
			return err
		}
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("read the folder's clock: %w", err)
	}
	s.self.written = info.ModTime()
	return nil
}

// stale says whether the heartbeat in file was silent for so long that its
// owner's leases are free. mark changes with every heartbeat and written is
// its time by the folder's clock, zero if unknown.
//
// The proof is that the mark stayed while the term went by on this process's
// monotonic clock. Three silent beats are proof enough where the folder's clock
// says that the term is over already: that clock alone may have jumped, and the
// clocks of hosts are never compared.
func (s *Session) stale(file, mark string, written time.Time, every, term time.Duration) bool {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.seen[file]
	if !ok || was.mark != mark {
		s.seen[file] = sighting{mark, now}
		return false
	}
	silent := now.Sub(was.since)
	if silent >= term {
		return true
	}
	return !written.IsZero() && s.self.written.Sub(written) >= term && silent >= 3*every
}

// forgetOthers is how many files of other machines forget looks at: a thousand
// processes that start together must not read a thousand files each.
const forgetOthers = 20

// forget removes the files of processes that died on this machine, and of
// others that have been silent for a week. It is only tidying up.
func (s *Session) forget() {
	names, err := readNames(s.folder.path(processDir))
	if err != nil {
		return
	}
	own := safeName(s.self.Owner.Host) + "-"
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	others := 0
	for _, name := range names {
		if !strings.HasPrefix(name, own) {
			if others++; others > forgetOthers {
				continue
			}
		}
		p, err := readProcess(s.folder.path(processDir, name))
		if err == nil && (p.Owner.dead(s.self.Owner) || s.self.written.Sub(p.written) > 7*24*time.Hour) {
			os.Remove(s.folder.path(processDir, name)) // or what it left before the rename
		}
	}
}

// Processes lists the processes that have a file in the folder, by name of
// the file; some may be dead, see Process.Dead.
func (f *Folder) Processes() ([]Process, error) {
	names, err := readNames(f.path(processDir))
	if err != nil {
		return nil, err
	}
	var all []Process
	slices.Sort(names)
	for _, name := range names {
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		p, err := readProcess(filepath.Join(f.path(processDir), name))
		if err == nil {
			all = append(all, p)
		} // one that ends just now, or whose file someone damaged
	}
	return all, nil
}

// Dead says whether the process is known to have died on this machine, or has
// not been heard of since its term, by the clock of the machine that asks.
func (p Process) Dead(now time.Time) bool {
	return p.Owner.dead(newOwner()) || now.Sub(p.written) > seconds(p.Term)
}

// Silence is the time since the process was heard of, by the folder's clock and
// now.
func (p Process) Silence(now time.Time) time.Duration { return max(0, now.Sub(p.written)) }

func readProcess(path string) (Process, error) {
	f, info, err := openFile(path, os.O_RDONLY) // and stat the open file: NFS then asks the server
	if err != nil {
		return Process{}, err
	}
	defer f.Close()
	var p Process
	if err := json.NewDecoder(io.LimitReader(f, maxNote)).Decode(&p); err != nil {
		return Process{}, fmt.Errorf("read %s: %w", path, err)
	}
	p.written = info.ModTime()
	return p, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
