package batch

import (
	"context"
	"slices"

	"slimfit/pkg/store"
)

// Cancel ends every job of the run folder that Slurm holds, report jobs too, and
// returns how many array elements there were.
func Cancel(ctx context.Context, f *store.Folder) (elements int, err error) {
	subs, err := Submissions(f)
	if err != nil {
		return 0, err
	}
	names := jobNames(subs)
	for _, s := range subs {
		if s.Tasks.Report != "" {
			names = append(names, s.Tasks.Report)
		}
	}
	held, err := queue(ctx, names)
	if err != nil {
		return 0, err
	}
	var ids []string
	for _, h := range held {
		if h.Over() {
			continue
		}
		if h.Index >= 0 {
			elements++
		}
		if !slices.Contains(ids, h.ID) {
			ids = append(ids, h.ID)
		}
	}
	if len(ids) == 0 {
		return 0, nil
	}
	err = cancel(ctx, ids)
	if err != nil { // an element may have ended just now, which scancel minds
		again, qerr := queue(ctx, names)
		if qerr == nil && !slices.ContainsFunc(again, func(h Held) bool { return !h.Over() }) {
			err = nil
		}
	}
	return elements, err
}
