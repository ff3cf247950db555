// Package machine reads what this process may use of the machine it runs on:
// the processor and its features, cores, memory, disk and GPUs. It is the only
// reader of all these.
package machine

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine is what the process may use.
type Machine struct {
	CPU      string   `json:"cpu"`          // model name; "" where the system does not tell
	Features []string `json:"cpu_features"` // those that choose other kernels, see NumericFeatures
	Cores    int      `json:"cores"`        // that the CPU affinity allows, >= 1
	Quota    float64  `json:"cpu_quota"`    // cores' worth of time that the cgroup allows; 0: no limit

	MemoryTotal     int64 `json:"memory_total"`     // bytes; 0 where the system does not tell
	MemoryAvailable int64 `json:"memory_available"` // bytes that can be had without swapping, within the limit
	MemoryLimit     int64 `json:"memory_limit"`     // bytes that the cgroup allows; 0: no limit
}

// Read looks at this machine.
func Read() Machine { return read(os.DirFS("/"), affinity()) }

// CPUs is the number of cores that affinity and quota allow together, rounded
// up; at least 1. A hundredth of a core more than a whole number is none.
func (m Machine) CPUs() int {
	n := m.Cores
	if m.Quota > 0 {
		n = min(n, int(math.Ceil(m.Quota-0.01)))
	}
	return max(1, n)
}

// Name tells machines of different speed apart.
func (m Machine) Name() string {
	return fmt.Sprintf("%s, %d CPUs, %s", m.CPU, m.CPUs(), runtime.GOARCH)
}

// Jobs is how many workers of so many threads and bytes the machine carries;
// there is always one, and never more than packs.
func (m Machine) Jobs(threads int, perWorker int64, packs int) int {
	n := m.CPUs() / max(1, threads)
	if m.MemoryAvailable > 0 && perWorker > 0 {
		n = int(min(int64(n), m.MemoryAvailable/perWorker))
	}
	return max(1, min(n, packs))
}

// FreeSpace is the number of bytes that this user can still write to the file
// system of the folder.
func FreeSpace(folder string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", folder, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// NumericFeatures lists the CPU features that choose other kernels and so
// other last bits, by their names in /proc/cpuinfo (x86 and arm64).
func NumericFeatures() []string {
	return []string{"avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8",
		"asimd", "asimddp", "asimdhp", "bf16", "i8mm", "sve", "sve2"}
}

// affinity is the number of cores that the scheduler may put this process on.
func affinity() int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return runtime.NumCPU() // what Go found at start
	}
	return set.Count()
}

// read looks at the machine whose file system is root.
func read(root fs.FS, cores int) Machine {
	m := Machine{Cores: cores, Features: []string{}}
	for key, value := range pairs(root, "proc/cpuinfo") {
		switch {
		case key == "model name" && m.CPU == "":
			m.CPU = value
		case (key == "flags" || key == "Features") && len(m.Features) == 0:
			have := strings.Fields(value)
			m.Features = slices.DeleteFunc(NumericFeatures(), func(f string) bool { return !slices.Contains(have, f) })
		}
	}
	for key, value := range pairs(root, "proc/meminfo") {
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(value, " kB"), 10, 64)
		if err != nil {
			continue
		}
		switch key {
		case "MemTotal":
			m.MemoryTotal = kilobytes << 10
		case "MemAvailable":
			m.MemoryAvailable = kilobytes << 10
		}
	}
	limit := cgroupLimits(root)
	m.Quota, m.MemoryLimit = limit.cores, limit.memory
	if limit.memory > 0 && (m.MemoryAvailable == 0 || limit.free < m.MemoryAvailable) {
		m.MemoryAvailable = limit.free
	}
	return m
}

// pairs yields the "key : value" lines of a file, none if there is no such file.
func pairs(root fs.FS, name string) func(yield func(key, value string) bool) {
	return func(yield func(key, value string) bool) {
		b, err := fs.ReadFile(root, name)
		if err != nil {
			return
		}
		lines := bufio.NewScanner(bytes.NewReader(b))
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ":")
			if !yield(strings.TrimSpace(key), strings.TrimSpace(value)) {
				return
			}
		}
	}
}

// Writable returns nil if this user may create files in the folder.
func Writable(folder string) error {
	if err := unix.Access(folder, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("write to %s: %w", folder, err)
	}
	return nil
}
