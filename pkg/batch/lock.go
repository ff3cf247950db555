package batch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"slimfit/pkg/store"
)

// lockWait is how long to wait for another submission: sbatch may be slow.
const lockWait = 5 * time.Minute

// lock lets one process at a time submit this run folder's trials.
func lock(ctx context.Context, r Request) (unlock func() error, err error) {
	session, err := r.Folder.Join(store.DefaultTerm, nil)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.Folder.Dir, batchDir)
	deadline := time.Now().Add(lockWait)
	for told := false; ; {
		token, err := session.Acquire(dir)
		if err == nil {
			return func() error { return errors.Join(session.Release(dir, token), session.Close()) }, nil
		}
		var other *store.HeldError
		if !errors.As(err, &other) || time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("lock submissions: %w", err), session.Close())
		}
		if !told && other.Owner.PID != 0 {
			told = true
			r.say("%s is submitting; waiting for it", other.Owner)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), session.Close())
		}
	}
}

func (r Request) say(format string, args ...any) {
	if r.Say != nil {
		r.Say(format, args...)
	}
}

// endingWait is how long to wait for elements that Slurm is just ending, as
// after `scancel`: their trials can be submitted again a moment later.
const endingWait = 60 * time.Second

// settled is the queue when nothing in it is about to end.
func settled(ctx context.Context, r Request, jobs []string) ([]Held, error) {
	deadline := time.Now().Add(endingWait)
	for told := false; ; told = true {
		held, err := queue(ctx, jobs)
		if err != nil {
			return nil, err
		}
		ending := 0
		for _, h := range held {
			if h.Ending() {
				ending++
			}
		}
		if ending == 0 || time.Now().After(deadline) {
			return held, nil
		}
		if !told {
			r.say("waiting for array elements that are just ending: %d", ending)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
