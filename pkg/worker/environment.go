package worker

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"slimfit/pkg/graph"
	"slimfit/pkg/machine"
	"slimfit/pkg/nvml"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
)

// environment is where this worker runs.
func environment(o Options) result.Environment {
	host, _ := os.Hostname() // "" where the system has no name
	m := machine.Read()
	env := result.Environment{
		Slimfit: o.Version, TensorFlow: graph.Version(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Host: host, CPU: m.CPU, CPUFeatures: m.Features, Threads: o.Threads, Device: "CPU",
	}
	if !o.GPU {
		return env
	}
	// The first session decides on the GPU's memory for all.
	devices, err := graph.Devices(graph.Device{Threads: o.Threads, GPU: true, MemoryFraction: o.MemoryFraction})
	if err != nil {
		return env
	}
	for _, d := range devices {
		if d.Type == "GPU" {
			env.Device = d.Name
		}
	}
	if env.Device == "CPU" {
		return env
	}
	env.TF32, env.Autotune = os.Getenv("NVIDIA_TF32_OVERRIDE") != "0", os.Getenv("TF_CUDNN_USE_AUTOTUNE") != "0"
	env.CuDNN = nvml.CuDNN()
	if driver, err := nvml.Read(); err == nil { // without NVML TensorFlow's own name stays
		env.Driver, env.CUDA = driver.Version, driver.CUDA
		env.Device = deviceName(driver.GPUs, os.Getenv("CUDA_VISIBLE_DEVICES"), env.Device)
	}
	return env
}

// deviceName is the model of the GPU that CUDA shows first, by
// CUDA_VISIBLE_DEVICES: a number, or the beginning of a UUID. A part of a GPU
// (MIG) has a name of its own, which NVML lists elsewhere; then, and where
// nothing fits, it is otherwise.
func deviceName(gpus []protocol.GPU, visible, otherwise string) string {
	first, _, _ := strings.Cut(visible, ",")
	if first = strings.TrimSpace(first); first == "" {
		first = "0"
	}
	for _, g := range gpus {
		if g.Name != "" && (first == strconv.Itoa(g.Index) || strings.HasPrefix(first, "GPU-") && strings.HasPrefix(g.UUID, first)) {
			return g.Name
		}
	}
	return otherwise
}
