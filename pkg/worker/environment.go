package worker

import (
	"bufio"
	"os"
	"runtime"
	"slices"
	"strings"

	"slimfit/pkg/graph"
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
	return env
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
