package experiment

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
	"slimfit/pkg/yamlkeys"
)

// Describe says what a data set is: shape, classes, sizes and digest.
type Describe func(dataset.Ref) (models.Data, error)

// Sources is what the files that an experiment names are asked from.
type Sources struct {
	Describe Describe
	Classes  func(dataset.Ref) []string // names of the classes of what Describe described; nil: not known, they have numbers
	Teacher  FindTeacher                // nil: the digests that the file itself has are taken
	Shapes   bool                       // `dataset: {shape, classes}` will do: nothing is trained
	Space    bool                       // more than MaxListed configurations are counted only: Experiment.Space has them, Configs none
}

// Load is LoadFrom for files in the state that `run` keeps them: what they name
// as teachers need not be there.
func Load(file string, sets []string, describe Describe) (*Experiment, error) {
	return LoadFrom(file, sets, Sources{Describe: describe})
}

// LoadFrom reads an experiment file with --set overrides ("train.steps=2000").
// What is wrong comes back as Errors, all at once.
func LoadFrom(file string, sets []string, from Sources) (*Experiment, error) {
	source, err := readSource(file)
	if err != nil {
		if path, ok := errors.AsType[*fs.PathError](err); ok {
			err = path.Err
		}
		return nil, yamlkeys.Errors{{File: file, Msg: "cannot read the experiment file: " + err.Error()}}
	}
	return parseFrom(file, source, sets, from)
}

// readSource reads a file as far as one byte more than is taken.
func readSource(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, yamlkeys.MaxBytes+1))
}

// parseFrom is LoadFrom for a source in memory; the file names it in errors, and
// its folder is where a relative dataset.path starts.
func parseFrom(file string, source []byte, sets []string, from Sources) (*Experiment, error) {
	p := newProblems(file)
	root := p.Parse(source)
	if root == nil {
		return nil, p.Err()
	}
	key := &yamlkeys.Key{Forms: yamlkeys.Forms(yamlkeys.Mapping(Keys()...))}
	for _, s := range sets {
		p.Set(root, key, s)
	}
	v := p.Check(root, key, "")
	e := &Experiment{File: file, Source: source}
	if v != nil {
		l := loader{problems: p, root: root, v: v, e: e, changed: len(sets) > 0}
		l.load(from)
	}
	noun := text.NounOf(e.Data.Kind, e.Classes...)
	if err := p.Err(); err != nil {
		return nil, noun.Err(err)
	}
	noun.All(&e.Warnings)
	return e, nil
}

// loader fills an Experiment from a checked root, section by section; a
// section whose parts are wrong is left out.
type loader struct {
	*problems
	root    *yaml.Node
	v       *yamlkeys.Value
	e       *Experiment
	changed bool // the effective file is not the source
}

func (l *loader) load(from Sources) {
	e := l.e
	e.Name, e.About = l.v.Str("name", ""), l.v.Str("about", "")
	if v := l.v.Get("seeds"); v != nil || !yamlkeys.HasKey(l.root, "seeds") {
		e.Seeds = l.seeds(v)
	}
	l.dataset(from)
	var m *matrix
	if v := l.v.Get("matrix"); v != nil || !yamlkeys.HasKey(l.root, "matrix") {
		m = l.expandMatrix(v)
	}
	l.configurations(m, newTeachers(from.Teacher, l.v.Get("teachers")), from.Space)
	if v := l.v.Get("target"); v != nil && e.Seeds != nil {
		e.Target = l.target(v, len(e.Seeds))
	}
	e.Evaluate.Test = l.v.Get("evaluate").Str("test", "")
	e.Evaluate.Shifts = l.shifts(l.v.Get("evaluate").Get("shifts"))
	if e.Target != nil {
		for _, u := range e.Target.Under {
			if !slices.Contains(e.Evaluate.Shifts, u.Shift) {
				e.Evaluate.Shifts = append(e.Evaluate.Shifts, u.Shift)
			}
		}
	}
	l.folds()
	e.Report = l.report(l.v.Get("report"))
	e.Batch = batch(l.v.Get("batch"))
	if l.Count() == 0 && l.changed {
		l.effectiveSource()
	}
}

// folds refuses what pooled figures cannot show: they are of several networks, whose
// images the other networks were trained on.
func (l *loader) folds() {
	t, at := l.e.Target, l.v.Get("dataset").Get("folds")
	switch {
	case l.e.Ref.Folds == 0:
	case t != nil && t.Evidence != target.Observed:
		l.Add(at.Node, "dataset.folds: no test image is left to certify on; set target.evidence: observed, or leave folds out")
	case t != nil && t.Precision == Int8:
		l.Add(at.Node, "dataset.folds: float32 networks are judged by folds; leave target.precision out, or folds")
	case len(l.e.Evaluate.Shifts) > 0:
		l.Add(at.Node, "dataset.folds: figures under shifts are not pooled; leave the shifts out (evaluate.shifts, target.under), or folds")
	}
}

