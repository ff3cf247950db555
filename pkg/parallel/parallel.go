// Package parallel does the same with many things at a time.
package parallel

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Each calls do(0) to do(n-1), so many at a time (below 1: one a core), until
// ctx ends or a call fails. Calls begin in order, and the error is that of the
// lowest number that has one, so it is the same whatever the scheduling; else it
// is ctx's.
func Each(ctx context.Context, n, atOnce int, do func(i int) error) error {
	if atOnce < 1 {
		atOnce = runtime.GOMAXPROCS(0)
	}
	var mu sync.Mutex
	lowest, first := n, error(nil)
	failed := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return first != nil
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := 0; i < n && ctx.Err() == nil && !failed(); i++ {
		g.Go(func() error {
			if err := do(i); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if i < lowest {
					lowest, first = i, err
				}
			}
			return nil
		})
	}
	g.Wait()
	if first == nil {
		first = ctx.Err()
	}
	return first
}
