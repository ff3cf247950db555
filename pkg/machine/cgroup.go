package machine

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// limits are what the control groups of this process allow it.
type limits struct {
	cores  float64 // 0: no limit
	memory int64   // bytes, 0: no limit
	used   int64   // bytes of memory in use by the group that has the limit
}

// cgroup reads the limits of both versions of control groups: the tightest of
// the process's group and the groups above it.
func cgroup(root fs.FS) limits {
	var l limits
	for id, rest := range pairs(root, "proc/self/cgroup") { // 4:cpu,cpuacct:/group; version 2: 0::/group
		controllers, group, _ := strings.Cut(rest, ":")
		switch {
		case id == "0" && controllers == "":
			eachParent("sys/fs/cgroup", group, func(dir string) { l.version2(root, dir) })
		case has(controllers, "cpu"):
			eachParent("sys/fs/cgroup/cpu", group, func(dir string) { l.cpu1(root, dir) })
		case has(controllers, "memory"):
			eachParent("sys/fs/cgroup/memory", group, func(dir string) { l.memory1(root, dir) })
		}
	}
	return l
}

func has(list, name string) bool { return strings.Contains(","+list+",", ","+name+",") }

// eachParent calls f for the group's folder below mount and all above it. In a
// container the group's own path may not exist: the mount is always tried.
func eachParent(mount, group string, f func(dir string)) {
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		f(path.Join(mount, dir))
		if dir == "/" {
			return
		}
	}
}

func (l *limits) version2(root fs.FS, dir string) {
	if words := fields(root, path.Join(dir, "cpu.max")); len(words) == 2 {
		quota, err1 := strconv.ParseFloat(words[0], 64) // "max" is no limit
		period, err2 := strconv.ParseFloat(words[1], 64)
		if err1 == nil && err2 == nil && period > 0 {
			l.limitCores(quota / period)
		}
	}
	l.limitMemory(number(root, path.Join(dir, "memory.max")), number(root, path.Join(dir, "memory.current")))
}

func (l *limits) cpu1(root fs.FS, dir string) {
	quota, period := number(root, path.Join(dir, "cpu.cfs_quota_us")), number(root, path.Join(dir, "cpu.cfs_period_us"))
	if period > 0 {
		l.limitCores(float64(quota) / float64(period))
	}
}

func (l *limits) memory1(root fs.FS, dir string) {
	limit := number(root, path.Join(dir, "memory.limit_in_bytes"))
	if limit < 1<<60 { // no limit is written as the largest number of pages
		l.limitMemory(limit, number(root, path.Join(dir, "memory.usage_in_bytes")))
	}
}

func (l *limits) limitCores(n float64) {
	if n > 0 && (l.cores == 0 || n < l.cores) {
		l.cores = n
	}
}

func (l *limits) limitMemory(limit, used int64) {
	if limit > 0 && (l.memory == 0 || limit-used < l.memory-l.used) {
		l.memory, l.used = limit, used
	}
}

// fields returns the words of a file, none if it cannot be read.
func fields(root fs.FS, name string) []string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	return strings.Fields(string(b))
}

// number returns the only word of a file as a number, 0 if it is none.
func number(root fs.FS, name string) int64 {
	words := fields(root, name)
	if len(words) != 1 {
		return 0
	}
	n, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
