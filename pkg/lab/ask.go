package lab

import (
	"context"
	"errors"
	"fmt"

	"slimfit/models"
	"slimfit/pkg/exit"
	"slimfit/pkg/footprint"
	"slimfit/pkg/protocol"
	"slimfit/pkg/text"
	"slimfit/pkg/workerproc"
)

// startWorker starts a worker for single questions, on one CPU thread.
func (l *Lab) startWorker(ctx context.Context) (*workerproc.Process, error) {
	file, err := l.WorkerFile()
	if err != nil {
		return nil, err
	}
	w, err := workerproc.Start(ctx, workerproc.Command(file, workerproc.Settings{}))
	if err != nil && ctx.Err() == nil {
		err = exit.Failed(fmt.Errorf("%w; `slimfit doctor` says what is missing", err))
	}
	return w, err
}

// ask sends a command to the worker; what it cannot read or write is told by
// the exit code.
func ask(ctx context.Context, w *workerproc.Process, command protocol.Command, answer protocol.EventType) (protocol.Event, error) {
	e, err := w.Ask(ctx, command, answer, nil)
	var storage *workerproc.StorageError
	switch {
	case errors.As(err, &storage):
		return e, exit.Failed(err)
	case err != nil && ctx.Err() == nil:
		return e, exit.With(exit.Trials, err)
	}
	return e, err
}

// latencyImages is how many images are timed, one by one.
const latencyImages = 500

// latencyOf times the network in a TensorFlow session.
func latencyOf(ctx context.Context, w *workerproc.Process, layers []models.Layer, data models.Data) (*footprint.Latency, error) {
	e, err := ask(ctx, w, protocol.Command{Latency: &protocol.Latency{Layers: layers, Data: data, Images: latencyImages}}, protocol.Timed)
	if err != nil {
		return nil, err
	}
	env := w.Environment
	return &footprint.Latency{Median: e.Times.Median, P95: e.Times.P95, Images: e.Times.Images,
		On: fmt.Sprintf("TensorFlow %s, %s, %s", env.TensorFlow, text.Count(env.Threads, "thread"), text.OrUnknown(env.CPU))}, nil
}
