package machine

import (
	"bufio"
	"bytes"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// limits are what the control groups of this process allow it.
type limits struct {
	cores  float64 // 0: no limit
	memory int64   // bytes, of the group with the least left; 0: no limit
	free   int64   // bytes that this group may still take, >= 1
}

// cgroupLimits reads the limits of both versions of control groups: the tightest
// of the process's group and the groups above it.
func cgroupLimits(root fs.FS) limits {
	var l limits
	for _, g := range cgroups(root) {
		if quota := g.quota(root); quota > 0 && (l.cores == 0 || quota < l.cores) {
			l.cores = quota
		}
		if limit, free := g.memory(root); limit > 0 && (l.memory == 0 || free < l.free) {
			l.memory, l.free = limit, free
		}
	}
	return l
}

// cgroup is a control group that this process is in, or one above it.
type cgroup struct {
	dir        string // under root
	controller string // unified (version 2), or cpu, memory, ... of a version 1 hierarchy
}

// cgroups lists the groups whose limits hold here, from this process's own up
// to the roots, by /proc/self/cgroup and /proc/self/mountinfo (cgroups(7)).
func cgroups(root fs.FS) []cgroup {
	mounts := cgroupMounts(root)
	var all []cgroup
	for id, rest := range pairs(root, "proc/self/cgroup") { // 4:cpu,cpuacct:/group; version 2: 0::/group
		controllers, group, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		if id == "0" && controllers == "" {
			controllers = unified
		}
		for controller := range strings.SplitSeq(controllers, ",") {
			mount, ok := mounts[controller]
			if !ok {
				continue
			}
			// Inside a container the mount shows only a part of the hierarchy.
			rel := strings.TrimPrefix(path.Clean("/"+group), strings.TrimSuffix(mount.root, "/"))
			for dir := path.Clean("/" + rel); ; dir = path.Dir(dir) {
				all = append(all, cgroup{strings.TrimPrefix(path.Join(mount.point, dir), "/"), controller})
				if dir == "/" {
					break
				}
			}
		}
	}
	return all
}

const unified = "unified"

type cgroupMount struct{ root, point string }

// cgroupMounts finds where the hierarchies are mounted, by controller. Where
// the system does not tell they are looked for in their usual places.
func cgroupMounts(root fs.FS) map[string]cgroupMount {
	mounts := map[string]cgroupMount{}
	b, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return map[string]cgroupMount{unified: {"/", "/sys/fs/cgroup"}, "cpu": {"/", "/sys/fs/cgroup/cpu"},
			"memory": {"/", "/sys/fs/cgroup/memory"}}
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
			mounts[unified] = m
		case "cgroup":
			for option := range strings.SplitSeq(r[2], ",") {
				mounts[option] = m
			}
		}
	}
	return mounts
}

// quota is the group's CPU time in cores, 0 where it has no limit ("max" or -1).
func (g cgroup) quota(root fs.FS) float64 {
	var words []string
	switch g.controller {
	case unified:
		words = strings.Fields(g.read(root, "cpu.max"))
	case "cpu":
		words = []string{g.read(root, "cpu.cfs_quota_us"), g.read(root, "cpu.cfs_period_us")}
	}
	if len(words) != 2 {
		return 0
	}
	quota, err1 := strconv.ParseFloat(words[0], 64)
	period, err2 := strconv.ParseFloat(words[1], 64)
	if err1 != nil || err2 != nil || quota <= 0 || period <= 0 {
		return 0
	}
	return quota / period
}

// memory is the group's limit and what it may still take, in bytes; 0 where it
// has none. What the group holds as file cache can be taken back and is free.
func (g cgroup) memory(root fs.FS) (limit, free int64) {
	names := [3]string{"memory.max", "memory.current", "inactive_file"}
	switch g.controller {
	case unified:
	case "memory":
		names = [3]string{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
	default:
		return 0, 0
	}
	limit, err1 := strconv.ParseInt(g.read(root, names[0]), 10, 64)
	used, err2 := strconv.ParseInt(g.read(root, names[1]), 10, 64)
	if err1 != nil || err2 != nil || limit <= 0 || limit > 1<<60 { // version 1 writes "no limit" as a number near 2^63
		return 0, 0
	}
	var cached int64
	for line := range strings.Lines(g.read(root, "memory.stat")) {
		if n, ok := strings.CutPrefix(line, names[2]+" "); ok {
			cached, _ = strconv.ParseInt(strings.TrimSpace(n), 10, 64) // 0 where it is no number
		}
	}
	return limit, max(1, limit-used+cached)
}

// read returns one of the group's files, "" where it cannot be read.
func (g cgroup) read(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, path.Join(g.dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
