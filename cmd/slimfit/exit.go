package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"slimfit/pkg/yamlkeys"
)

// The program's exit codes.
const (
	exitDone        = 0
	exitTrials      = 1  // finished, but some trials failed, diverged or lack the weights that were asked for, or verify or doctor found a fault
	exitUsage       = 2  // the command line, an experiment file or a setting is wrong
	exitUnmet       = 3  // search: no configuration meets the target
	exitIO          = 4  // cannot read or write: disk full, read-only, no libtensorflow
	exitRequeue     = 75 // stopped with work left
	exitInterrupted = 130
)

// exitError is an error with the exit code that it stands for. A nil err
// prints nothing: the command has said what there is to say.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usagef is an error of the command line or of a setting.
func usagef(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// ioError marks err as a failure to read or write; nil stays nil.
func ioError(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitIO, err: err}
}

// exitCode maps what a command returned to the program's exit code: an
// exitError says its own, an interrupted command takes the signal's, file
// errors are exitIO, and what is left (the cli library's own) is usage.
func exitCode(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	var sig *signalError
	if errors.As(context.Cause(ctx), &sig) && (errors.Is(err, context.Canceled) || errors.As(err, &sig)) {
		return signalCode(sig.signal)
	}
	var path *os.PathError
	var sys syscall.Errno
	if errors.As(err, &path) || errors.As(err, &sys) {
		return exitIO
	}
	return exitUsage
}

// message is err for a person. What is wrong with an experiment file starts
// with its place, as editors expect.
func message(err error) string {
	var faults yamlkeys.Errors
	if errors.As(err, &faults) {
		return printableLines(err.Error())
	}
	return "slimfit: " + printableLines(err.Error())
}

// signalError is the cause of a context that a signal cancelled:
// context.Cause(ctx) tells a command which one it was.
type signalError struct{ signal os.Signal }

func (e *signalError) Error() string { return "stopped by " + e.signal.String() }

// signalCode is the exit code of a program that a signal stopped: a person's
// Ctrl-C is 130; what a batch system sends asks for a requeue.
func signalCode(s os.Signal) int {
	if s == os.Interrupt {
		return exitInterrupted
	}
	return exitRequeue
}

// signalContext returns a context that the first SIGINT, SIGTERM or SIGUSR1
// cancels with a *signalError as its cause, and a channel that gets a SIGINT
// that follows. The others may come again without anybody being in a hurry:
// Slurm sends USR1 before the time limit and TERM at it, to every process of a
// job, which its batch script may pass on as well.
func signalContext(parent context.Context) (context.Context, <-chan os.Signal) {
	ctx, cancel := context.WithCancelCause(parent)
	caught := make(chan os.Signal, 2)
	second := make(chan os.Signal)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1)
	go func() {
		cancel(&signalError{<-caught})
		for s := range caught {
			if s == os.Interrupt {
				second <- s
			}
		}
	}()
	return ctx, second
}

// untilStopped does work that only reads and counts. A signal leaves it behind,
// wherever it is: the program ends soon after.
func untilStopped[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := work()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
