// Package exit says by which code the program ends: an error carries the code
// that it stands for from where it arises to main.
package exit

import "fmt"

// The program's exit codes.
const (
	Done        = 0
	Trials      = 1  // finished, but some trials failed, diverged or lack the weights that were asked for, or verify or doctor found a fault
	Usage       = 2  // the command line, an experiment file or a setting is wrong
	Unmet       = 3  // search: no configuration meets the target
	IO          = 4  // cannot read or write: disk full, read-only, no libtensorflow
	Requeue     = 75 // stopped with work left
	Interrupted = 130
)

// Error is an error with the exit code that it stands for. A nil Err prints
// nothing: the command has said what there is to say.
type Error struct {
	Code int
	Err  error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Usagef is an error of the command line or of a setting.
func Usagef(format string, args ...any) error { return With(Usage, fmt.Errorf(format, args...)) }

// Failed marks err as a failure to read or write; nil stays nil.
func Failed(err error) error {
	if err == nil {
		return nil
	}
	return With(IO, err)
}

// With gives an error a code; a nil one ends the program with it in silence.
func With(code int, err error) error { return &Error{code, err} }
