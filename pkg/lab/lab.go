package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"slimfit/pkg/exit"
	"slimfit/pkg/sweep"
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
	// Watch is called before each training; event then gets what happens in it,
	// and done is called at its end.
	Watch func() (event func(sweep.Event), done func())
}

// Work says how trials are trained. Times are as in sweep.Options.
type Work struct {
	Jobs              int    // workers side by side; below 1: what the machine allows
	Threads           int    // of each worker; below 1: one
	GPUs              string // all, none, a list; "": all that there are
	WorkersPerGPU     int
	GPUMemoryFraction float64 // in (0, 1]; 0: the experiment's
	Checkpoint        time.Duration
	Hang, Lease       time.Duration
	Retries           int
	RetryFailed       bool
	Keep              sweep.Keep // "": by what is trained for
	TensorBoard       bool
	NoWait            bool
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
