package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// leaseRecord is the content of a lease file.
type leaseRecord struct {
	Owner Owner     `json:"owner"`
	Every float64   `json:"every"` // seconds between the owner's heartbeats
	Term  float64   `json:"term"`  // seconds of silence after which the lease is free
	Taken time.Time `json:"taken"` // by the owner's clock, for people
}

// HeldError means that another process, which may well be alive, holds the
// lease on a trial.
type HeldError struct {
	Dir   string
	Owner Owner // zero where its record is not readable
}

func (e *HeldError) Error() string {
	if e.Owner.Nonce == "" {
		return fmt.Sprintf("%s is leased to another process", e.Dir)
	}
	return fmt.Sprintf("%s is leased to %s", e.Dir, e.Owner)
}

// Acquire leases the trial in dir to this process and returns the fencing
// token; the folder is made if it is not there. The error is a *HeldError while
// another process holds it. A dead process's lease is taken over at once on its
// own machine; elsewhere its heartbeat must have been seen to stay silent, so
// ask again after a while.
func (s *Session) Acquire(dir string) (token uint64, err error) {
	if err := s.folder.makeTrialDir(dir); err != nil {
		return 0, fmt.Errorf("lease a trial: %w", err)
	}
	last, err := newestLease(dir)
	if err != nil {
		return 0, fmt.Errorf("lease a trial: %w", err)
	}
	if last.token > 0 && !last.free {
		free, owner, err := s.free(last.path(dir))
		if err != nil {
			return 0, err
		}
		if !free {
			return 0, &HeldError{dir, owner}
		}
	}
	if last.token == maxToken {
		return 0, fmt.Errorf("lease a trial: no token is left after %s; remove that file", last.path(dir))
	}
	token = last.token + 1
	err = s.leaseFile(dir, token).create()
	if errors.Is(err, fs.ErrExist) {
		return 0, &HeldError{Dir: dir}
	}
	if err != nil {
		if _, serr := os.Stat(dir); serr == nil && errors.Is(err, fs.ErrNotExist) {
			return 0, &HeldError{Dir: dir} // the winner swept our temporary file away
		}
		return 0, err
	}
	return token, s.settle(dir, token)
}

// settle makes a lease that was just created the only one. It is not ours
// after all if a slower look at the folder made it, behind newer ones.
func (s *Session) settle(dir string, token uint64) error {
	all, err := leases(dir)
	if err != nil {
		return fmt.Errorf("lease a trial: %w", err)
	}
	for _, l := range all {
		if l.token > token {
			os.Remove(leasePath(dir, token))
			return &HeldError{Dir: dir}
		}
	}
	for _, l := range all {
		if l.token < token {
			if err := os.Remove(l.path(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("take over a lease: %w", err)
			}
		}
	}
	return SweepLeftovers(dir)
}

// Release gives a lease back. One that was taken over is not ours to release:
// that is no error.
func (s *Session) Release(dir string, token uint64) error {
	free := leaseName{token, true}.path(dir)
	if err := os.Rename(leasePath(dir, token), free); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("release a lease: %w", err)
	}
	return nil
}

// leaseFile is not synced: after a power cut every owner is dead, and an
// unreadable lease falls free when its term is over.
func (s *Session) leaseFile(dir string, token uint64) file {
	// plain fields: cannot fail
	b, _ := json.Marshal(leaseRecord{Owner: s.self.Owner, Every: s.self.Every, Term: s.self.Term, Taken: time.Now()})
	f := content(leasePath(dir, token), append(b, '\n'), nil)
	f.durable = false
	return f
}

// free says whether the lease in the file is nobody's: its owner is dead or
// silent.
func (s *Session) free(path string) (bool, Owner, error) {
	b, err := ReadFile(path, maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		return false, Owner{}, nil // taken over this moment by another
	}
	if _, ok := errors.AsType[*FileError](err); ok {
		return true, Owner{}, nil // no lease that anybody took
	}
	if err != nil {
		return false, Owner{}, fmt.Errorf("read lease: %w", err)
	}
	var r leaseRecord
	if json.Unmarshal(b, &r) != nil || r.Owner.Nonce == "" {
		return s.unreadable(path, b), Owner{}, nil
	}
	if r.Owner.dead(s.self.Owner) {
		return true, r.Owner, nil
	}
	if r.Owner.Nonce == s.self.Owner.Nonce {
		return false, r.Owner, nil
	}
	file := s.folder.processPath(r.Owner)
	p, err := readProcess(file)
	mark, written := "missing", time.Time{}
	if err == nil {
		mark, written = fmt.Sprint(p.Beat), p.written
	}
	return s.stale(file, mark, written, seconds(r.Every), seconds(r.Term)), r.Owner, nil
}

// unreadable treats a lease file without a readable record (a power cut, an
// editor) as one whose owner has not been heard of since it was written.
func (s *Session) unreadable(path string, b []byte) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	mark := fmt.Sprintf("%x %d", b, info.ModTime().UnixNano())
	return s.stale(path, mark, info.ModTime(), s.Every(), seconds(s.self.Term))
}
