package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/experiment"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// trainJob is what a command that is not run wants trained.
type trainJob struct {
	folder     *store.Folder
	experiment string
	source     protocol.Source
	trials     []experiment.Trial
	test       bool // open the test images, also of trials that are trained already
}

// trainer trains the trials that have no result yet, with the command's flags
// and progress on stderr.
type trainer func(c *cli.Context, j trainJob) (sweep.Summary, error)

// trainerFlags are the flags of commands that train through sweepTrainer.
func trainerFlags() []cli.Flag {
	return []cli.Flag{jobsFlag(), workerFlag(),
		&cli.BoolFlag{Name: "retry-failed", Usage: "train the trials again that failed in an earlier run"}}
}

// sweepTrainer trains in worker processes.
func sweepTrainer(c *cli.Context, j trainJob) (sweep.Summary, error) {
	file, err := workerFile(c)
	if err != nil {
		return sweep.Summary{}, err
	}
	machine := sweep.ThisMachine(os.DirFS("/"))
	jobs := c.Int("jobs")
	if jobs < 1 {
		jobs = machine.Jobs(1, sweep.WorkerMemory(j.trials), len(j.trials))
	}
	o := sweep.Options{Folder: j.folder, Experiment: j.experiment, Source: j.source, Test: j.test,
		Command:         func(sweep.Slot) *exec.Cmd { return exec.Command(file) },
		CheckpointEvery: sweep.DefaultCheckpoint, Retries: sweep.DefaultRetries, RetryFailed: c.Bool("retry-failed"), Keep: sweep.KeepAll,
		Events: func(e sweep.Event) { tell(c, e) }}
	for i := range jobs {
		o.Workers = append(o.Workers, sweep.Slot{Index: i, Threads: 1})
	}
	return sweep.Run(c.Context, o, j.trials)
}

// tell prints what happens while trials train.
func tell(c *cli.Context, e sweep.Event) {
	switch e.Kind {
	case sweep.Trained:
		text := fmt.Sprintf("%s %s", e.Result.Key(), e.Result.Status)
		if a := e.Result.Accuracy.Validation; a != nil {
			text += fmt.Sprintf(", validation accuracy %.2f %%", 100**a)
		}
		if a := e.Result.Accuracy.Test; a != nil {
			text += fmt.Sprintf(", test accuracy %.2f %%", 100**a)
		}
		if e.Result.Reason != "" {
			text += ": " + e.Result.Reason
		}
		note(c, "%s", text)
	case sweep.Retry, sweep.Notice, sweep.Waiting:
		note(c, "%s", e.Message)
	case sweep.Detail:
		detail(c, "%s", e.Message)
	}
}

// resultReader reads the results that a search asks for, each once until it
// may have changed.
type resultReader struct {
	folder *store.Folder
	p      *search.Problem
	known  map[result.Key]*result.Result
	doubts map[result.Key]string // results that cannot be believed, and why
	retry  bool                  // failed trials count as not trained, until they are
	asked  map[result.Key]bool   // trained or tested by this process
	err    error                 // failures to read
}

func newResultReader(folder *store.Folder, p *search.Problem, retry bool) *resultReader {
	return &resultReader{folder: folder, p: p, retry: retry, known: map[result.Key]*result.Result{},
		doubts: map[result.Key]string{}, asked: map[result.Key]bool{}}
}

// finished is the search's Lookup. A result that cannot be believed is none: it
// is trained again.
func (r *resultReader) finished(k result.Key) (*result.Result, bool) {
	if res, ok := r.known[k]; ok {
		return res, true
	}
	res, err := r.folder.ReadResult(k)
	var damaged *store.ResultError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false
	case errors.As(err, &damaged):
		r.doubts[k] = err.Error()
		return nil, false
	case err != nil:
		r.err = errors.Join(r.err, err)
		return nil, false
	}
	if res.Status == result.Failed && r.retry && !r.asked[k] {
		return nil, false
	}
	if d := r.p.Doubts(&res); len(d) > 0 {
		r.doubts[k] = fmt.Sprintf("%s: %s", r.folder.ResultPath(k), d[0])
		return nil, false
	}
	delete(r.doubts, k)
	r.known[k] = &res
	return &res, true
}

// forget drops what training or testing may have changed.
func (r *resultReader) forget(keys []result.Key) {
	for _, k := range keys {
		delete(r.known, k)
		r.asked[k] = true
	}
}

// missing says why one of the keys has no result, or no test result, after it
// was trained or tested; nil where all have.
func (r *resultReader) missing(keys []result.Key, test bool, s sweep.Summary) error {
	for _, k := range keys {
		res, ok := r.finished(k)
		if ok && (!test || res.Correct.Test != nil) {
			continue
		}
		if r.err != nil {
			return ioError(r.err)
		}
		for _, f := range s.Failures {
			if f.Key == k && test {
				return ioError(fmt.Errorf("open the test images of %s: %s; without its weights, move %s away and search again", k, f.Reason, r.folder.TrialDir(k)))
			}
		}
		if d := r.doubts[k]; d != "" {
			return ioError(fmt.Errorf("%s; move the file away and search again", d))
		}
	}
	return nil
}
