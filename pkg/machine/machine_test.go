package machine

import (
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
		}, Machine{Cores: 4, Features: []string{}, Quota: 2, MemoryTotal: 16 * gib, MemoryAvailable: 0, MemoryLimit: 2 * gib}, 2},
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
			if got.Jobs() != c.jobs {
				t.Errorf("Jobs() = %d, want %d", got.Jobs(), c.jobs)
			}
		})
	}
}

func TestThisMachine(t *testing.T) {
	m := Read()
	if m.Cores < 1 || m.Jobs() < 1 || m.MemoryTotal < 1<<20 || m.MemoryAvailable > m.MemoryTotal {
		t.Errorf("implausible: %+v", m)
	}
	if free, err := FreeSpace(t.TempDir()); err != nil || free < 0 {
		t.Errorf("FreeSpace: %d, %v", free, err)
	}
	if _, err := FreeSpace("/no/such/folder"); err == nil || !strings.Contains(err.Error(), "/no/such/folder") {
		t.Errorf("FreeSpace of no folder: %v", err)
	}
}
