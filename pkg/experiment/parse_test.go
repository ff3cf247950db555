package experiment

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/yamlkeys"
)

func parse(t *testing.T, source string, sets ...string) *Experiment {
	t.Helper()
	e, err := Parse("dir/experiment.yaml", []byte(source), sets, described)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const slices3 = `
name: slices
dataset: mnist
matrix: {kernel: [5, 3], filters: [2, 4, 8]}
model:
  - conv: {kernel: $kernel, filters: $filters}
  - maxpool: 2
  - dense: 128
  - dropout: 0.5
`

func TestDefaults(t *testing.T) {
	e := parse(t, "name: x\ndataset: mnist\nmodel: final\n")
	if len(e.Configs) != 1 || len(e.Configs[0].Assignment) != 0 || len(e.Axes) != 0 {
		t.Fatalf("a file without a matrix: %+v", e.Configs)
	}
	c := e.Configs[0]
	if !c.Recipe.Equal(models.DefaultRecipe()) {
		t.Errorf("recipe %+v, want the default", c.Recipe)
	}
	final, _ := models.Named("final")
	if !slices.EqualFunc(c.Layers, final, models.Layer.Equal) || c.Footprint.Parameters != 14014 {
		t.Errorf("layers %+v with %d parameters", c.Layers, c.Footprint.Parameters)
	}
	if !slices.Equal(e.Seeds, []int64{0, 1, 2, 3, 4}) || e.Target != nil || e.Evaluate.Test != "" {
		t.Errorf("seeds %v, target %v, evaluate %v", e.Seeds, e.Target, e.Evaluate)
	}
	if e.Baseline.ID != c.ID || e.Label(c) != c.ID || e.Report.Scale != "linear" {
		t.Errorf("baseline %+v, label %s, report %+v", e.Baseline, e.Label(c), e.Report)
	}
}

func TestMatrixOrderAndBaseline(t *testing.T) {
	e := parse(t, slices3)
	var got []string
	for _, c := range e.Configs {
		got = append(got, e.Label(c))
	}
	want := []string{"kernel 5, filters 2", "kernel 5, filters 4", "kernel 5, filters 8", "kernel 3, filters 2", "kernel 3, filters 4",
		"kernel 3, filters 8"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if e.Baseline.Name != "kernel 5, filters 8" { // the largest
		t.Errorf("baseline %s", e.Baseline.Name)
	}
	if b := parse(t, slices3+"baseline: {kernel: 3, filters: 4}\n").Baseline; b.ID != e.Configs[4].ID {
		t.Errorf("baseline %+v", b)
	}
	if b := parse(t, slices3+"baseline: base\n").Baseline; b.Name != "base" || b.ID != "" || b.Footprint.Parameters != 3274634 {
		t.Errorf("baseline %+v", b)
	}
	trials := e.Trials()
	if len(trials) != 30 || trials[1].Seed != 1 || trials[1].ID != e.Configs[0].ID || trials[5].ID != e.Configs[1].ID {
		t.Errorf("%d trials, the second is %s/%d", len(trials), trials[1].ID, trials[1].Seed)
	}
}

// Every layer with every key, short and long, against the struct by hand.
func TestLayers(t *testing.T) {
	e := parse(t, `
name: x
dataset: mnist
matrix: {h: [3], act: [tanh], layer: [{avgpool: 2}], dw: [{kernel: [1, 3]}]}
model:
  - conv: {kernel: [$h, 5], filters: 4, stride: 2, padding: valid, activation: $act}
  - depthwise: $dw
  - separable: {kernel: 3, filters: 6, multiplier: 2, activation: leaky_relu}
  - maxpool: {size: 3, stride: 1, padding: valid}
  - maxpool: {size: 2}
  - $layer
  - globalavgpool: {}
  - dense: {units: 7, activation: none}
  - dropout: 0
  - dense: 5
`)
	want := []models.Layer{
		{Kind: models.Conv, Kernel: [2]int{3, 5}, Filters: 4, Dilation: models.Square(1), Stride: models.Square(2), Padding: models.Valid, Activation: models.Tanh},
		{Kind: models.Depthwise, Kernel: [2]int{1, 3}, Multiplier: 1, Stride: models.Square(1), Dilation: models.Square(1), Padding: models.Same, Activation: models.Relu},
		{Kind: models.Separable, Kernel: [2]int{3, 3}, Filters: 6, Multiplier: 2, Stride: models.Square(1), Padding: models.Same, Activation: models.LeakyRelu},
		{Kind: models.MaxPool, Size: models.Square(3), Stride: models.Square(1), Padding: models.Valid},
		{Kind: models.MaxPool, Size: models.Square(2), Stride: models.Square(2), Padding: models.Same},
		{Kind: models.AvgPool, Size: models.Square(2), Stride: models.Square(2), Padding: models.Same},
		{Kind: models.GlobalAvgPool},
		{Kind: models.Dense, Units: 7, Activation: models.None},
		{Kind: models.Dropout},
		{Kind: models.Dense, Units: 5, Activation: models.Relu},
	}
	if got := e.Configs[0].Layers; !slices.EqualFunc(got, want, models.Layer.Equal) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got := e.Label(e.Configs[0]); got != `h 3, act tanh, layer avgpool 2, dw {"kernel":[1,3]}` {
		t.Errorf("label %s", got)
	}
}

func TestRecipe(t *testing.T) {
	e := parse(t, `
name: x
dataset: mnist
matrix: {rate: [1e-3, 0.5], teacher: [none, {run: runs/big/c5x32-d10-00c0ffee/seed-3, temperature: 2}]}
model: final
train: {optimizer: momentum, momentum: 0.5, learning_rate: $rate, schedule: cosine, weight_decay: 1e-4, batch: 100, epochs: 1.5,
  init: he, precision: bfloat16, order: shared, deterministic: true, quantize: int8, teacher: $teacher}
teachers: {runs/big/c5x32-d10-00c0ffee/seed-3: `+digestA+`}
`)
	want := models.Recipe{Optimizer: models.Momentum, Momentum: 0.5, Epsilon: 1e-8, LearningRate: 1e-3, Schedule: models.Cosine,
		WeightDecay: 1e-4,
		Batch:       100, Steps: 825, Init: models.InitHe, Precision: models.BFloat16, Order: models.Shared, Deterministic: true, Quantize: "int8"}
	if got := e.Configs[0].Recipe; !got.Equal(want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	want.LearningRate = 0.5
	got := e.Configs[3].Recipe
	if got.Teacher == nil || *got.Teacher != (models.Teacher{Run: "c5x32-d10-00c0ffee/seed-3", Digest: digestA, Temperature: 2, Weight: 0.9}) {
		t.Errorf("teacher %+v", got.Teacher)
	}
	if got.Teacher = nil; !got.Equal(want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestRecipeKinds(t *testing.T) {
	source := "name: x\ndataset: mnist\nmodel: final\n"
	plain := parse(t, source).Configs[0]
	for train, change := range map[string]func(r *models.Recipe){
		"optimizer: adadelta":                           func(r *models.Recipe) { r.Optimizer, r.Rho, r.Epsilon = models.Adadelta, 0.95, 1e-6 },
		"optimizer: adadelta, rho: 0.9, epsilon: 1e-5":  func(r *models.Recipe) { r.Optimizer, r.Rho, r.Epsilon = models.Adadelta, 0.9, 1e-5 },
		"schedule: {step: {at: [30, 40], factor: 0.5}}": func(r *models.Recipe) { r.Schedule, r.At, r.Factor = models.Stepwise, []int{30, 40}, 0.5 },
		"ema: 0.99, gradient_clip: 2, select: best":     func(r *models.Recipe) { r.EMA, r.GradientClip, r.Select = 0.99, 2, models.Best },
		"class_weights: balanced":                       func(r *models.Recipe) { r.ClassWeights = &models.ClassWeights{Balanced: true} },
		"class_weights: {3: 2, 7: 0.5}": func(r *models.Recipe) {
			r.ClassWeights = &models.ClassWeights{Named: map[string]float64{"3": 2, "7": 0.5}}
		},
		"augment: {flip: both, shift: 0.1}":            func(r *models.Recipe) { r.Augment = &models.Augment{Flip: models.FlipBoth, Shift: 0.1, Probability: 1} },
		"augment: {cutout: 0.5, probability: 0.3}":     func(r *models.Recipe) { r.Augment = &models.Augment{Cutout: 0.5, Probability: 0.3} },
		"augment: {flip: none, shift: 0}, ema: 0":      func(*models.Recipe) {},
		"augment: none, class_weights: none, rho: 0.5": func(*models.Recipe) {},
		"select: last, optimizer: adam, epsilon: 1e-8": func(*models.Recipe) {},
	} {
		want := models.DefaultRecipe()
		change(&want)
		got := parse(t, source+"train: {"+train+"}\n").Configs[0]
		if !got.Recipe.Equal(want) {
			t.Errorf("%s: got %+v\nwant %+v", train, got.Recipe, want)
		}
		if same := want.Equal(models.DefaultRecipe()); same != (got.ID == plain.ID) {
			t.Errorf("%s: the configuration is %s, without it %s", train, got.ID, plain.ID)
		}
	}
	axis := parse(t, source+"matrix: {a: [none, {flip: horizontal}], d: [0, 0.9], f: [0.1, 0.2]}\n"+
		"train: {augment: $a, ema: $d, schedule: {step: {at: [9], factor: $f}}}\n")
	if len(axis.Configs) != 8 {
		t.Errorf("%d configurations of three axes", len(axis.Configs))
	}
}

// Settings that the optimizer does not read make no new configuration.
func TestUnreadSettings(t *testing.T) {
	source := "name: x\ndataset: mnist\nmodel: final\n"
	plain := parse(t, source).Configs[0].ID
	e := parse(t, source+"train: {momentum: 0.5}\n")
	if e.Configs[0].ID != plain {
		t.Error("momentum changes what adam trains")
	}
	if want := []string{"dir/experiment.yaml:4:19: train.momentum has no effect: the optimizer is not momentum"}; !slices.Equal(e.Warnings,
		want) {
		t.Errorf("warnings %q", e.Warnings)
	}
	both := parse(t, source+"matrix: {o: [adam, momentum], m: [0.5, 0.6]}\ntrain: {optimizer: $o, momentum: $m}\n")
	if len(both.Configs) != 3 || both.Configs[0].ID != plain || both.Warnings != nil {
		t.Errorf("%d configurations, warnings %q: want one with adam, two with momentum", len(both.Configs), both.Warnings)
	}
}

func TestEpochsToSteps(t *testing.T) {
	for _, c := range []struct {
		epochs        float64
		images, batch int
		want          int
	}{{1, 55000, 50, 1100}, {1, 55001, 50, 1101}, {18.2, 55000, 50, 20020}, {0.1, 1000, 100, 1}, {0.3, 1000, 100, 3}, {1e-6, 1000, 100, 1},
		{25, 60000, 128, 11719}} {
		if got := stepsOf(c.epochs, c.images, c.batch); got != c.want {
			t.Errorf("%v epochs of %d images by %d: %d steps, want %d", c.epochs, c.images, c.batch, got, c.want)
		}
	}
}

// What trains is the identity: neither order, names, seeds, target nor report
// settings change it; data and recipe do.
func TestIdentity(t *testing.T) {
	ids := func(source string, sets ...string) []string {
		var ids []string
		for _, c := range parse(t, source, sets...).Configs {
			ids = append(ids, c.ID)
		}
		slices.Sort(ids)
		return ids
	}
	want := ids(slices3)
	same := `
seeds: [7]
about: other
model:
  - conv: {filters: $f, kernel: $k, stride: 1, padding: same}
  - maxpool: {size: 2, padding: same}
  - dense: {units: 128}
  - dropout: 0.5
target: {accuracy: 0.9}
report: {x: f}
matrix: {f: [8, 4, 2], k: [3, [5, 5]]}
dataset: {name: mnist}
name: other
`
	if got := ids(same); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, set := range []string{"train.steps=7", "train.init=he", "dataset.train=1000", "model.1.maxpool=4", "model.3.dropout=0.4",
		"train.order=shared"} {
		got := ids(slices3, set)
		if slices.ContainsFunc(got, func(id string) bool { return slices.Contains(want, id) }) {
			t.Errorf("--set %s leaves an ID as it was", set)
		}
	}
}

// The effective source gives the same experiment without --set, also where the
// file has aliases, merges and a relative path.
func TestSourceRoundTrip(t *testing.T) {
	source := `# a comment that stays
name: x
about: "text: with colon"
dataset: {name: own, path: data/images, resize: [8, 9]}
matrix:
  kernel: &k [5, [3, 1]]
  filters: [2]
model:
  - conv: &c {kernel: $kernel, filters: $filters}
  - conv: {<<: *c, stride: 2}
  - dense: 3
`
	e := parse(t, source, "train.steps=30", "seeds=[3, 1]", "target={accuracy: 0.5, recall: {all: 0.1, 3: 0.2}}", "matrix.filters=[2, 4]",
		"batch.gpus=2")
	want, _ := filepath.Abs("dir/data/images")
	if e.Ref.Path != want || *e.Ref.Resize != [2]int{8, 9} {
		t.Errorf("reference %+v", e.Ref)
	}
	if !strings.Contains(string(e.Source), "# a comment that stays") {
		t.Errorf("source lost its comment:\n%s", e.Source)
	}
	again, err := Parse("elsewhere/e.yaml", e.Source, nil, described)
	if err != nil {
		t.Fatalf("%v in\n%s", err, e.Source)
	}
	again.Space, e.Space = nil, nil
	if again.File, again.Source = e.File, e.Source; !reflect.DeepEqual(again, e) {
		t.Errorf("got %+v\nwant %+v", again, e)
	}
	if plain := parse(t, slices3); string(plain.Source) != slices3 {
		t.Error("a file that needs no change is not kept as it is")
	}
}

// Data of the user's own is called as its folder where the file gives no name.
func TestOwnDataName(t *testing.T) {
	for source, want := range map[string]string{
		"{path: my-images}":                        "my-images",
		"{path: /data/Größe 2/}":                   "Gr--e-2",
		"{name: mine, path: my-images}":            "mine",
		"{path: " + strings.Repeat("x", 100) + "}": strings.Repeat("x", 64),
	} {
		e := parse(t, "name: x\ndataset: "+source+"\nmodel: final\n")
		if e.Ref.Name != want {
			t.Errorf("%s: name %q, want %q", source, e.Ref.Name, want)
		}
		again := parse(t, string(e.Source))
		if again.Ref != e.Ref || again.Configs[0].ID != e.Configs[0].ID {
			t.Errorf("%s: the run folder's copy has %+v, want %+v", source, again.Ref, e.Ref)
		}
	}
}

func TestBounds(t *testing.T) {
	var values []string
	for i := range 1001 {
		values = append(values, fmt.Sprint(i+1))
	}
	axis := "[" + strings.Join(values, ", ") + "]"
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	laughs := "name: x\na0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
	for i := range 9 {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 10), ","))
	}
	for name, c := range map[string]struct{ source, want string }{
		"combinations": {"name: x\ndataset: mnist\nmatrix: {a: " + axis + ", b: " + axis + "}\nmodel: [dense: $a, dense: $b]\n", "more than 1000000 combinations"},
		"aliases":      {laughs, "more than 200000 values after aliases are expanded"},
		"itself":       {"name: x\nmodel: &m [*m]\n", "contains itself"},
		"merge itself": {"name: x\ntrain: &m {<<: *m}\n", "contains itself"},
		"depth":        {"name: x\nmatrix: {a: " + deep + "}\n", "nested deeper than 64 levels"},
		"size":         {"name: x\nabout: " + strings.Repeat("x", yamlkeys.MaxBytes), "the file is larger than 1048576 bytes"},
		"utf-8":        {"name: x\nabout: \xff\n", "experiment.yaml:2:8: not UTF-8 text, or a control character"},
		"control":      {"name: \x01\n", "experiment.yaml:1:7: not UTF-8 text, or a control character"},
		"nothing":      {"", "the file is empty"},
		"null":         {"~\n", "the file is empty"},
		"trials":       {"name: x\ndataset: mnist\nseeds: 10000\nmatrix: {a: " + axis + "}\nmodel: [dense: $a]\n", "configurations x 10000 seeds are more than 1000000 trials; take fewer seeds, or a part of the matrix"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("experiment.yaml", []byte(c.source), nil, described)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestManyErrors(t *testing.T) {
	source := "name: x\ndataset: mnist\nmodel: final\n"
	for i := range 150 {
		source += fmt.Sprintf("zz%d: 1\n", i)
	}
	_, err := Parse("f.yaml", []byte(source), nil, described)
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != yamlkeys.MaxErrors+1 || lines[yamlkeys.MaxErrors] != "f.yaml: and 50 more errors" {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

func TestLoadUnreadable(t *testing.T) {
	dir := t.TempDir()
	for file, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "cannot read the experiment file: no such file or directory",
		dir:                             "cannot read the experiment file: is a directory",
	} {
		if _, err := Load(file, nil, described); err == nil || err.Error() != file+": "+want {
			t.Errorf("got %v", err)
		}
	}
	file := filepath.Join(dir, "e.yaml")
	if err := os.WriteFile(file, []byte(slices3), 0o666); err != nil {
		t.Fatal(err)
	}
	if e, err := Load(file, nil, described); err != nil || len(e.Configs) != 6 {
		t.Errorf("got %v, %v", e, err)
	}
}
