package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"slimfit/pkg/result"
)

// testTerm is long enough for a heartbeat to come in time on a busy machine.
const testTerm = 2 * time.Second

func join(t *testing.T, f *Folder) *Session {
	t.Helper()
	s, err := f.Join(testTerm, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func trialDir(f *Folder, seed int64) string {
	return f.TrialDir(result.Key{ConfigID: "c5x2-p4-d128-12345678", Seed: seed})
}

// held reports whether err says that another holds the lease.
func held(err error) bool {
	var h *HeldError
	return errors.As(err, &h)
}

func TestLeaseCycle(t *testing.T) {
	f := newFolder(t)
	a, b := join(t, f), join(t, f)
	dir := trialDir(f, 0)
	for want := uint64(1); want <= 5; want++ {
		token, err := a.Acquire(dir)
		if err != nil || token != want {
			t.Fatalf("token %d, %v; want %d", token, err, want)
		}
		if _, err := b.Acquire(dir); !held(err) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
			t.Fatalf("second taker: %v, want a HeldError that names the owner", err)
		}
		if _, err := a.Acquire(dir); !held(err) {
			t.Fatalf("the owner again: %v, want a HeldError", err)
		}
		if err := CheckLease(dir, token); err != nil {
			t.Fatal(err)
		}
		if err := a.Release(dir, token); err != nil {
			t.Fatal(err)
		}
		if err := CheckLease(dir, token); err == nil {
			t.Fatal("a released lease counts")
		}
		a, b = b, a
	}
	if names, _ := readNames(dir); len(names) != 1 {
		t.Errorf("left behind: %v, want the last lease only", names)
	}
}

func TestFencedOwnerWritesNothing(t *testing.T) {
	f := newFolder(t)
	s := join(t, f)
	r := sample(t, 2, 0)
	dir := f.TrialDir(r.Key())
	old, err := s.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.leaseFile(dir, old+1).create(); err != nil { // another took over
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"result":      f.WriteResult(r, old, false),
		"replacement": f.WriteResult(r, old, true),
		"history":     f.WriteHistory(r.Key(), old, nil),
		"checkpoint":  SaveCheckpoint(dir, old, 1, nil),
		"weights":     SaveWeights(dir, old, nil),
		"removal":     RemoveCheckpoints(dir, old),
	} {
		if !errors.Is(err, ErrFenced) {
			t.Errorf("%s: %v, want ErrFenced", name, err)
		}
	}
	if err := s.Release(dir, old); err != nil {
		t.Errorf("release: %v", err)
	}
	if err := CheckLease(dir, old+1); err != nil {
		t.Errorf("the new owner: %v", err)
	}
	names, _ := readNames(dir)
	for _, name := range names {
		if !strings.HasPrefix(name, leasePrefix) && name != checkpointDir {
			t.Errorf("a fenced owner left %s", name)
		}
	}
}

// A rename that comes after the new owner's sweep finds no temporary file.
func TestSweptOwnerIsFenced(t *testing.T) {
	f := newFolder(t)
	s := join(t, f)
	k := result.Key{ConfigID: "c5x2-12345678"}
	dir := f.TrialDir(k)
	token, err := s.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, act := range map[string]func(file) error{"replace": file.replace, "create": file.create} {
		checks := 0
		out := content(filepath.Join(dir, name), []byte("late"), func() error {
			if checks++; checks > 1 {
				return CheckLease(dir, token)
			}
			// Between this check and the rename another process takes over.
			if err := s.leaseFile(dir, token+1).replace(); err != nil {
				t.Fatal(err)
			}
			if err := s.settle(dir, token+1); err != nil {
				t.Fatal(err)
			}
			return nil
		})
		if err := act(out); !errors.Is(err, ErrFenced) {
			t.Errorf("%s: %v, want ErrFenced", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was written behind the new owner's back", name)
		}
	}
}

// Many goroutines at one lease at the same moment, as often as it takes to hit
// every interleaving of link, list and unlink.
func TestTakersRace(t *testing.T) {
	f := newFolder(t)
	var sessions []*Session
	for range 6 {
		sessions = append(sessions, join(t, f))
	}
	dir := trialDir(f, 0)
	var last uint64
	for round := range 300 {
		tokens := make([]uint64, len(sessions))
		var wg sync.WaitGroup
		for i, s := range sessions {
			wg.Go(func() {
				token, err := s.Acquire(dir)
				if err == nil {
					tokens[i] = token
				} else if !held(err) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		winner := -1
		for i, token := range tokens {
			if token == 0 {
				continue
			}
			if winner >= 0 {
				t.Fatalf("round %d: two owners, tokens %v", round, tokens)
			}
			winner = i
		}
		if winner < 0 {
			continue // all stepped back from each other: nobody is worse off, the next round decides
		}
		if tokens[winner] <= last {
			t.Fatalf("round %d: token %d after %d", round, tokens[winner], last)
		}
		last = tokens[winner]
		if err := CheckLease(dir, last); err != nil {
			t.Fatalf("round %d: the winner is fenced: %v", round, err)
		}
		if err := sessions[winner].Release(dir, last); err != nil {
			t.Fatal(err)
		}
	}
	if last < 100 {
		t.Errorf("only %d of 300 rounds had a winner", last)
	}
}

func TestReusedPIDIsDead(t *testing.T) {
	me := newOwner()
	if me.BootID == "" {
		t.Skip("SKIPPED: no /proc")
	}
	other := me
	if other.dead(me) {
		t.Error("this process counts as dead")
	}
	other.StartTime++
	if !other.dead(me) {
		t.Error("a process with our PID that started at another time counts as alive")
	}
	for name, unknown := range map[string]Owner{
		"another machine":       {BootID: "x", PIDNamespace: me.PIDNamespace, PID: 1 << 30},
		"another PID namespace": {BootID: me.BootID, PIDNamespace: "pid:[1]", PID: 1 << 30},
		"no /proc there":        {PID: 1 << 30},
	} {
		if unknown.dead(me) {
			t.Errorf("%s: counts as dead, which cannot be known", name)
		}
	}
	if o := (Owner{BootID: me.BootID, PIDNamespace: me.PIDNamespace, PID: 1 << 30}); !o.dead(me) {
		t.Error("a PID that nobody has counts as alive")
	}
}

// Clock jumps on either side do no harm: a beating owner is never stale, a
// silent one always is when the term went by on the observer's own clock.
func TestStaleByMonotonicClock(t *testing.T) {
	const every, term = 10 * time.Second, 90 * time.Second
	folder := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		age   time.Duration // of the heartbeat by the folder's clock, as it seems
		beats bool
		want  time.Duration // until it is stale; 0: never
	}{
		{"beats", 0, true, 0},
		{"beats, our clock jumped forward", 10 * time.Hour, true, 0},
		{"beats, our clock jumped back", -10 * time.Hour, true, 0},
		{"silent just now", 0, false, term},
		{"silent, clock jumped back", -10 * time.Hour, false, term},
		{"silent since yesterday", 24 * time.Hour, false, 3 * every},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Session{seen: map[string]sighting{}}
				s.self.written = folder.Add(c.age)
				begin := time.Now()
				for time.Since(begin) < 3*term {
					mark := "1"
					if c.beats {
						mark = fmt.Sprint(time.Since(begin) / every)
					}
					if s.stale("other", mark, folder, every, term) {
						if got := time.Since(begin); got != c.want {
							t.Errorf("stale after %v, want %v", got, c.want)
						}
						return
					}
					time.Sleep(time.Second)
				}
				if c.want != 0 {
					t.Errorf("not stale after %v, want %v", time.Since(begin), c.want)
				}
			})
		})
	}
}

