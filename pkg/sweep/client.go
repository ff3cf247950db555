package sweep

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
)

// Client is a worker that answers single questions, outside of a run.
type Client struct{ w *worker }

// StartClient starts the command and waits until the worker is ready.
func StartClient(ctx context.Context, cmd *exec.Cmd) (*Client, error) {
	w, err := startWorker(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return &Client{w}, nil
}

// Environment is where the worker runs.
func (c *Client) Environment() result.Environment { return c.w.env }

// Close ends the worker. It holds nothing that matters.
func (c *Client) Close() { c.w.close(0) }

// Ask sends a command and waits for the event that answers it. A worker that
// says that it can't, or that says nothing for DefaultHang, gives an error: a
// *StorageError where a file was to blame.
func (c *Client) Ask(ctx context.Context, command protocol.Command, answer protocol.EventType) (protocol.Event, error) {
	return c.w.ask(ctx, command, answer)
}

// StorageError is a worker's failure to read or write a file.
type StorageError struct{ Message string }

func (e *StorageError) Error() string { return e.Message }

func (w *worker) ask(ctx context.Context, command protocol.Command, answer protocol.EventType) (protocol.Event, error) {
	var none protocol.Event
	if err := w.send(command); err != nil {
		w.kill()
		return none, w.died()
	}
	timeout := time.NewTimer(DefaultHang)
	defer timeout.Stop()
	for {
		select {
		case e, ok := <-w.events:
			switch {
			case !ok:
				return none, w.died()
			case e.Type == answer:
				return e, nil
			case e.Type == protocol.Error && e.Storage:
				return none, &StorageError{e.Message}
			case e.Type == protocol.Error:
				return none, errors.New(e.Message)
			}
		case <-ctx.Done():
			return none, context.Cause(ctx)
		case <-timeout.C:
			return none, fmt.Errorf("no answer after %v", DefaultHang)
		}
	}
}

// died says how a worker that is gone ended.
func (w *worker) died() error {
	for range w.events { // what it said last does not count any more
	}
	return fmt.Errorf("the worker died: %s", w.end())
}
