package sweep

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

func TestRunTrainsAllOnce(t *testing.T) {
	s := small(t)
	summary, rec := mustRun(t, s, nil)
	n := len(s.trials())
	if summary.State.Done != n || summary.Trained != n || summary.Left != 0 || len(summary.Failures) != 0 {
		t.Errorf("summary %+v, want %d done", summary, n)
	}
	trained := 0
	for _, e := range rec.events {
		if e.Kind == Trained {
			trained++
			if e.Result == nil || e.Label == "" || e.Result.Wrong.Test != nil {
				t.Errorf("event %+v", e)
			}
		}
	}
	if trained != n {
		t.Errorf("%d events of trained trials, want %d", trained, n)
	}
	r := trialResult(t, s, 3)
	if r.Experiment != "small" || r.Assignment["filters"] != float64(4) || r.Footprint.Parameters == 0 ||
		r.Accuracy.Test == nil || len(r.Model) != 4 || r.Seed != 1 {
		t.Errorf("the supervisor's part of the result is missing: %+v", r)
	}
	before := files(t, s)
	if len(before) != 3*n {
		t.Errorf("%d files, want three a trial", len(before))
	}

	again, _ := mustRun(t, s, func(o *Options) { o.Command = noWorker(t) })
	if again.Trained != 0 || again.State.Before != n || again.State.Done != n {
		t.Errorf("the second run: %+v", again)
	}
	same(t, files(t, s), before)
	if names, _ := os.ReadDir(filepath.Join(s.Out, s.Name, "processes")); len(names) != 0 {
		t.Errorf("process files left: %v", names)
	}
}

// -j, packs and their partners do not show in the results.
func TestJobsAndPacksDoNotShow(t *testing.T) {
	t.Parallel()
	s := small(t)
	want := undisturbed(t, s)
	for _, c := range []struct {
		jobs  int
		packs func([]experiment.Trial, []Slot) []Pack
	}{
		{1, nil}, {5, nil},
		{2, func(trials []experiment.Trial, _ []Slot) (packs []Pack) { // all alone
			for _, tr := range trials {
				packs = append(packs, Pack{Trials: []experiment.Trial{tr}})
			}
			return packs
		}},
		{2, func(trials []experiment.Trial, _ []Slot) []Pack { return []Pack{{Trials: trials}} }},
	} {
		s := s
		s.Out, s.Jobs = t.TempDir(), c.jobs
		mustRun(t, s, func(o *Options) { o.pack = c.packs })
		same(t, files(t, s), want)
	}
}

