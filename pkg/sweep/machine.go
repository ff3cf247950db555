package sweep

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"path"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"slimfit/pkg/experiment"
)

// Machine is what this process may use of the machine.
type Machine struct {
	CPUs   int    // by affinity and the cgroups' quotas, rounded up; at least 1
	Memory int64  // bytes free, by the system and the cgroups' limits; 0 where unknown
	CPU    string // the processor's name, "" where unknown
	Reason string // what bounds CPUs: "affinity" or "cgroup"
}

// ThisMachine looks at root, which is os.DirFS("/"), and at this process's CPU
// affinity.
func ThisMachine(root fs.FS) Machine {
	m := Machine{CPUs: 1, Reason: "affinity"}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err == nil {
		m.CPUs = max(1, set.Count())
	}
	m.limit(root)
	return m
}

// Name tells machines of different speed apart.
func (m Machine) Name() string { return fmt.Sprintf("%s, %d CPUs, %s", m.CPU, m.CPUs, runtime.GOARCH) }

// limit applies what the files under root say.
func (m *Machine) limit(root fs.FS) {
	m.Memory = memAvailable(root)
	m.CPU = cpuName(root)
	for _, g := range cgroups(root) {
		if quota, ok := g.cpus(root); ok {
			if n := max(1, int(math.Ceil(quota-0.01))); n < m.CPUs {
				m.CPUs, m.Reason = n, "cgroup"
			}
		}
		if free, ok := g.memory(root); ok && (m.Memory == 0 || free < m.Memory) {
			m.Memory = max(1, free)
		}
	}
}

// Jobs is how many workers of so many threads and bytes the machine carries;
// there is always one, and never more than packs.
func (m Machine) Jobs(threads int, perWorker int64, packs int) int {
	n := m.CPUs / max(1, threads)
	if m.Memory > 0 && perWorker > 0 {
		n = min(n, int(m.Memory/perWorker))
	}
	return max(1, min(n, packs))
}

// WorkerMemory is about what one worker needs for the costliest of these trials:
// the library, the data set (in Go, and in the graph), and eight copies of
// weights, optimizer state and the activations of a batch. An upper bound,
// rather than exact.
func WorkerMemory(trials []experiment.Trial) int64 {
	const library = 400 << 20
	most := int64(0)
	seen := map[*experiment.Configuration]bool{}
	for _, t := range trials {
		if seen[t.Configuration] {
			continue
		}
		seen[t.Configuration] = true
		members := int64(1)
		if fusible(t.Layers) != "" {
			members = maxMembers
		}
		d := t.Data
		images := int64(d.Train+d.Validation+d.Test) * int64(d.Input.Elements())
		values := 5*int64(t.Footprint.Parameters) + 3*int64(t.Footprint.Activations.All)*int64(max(t.Recipe.Batch, 250))
		most = max(most, 2*images+4*values*members)
	}
	return library + most
}

// cgroup is a control group that this process is in, or one above it.
type cgroup struct {
	dir     string // under root
	version int
	kind    string // of a version 1 hierarchy: cpu or memory
}

// cgroups lists the groups whose limits hold here, from this process's own up
// to the roots, by /proc/self/cgroup and /proc/self/mountinfo (cgroups(7)).
func cgroups(root fs.FS) []cgroup {
	mounts := cgroupMounts(root)
	b, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	var all []cgroup
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		kinds := strings.Split(parts[1], ",")
		if parts[1] == "" {
			kinds = []string{"unified"}
		}
		for _, kind := range kinds {
			mount, ok := mounts[kind]
			if !ok {
				continue
			}
			version := 1
			if kind == "unified" {
				version = 2
			}
			// Inside a container the mount shows only a part of the hierarchy.
			rel := strings.TrimPrefix(path.Clean("/"+parts[2]), strings.TrimSuffix(mount.root, "/"))
			for dir := path.Clean("/" + rel); ; dir = path.Dir(dir) {
				all = append(all, cgroup{strings.TrimPrefix(path.Join(mount.point, dir), "/"), version, kind})
				if dir == "/" {
					break
				}
			}
		}
	}
	return all
}

type cgroupMount struct{ root, point string }

// cgroupMounts finds where the hierarchies are mounted: by controller, and the
// second version's as "unified".
func cgroupMounts(root fs.FS) map[string]cgroupMount {
	mounts := map[string]cgroupMount{}
	b, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return mounts
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		left, right, ok := strings.Cut(lines.Text(), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 5 || len(r) < 3 {
			continue
		}
		m := cgroupMount{root: l[3], point: l[4]}
		switch r[0] {
		case "cgroup2":
			mounts["unified"] = m
		case "cgroup":
			for _, option := range strings.Split(r[2], ",") {
				mounts[option] = m
			}
		}
	}
	return mounts
}

// cpus is the group's CPU quota in CPUs.
func (g cgroup) cpus(root fs.FS) (float64, bool) {
	switch {
	case g.version == 2:
		fields := strings.Fields(readText(root, path.Join(g.dir, "cpu.max")))
		if len(fields) == 2 {
			return ratioOf(fields[0], fields[1])
		}
	case g.kind == "cpu":
		return ratioOf(strings.TrimSpace(readText(root, path.Join(g.dir, "cpu.cfs_quota_us"))),
			strings.TrimSpace(readText(root, path.Join(g.dir, "cpu.cfs_period_us"))))
	}
	return 0, false
}

// ratioOf is quota/period; none where the quota is "max" or -1.
func ratioOf(quota, period string) (float64, bool) {
	q, err1 := strconv.ParseFloat(quota, 64)
	p, err2 := strconv.ParseFloat(period, 64)
	if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0, false
	}
	return q / p, true
}

// memory is what the group may still take, in bytes. What the group holds as
// file cache can be taken back and counts as free.
func (g cgroup) memory(root fs.FS) (int64, bool) {
	limit, usage, cache := "memory.max", "memory.current", "inactive_file"
	if g.version == 1 {
		if g.kind != "memory" {
			return 0, false
		}
		limit, usage, cache = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
	}
	l, err1 := strconv.ParseInt(strings.TrimSpace(readText(root, path.Join(g.dir, limit))), 10, 64)
	u, err2 := strconv.ParseInt(strings.TrimSpace(readText(root, path.Join(g.dir, usage))), 10, 64)
	if err1 != nil || err2 != nil || l <= 0 || l > 1<<60 { // version 1 writes "no limit" as a number near 2^63
		return 0, false
	}
	var cached int64
	for line := range strings.Lines(readText(root, path.Join(g.dir, "memory.stat"))) {
		if n, ok := strings.CutPrefix(line, cache+" "); ok {
			cached, _ = strconv.ParseInt(strings.TrimSpace(n), 10, 64) // 0 where it is no number
		}
	}
	return l - u + cached, true
}

// memAvailable is MemAvailable of /proc/meminfo in bytes, 0 where unknown.
func memAvailable(root fs.FS) int64 {
	for line := range strings.Lines(readText(root, "proc/meminfo")) {
		var kib int64
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	return 0
}

// cpuName is the processor's name, "" where unknown.
func cpuName(root fs.FS) string {
	for line := range strings.Lines(readText(root, "proc/cpuinfo")) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func readText(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return string(b)
}
