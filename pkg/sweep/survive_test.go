package sweep

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// long is a run that other processes have time to disturb: 12 trials of 150
// steps, checkpoints all the time.
func long(t *testing.T) setting {
	t.Helper()
	return setting{Out: t.TempDir(), Name: "long", Filters: []int{2, 4, 6, 16}, Seeds: 3, Steps: 150, Jobs: 2,
		Checkpoint: 5 * time.Millisecond, Lease: 2 * time.Second, Worker: fakeOptions{StepMillis: 2}}
}

// wait polls until the condition holds.
func wait(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// checkpoints counts the checkpoint files in the run folder.
func checkpoints(s setting) int {
	found, _ := filepath.Glob(filepath.Join(s.Out, s.Name, "*", "seed-*", "checkpoint", "step-*.bin"))
	return len(found)
}

// Kill the group, the supervisor alone or a worker alone at random moments,
// again and again, with another -j each time: the results are those of an
// undisturbed run, to the byte.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := long(t)
	want := undisturbed(t, s)
	kills := map[string]int{}
	for round := 0; ; round++ {
		if round > 60 {
			t.Fatal("not finished after 60 rounds")
		}
		s.Jobs = 1 + random.IntN(3)
		cmd, out := process(t, s)
		var ended error
		over := make(chan struct{})
		go func() { ended = cmd.Wait(); close(over) }()
		for alive := true; alive; {
			select {
			case <-over:
				alive = false
				continue
			case <-time.After(time.Duration(20+random.IntN(350+30*round)) * time.Millisecond): // ever more time: a slow machine gets there too
			}
			// Mostly workers at first, so that there is a run to disturb.
			switch pids := workers(t, s, cmd.Process.Pid); random.IntN(4) {
			case 0:
				kills["group"]++
				syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			case 1:
				kills["supervisor"]++
				cmd.Process.Kill()
			default:
				if len(pids) > 0 {
					kills["worker"]++
					syscall.Kill(pids[random.IntN(len(pids))], syscall.SIGKILL)
				}
			}
		}
		if ended == nil {
			if strings.Contains(out.String(), `"Failed":0`) || !strings.Contains(out.String(), `"failed":0`) {
				t.Logf("last round: %s", out)
			}
			break
		}
		var exit interface{ ExitCode() int }
		if errors.As(ended, &exit) && exit.ExitCode() > 0 {
			t.Fatalf("round %d: %v: %s", round, ended, out)
		}
	}
	t.Logf("killed: %v", kills)
	got := files(t, s)
	retryKilled(t, s, got)
	same(t, files(t, s), want)
}

// retryKilled trains again what was killed too often while it was alone: that
// is how it should be, and no news of the training.
func retryKilled(t *testing.T, s setting, got map[string][]byte) {
	t.Helper()
	for name, b := range got {
		if filepath.Base(name) == "result.json" && strings.Contains(string(b), `"status": "failed"`) {
			t.Logf("%s failed after two kills; it is retried", name)
			mustRun(t, s, func(o *Options) { o.RetryFailed = true })
			return
		}
	}
}

// Workers do not outlive a killed supervisor, whatever they are doing.
func TestWorkersDieWithTheSupervisor(t *testing.T) {
	t.Parallel()
	s := long(t)
	s.Worker.StepMillis = 60_000 // deep in a step, deaf to its stdin's end but for the goroutine
	s.Lease = 300 * time.Millisecond
	cmd, _ := process(t, s)
	var pids []int
	wait(t, "two workers", func() bool { pids = workers(t, s, cmd.Process.Pid); return len(pids) == 2 })
	cmd.Process.Kill()
	cmd.Wait()
	for _, pid := range pids {
		wait(t, "the worker's end", func() bool {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err != nil || strings.Contains(string(b), ") Z")
		})
	}
}

// Two runs on one folder share the work.
func TestTwoRunsShareTheWork(t *testing.T) {
	t.Parallel()
	s := long(t)
	s.Lease = 10 * time.Second
	want := undisturbed(t, s)
	a, outA := process(t, s)
	b, outB := process(t, s)
	if err := errors.Join(a.Wait(), b.Wait()); err != nil {
		t.Fatalf("%v: %s %s", err, outA, outB)
	}
	same(t, files(t, s), want)
	trained := 0
	for _, out := range []string{outA.String(), outB.String()} {
		summary := lastSummary(t, out)
		if summary.State.Done != len(s.trials()) || summary.Left != 0 {
			t.Errorf("summary %+v", summary)
		}
		trained += summary.Trained
	}
	if trained != len(s.trials()) {
		t.Errorf("%d results accepted, want one a trial: %d", trained, len(s.trials()))
	}
}

// A run that does not wait leaves the trials of another process to it.
func TestNoWait(t *testing.T) {
	t.Parallel()
	s := long(t)
	s.Lease = time.Minute
	cmd, out := process(t, s)
	wait(t, "training", func() bool { return checkpoints(s) > 0 })
	syscall.Kill(-cmd.Process.Pid, syscall.SIGSTOP) // it keeps its leases for as long as this test needs
	summary, rec := mustRun(t, s, func(o *Options) { o.NoWait = true })
	if summary.Left == 0 || summary.Left+summary.State.Done != len(s.trials()) || rec.messages(Waiting) != "" {
		t.Errorf("summary %+v, waiting %q", summary, rec.messages(Waiting))
	}
	syscall.Kill(-cmd.Process.Pid, syscall.SIGCONT)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the first run: %v: %s", err, out)
	}
	if first := lastSummary(t, out.String()); first.Trained+summary.Trained != len(s.trials()) {
		t.Errorf("the first run trained %d, the second %d", first.Trained, summary.Trained)
	}
}

func lastSummary(t *testing.T, out string) (s Summary) {
	t.Helper()
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, `{"State"`) {
			if err := json.Unmarshal([]byte(line), &s); err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	t.Fatalf("no summary in %s", out)
	return s
}

// A supervisor that was stopped for longer than its lease, with its workers
// running on, finds its trials taken over and leaves them alone.
func TestPausedSupervisorIsFenced(t *testing.T) {
	t.Parallel()
	s := long(t)
	want := undisturbed(t, s)
	cmd, out := process(t, s)
	wait(t, "a checkpoint", func() bool { return checkpoints(s) > 0 })
	syscall.Kill(-cmd.Process.Pid, syscall.SIGSTOP)
	for _, pid := range workers(t, s, cmd.Process.Pid) {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	summary, rec := mustRun(t, s, nil)
	if summary.State.Done != len(s.trials()) || summary.Trained == 0 {
		t.Errorf("the second run: %+v", summary)
	}
	if m := rec.messages(Waiting); m != "" && !strings.Contains(m, "being trained by") {
		t.Errorf("it did not say for whom it waits: %q", m)
	}
	got := files(t, s)
	for _, pid := range workers(t, s, cmd.Process.Pid) {
		syscall.Kill(pid, syscall.SIGCONT)
	}
	syscall.Kill(-cmd.Process.Pid, syscall.SIGCONT)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the first run: %v: %s", err, out)
	}
	if first := lastSummary(t, out.String()); first.State.Done != len(s.trials()) || first.Trained+summary.Trained != len(s.trials()) {
		t.Errorf("the first run: %+v", first)
	}
	same(t, got, want)
	same(t, files(t, s), want)
}