func TestWorkerFaults(t *testing.T) {
	ids := func(s setting) []string {
		var all []string
		for _, tr := range s.trials() {
			all = append(all, keyString(tr))
		}
		return all
	}(small(t))
	once := func() string { return filepath.Join(t.TempDir(), "done") }
	for _, c := range []struct {
		name   string
		fault  fakeFault
		failed int      // trials that fail in the end
		reason []string // of the failure
		retry  string   // what the retry's message says
	}{
		{name: "killed once", fault: fakeFault{Match: ids[0], At: 30, Do: "kill", Once: once()}, retry: "killed by signal"},
		{name: "killed once while alone", fault: fakeFault{Match: ids[6], At: 30, Do: "kill", Once: once()}, retry: "(1 of 1)"},
		{name: "exits once", fault: fakeFault{Match: ids[1], At: 30, Do: "exit", Once: once()}, retry: "exit status 3"},
		{name: "error once", fault: fakeFault{Match: ids[1], At: 30, Do: "error", Once: once()}, retry: "the graph does not fit"},
		{name: "hangs once", fault: fakeFault{Match: ids[1], At: 30, Do: "hang", Once: once()}, retry: "was silent for 2s and was killed"},
		{name: "always dies", fault: fakeFault{Match: ids[2], At: 30, Do: "kill"}, failed: 1,
			reason: []string{"killed by signal: killed", "run out of memory", "fake worker: kill at step 30 of " + ids[2]}, retry: "in two halves"},
		{name: "always errs", fault: fakeFault{Match: ids[2], At: 30, Do: "error"}, failed: 1, reason: []string{"the graph does not fit"}},
		{name: "one configuration always dies", fault: fakeFault{Match: strings.TrimSuffix(ids[6], "0"), At: 1, Do: "exit"}, failed: 2,
			reason: []string{"exit status 3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := small(t)
			want := undisturbed(t, s)
			s.Worker.Faults = []fakeFault{c.fault}
			summary, rec := mustRun(t, s, func(o *Options) { o.Hang = 2 * time.Second })
			n := len(s.trials())
			if summary.State.Done != n-c.failed || summary.State.Failed != c.failed || len(summary.Failures) != c.failed || summary.Left != 0 {
				t.Errorf("summary %+v, want %d failed", summary, c.failed)
			}
			if m := rec.messages(Retry); !strings.Contains(m, c.retry) {
				t.Errorf("retries say %q, want %q", m, c.retry)
			}
			got := files(t, s)
			for _, f := range summary.Failures {
				for _, w := range c.reason {
					if !strings.Contains(f.Reason, w) {
						t.Errorf("reason %q, want %q", f.Reason, w)
					}
				}
				r, err := mustOpen(t, s).ReadResult(f.Key)
				if err != nil || r.Status != result.Failed || r.Reason != f.Reason || r.Footprint.Parameters == 0 {
					t.Errorf("its result: %+v, %v", r, err)
				}
				for _, name := range []string{"result.json", "history.csv", "checkpoint/weights.bin"} {
					delete(want, filepath.Join(f.Key.String(), name))
				}
				delete(got, filepath.Join(f.Key.String(), "result.json"))
			}
			same(t, got, want)
		})
	}
}

