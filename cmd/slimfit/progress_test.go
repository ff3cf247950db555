package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"slimfit/pkg/result"
	"slimfit/pkg/sweep"
	"slimfit/pkg/text"
)

func sampleState() sweep.State {
	loss, validation := 0.12344, 0.97404
	return sweep.State{Experiment: "paper-slices", Total: 75, Before: 10, Done: 30, Failed: 1, Diverged: 1, Left: 5400,
		Workers: []sweep.WorkerState{
			{PID: 10, Device: "CPU", Step: 9000, Steps: 20000, Left: 83, Members: []sweep.MemberState{
				{Label: "kernel 5, filters 2, seed 0", Loss: &loss, Validation: &validation}, {Label: "kernel 5, filters 4, seed 0"}}},
			{PID: 11, Device: "GPU 1", Step: 0, Steps: 20000, Members: []sweep.MemberState{{Label: "kernel 5, filters 32, seed 4"}}},
			{PID: 12, Device: "CPU"},
			{Device: "CPU"},
		}}
}

func TestRows(t *testing.T) {
	s := sampleState()
	var got []string
	for i := range s.Workers {
		got = append(got, workerRow(s, i, 120))
	}
	got = append(got, overallRow(s, 3, 120))
	want := `
 1 kernel 5, filters 2, seed 0 + 1 more      [=========           ] 9000/20000  loss 0.1234  val 97.40 %  1 min left
 2 GPU 1 kernel 5, filters 32, seed 4        [                    ] 0/20000
 3 idle
 4 -
paper-slices                                 [=========           ] 32/75 trials, 2 failed, 1 workers more, 90 min left`
	if words := "\n" + strings.Join(got, "\n"); words != want {
		t.Errorf("got%s\nwant%s", words, want)
	}
	for width := range 200 {
		for i := range s.Workers {
			if line := workerRow(s, i, width); width >= 4 && utf8.RuneCountInString(line) > width {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}

func TestProgressLines(t *testing.T) {
	s := sampleState()
	accuracy := 0.9581
	done := &result.Result{Status: result.Done, Accuracy: result.Pair[float64]{Validation: &accuracy, Test: &accuracy}}
	failed := &result.Result{Status: result.Failed, Reason: "the worker died; its last lines:\n  oops"}
	for _, c := range []struct {
		event       sweep.Event
		want        string
		quiet       bool // shown with -q too
		verboseOnly bool
	}{
		{event: sweep.Event{Kind: sweep.Planned, State: sweep.State{Total: 75, Before: 12, Done: 9, Failed: 1, Diverged: 2, Workers: make([]sweep.WorkerState, 2)}},
			want: "75 trials, 12 of them have a result and are skipped (9 done; 1 failed: --retry-failed trains them again; 2 diverged, which " +
				"is final); training 63 in up to 2 workers"},
		{event: sweep.Event{Kind: sweep.Planned, State: sweep.State{Total: 2, Workers: make([]sweep.WorkerState, 1)}}, want: "2 trials; training 2 in up to 1 worker"},
		{event: sweep.Event{Kind: sweep.Trained, Label: "kernel 5, seed 0", Result: done, State: s}, want: "[32/75] kernel 5, seed 0: done, validation 95.81 %, test 95.81 %, 90 min left"},
		{event: sweep.Event{Kind: sweep.Trained, Label: "kernel 5, seed 0", Result: failed, State: s}, quiet: true,
			want: "[32/75] kernel 5, seed 0: failed: the worker died; its last lines:\n    oops"},
		{event: sweep.Event{Kind: sweep.Retry, Message: "taken up again"}, want: "taken up again"},
		{event: sweep.Event{Kind: sweep.Stopping, Message: "stopped by interrupt"}, want: "stopped by interrupt; writing checkpoints (once more to end at once)"},
		{event: sweep.Event{Kind: sweep.Detail, Message: "training starts"}, want: "training starts", verboseOnly: true},
		{event: sweep.Event{Kind: sweep.Progress, State: s}, want: "32/75 trials; kernel 5, filters 2, seed 0 + 1 more at step 9000 of 20000; kernel 5, filters 32, seed 4 at step 0 of 20000, 90 min left"},
	} {
		for _, quiet := range []bool{false, true} {
			for _, verbose := range []bool{false, true} {
				var b bytes.Buffer
				p := &progress{quiet: quiet, verbose: verbose, plain: &b, told: time.Now().Add(-2 * lineEvery)}
				p.event(c.event)
				want := c.want + "\n"
				if quiet && !c.quiet || c.verboseOnly && !verbose {
					want = ""
				}
				if b.String() != want {
					t.Errorf("%s, quiet %v, verbose %v: %q, want %q", c.event.Kind, quiet, verbose, b.String(), want)
				}
			}
		}
	}
	// Work in hand is told now and then only.
	var b bytes.Buffer
	p := &progress{plain: &b, told: time.Now()}
	p.event(sweep.Event{Kind: sweep.Progress, State: s})
	if b.Len() != 0 {
		t.Errorf("told at once: %q", b.String())
	}
}

// In a narrow terminal a worker's line keeps the seeds that it trains.
func TestWorkerRowKeepsSeeds(t *testing.T) {
	member := func(label string) sweep.MemberState { return sweep.MemberState{Label: label} }
	s := sweep.State{Workers: []sweep.WorkerState{{PID: 1, Device: "CPU", Steps: 20000, Members: []sweep.MemberState{
		member("kernel 5, filters 16, dense 1024, seed 0"), member("kernel 5, filters 16, dense 1024, seed 3")}}}}
	if row := workerRow(s, 0, 79); !strings.Contains(row, "seeds 0 3 ") || text.Width(row) > 79 {
		t.Errorf("%q", row)
	}
	s.Workers[0].Members[1].Label = "kernel 3, filters 16, dense 1024, seed 0"
	if row := workerRow(s, 0, 79); !strings.Contains(row, "seed 0 + 1 more") {
		t.Errorf("%q", row)
	}
}
