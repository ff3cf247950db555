package workerproc

import (
	"os"
	"os/exec"
	"strconv"
)

// Settings are fixed for the life of a worker.
type Settings struct {
	Threads        int     // of each of its sessions; below 1 is 1
	Visible        string  // its CUDA_VISIBLE_DEVICES; "" is the CPU
	MemoryFraction float64 // of the GPU's memory that it may take, in (0, 1]; 0: as needed
	Deterministic  bool    // TensorFlow looks once a process whether its kernels must be
}

// Command is how the worker of the file is started. One on the CPU does not see
// GPUs that other workers use.
func Command(file string, s Settings) *exec.Cmd {
	args := []string{"--threads", strconv.Itoa(max(1, s.Threads))}
	if s.Visible != "" {
		args = append(args, "--gpu")
		if s.MemoryFraction > 0 {
			args = append(args, "--memory-fraction", strconv.FormatFloat(s.MemoryFraction, 'g', -1, 64))
		}
	}
	cmd := exec.Command(file, args...)
	cmd.Env = append(os.Environ(), "CUDA_VISIBLE_DEVICES="+s.Visible)
	if os.Getenv("CUDA_DEVICE_ORDER") == "" { // as nvidia-smi counts
		cmd.Env = append(cmd.Env, "CUDA_DEVICE_ORDER=PCI_BUS_ID")
	}
	if s.Deterministic {
		cmd.Env = append(cmd.Env, "TF_DETERMINISTIC_OPS=1")
	}
	return cmd
}
