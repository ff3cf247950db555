package worker

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"slimfit/models"
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

// info tells what this worker runs on, with the GPUs of the machine.
func (s *server) info() {
	driver, err := nvml.Read()
	if err != nil {
		s.emit(protocol.Event{Type: protocol.Warning, Message: err.Error()})
	}
	env := s.env
	if env.Device != "CPU" {
		s.placement(&env)
	}
	env.Driver, env.CUDA, env.CuDNN = driver.Version, driver.CUDA, nvml.CuDNN()
	s.emit(protocol.Event{Type: protocol.Ready, Environment: &env, GPUs: driver.GPUs})
}

// placement looks where a step of the paper's base network runs on the GPU.
func (s *server) placement(env *result.Environment) {
	layers, _ := models.Named("base")
	net := graph.Net{Spec: models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: layers}}
	p, err := graph.GPUPlacement([]graph.Net{net}, models.DefaultRecipe())
	if err != nil {
		s.emit(protocol.Event{Type: protocol.Warning, Message: err.Error()})
		return
	}
	n := len(p.OnCPU)
	env.CPUOps = &n
	if n > 0 {
		s.emit(protocol.Event{Type: protocol.Warning, Message: p.Warning()})
	}
}
