package workerproc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Settings are fixed for the life of a worker.
type Settings struct {
	Threads        int     // of each of its sessions; below 1 is 1
	Visible        string  // its CUDA_VISIBLE_DEVICES; "" is the CPU
	MemoryFraction float64 // of the GPU's memory that it may take, in (0, 1]; 0: as needed
	Deterministic  bool    // TensorFlow looks once a process whether its kernels must be
	TF32           bool    // a GPU may take products to 10 bits of mantissa; the libraries look once a process
}

// Command is how the worker of the file is started. One on the CPU does not see
// GPUs that other workers use.
func Command(file string, s Settings) *exec.Cmd {
	args := []string{"--threads", strconv.Itoa(max(1, s.Threads))}
	env := append(os.Environ(), "CUDA_VISIBLE_DEVICES="+s.Visible)
	if s.Deterministic {
		env = append(env, "TF_DETERMINISTIC_OPS=1")
	}
	if s.Visible != "" {
		args = append(args, "--gpu")
		if s.MemoryFraction > 0 {
			args = append(args, "--memory-fraction", strconv.FormatFloat(s.MemoryFraction, 'g', -1, 64))
		}
		env = gpuEnvironment(env, file, s)
	}
	cmd := exec.Command(file, args...)
	cmd.Env = env
	return cmd
}

// gpuEnvironment adds what the CUDA libraries look at, once a process.
func gpuEnvironment(env []string, file string, s Settings) []string {
	set := func(name, value string) { env = append(without(env, name), name+"="+value) }
	if os.Getenv("CUDA_DEVICE_ORDER") == "" {
		set("CUDA_DEVICE_ORDER", "PCI_BUS_ID") // as nvidia-smi counts
	}
	if s.TF32 {
		env = without(env, "NVIDIA_TF32_OVERRIDE")
	} else {
		set("NVIDIA_TF32_OVERRIDE", "0")
	}
	if s.Deterministic {
		set("TF_CUDNN_USE_AUTOTUNE", "0") // it picks kernels by the clock
	}
	// Kernels for cards newer than the library are compiled at the first use, once
	// where they are kept; the usual place, below the home folder, is often on a
	// network.
	if os.Getenv("CUDA_CACHE_PATH") == "" {
		if dir, ok := ownFolder(filepath.Join(os.TempDir(), fmt.Sprintf("slimfit-cuda-%d", os.Getuid()))); ok {
			set("CUDA_CACHE_PATH", dir)
		}
	}
	if cuda := FindLibrary(file, os.Getenv("LD_LIBRARY_PATH")).cudaFolder(); cuda != "" {
		if flags := os.Getenv("XLA_FLAGS"); !strings.Contains(flags, "xla_gpu_cuda_data_dir") {
			set("XLA_FLAGS", strings.TrimSpace(flags+" --xla_gpu_cuda_data_dir="+cuda))
		}
		set("PATH", filepath.Join(cuda, "bin")+string(filepath.ListSeparator)+os.Getenv("PATH")) // ptxas
	}
	return env
}

// without leaves a variable out.
func without(env []string, name string) []string {
	return slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
}

// ownFolder makes a folder for this user alone; ok is false where something
// else, or somebody else's, has its name.
func ownFolder(dir string) (string, bool) {
	if err := os.Mkdir(dir, 0o700); err == nil {
		return dir, true
	}
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return "", false
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	return dir, ok && int(sys.Uid) == os.Getuid()
}
