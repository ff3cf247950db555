package sweep

import (
	"testing"
	"testing/fstest"
)

func TestMachineLimits(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	const v2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
	const v1 = "31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
		"32 25 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	for _, c := range []struct {
		name   string
		root   fstest.MapFS
		cpus   int
		memory int64
	}{
		{"no files at all", fstest.MapFS{}, 16, 0},
		{"no limits", fstest.MapFS{
			"proc/meminfo": file("MemTotal: 9 kB\nMemAvailable:    2048 kB\n"), "proc/self/cgroup": file("0::/user.slice\n"),
			"proc/self/mountinfo":              file(v2),
			"sys/fs/cgroup/user.slice/cpu.max": file("max 100000\n"), "sys/fs/cgroup/user.slice/memory.max": file("max\n"),
		}, 16, 2048 << 10},
		{"version 2, the group above limits", fstest.MapFS{
			"proc/meminfo": file("MemAvailable: 1000000 kB\n"), "proc/self/cgroup": file("0::/a/b/c\n"), "proc/self/mountinfo": file(v2),
			"sys/fs/cgroup/a/b/c/cpu.max": file("800000 100000\n"), "sys/fs/cgroup/a/b/cpu.max": file("250000 100000\n"), "sys/fs/cgroup/a/cpu.max": file("max 100000\n"),
			"sys/fs/cgroup/a/memory.max": file("1000000\n"), "sys/fs/cgroup/a/memory.current": file("900000\n"),
			"sys/fs/cgroup/a/memory.stat": file("anon 1\ninactive_file 50000\n"),
		}, 3, 150000},
		{"version 2 in a container", fstest.MapFS{
			"proc/self/cgroup": file("0::/\n"), "proc/self/mountinfo": file(v2), "sys/fs/cgroup/cpu.max": file("100000 100000\n"),
			"sys/fs/cgroup/memory.max": file("500\n"), "sys/fs/cgroup/memory.current": file("600\n"),
		}, 1, 1},
		{"version 1", fstest.MapFS{
			"proc/meminfo": file("MemAvailable: 1000 kB\n"), "proc/self/cgroup": file("4:cpu,cpuacct:/job\n3:memory:/job\n0::/\n"), "proc/self/mountinfo": file(v1),
			"sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": file("400000\n"), "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": file("100000\n"),
			"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": file("-1\n"), "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": file("100000\n"),
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes": file("500000\n"), "sys/fs/cgroup/memory/job/memory.usage_in_bytes": file("100000\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n"), "sys/fs/cgroup/memory/memory.usage_in_bytes": file("1\n"),
		}, 4, 400000},
		{"version 1, a container's part of the hierarchy", fstest.MapFS{
			"proc/self/cgroup":                   file("4:cpu,cpuacct:/docker/12\n"),
			"proc/self/mountinfo":                file("31 25 0:27 /docker/12 /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"),
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": file("150000\n"), "sys/fs/cgroup/cpu/cpu.cfs_period_us": file("100000\n"),
		}, 2, 0},
		{"nonsense", fstest.MapFS{
			"proc/meminfo": file("MemAvailable: lots\n"), "proc/self/cgroup": file("0::/a\nx\n"), "proc/self/mountinfo": file(v2 + "short\n - \n"),
			"sys/fs/cgroup/a/cpu.max": file("many few\n"), "sys/fs/cgroup/cpu.max": file("0 0\n"),
		}, 16, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := Machine{CPUs: 16}
			m.limit(c.root)
			if m.CPUs != c.cpus || m.Memory != c.memory {
				t.Errorf("%d CPUs, %d bytes; want %d, %d", m.CPUs, m.Memory, c.cpus, c.memory)
			}
		})
	}
}

func TestJobs(t *testing.T) {
	for _, c := range []struct {
		m         Machine
		threads   int
		perWorker int64
		packs     int
		want      int
	}{
		{Machine{CPUs: 8}, 1, 100, 50, 8},
		{Machine{CPUs: 8}, 3, 100, 50, 2},
		{Machine{CPUs: 8}, 16, 100, 50, 1},
		{Machine{CPUs: 8, Memory: 350}, 1, 100, 50, 3},
		{Machine{CPUs: 8, Memory: 50}, 1, 100, 50, 1},
		{Machine{CPUs: 8}, 1, 100, 3, 3},
		{Machine{CPUs: 8}, 1, 100, 0, 1},
	} {
		if got := c.m.Jobs(c.threads, c.perWorker, c.packs); got != c.want {
			t.Errorf("%+v with %d threads, %d bytes, %d packs: %d jobs, want %d", c.m, c.threads, c.perWorker, c.packs, got, c.want)
		}
	}
}
