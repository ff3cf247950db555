package store

import (
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestDeadOwnerIsTakenOverAtOnce(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	dir := trialDir(f, 0)
	c := start(t, nil, "process-hold", f.Dir, testTerm.String(), dir)
	c.say()
	c.expect("token 1")
	s := join(t, f)
	if _, err := s.Acquire(dir); !held(err) {
		t.Fatalf("while the owner lives: %v, want a HeldError", err)
	}
	c.kill()
	before := time.Now()
	token, err := s.Acquire(dir)
	if err != nil || token != 2 {
		t.Errorf("after its death: token %d, %v; want 2", token, err)
	}
	if waited := time.Since(before); waited > testTerm/2 {
		t.Errorf("it took %v", waited)
	}
	if again, err := f.Processes(); err != nil || len(again) != 2 {
		t.Errorf("%d process files, %v; want the dead one's and ours", len(again), err)
	}
	join(t, f) // tidies up
	if again, err := f.Processes(); err != nil || len(again) != 2 {
		t.Errorf("%d process files, %v; want the living ones", len(again), err)
	}
}

func TestPausedOwnerFindsItselfFenced(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	dir := trialDir(f, 0)
	c := start(t, nil, "process-hold", f.Dir, testTerm.String(), dir)
	c.say()
	c.expect("token 1")
	c.cmd.Process.Signal(syscall.SIGSTOP)
	s := join(t, f)
	token := takeOver(t, s, dir, testTerm)
	if err := SaveCheckpoint(dir, token, 1, []byte("of the second owner")); err != nil {
		t.Fatal(err)
	}
	if err := RemoveCheckpoints(dir, token); err != nil {
		t.Fatal(err)
	}
	c.cmd.Process.Signal(syscall.SIGCONT)
	c.expect("fenced")
	if steps, err := checkpointSteps(dir); err != nil || len(steps) != 0 {
		t.Errorf("the fenced owner wrote steps %v, %v", steps, err)
	}
	if err := CheckLease(dir, token); err != nil {
		t.Error(err)
	}
}

// takeOver polls until the lease falls to s, which must take about term.
func takeOver(t *testing.T, s *Session, dir string, term time.Duration) uint64 {
	t.Helper()
	before := time.Now()
	for {
		token, err := s.Acquire(dir)
		waited := time.Since(before)
		if err == nil {
			if waited < term*6/10 { // the last beat may be a while ago, and the folder's clock may prove the rest
				t.Errorf("taken over after %v, the term is %v", waited, term)
			}
			return token
		}
		if !held(err) {
			t.Fatal(err)
		}
		if waited > 10*term {
			t.Fatalf("not taken over after %v", waited)
		}
		time.Sleep(term / beatsInTerm)
	}
}

func TestOwnerInAnotherPIDNamespace(t *testing.T) {
	t.Parallel()
	prefix := []string{"unshare", "--pid", "--fork", "--kill-child"}
	for name, extra := range map[string][]string{
		"own proc":     {"--mount-proc"},
		"foreign proc": nil, // /proc shows the outer namespace
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			full := append(append([]string{}, prefix...), extra...)
			if out, err := exec.Command(full[0], append(full[1:], "true")...).CombinedOutput(); err != nil {
				t.Skipf("SKIPPED: no PID namespaces here: unshare: %v: %s", err, out)
			}
			f := newFolder(t)
			dir := trialDir(f, 0)
			c := start(t, full, "process-hold", f.Dir, testTerm.String(), dir)
			c.say()
			c.expect("token 1")
			s := join(t, f)
			// Its PID is 1, which lives here too, or some other that means nothing
			// here: only the heartbeat counts.
			for end := time.Now().Add(testTerm * 3 / 2); time.Now().Before(end); time.Sleep(testTerm / 20) {
				if _, err := s.Acquire(dir); !held(err) {
					t.Fatalf("while the owner lives: %v, want a HeldError", err)
				}
			}
			c.kill()
			if token := takeOver(t, s, dir, testTerm); token != 2 {
				t.Errorf("token %d, want 2", token)
			}
		})
	}
}

func TestTwoTakersAtOnce(t *testing.T) {
	f := newFolder(t)
	const trials, takers = 60, 4
	var dirs []string
	for i := range trials {
		dirs = append(dirs, trialDir(f, int64(i)))
	}
	// First a process takes all and dies, so that half the leases are takeovers.
	first := start(t, nil, append([]string{"process-grab", f.Dir, "1h"}, dirs[:trials/2]...)...)
	first.say()
	for range trials / 2 {
		first.line()
	}
	first.expect("end")
	first.kill()

	var children []*child
	for range takers {
		children = append(children, start(t, nil, append([]string{"process-grab", f.Dir, "1h"}, dirs...)...))
	}
	for _, c := range children {
		c.say()
	}
	got := map[string]int{}
	winners := map[int]bool{}
	for i, c := range children {
		for line := c.line(); line != "end"; line = c.line() {
			got[line]++
			winners[i] = true
		}
	}
	for i, dir := range dirs {
		token := 1
		if i < trials/2 {
			token = 2
		}
		if n := got[fmt.Sprintf("got %s %d", dir, token)]; n != 1 {
			t.Errorf("%s: %d takers won token %d", dir, n, token)
		}
	}
	if len(got) != trials {
		t.Errorf("%d leases, want %d: %v", len(got), trials, got)
	}
	t.Logf("%d of %d processes won some", len(winners), takers)
}