func TestUnreadableLeaseFallsFree(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	s := join(t, f)
	contents := [][]byte{nil, []byte("{"), []byte("{}"), bytes.Repeat([]byte{0}, 100)}
	for i, b := range contents {
		dir := trialDir(f, int64(i))
		if err := f.makeTrialDir(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(leasePath(dir, 7), b, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Acquire(dir); !held(err) {
			t.Errorf("%q: %v, want a HeldError at first", b, err)
		}
	}
	for i, b := range contents {
		before := time.Now()
		token, err := s.Acquire(trialDir(f, int64(i)))
		for held(err) && time.Since(before) < 10*testTerm {
			time.Sleep(testTerm / 20)
			token, err = s.Acquire(trialDir(f, int64(i)))
		}
		if err != nil || token != 8 {
			t.Errorf("%q: token %d, %v; want 8", b, token, err)
		}
	}
}

// removeAll removes a folder that a heartbeat may be writing into at the time.
func removeAll(t *testing.T, dir string) {
	t.Helper()
	var err error
	for range 20 {
		if err = os.RemoveAll(dir); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func TestHeartbeatReturnsAfterDeletion(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	s, err := f.Join(200*time.Millisecond, func() any { return map[string]int{"done": 7} })
	if err != nil {
		t.Fatal(err)
	}
	removeAll(t, f.path(processDir))
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		all, err := f.Processes()
		if err == nil && len(all) == 1 {
			var status map[string]int
			if err := json.Unmarshal(all[0].Status, &status); err != nil || status["done"] != 7 {
				t.Errorf("status %s, %v", all[0].Status, err)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no heartbeat: %v, %v", all, err)
		}
	}
	// The whole folder is another matter.
	removeAll(t, f.Dir)
	select {
	case err := <-s.Lost():
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), f.Dir) {
			t.Errorf("lost: %v, want the run folder's name", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the run folder is gone and nobody said so")
	}
	s.Close()
	if _, err := os.Stat(f.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the run folder came back: %v", err)
	}
}
