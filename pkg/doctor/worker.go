package doctor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
)

// Worker is the worker's file and what it says of itself.
type Worker struct {
	File        string              `json:"file"`
	Library     Library             `json:"library"`
	Environment *result.Environment `json:"environment"` // nil if it did not start
	GPUs        []protocol.GPU      `json:"gpus"`        // as NVML sees them
	Warnings    []string            `json:"warnings"`
	Fault       *Fault              `json:"-"` // why it did not start
}

// maxStderr bounds what is kept of the worker's last words, in bytes.
const maxStderr = 16 << 10

// Ask starts the worker, lets it say what it is, and ends it.
func Ask(ctx context.Context, file string, timeout time.Duration) Worker {
	w := Worker{File: file, Library: findLibrary(file, os.Getenv("LD_LIBRARY_PATH")), GPUs: []protocol.GPU{}, Warnings: []string{}}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errSilent)
	defer cancel()
	var args []string
	if w.Library.Build == CUDA {
		args = append(args, "--gpu")
	}
	cmd := exec.CommandContext(ctx, file, args...)
	cmd.WaitDelay = time.Second
	stderr := &tail{max: maxStderr}
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err == nil {
		var stdout io.ReadCloser
		if stdout, err = cmd.StdoutPipe(); err == nil {
			if err = cmd.Start(); err == nil {
				talk := w.talk(stdin, stdout)
				stdin.Close() // which ends it
				if err = cmd.Wait(); talk == nil {
					return w // it has answered: how it ends does not matter
				} else if err == nil {
					err = talk
				}
			}
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	fault := Explain(file, err, stderr.String())
	w.Fault, w.Environment = &fault, nil
	return w
}

var errSilent = errors.New("no answer")

// talk asks for the worker's information and reads its answer, the second
// Ready event: the first one comes unasked.
func (w *Worker) talk(stdin io.Writer, stdout io.Reader) error {
	// A failure here is the worker's end: what it left on stdout tells more.
	_ = json.NewEncoder(stdin).Encode(protocol.Command{Info: true})
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for ready := 0; lines.Scan(); {
		var e protocol.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("read the worker's answer %.60q: %w", lines.Text(), err)
		}
		switch e.Type {
		case protocol.Warning:
			w.Warnings = append(w.Warnings, e.Message)
		case protocol.Ready:
			if ready++; ready < 2 || e.Environment == nil {
				continue
			}
			w.Environment = e.Environment
			w.GPUs = append(w.GPUs, e.GPUs...)
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the worker's answer: %w", err)
	}
	return io.ErrUnexpectedEOF
}

// tail keeps the last bytes written to it.
type tail struct {
	buf bytes.Buffer
	max int
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf.Write(p)
	if extra := t.buf.Len() - t.max; extra > 0 {
		t.buf.Next(extra)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(t.buf.String()) }
