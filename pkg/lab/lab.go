package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"slimfit/models"
	"slimfit/pkg/exit"
	"slimfit/pkg/footprint"
	"slimfit/pkg/protocol"
	"slimfit/pkg/sweep"
	"slimfit/pkg/text"
	"slimfit/pkg/workerproc"
)

// Lab is the place that the work is done in, and who is told about it.
type Lab struct {
	Out    string // the folder above the run folders
	Cache  string // of fetched data sets
	Worker string // the file of slimfit-worker; "": beside this program
	Trust  bool   // models that slimfit did not write, or that were changed, are run all the same
	Python string // that times TensorFlow Lite files; "": none does
	Work   Work
	// NoMeasure keeps plan from training for a second or two to learn this machine's
	// speed.
	NoMeasure bool

	// Note tells a person something, Detail what few want to know.
	Note, Detail func(format string, args ...any)
	// Speak is told what the data set holds that all is about from now on.
	Speak func(text.Noun)
	// Watch is called before each training; event then gets what happens in it,
	// and done is called at its end.
	Watch func() (event func(sweep.Event), done func())
}

// Work says how trials are trained. Times are as in sweep.Options.
type Work struct {
	Jobs              int     // workers side by side; below 1: what the machine allows
	Threads           int     // of each worker; below 1: one
	GPUs              string  // all, none, a list; "": all that there are
	WorkersPerGPU     int     // below 1: what a measurement finds best
	GPUMemoryFraction float64 // in (0, 1]; 0: the experiment's
	Checkpoint        time.Duration
	Hang, Lease       time.Duration
	Retries           int
	RetryFailed       bool
	Keep              sweep.Keep // "": by what is trained for
	TensorBoard       bool
	NoWait            bool
}

// speaks says what is talked about from now on.
func (l *Lab) speaks(d models.Data, classes []string) {
	if l.Speak != nil {
		l.Speak(text.NounOf(d.Kind, append([]string{d.Name}, classes...)...))
	}
}

// Version is the module's version, or the commit that it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "unknown"
}

// workerName is the file of the program that trains, beside slimfit itself.
const workerName = "slimfit-worker"

// WorkerFile is the worker's absolute path; the file need not be there.
func (l *Lab) WorkerFile() (string, error) {
	file := l.Worker
	if file == "" {
		self, err := os.Executable()
		if err != nil {
			return "", exit.Failed(fmt.Errorf("find slimfit-worker beside slimfit: %w; name it by --worker", err))
		}
		if real, err := filepath.EvalSymlinks(self); err == nil { // a link in ~/bin leads to the real place
			self = real
		}
		file = filepath.Join(filepath.Dir(self), workerName)
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return "", exit.Failed(fmt.Errorf("find the worker: %w", err))
	}
	return file, nil
}

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
