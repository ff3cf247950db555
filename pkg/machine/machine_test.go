package machine

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

// files are a machine's files by name.
func files(names map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, content := range names {
		root[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return root
}

func TestRead(t *testing.T) {
	const gib = 1 << 30
	meminfo := "MemTotal:       16777216 kB\nMemFree:  1 kB\nMemAvailable:    8388608 kB\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  Machine
		jobs  int
	}{
		{"nothing readable", nil, Machine{Cores: 4, Features: []string{}}, 4},
		{"x86, no cgroup", map[string]string{
			"proc/cpuinfo": "processor : 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fpu avx2 avx sse\n\nprocessor : 1\nmodel name\t: Other\nflags\t: fma\n",
			"proc/meminfo": meminfo,
		}, Machine{CPU: "Some CPU @ 2 GHz", Features: []string{"avx", "avx2"}, Cores: 4, MemoryTotal: 16 * gib, MemoryAvailable: 8 * gib}, 4},
		{"arm64", map[string]string{"proc/cpuinfo": "processor : 0\nFeatures\t: fp asimd bf16\n"},
			Machine{Features: []string{"asimd", "bf16"}, Cores: 4}, 4},
		{"version 2: the tightest of the group and its parents", map[string]string{
			"proc/meminfo":                     meminfo,
			"proc/self/cgroup":                 "0::/a/b\n",
			"sys/fs/cgroup/a/b/cpu.max":        "max 100000\n",
			"sys/fs/cgroup/a/cpu.max":          "150000 100000\n",
			"sys/fs/cgroup/a/b/memory.max":     "4294967296\n",
			"sys/fs/cgroup/a/b/memory.current": "1073741824\n",
			"sys/fs/cgroup/a/memory.max":       "max\n",
		}, Machine{Cores: 4, Features: []string{}, Quota: 1.5, MemoryTotal: 16 * gib, MemoryAvailable: 3 * gib, MemoryLimit: 4 * gib}, 2},
		{"version 2 in a container: the group's path is the host's", map[string]string{
			"proc/self/cgroup":      "0::/../../outside\n",
			"sys/fs/cgroup/cpu.max": "50000 100000\n",
		}, Machine{Cores: 4, Features: []string{}, Quota: 0.5}, 1},
		{"version 1", map[string]string{
			"proc/meminfo":                                 meminfo,
			"proc/self/cgroup":                             "5:memory:/g\n4:cpu,cpuacct:/g\n1:cpuset:/\n",
			"sys/fs/cgroup/cpu/g/cpu.cfs_quota_us":         "200000\n",
			"sys/fs/cgroup/cpu/g/cpu.cfs_period_us":        "100000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":           "-1\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us":          "100000\n",
			"sys/fs/cgroup/memory/g/memory.limit_in_bytes": "2147483648\n",
			"sys/fs/cgroup/memory/g/memory.usage_in_bytes": "3221225472\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "9223372036854771712\n",
		}, Machine{Cores: 4, Features: []string{}, Quota: 2, MemoryTotal: 16 * gib, MemoryAvailable: 1, MemoryLimit: 2 * gib}, 2},
		{"nonsense", map[string]string{
			"proc/meminfo":              "MemTotal\nMemAvailable: many kB\n",
			"proc/self/cgroup":          "what\n0::/\n",
			"sys/fs/cgroup/cpu.max":     "1 0\n",
			"sys/fs/cgroup/memory.max":  "-5\n",
			"sys/fs/cgroup/x/cpu.max":   "",
			"sys/fs/cgroup/memory.high": "3\n",
		}, Machine{Cores: 4, Features: []string{}}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(files(c.files), 4)
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if n := got.Jobs(1, 0, math.MaxInt); n != c.jobs {
				t.Errorf("%d jobs, want %d", n, c.jobs)
			}
		})
	}
}

func TestThisMachine(t *testing.T) {
	m := Read()
	if m.Cores < 1 || m.CPUs() < 1 || m.MemoryTotal < 1<<20 || m.MemoryAvailable > m.MemoryTotal {
		t.Errorf("implausible: %+v", m)
	}
	if free, err := FreeSpace(t.TempDir()); err != nil || free < 0 {
		t.Errorf("FreeSpace: %d, %v", free, err)
	}
	if _, err := FreeSpace("/no/such/folder"); err == nil || !strings.Contains(err.Error(), "/no/such/folder") {
		t.Errorf("FreeSpace of no folder: %v", err)
	}
}

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
		{"a quota of two cores and a bit of rounding", fstest.MapFS{
			"proc/self/cgroup": file("0::/\n"), "proc/self/mountinfo": file(v2), "sys/fs/cgroup/cpu.max": file("200500 100000\n"),
		}, 2, 0},
		{"nonsense", fstest.MapFS{
			"proc/meminfo": file("MemAvailable: lots\n"), "proc/self/cgroup": file("0::/a\nx\n"), "proc/self/mountinfo": file(v2 + "short\n - \n"),
			"sys/fs/cgroup/a/cpu.max": file("many few\n"), "sys/fs/cgroup/cpu.max": file("0 0\n"),
		}, 16, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := read(c.root, 16)
			if m.CPUs() != c.cpus || m.MemoryAvailable != c.memory {
				t.Errorf("%d CPUs, %d bytes; want %d, %d", m.CPUs(), m.MemoryAvailable, c.cpus, c.memory)
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
		{Machine{Cores: 8}, 1, 100, 50, 8},
		{Machine{Cores: 8}, 3, 100, 50, 2},
		{Machine{Cores: 8}, 16, 100, 50, 1},
		{Machine{Cores: 8, MemoryAvailable: 350}, 1, 100, 50, 3},
		{Machine{Cores: 8, MemoryAvailable: 50}, 1, 100, 50, 1},
		{Machine{Cores: 8}, 1, 100, 3, 3},
		{Machine{Cores: 8}, 1, 100, 0, 1},
	} {
		if got := c.m.Jobs(c.threads, c.perWorker, c.packs); got != c.want {
			t.Errorf("%+v with %d threads, %d bytes, %d packs: %d jobs, want %d", c.m, c.threads, c.perWorker, c.packs, got, c.want)
		}
	}
}
