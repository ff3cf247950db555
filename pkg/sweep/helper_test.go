package sweep

import (
	"os/exec"
	"testing"
)

// commandOf starts another program as the worker.
func commandOf(path string) func(Slot) *exec.Cmd {
	return func(Slot) *exec.Cmd { return exec.Command(path) }
}

// noWorker fails the test when a worker is started.
func noWorker(t *testing.T) func(Slot) *exec.Cmd {
	return func(Slot) *exec.Cmd {
		t.Error("a worker was started")
		return exec.Command("/bin/false")
	}
}
