package worker

import (
	"bufio"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/graph"
	"slimfit/pkg/nvml"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
)

// environment is where this worker runs.
func environment(o Options) result.Environment {
	host, _ := os.Hostname() // "" where the system has no name
	model, features := cpu("/proc/cpuinfo")
	env := result.Environment{
		Slimfit: o.Version, TensorFlow: graph.Version(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Host: host, CPU: model, CPUFeatures: features, Threads: o.Threads, Device: "CPU",
	}
	if !o.GPU {
		return env
	}
	devices, err := graph.Devices()
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

// numeric are the CPU features that choose other kernels and so other last
// bits, by their names in /proc/cpuinfo (x86 and arm64).
func numeric() []string {
	return []string{"avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8",
		"asimd", "asimddp", "asimdhp", "bf16", "i8mm", "sve", "sve2"}
}

// cpu reads the processor's name and numeric features; both are empty where
// the file is not there.
func cpu(file string) (model string, features []string) {
	f, err := os.Open(file)
	if err != nil {
		return "", []string{}
	}
	defer f.Close()
	features = []string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		switch strings.TrimSpace(key) {
		case "model name":
			model = strings.TrimSpace(value)
		case "flags", "Features":
			have := strings.Fields(value)
			for _, n := range numeric() {
				if slices.Contains(have, n) && !slices.Contains(features, n) {
					features = append(features, n)
				}
			}
		}
	}
	return model, features
}
