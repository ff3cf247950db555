package parallel

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

func TestEach(t *testing.T) {
	var calls [100]atomic.Int32
	var now, most atomic.Int32
	err := Each(t.Context(), len(calls), 3, func(i int) error {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		calls[i].Add(1)
		return nil
	})
	if err != nil || most.Load() > 3 {
		t.Errorf("%v, %d at a time", err, most.Load())
	}
	for i := range calls {
		if n := calls[i].Load(); n != 1 {
			t.Errorf("%d was called %d times", i, n)
		}
	}
	if err := Each(t.Context(), 0, 0, nil); err != nil {
		t.Error(err)
	}
}

// Of several errors it is the first by number, though others come earlier.
func TestEachError(t *testing.T) {
	for range 20 {
		var calls atomic.Int32
		err := Each(t.Context(), 1000, 4, func(i int) error {
			calls.Add(1)
			switch {
			case i == 5:
				time.Sleep(time.Millisecond)
				return errors.New("5")
			case i > 5:
				return fmt.Errorf("%d", i)
			}
			return nil
		})
		if err == nil || err.Error() != "5" {
			t.Fatalf("error %v, want that of 5", err)
		}
		if calls.Load() == 1000 {
			t.Error("it went on after an error")
		}
	}
}

func TestEachStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int32
	err := Each(ctx, 1000, 2, func(i int) error {
		if calls.Add(1) == 10 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || calls.Load() > 12 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}
