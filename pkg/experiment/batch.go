package experiment

import (
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	yk "slimfit/pkg/yamlkeys"
)

// batchField is a key of batch and where its value belongs: a pointer to text, a
// number, a list of texts or a time.
type batchField struct {
	yk.Key
	to any
}

// fields are the keys of batch, with the fields that they fill.
func (b *Batch) fields() []batchField {
	word := yk.Text(200, `[A-Za-z0-9_.,@+:/-]+`, "a word of letters, digits and _ . , @ + : / -")
	line := yk.Text(1000, `[^\x00-\x1f\x7f]+`, "one line of text")
	option := yk.Text(1000, `--?[A-Za-z][^\x00-\x1f\x7f]*`, "an sbatch option such as --constraint=a100")
	lines := func(f yk.Form) []yk.Form { return yk.Forms(yk.List(0, 100, yk.Key{Forms: yk.Forms(f)})) }
	return []batchField{
		{yk.Key{Name: "engine", Forms: yk.Forms(yk.Choice("slurm")), Default: "slurm", Doc: "The batch system."}, &b.Engine},
		{yk.Key{Name: "partition", Forms: yk.Forms(word), Default: "the cluster's", Doc: "sbatch --partition."}, &b.Partition},
		{yk.Key{Name: "account", Forms: yk.Forms(word), Default: "the user's", Doc: "sbatch --account."}, &b.Account},
		{yk.Key{Name: "qos", Forms: yk.Forms(word), Default: "the cluster's", Doc: "sbatch --qos."}, &b.QOS},
		{yk.Key{Name: "time", Forms: yk.Forms(yk.Integer(1, 525_600), yk.Text(20, slurmTime, "a time as Slurm writes it: 2:00:00, 1-12")), Default: "60",
			Doc: "Limit of one array element; a whole number is minutes. A checkpoint is made before it ends."}, &b.Time},
		{yk.Key{Name: "gpus", Forms: yk.Forms(yk.Integer(0, 64)), Default: "0", Doc: "GPUs of one element."}, &b.GPUs},
		{yk.Key{Name: "cpus", Forms: yk.Forms(yk.Integer(1, 4096)), Default: "1",
			Doc: "CPU cores of one element; without a GPU, one worker a core."}, &b.CPUs},
		{yk.Key{Name: "memory", Forms: yk.Forms(yk.Text(12, `[1-9][0-9]{0,8}[KMGT]?`, "a size as Slurm writes it: 4000M, 16G")),
			Default: "the cluster's", Doc: "sbatch --mem of one element."}, &b.Memory},
		{yk.Key{Name: "throttle", Forms: yk.Forms(yk.Integer(1, 100_000)), Default: "no limit", Doc: "Array elements that run at once."}, &b.Throttle},
		{yk.Key{Name: "extra", Forms: lines(option), Doc: "More sbatch options, one an item."}, &b.Extra},
		{yk.Key{Name: "modules", Forms: lines(word), Doc: "Environment modules that are loaded first."}, &b.Modules},
		{yk.Key{Name: "setup", Forms: lines(line), Doc: "Shell lines before the work, one an item."}, &b.Setup},
		{yk.Key{Name: "min_minutes", Forms: yk.Forms(yk.Number("[", 0, 10_080, "]")), Default: "10",
			Doc: "Short trials share an element so that it runs at least about this long."}, &b.MinMinutes},
		{yk.Key{Name: "gpu_memory_fraction", Forms: yk.Forms(yk.Number("(", 0, 1, "]")), Default: "1",
			Doc: "Share of a GPU's memory that one worker may take."}, &b.GPUMemoryFraction},
	}
}

// BatchKeys are the keys of batch, in an experiment and in a site's file.
func BatchKeys() []yk.Key {
	var keys []yk.Key
	for _, f := range new(Batch).fields() {
		keys = append(keys, f.Key)
	}
	return keys
}

// take fills the field from a value that its key accepts.
func (f batchField) take(v *yk.Value) {
	to, isTime := f.to.(*time.Duration)
	switch {
	case !isTime:
		v.Into(f.to)
	case v.Kind == yk.TextKind:
		*to = parseSlurmTime(v.Text)
	default:
		*to = time.Duration(v.Num) * time.Minute
	}
}

// DefaultBatch is what holds where neither the experiment nor the site says
// otherwise: the defaults of the keys.
func DefaultBatch() Batch {
	b := Batch{given: map[string]bool{}}
	for _, f := range b.fields() {
		if v := f.DefaultValue(); v != nil {
			f.take(v)
			b.given[f.Name] = true
		}
	}
	return b
}

// Or fills what b does not give from other: a site's file, then DefaultBatch.
func (b Batch) Or(other Batch) Batch {
	r := b
	r.given = map[string]bool{}
	maps.Copy(r.given, b.given)
	from := other.fields()
	for i, f := range r.fields() {
		if !b.given[f.Name] && other.given[f.Name] {
			reflect.ValueOf(f.to).Elem().Set(reflect.ValueOf(from[i].to).Elem())
			r.given[f.Name] = true
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
	source, err := readSource(file)
	if err != nil {
		return Batch{}, fmt.Errorf("read the site's batch settings: %w", err)
	}
	return ParseBatch(file, source, sets)
}

// ParseBatch is LoadBatch for a source in memory.
func ParseBatch(file string, source []byte, sets []string) (Batch, error) {
	p := newProblems(file)
	root := p.Parse(source)
	if root == nil {
		return Batch{}, p.Err()
	}
	section := &yk.Key{Name: "batch", Forms: yk.Forms(yk.Mapping(BatchKeys()...))}
	wrapped := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{word("batch"), root}}
	for _, s := range sets {
		p.Set(wrapped, &yk.Key{Forms: yk.Forms(yk.Mapping(*section))}, s)
	}
	v := p.Check(root, section, "batch")
	if err := p.Err(); err != nil {
		return Batch{}, err
	}
	return batch(v), nil
}

// batch reads the checked section; what is not given stays zero.
func batch(v *yk.Value) Batch {
	b := Batch{given: map[string]bool{}}
	for _, f := range b.fields() {
		if x := v.Get(f.Name); x != nil {
			f.take(x)
			b.given[f.Name] = true
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

// slurmTime is minutes:seconds, hours:minutes:seconds, or days-hours with
// optional minutes and seconds.
const slurmTime = `[0-9]{1,6}:[0-9]{2}|[0-9]{1,5}:[0-9]{2}:[0-9]{2}|[0-9]{1,4}-[0-9]{1,2}(:[0-9]{2}){0,2}`
