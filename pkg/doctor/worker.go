package doctor

import (
	"context"
	"errors"
	"os"
	"time"

	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/workerproc"
)

// Worker is the worker's file and what it says of itself.
type Worker struct {
	File        string              `json:"file"`
	Library     workerproc.Library  `json:"library"`
	Environment *result.Environment `json:"environment"` // nil if it did not start
	GPUs        []protocol.GPU      `json:"gpus"`        // as NVML sees them
	Warnings    []string            `json:"warnings"`
	Fault       *Fault              `json:"-"` // why it did not start
}

// Ask starts the worker as `run` does, lets it say what it is, and ends it. On
// which device it is asked is told by the settings.
func Ask(ctx context.Context, file string, s workerproc.Settings, timeout time.Duration) Worker {
	w := Worker{File: file, Library: workerproc.FindLibrary(file, os.Getenv("LD_LIBRARY_PATH")), GPUs: []protocol.GPU{}, Warnings: []string{}}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errSilent)
	defer cancel()
	said, err := "", error(nil)
	p, err := workerproc.Start(ctx, workerproc.Command(file, s))
	if err == nil {
		var answer protocol.Event
		answer, err = p.Ask(ctx, protocol.Command{Info: true}, protocol.Ready, func(text string) { w.Warnings = append(w.Warnings, text) })
		said = p.Log.Last()
		p.Close(workerproc.Grace)
		if err == nil && answer.Environment == nil {
			err = errors.New("its answer has no environment")
		}
		if err == nil {
			w.Environment, w.GPUs = answer.Environment, append(w.GPUs, answer.GPUs...)
			return w
		}
	}
	var death *workerproc.DeathError
	if errors.As(err, &death) {
		said = death.Said
	}
	fault := Explain(file, err, said)
	w.Fault = &fault
	return w
}

var errSilent = errors.New("no answer")
