package workerproc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"slimfit/pkg/protocol"
)

// Silence is how long a worker may say nothing before it counts as hung: a
// progress event comes about once a second; building a graph and evaluating take
// longer, and on a GPU that is newer than the library the first step compiles
// every kernel, for a minute and more.
const Silence = 10 * time.Minute

// StorageError is a worker's failure to read or write a file.
type StorageError struct{ Message string }

func (e *StorageError) Error() string { return e.Message }

// Ask sends a command and waits for the event that answers it; warn, where it is
// not nil, hears the worker's warnings meanwhile. A worker that says that it
// can't, or that says nothing for Silence, gives an error: a *StorageError where
// a file was to blame.
func (w *Process) Ask(ctx context.Context, command protocol.Command, answer protocol.EventType, warn func(string)) (protocol.Event, error) {
	var none protocol.Event
	if err := w.Send(command); err != nil {
		w.Kill()
		if bad := (*nameError)(nil); errors.As(err, &bad) {
			return none, bad
		}
		return none, w.Died()
	}
	timeout := time.NewTimer(Silence)
	defer timeout.Stop()
	for {
		select {
		case e, ok := <-w.Events:
			switch {
			case !ok:
				return none, w.Died()
			case e.Type == answer:
				return e, nil
			case e.Type == protocol.Warning && warn != nil:
				warn(e.Message)
			case e.Type == protocol.Error && e.Storage:
				return none, &StorageError{e.Message}
			case e.Type == protocol.Error:
				return none, errors.New(e.Message)
			}
		case <-ctx.Done():
			return none, context.Cause(ctx)
		case <-timeout.C:
			return none, fmt.Errorf("no answer after %v", Silence)
		}
	}
}
