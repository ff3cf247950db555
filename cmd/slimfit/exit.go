package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"slimfit/pkg/exit"
	"slimfit/pkg/text"
	"slimfit/pkg/yamlkeys"
)

// exitCode maps what a command returned to the program's exit code: an
// exit.Error says its own, an interrupted command takes the signal's, file
// errors are exitIO, as is everything that no file could be opened for, and what
// is left (the cli library's own) is usage.
func exitCode(ctx context.Context, err error) int {
	if err == nil {
		return exit.Done
	}
	for _, none := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE} {
		if strings.Contains(err.Error(), none.Error()) { // also in the text of a fault, which its file did not cause
			return exit.IO
		}
	}
	if coded, ok := errors.AsType[*exit.Error](err); ok {
		return coded.Code
	}
	var sig *signalError
	if errors.As(context.Cause(ctx), &sig) && (errors.Is(err, context.Canceled) || errors.As(err, &sig)) {
		return signalCode(sig.signal)
	}
	var path *os.PathError
	var sys syscall.Errno
	if errors.As(err, &path) || errors.As(err, &sys) {
		return exit.IO
	}
	return exit.Usage
}

// message is err for a person. What is wrong with an experiment file starts
// with its place, as editors expect.
func message(err error) string {
	if _, ok := errors.AsType[yamlkeys.Errors](err); ok {
		return text.Lines(err.Error())
	}
	return "slimfit: " + text.Lines(err.Error())
}

// signalError is the cause of a context that a signal cancelled:
// context.Cause(ctx) tells a command which one it was.
type signalError struct{ signal os.Signal }

func (e *signalError) Error() string { return "stopped by " + e.signal.String() }

// signalCode is the exit code of a program that a signal stopped: a person's
// Ctrl-C is 130; what a batch system sends asks for a requeue.
func signalCode(s os.Signal) int {
	if s == os.Interrupt {
		return exit.Interrupted
	}
	return exit.Requeue
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