// dataset resolves the reference and asks what it stands for.
func (l *loader) dataset(from Sources) {
	v := l.v.Get("dataset")
	if !v.Good() {
		return
	}
	l.e.Ref = ref(v)
	if l.e.Ref.Folds > 0 {
		if l.e.Ref.Folds == 1 {
			l.Add(v.Get("folds").Node, "dataset.folds: one fold leaves nothing to train on; set 2 or more, or leave folds out")
			return
		}
		for _, key := range []string{"train", "validation", "test"} {
			if x := v.Get(key); x != nil {
				l.Add(x.Node, "dataset.%s: with folds every image is validation once and trained on otherwise; leave %s out", key, key)
			}
		}
	}
	switch shaped := v.Get("shape"); {
	case (shaped != nil) != (v.Get("classes") != nil):
		l.Add(v.Node, "dataset: shape and classes stand together for images that are not at hand; give both or neither")
		return
	case shaped != nil && !from.Shapes:
		l.Add(shaped.Node, "dataset.shape: there are no images to train on, plan and footprint alone take it; give name or path")
		return
	}
	if path := l.e.Ref.Path; path != "" {
		abs, err := filepath.Abs(path)
		if !filepath.IsAbs(path) {
			abs, err = filepath.Abs(filepath.Join(filepath.Dir(l.File), path))
		}
		if err != nil {
			l.Add(v.Get("path").Node, "dataset.path: %v", err)
			return
		}
		if !utf8.ValidString(abs) {
			l.Add(v.Get("path").Node, "dataset.path: %s is not UTF-8: rename the folder", abs)
			return
		}
		l.e.Ref.Path = abs
		l.e.Ref.Name = cmp.Or(l.e.Ref.Name, dataset.OwnName(abs))
		if node := v.Get("path").Node; node.Value != abs {
			node.Value, l.changed = abs, true
		}
	}
	data, err := from.Describe(l.e.Ref)
	if err != nil {
		l.Add(v.Node, "dataset: %v%s", err, nearSet(l.e.Ref))
		return
	}
	if l.e.Data = data; from.Classes != nil {
		l.e.Classes = from.Classes(l.e.Ref)
	}
}

// nearSet is the known data set that an unknown name comes near to.
func nearSet(ref dataset.Ref) string {
	if _, err := dataset.Lookup(ref.Name); ref.Path != "" || err == nil {
		return ""
	}
	return yamlkeys.DidYouMean(ref.Name, dataset.Names(), "%q")
}

// configurations builds every combination and merges those that are one
// configuration.
func (l *loader) configurations(m *matrix, t *teachers, counted bool) {
	model, train := l.v.Get("model"), l.v.Get("train")
	before := l.Count()
	l.references(l.root)
	if m == nil {
		return
	}
	b := &binder{problems: l.problems, matrix: m, places: map[*yamlkeys.Value][]*yamlkeys.Value{},
		sums: map[*yamlkeys.Value]map[int64]*yamlkeys.Value{}}
	b.fill(model)
	b.fill(train)
	l.baselineAxes(m)
	if l.Count() > before || !b.complete() || l.e.Data.Classes == 0 || !model.Good() || train == nil && yamlkeys.HasKey(l.root, "train") ||
		train != nil && train.Bad {
		return
	}
	g := grower{binder: b, data: l.e.Data, model: model, train: train, root: l.root, teachers: t,
		seen: map[string]struct{}{}, ids: map[string]int{}, numbers: map[string]uint64{}, counted: counted,
		optimizers: map[string]bool{}, failed: map[*yaml.Node]*failure{}}
	g.space = &Space{g: &g}
	g.recipes, g.class = newMemo[builtRecipe](b, train), l.weighable
	g.split()
	for at := range m.combos {
		g.grow(at)
	}
	g.report()
	if l.Count() > before {
		return
	}
	l.e.Configs, l.e.Space, l.e.Warnings = g.configs, g.space, g.warnings()
	g.seen, g.ids = nil, nil
	l.keepDigests(t)
	for _, a := range m.axes {
		x := Axis{Name: a.name}
		for _, v := range a.values {
			x.Values = append(x.Values, v.any)
		}
		l.e.Axes = append(l.e.Axes, x)
	}
	if l.e.Seeds != nil && !counted && len(l.e.Configs) > maxTrials/len(l.e.Seeds) {
		l.Add(nil, "%d configurations x %d seeds are more than %d trials; take fewer seeds, or a part of the matrix", len(l.e.Configs),
			len(l.e.Seeds), maxTrials)
	}
	l.baseline()
}

// maxTrials bounds configurations x seeds: planning more takes minutes and
// gigabytes, training them lifetimes.
const maxTrials = 1_000_000

// effectiveSource writes the file that needs no --set.
func (l *loader) effectiveSource() {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(l.root); err != nil {
		l.Add(nil, "write the effective experiment: %v", err)
		return
	}
	l.e.Source = b.Bytes()
}

// problems reads the file and collects what is wrong with it.
type problems struct{ *yamlkeys.Reader }

func newProblems(file string) *problems {
	return &problems{yamlkeys.New(file, yamlkeys.Document{
		What: "experiment file", Keys: "name, dataset and model", One: "one file is one experiment",
		Empty:      "`slimfit init` writes one to start from",
		References: "matrix values can be used in model and train only",
		Reserved:   reserved(),
	})}
}

// reserved names are for later versions.
func reserved() []string { return []string{"augment"} }

// Schema is the JSON Schema of an experiment file, for editors.
func Schema() ([]byte, error) { return yamlkeys.Schema("slimfit experiment", Keys()) }

// Reference is the table of every key in Markdown.
func Reference() string { return yamlkeys.Docs(Keys()) }
