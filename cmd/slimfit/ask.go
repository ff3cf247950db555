package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/footprint"
	"slimfit/pkg/protocol"
	"slimfit/pkg/workerproc"
)

// startWorker starts a worker for single questions, on one CPU thread.
func startWorker(c *cli.Context) (*workerproc.Process, error) {
	file, err := workerFile(c)
	if err != nil {
		return nil, err
	}
	w, err := workerproc.Start(c.Context, workerproc.Command(file, workerproc.Settings{}))
	if err != nil && c.Context.Err() == nil {
		err = ioError(fmt.Errorf("%w; `slimfit doctor` says what is missing", err))
	}
	return w, err
}

// ask sends a command to the worker; what it cannot read or write is told by
// the exit code.
func ask(c *cli.Context, w *workerproc.Process, command protocol.Command, answer protocol.EventType) (protocol.Event, error) {
	e, err := w.Ask(c.Context, command, answer, nil)
	var storage *workerproc.StorageError
	switch {
	case errors.As(err, &storage):
		return e, ioError(err)
	case err != nil && c.Context.Err() == nil:
		return e, &exitError{code: exitTrials, err: err}
	}
	return e, err
}

// latencyImages is how many images are timed, one by one.
const latencyImages = 500

// latencyOf times the network in a TensorFlow session.
func latencyOf(c *cli.Context, w *workerproc.Process, layers []models.Layer, data models.Data) (*footprint.Latency, error) {
	e, err := ask(c, w, protocol.Command{Latency: &protocol.Latency{Layers: layers, Data: data, Images: latencyImages}}, protocol.Timed)
	if err != nil {
		return nil, err
	}
	env := w.Environment
	return &footprint.Latency{Median: e.Times.Median, P95: e.Times.P95, Images: e.Times.Images,
		On: fmt.Sprintf("TensorFlow %s, %s, %s", env.TensorFlow, count(env.Threads, "thread"), orUnknown(env.CPU))}, nil
}
