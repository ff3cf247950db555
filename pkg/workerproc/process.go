// Package workerproc starts slimfit-worker, speaks pkg/protocol with it, ends it
// and says how it ended.
package workerproc

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
)

// Process is a running worker.
type Process struct {
	Environment result.Environment  // where it runs, as it says
	Events      chan protocol.Event // what it says; closed when the process has ended
	Log         Tail                // of its stderr
	Settings    Settings            // that it was started with, where the caller keeps them

	cmd *exec.Cmd
	in  *os.File

	gone chan struct{} // closed when the process has ended
	how  error         // of its end; valid once gone is closed
}

// maxEvent bounds one line of a worker: a result with every image of a large
// test set wrong is well below it.
const maxEvent = 64 << 20

const (
	startGrace = 2 * time.Minute // for a worker to load its library and say that it is ready
	sendGrace  = time.Minute     // for a worker to take a command
	Grace      = 5 * time.Second // for an idle worker to end, see Close
)

// Start starts the command and waits until the worker is ready. It dies with
// this process: by the end of its stdin, and by a signal from the kernel. A
// worker that ends instead gives an error that is a *DeathError.
func Start(ctx context.Context, cmd *exec.Cmd) (*Process, error) {
	w := &Process{cmd: cmd, Events: make(chan protocol.Event, 64), gone: make(chan struct{})}
	if err := w.start(); err != nil {
		return nil, fmt.Errorf("start the worker %s: %w", cmd.Path, err)
	}
	timeout := time.NewTimer(startGrace)
	defer timeout.Stop()
	for {
		select {
		case e, ok := <-w.Events:
			if !ok {
				return nil, fmt.Errorf("the worker %s did not start: %w", cmd.Path, w.death())
			}
			if e.Type == protocol.Ready {
				if e.Environment != nil {
					w.Environment = *e.Environment
				}
				return w, nil
			}
		case <-timeout.C:
			w.Close(0)
			return nil, fmt.Errorf("the worker %s was not ready after %v%s", cmd.Path, startGrace, w.Log.Ending())
		case <-ctx.Done():
			w.Close(0)
			return nil, context.Cause(ctx)
		}
	}
}

// start starts the process and the goroutines that read from it.
func (w *Process) start() error {
	inR, inW, err1 := os.Pipe()
	outR, outW, err2 := os.Pipe()
	logR, logW, err3 := os.Pipe()
	theirs, ours := []*os.File{inR, outW, logW}, []*os.File{inW, outR, logR}
	if err := cmp.Or(err1, err2, err3); err != nil {
		closeAll(append(theirs, ours...))
		return err
	}
	w.in = inW
	w.cmd.Stdin, w.cmd.Stdout, w.cmd.Stderr = inR, outW, logW
	w.cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true, // Ctrl-C is for the supervisor alone
		Pdeathsig: syscall.SIGKILL,
	}
	started := make(chan error)
	go w.wait(started)
	err := <-started
	closeAll(theirs)
	if err != nil {
		closeAll(ours)
		return err
	}
	var readers sync.WaitGroup
	readers.Go(func() { w.readEvents(outR) })
	readers.Go(func() { w.Log.read(logR) })
	go func() {
		<-w.gone
		// A grandchild may hold the pipes open; what the worker said is there by now.
		timer := time.AfterFunc(time.Second, func() { closeAll(ours) })
		readers.Wait()
		timer.Stop()
		closeAll(ours)
		close(w.Events)
	}()
	return nil
}

// wait starts the process and waits for its end. The kernel sends the death
// signal when the thread that started the process ends, so this goroutine keeps
// its thread for as long.
func (w *Process) wait(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := w.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	w.how = w.cmd.Wait()
	close(w.gone)
}

// readEvents decodes the worker's lines. What is no event is for the log.
func (w *Process) readEvents(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		var e protocol.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Type == "" {
			w.Log.Add(lines.Text())
			continue
		}
		w.Events <- e
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		w.Log.Add(fmt.Sprintf("slimfit: the worker wrote a line of more than %d bytes", maxEvent))
		w.Kill()
	}
}

// nameError says that the worker cannot be told a path.
type nameError struct{ path string }

func (e *nameError) Error() string {
	return fmt.Sprintf("tell the worker: %s is not UTF-8: rename it, or choose another folder", e.path)
}

// Send gives the worker a command. An error means that it is gone, which its
// events will tell.
func (w *Process) Send(c protocol.Command) error {
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("tell the worker: %w", err)
	}
	if i := bytes.Index(b, []byte(`\ufffd`)); i >= 0 { // what JSON makes of a byte that is not UTF-8
		path := b[bytes.LastIndexByte(b[:i], '"')+1:]
		return &nameError{string(path[:bytes.IndexByte(path, '"')])}
	}
	w.in.SetWriteDeadline(time.Now().Add(sendGrace)) // where a pipe has no deadlines, a worker that does not read is found by its silence
	_, err = w.in.Write(append(b, '\n'))
	return err
}

// Kill ends the worker at once, with all that it started.
func (w *Process) Kill() {
	syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL)
}

// Over says whether the process has ended.
func (w *Process) Over() bool {
	select {
	case <-w.gone:
		return true
	default:
		return false
	}
}

// Close ends the worker: by the end of its stdin, after a while by force.
func (w *Process) Close(patience time.Duration) {
	w.in.Close()
	timer := time.AfterFunc(patience, w.Kill)
	defer timer.Stop()
	for range w.Events { // let it finish what it wants to say
	}
}

// PID is the process's number.
func (w *Process) PID() int { return w.cmd.Process.Pid }

// Died waits for the end of a worker that is gone, and says how it ended. What
// it said last does not count any more.
func (w *Process) Died() error {
	for range w.Events {
	}
	return fmt.Errorf("the worker died: %w", w.death())
}

// DeathError is a worker that has ended. Err is what waiting for it returned,
// nil for an end with exit code 0.
type DeathError struct {
	Err  error
	Said string // its last lines
}

func (e *DeathError) Unwrap() error { return e.Err }

func (e *DeathError) Error() string {
	how := "it ended by itself"
	var exit *exec.ExitError
	if errors.As(e.Err, &exit) {
		how = exit.String()
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			how = "killed by signal: " + status.Signal().String()
			if status.Signal() == syscall.SIGKILL {
				how += " (the system may have run out of memory)"
			}
		}
	} else if e.Err != nil {
		how = e.Err.Error()
	}
	return how + lastLines(e.Said)
}

// death is how the worker ended. Its events must have been closed.
func (w *Process) death() *DeathError {
	<-w.gone
	return &DeathError{Err: w.how, Said: w.Log.Last()}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

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
