package machine

import (
	"os"
	"path/filepath"
)

// StartMPS is the command that starts NVIDIA's Multi-Process Service.
const StartMPS = "nvidia-cuda-mps-control -d"

// MPS says whether the Multi-Process Service runs for this user: its control
// pipe is there. Without it processes on one GPU take turns, and several workers
// gain nothing.
func MPS() bool {
	dir := os.Getenv("CUDA_MPS_PIPE_DIRECTORY")
	if dir == "" {
		dir = "/tmp/nvidia-mps"
	}
	info, err := os.Stat(filepath.Join(dir, "control"))
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}
