package experiment

import (
	"fmt"
	"io"
	"maps"
	"os"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// DefaultBatch is what holds where neither the experiment nor the site says
// otherwise.
func DefaultBatch() Batch {
	return Batch{Engine: "slurm", Time: time.Hour, CPUs: 1, MinMinutes: 10, GPUMemoryFraction: 1,
		given: map[string]bool{"engine": true, "time": true, "cpus": true, "min_minutes": true, "gpu_memory_fraction": true}}
}

// Or fills what b does not give from other: a site's file, then DefaultBatch.
func (b Batch) Or(other Batch) Batch {
	r := b
	r.given = maps.Clone(b.given)
	if r.given == nil {
		r.given = map[string]bool{}
	}
	for name, set := range map[string]func(){
		"engine":              func() { r.Engine = other.Engine },
		"partition":           func() { r.Partition = other.Partition },
		"account":             func() { r.Account = other.Account },
		"qos":                 func() { r.QOS = other.QOS },
		"time":                func() { r.Time = other.Time },
		"gpus":                func() { r.GPUs = other.GPUs },
		"cpus":                func() { r.CPUs = other.CPUs },
		"memory":              func() { r.Memory = other.Memory },
		"throttle":            func() { r.Throttle = other.Throttle },
		"extra":               func() { r.Extra = other.Extra },
		"modules":             func() { r.Modules = other.Modules },
		"setup":               func() { r.Setup = other.Setup },
		"min_minutes":         func() { r.MinMinutes = other.MinMinutes },
		"gpu_memory_fraction": func() { r.GPUMemoryFraction = other.GPUMemoryFraction },
	} {
		if !b.given[name] && other.given[name] {
			set()
			r.given[name] = true
		}
	}
	return r
}

// Given says whether the file has the key.
func (b Batch) Given(key string) bool { return b.given[key] }

// LoadBatch reads a site's file: the keys of batch at its top level, with
// --set overrides such as "batch.partition=gpu". A file that does not exist
// gives an error that wraps fs.ErrNotExist; what is wrong in it comes back as
// Errors.
func LoadBatch(file string, sets []string) (Batch, error) {
	f, err := os.Open(file)
	if err != nil {
		return Batch{}, fmt.Errorf("read the site's batch settings: %w", err)
	}
	defer f.Close()
	source, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return Batch{}, fmt.Errorf("read the site's batch settings: %w", err)
	}
	return ParseBatch(file, source, sets)
}

// ParseBatch is LoadBatch for a source in memory.
func ParseBatch(file string, source []byte, sets []string) (Batch, error) {
	p := &problems{file: file, origins: map[*yaml.Node]string{}}
	root := p.parse(source)
	if root == nil {
		return Batch{}, p.err()
	}
	wrapped := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: "batch"}, root}}
	for _, s := range sets {
		p.set(wrapped, s)
	}
	v := p.check(root, &Key{Forms: forms(mapping(batchKeys()...))}, "batch")
	if err := p.err(); err != nil {
		return Batch{}, err
	}
	return batch(v), nil
}

// batch reads the checked section; what is not given stays zero.
func batch(v *value) Batch {
	b := Batch{Engine: v.str("engine", ""), Partition: v.str("partition", ""), Account: v.str("account", ""), QOS: v.str("qos", ""),
		GPUs: v.int("gpus", 0), CPUs: v.int("cpus", 0), Memory: v.str("memory", ""), Throttle: v.int("throttle", 0),
		Extra: v.strs("extra"), Modules: v.strs("modules"), Setup: v.strs("setup"),
		MinMinutes: v.float("min_minutes", 0), GPUMemoryFraction: v.float("gpu_memory_fraction", 0), given: map[string]bool{}}
	if v == nil {
		return b
	}
	for _, q := range v.pairs {
		b.given[q.name] = true
	}
	if x := v.get("time"); x != nil {
		b.Time = time.Duration(x.num) * time.Minute
		if x.kind == Text {
			b.Time = parseSlurmTime(x.text)
		}
	}
	return b
}

// parseSlurmTime reads what slurmTime matches.
func parseSlurmTime(s string) time.Duration {
	total := time.Duration(0)
	units := []time.Duration{time.Hour, time.Minute, time.Second}
	if day, rest, ok := strings.Cut(s, "-"); ok {
		n, _ := strconv.Atoi(day)
		total, s = time.Duration(n)*24*time.Hour, rest
	} else {
		units = units[max(0, 2-strings.Count(s, ":")):]
	}
	for i, part := range strings.Split(s, ":") {
		n, _ := strconv.Atoi(part)
		total += time.Duration(n) * units[i]
	}
	return total
}

// batchKeys are the keys of batch, in an experiment and in a site's file.
func batchKeys() []Key {
	word := text(200, `[A-Za-z0-9_.,@+:/-]+`, "a word of letters, digits and _ . , @ + : / -")
	line := text(1000, `[^\x00-\x1f\x7f]+`, "one line of text")
	option := text(1000, `--?[A-Za-z][^\x00-\x1f\x7f]*`, "an sbatch option such as --constraint=a100")
	lines := func(f Form) []Form { return forms(list(0, 100, Key{Forms: forms(f)})) }
	return []Key{
		{Name: "engine", Forms: forms(choice("slurm")), Default: "slurm", Doc: "The batch system."},
		{Name: "partition", Forms: forms(word), Default: "the cluster's", Doc: "sbatch --partition."},
		{Name: "account", Forms: forms(word), Default: "the user's", Doc: "sbatch --account."},
		{Name: "qos", Forms: forms(word), Default: "the cluster's", Doc: "sbatch --qos."},
		{Name: "time", Forms: forms(integer(1, 525_600), text(20, slurmTime, "a time as Slurm writes it: 2:00:00, 1-12")), Default: "60",
			Doc: "Limit of one array element; a whole number is minutes. A checkpoint is made before it ends."},
		{Name: "gpus", Forms: forms(integer(0, 64)), Default: "0", Doc: "GPUs of one element."},
		{Name: "cpus", Forms: forms(integer(1, 4096)), Default: "1", Doc: "CPU cores of one element; without a GPU, one worker a core."},
		{Name: "memory", Forms: forms(text(12, `[1-9][0-9]{0,8}[KMGT]?`, "a size as Slurm writes it: 4000M, 16G")), Default: "the cluster's", Doc: "sbatch --mem of one element."},
		{Name: "throttle", Forms: forms(integer(1, 100_000)), Default: "no limit", Doc: "Array elements that run at once."},
		{Name: "extra", Forms: lines(option), Doc: "More sbatch options, one an item."},
		{Name: "modules", Forms: lines(word), Doc: "Environment modules that are loaded first."},
		{Name: "setup", Forms: lines(line), Doc: "Shell lines before the work, one an item."},
		{Name: "min_minutes", Forms: forms(number("[", 0, 10_080, "]")), Default: "10", Doc: "Short trials share an element so that it runs at least about this long."},
		{Name: "gpu_memory_fraction", Forms: forms(number("(", 0, 1, "]")), Default: "1", Doc: "Share of a GPU's memory that one worker may take."},
	}
}

// slurmTime is minutes:seconds, hours:minutes:seconds, or days-hours with
// optional minutes and seconds.
const slurmTime = `[0-9]{1,6}:[0-9]{2}|[0-9]{1,5}:[0-9]{2}:[0-9]{2}|[0-9]{1,4}-[0-9]{1,2}(:[0-9]{2}){0,2}`