func mustOpen(t *testing.T, s setting) *store.Folder {
	t.Helper()
	f, err := store.Open(filepath.Join(s.Out, s.Name))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDivergedIsFinal(t *testing.T) {
	t.Parallel()
	s := small(t)
	s.Worker.Faults = []fakeFault{{Match: keyString(s.trials()[0]), At: 30, Do: "diverge"}}
	summary, _ := mustRun(t, s, nil)
	if summary.State.Diverged != 1 || summary.State.Done != len(s.trials())-1 || len(summary.Failures) != 1 ||
		summary.Failures[0].Reason != "the loss was NaN at step 30" {
		t.Errorf("summary %+v", summary)
	}
	again, _ := mustRun(t, s, func(o *Options) { o.RetryFailed, o.Command = true, noWorker(t) })
	if again.Trained != 0 || len(again.Failures) != 1 {
		t.Errorf("again: %+v", again)
	}
}

func TestRetryFailed(t *testing.T) {
	t.Parallel()
	s := small(t)
	want := undisturbed(t, s)
	s.Worker.Faults = []fakeFault{{Match: keyString(s.trials()[2]), At: 55, Do: "exit"}}
	if summary, _ := mustRun(t, s, nil); summary.State.Failed != 1 {
		t.Fatalf("summary %+v", summary)
	}
	again, _ := mustRun(t, s, func(o *Options) { o.Command = noWorker(t) })
	if again.Trained != 0 || again.State.Failed != 1 || len(again.Failures) != 1 {
		t.Errorf("without RetryFailed: %+v", again)
	}
	// Still broken: it fails again, once.
	if summary, _ := mustRun(t, s, func(o *Options) { o.RetryFailed = true }); summary.State.Failed != 1 {
		t.Errorf("still broken: %+v", summary)
	}
	s.Worker.Faults = nil
	healed, rec := mustRun(t, s, func(o *Options) { o.RetryFailed = true })
	if healed.Trained != 1 || healed.State.Done != len(s.trials()) {
		t.Errorf("with RetryFailed: %+v", healed)
	}
	if m := rec.messages(Detail); !strings.Contains(m, "starts at step ") || strings.Contains(m, "starts at step 0 ") {
		t.Errorf("it did not go on from its checkpoint: %q", m)
	}
	same(t, files(t, s), want)
}

func TestWorkerThatCannotStart(t *testing.T) {
	s := small(t)
	s.Worker.Start = "libtensorflow.so.2: cannot open shared object file"
	summary, _, err := tryRun(t, context.Background(), s, nil)
	wantFatal(t, err, "exit status 127", "libtensorflow.so.2: cannot open shared object file")
	if summary.Left != len(s.trials()) || len(summary.Failures) != 0 || len(files(t, s)) != 0 {
		t.Errorf("summary %+v, want nothing done and nothing failed", summary)
	}
	_, _, err = tryRun(t, context.Background(), s, func(o *Options) { o.Command = commandOf("/no/such/worker") })
	wantFatal(t, err, "/no/such/worker", "no such file")
	s.Worker.Start = ""
	if summary, _ := mustRun(t, s, nil); summary.State.Done != len(s.trials()) {
		t.Errorf("afterwards: %+v", summary)
	}
}

// Where the workers of every trial die, as of too little memory, the machine is
// to blame, and no trial.
func TestEveryWorkerDies(t *testing.T) {
	s := small(t)
	s.Filters = []int{16, 17, 18, 19, 20}
	s.Worker.Faults = []fakeFault{{At: 1, Do: "kill"}}
	summary, _, err := tryRun(t, context.Background(), s, nil)
	wantFatal(t, err, "the workers of every trial die", "memory")
	if summary.Left != len(s.trials()) || len(summary.Failures) != 0 {
		t.Errorf("summary %+v, want nothing done and nothing failed", summary)
	}
	s.Worker.Faults[0].Match = s.trials()[0].Key().String() // the machine is well again, one trial is not
	if summary, _ := mustRun(t, s, nil); summary.State.Done != len(s.trials())-1 || len(summary.Failures) != 1 {
		t.Errorf("afterwards: %+v", summary)
	}
}

// The same complaint about one trial after the other is not the trials' fault.
func TestAllFailAlike(t *testing.T) {
	s := small(t)
	s.Filters = []int{16, 17, 18, 19, 20, 21, 22, 23} // wide: no packs
	s.Worker.Faults = []fakeFault{{At: 1, Do: "error"}}
	summary, _, err := tryRun(t, context.Background(), s, nil)
	wantFatal(t, err, "all fail in the same way", "the graph does not fit")
	if summary.State.Failed == 0 || summary.State.Failed > 6 {
		t.Errorf("%d failed, want a few", summary.State.Failed)
	}
}

func TestStopAndResume(t *testing.T) {
	t.Parallel()
	s := small(t)
	want := undisturbed(t, s)
	s.Steps, s.Checkpoint = 60, 0 // only the stop writes checkpoints
	s.Worker.StepMillis = 5
	cause := errors.New("enough for now")
	ctx, cancel := context.WithCancelCause(context.Background())
	summary, rec, err := tryRun(t, ctx, s, func(o *Options) {
		add := o.Events
		o.Events = func(e Event) {
			add(e)
			for _, w := range e.State.Workers {
				if w.Step > 20 {
					cancel(cause)
				}
			}
		}
	})
	if !errors.Is(err, cause) {
		t.Fatalf("error %v, want the context's cause", err)
	}
	if summary.Left == 0 || !summary.State.Stopping || rec.messages(Stopping) != cause.Error() {
		t.Errorf("summary %+v, stopping %q", summary, rec.messages(Stopping))
	}
	s.Jobs = 3
	_, rec = mustRun(t, s, nil)
	if m := rec.messages(Detail); strings.Count(m, "starts at step 2")+strings.Count(m, "starts at step 3") == 0 {
		t.Errorf("nothing was taken up from a checkpoint: %q", m)
	}
	same(t, files(t, s), want)
}

func TestWorkerThatWillNotStopIsKilled(t *testing.T) {
	t.Parallel()
	s := small(t)
	s.Jobs = 1
	s.Worker.Faults = []fakeFault{{At: 10, Do: "hang"}}
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	before := time.Now()
	summary, _, err := tryRun(t, ctx, s, func(o *Options) { o.StopGrace = time.Second })
	if !errors.Is(err, context.DeadlineExceeded) || summary.State.Failed != 0 {
		t.Errorf("error %v, summary %+v", err, summary)
	}
	if took := time.Since(before); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A test set that was closed is opened later without training again.
func TestTestSetIsOpenedLater(t *testing.T) {
	t.Parallel()
	s := small(t)
	want := undisturbed(t, s)
	mustRun(t, s, func(o *Options) { o.Test = false })
	if r := trialResult(t, s, 0); r.Accuracy.Test != nil || r.Accuracy.Validation == nil {
		t.Fatalf("accuracies %+v", r.Accuracy)
	}
	// One has lost its weights: it is trained again.
	if err := store.RemoveWeights(mustOpen(t, s).TrialDir(s.trials()[1].Key())); err != nil {
		t.Fatal(err)
	}
	summary, rec := mustRun(t, s, nil)
	if summary.State.Done != len(s.trials()) {
		t.Errorf("summary %+v", summary)
	}
	if m := rec.messages(Detail); strings.Count(m, "evaluation starts") != len(s.trials())-1 || strings.Count(m, "training starts") != 1 {
		t.Errorf("%s", m)
	}
	same(t, files(t, s), want)
}

// Shifts that are asked for later are judged by the weights that are there, on
// the images that are open, once.
func TestShiftsAreJudgedLater(t *testing.T) {
	t.Parallel()
	s := small(t)
	mustRun(t, s, func(o *Options) { o.Test = false })
	n := len(s.trials())
	first := trialResult(t, s, 0)
	asked := func(test bool, evaluations int, shifts ...string) {
		t.Helper()
		_, rec := mustRun(t, s, func(o *Options) { o.Test, o.Shifts = test, shifts })
		if m := rec.messages(Detail); strings.Count(m, "evaluation starts") != evaluations || strings.Contains(m, "training starts") {
			t.Errorf("%v, test %v: %s", shifts, test, m)
		}
		r := trialResult(t, s, 0)
		scores, err := mustOpen(t, s).ReadScores(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range shifts {
			if v, w := scores.Shifts[name][result.Validation], scores.Shifts[name][result.Test]; v == nil || (w != nil) != test {
				t.Errorf("%s, test %v: found %v and %v", name, test, v, w)
			}
		}
	}
	asked(false, n, "noise 20")
	if r := trialResult(t, s, 0); r.Accuracy.Test != nil || *r.Correct.Validation != *first.Correct.Validation {
		t.Errorf("its result became %+v", r.Accuracy)
	}
	asked(false, 0, "noise 20")
	asked(false, n, "noise 20", "blur 1")
	asked(true, n, "noise 20", "blur 1")
	asked(true, 0, "blur 1", "noise 20")
	path := mustOpen(t, s).ScoresPath(s.trials()[1].Key())
	if err := os.WriteFile(path, []byte(`{"config_id": 7}`), 0o666); err != nil {
		t.Fatal(err)
	}
	asked(true, 1, "noise 20", "blur 1")
}

func TestKeepWeights(t *testing.T) {
	t.Parallel()
	for _, keep := range []Keep{KeepAll, KeepBest, KeepNone} {
		s := small(t)
		s.Seeds = 3
		mustRun(t, s, func(o *Options) { o.Keep = keep })
		f := mustOpen(t, s)
		for _, tr := range s.trials() {
			var best result.Result
			for seed := range s.Seeds {
				r, err := f.ReadResult(result.Key{ConfigID: tr.ID, Seed: int64(seed)})
				if err != nil {
					t.Fatal(err)
				}
				if best.Accuracy.Validation == nil || *r.Accuracy.Validation > *best.Accuracy.Validation {
					best = r
				}
			}
			_, err := store.LoadWeights(f.TrialDir(tr.Key()))
			want := keep == KeepAll || keep == KeepBest && tr.Seed == best.Seed
			if (err == nil) != want {
				t.Errorf("keep %s: weights of %s: %v", keep, keyString(tr), err)
			}
		}
	}
}
