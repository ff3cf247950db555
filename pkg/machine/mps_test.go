package machine

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMPS(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CUDA_MPS_PIPE_DIRECTORY", dir)
	if MPS() {
		t.Error("no control pipe, and yet it runs")
	}
	if err := unix.Mkfifo(filepath.Join(dir, "control"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !MPS() {
		t.Error("it runs")
	}
}
