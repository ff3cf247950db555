package experiment

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"slimfit/models"
	"slimfit/pkg/footprint"
	"slimfit/pkg/yamlkeys"
)

func TestSets(t *testing.T) {
	e := parse(t, slices3+"train: {epochs: 3}\n", "train.steps=10", "matrix.kernel=[5]", "seeds=2", "target.accuracy=0.9",
		"dataset.validation=1000",
		"model.1.maxpool.padding=valid", "model.2.dense.activation=none", "model.0.conv={kernel: $kernel, filters: $filters, stride: 2}",
		"about=a=b")
	c := e.Configs[0]
	if len(e.Configs) != 3 || len(e.Seeds) != 2 || e.Target.Accuracy != 0.9 || c.Recipe.Steps != 10 || c.Data.Validation != 1000 ||
		e.About != "a=b" {
		t.Errorf("got %+v", e)
	}
	if c.Layers[0].Stride != models.Square(2) || c.Layers[1].Padding != models.Valid || c.Layers[1].Size != models.Square(2) ||
		c.Layers[2].Units != 128 ||
		c.Layers[2].Activation != models.None {
		t.Errorf("layers %+v", c.Layers)
	}
	if e := parse(t, slices3+"train: {steps: 3}\n", "train.epochs=1"); e.Configs[0].Recipe.Steps != 1100 {
		t.Errorf("%d steps, want an epoch's", e.Configs[0].Recipe.Steps)
	}
}

func TestTarget(t *testing.T) {
	got := parse(t, slices3+`
seeds: 20
target: {accuracy: 0.95, confidence: 0.9, seeds: 12, cost: peak_activation_elements, within: {macs: 1e5, peak_activation_elements: 3000.5}, rule: tolerance, precision: int8, recall: {7: 0.98, all: 0.9, 0: 0}}
evaluate: {test: winner}
report: {slice: kernel, x: peak_activation_elements, scale: log}
`)
	want := &Target{Accuracy: 0.95, Metric: "accuracy", Confidence: 0.9, Seeds: 12,
		Cost: footprint.Peak, Precision: Int8, Evidence: "certificate",
		Within: []Budget{{Cost: footprint.MACs, Limit: 1e5}, {Cost: footprint.Peak, Limit: 3000.5}},
		Rule:   RuleTolerance, RecallAll: 0.9, Recall: []Recall{{}, {Class: 7, Floor: 0.98}}}
	if !reflect.DeepEqual(got.Target, want) {
		t.Errorf("got %+v\nwant %+v", got.Target, want)
	}
	if want.Floor(7) != 0.98 || want.Floor(0) != 0 || want.Floor(3) != 0.9 {
		t.Errorf("floors %v %v %v", want.Floor(7), want.Floor(0), want.Floor(3))
	}
	if got.Evaluate.Test != TestWinner || got.Report != (Report{"kernel", "peak", "log"}) {
		t.Errorf("evaluate %+v, report %+v", got.Evaluate, got.Report)
	}
	plain := parse(t, slices3+"seeds: 3\ntarget: {accuracy: 0.5}\n").Target
	if !reflect.DeepEqual(plain, &Target{Accuracy: 0.5, Metric: "accuracy", Confidence: 0.95,
		Seeds: 3, Cost: footprint.Parameters, Rule: RuleWorst,
		Precision: Float32, Evidence: "certificate"}) {
		t.Errorf("defaults %+v", plain)
	}
}

func TestBatch(t *testing.T) {
	site, err := ParseBatch("site.yaml", []byte("partition: gpu\ngpus: 1\ntime: 1-12\nmodules: [cuda/12]\nmin_minutes: 30\n"),
		[]string{"batch.account=lab"})
	if err != nil {
		t.Fatal(err)
	}
	given := parse(t, slices3+"batch: {gpus: 0, time: 90, min_minutes: 0, extra: [--constraint=a100], setup: [export X=1]}\n").Batch
	b := given.Or(site).Or(DefaultBatch())
	b.given = nil
	want := Batch{Engine: "slurm", Partition: "gpu", Account: "lab", Time: 90 * time.Minute, CPUs: 1, Extra: []string{"--constraint=a100"},
		Modules: []string{"cuda/12"}, Setup: []string{"export X=1"}, GPUMemoryFraction: 1}
	if !reflect.DeepEqual(b, want) {
		t.Errorf("got %+v\nwant %+v", b, want)
	}
	if site.Time != 36*time.Hour || !site.Given("gpus") || site.Given("cpus") {
		t.Errorf("site %+v", site)
	}
	for s, want := range map[string]time.Duration{"5:30": 5*time.Minute + 30*time.Second, "2:00:00": 2 * time.Hour,
		"1-0:30": 24*time.Hour + 30*time.Minute, "2-01:02:03": 49*time.Hour + 2*time.Minute + 3*time.Second} {
		if got := parseSlurmTime(s); got != want {
			t.Errorf("%s is %v, want %v", s, got, want)
		}
	}
	_, err = ParseBatch("site.yaml", []byte("partitoin: gpu\n"), nil)
	if err == nil || err.Error() != `site.yaml:1:1: unknown key "partitoin" in batch (did you mean "partition"?)` {
		t.Errorf("error %v", err)
	}
}

// The example of GitHub's documentation of include, with its result, and
// exclude.
func TestIncludeExclude(t *testing.T) {
	source := `
name: x
dataset: mnist
matrix:
  fruit: [apple, pear]
  animal: [cat, dog]
  include:
    - color: green
    - color: pink
      animal: cat
    - fruit: apple
      shape: circle
    - fruit: banana
    - fruit: banana
      animal: cat
`
	p := newProblems("x.yaml")
	root := p.Parse([]byte(source))
	m := p.expandMatrix(p.Check(yamlkeys.Lookup(root, "matrix"), &yamlkeys.Key{Forms: yamlkeys.Forms(matrixForm())}, "matrix"))
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range m.combos {
		a := m.assignment(c)
		var words []string
		for _, k := range slices.Sorted(maps.Keys(a)) {
			words = append(words, fmt.Sprint(a[k]))
		}
		got = append(got, strings.Join(words, " "))
	}
	want := []string{"cat pink apple circle", "dog green apple circle", "cat pink pear", "dog green pear", "banana", "cat banana"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}

	e := parse(t, `
name: x
dataset: mnist
matrix:
  kernel: [5, 3]
  filters: [2, 4]
  exclude: [{kernel: 5, filters: 2.0}, {kernel: 3, filters: 4}]
  include: [{kernel: 1, filters: 32, pool: 4}, {pool: 2}]
model:
  - conv: {kernel: $kernel, filters: $filters}
  - maxpool: $pool
`)
	got = nil
	for _, c := range e.Configs {
		got = append(got, e.Label(c))
	}
	if want := []string{"kernel 5, filters 4, pool 2", "kernel 3, filters 2, pool 2", "kernel 1, filters 32, pool 4"}; !slices.Equal(got,
		want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if e := parse(t, "name: x\ndataset: mnist\nmatrix: {include: [{net: base}, {net: final}]}\nmodel: $net\n"); len(e.Configs) != 2 ||
		e.Configs[1].Footprint.Parameters != 14014 {
		t.Errorf("include alone: %d configurations", len(e.Configs))
	}
}
