package sweep

import (
	"os/exec"
	"testing"

	"slimfit/pkg/workerproc"
)

// commandOf starts another program as the worker.
func commandOf(path string) func(workerproc.Settings) *exec.Cmd {
	return func(workerproc.Settings) *exec.Cmd { return exec.Command(path) }
}

// noWorker fails the test when a worker is started.
func noWorker(t *testing.T) func(workerproc.Settings) *exec.Cmd {
	return func(workerproc.Settings) *exec.Cmd {
		t.Error("a worker was started")
		return exec.Command("/bin/false")
	}
}
