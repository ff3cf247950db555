package experiment

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"slimfit/models"
	"slimfit/pkg/dataset"
)

// Describe says what a data set is: shape, classes, sizes and digest.
type Describe func(dataset.Ref) (models.Data, error)

// Sources is what the files that an experiment names are asked from.
type Sources struct {
	Describe Describe
	Teacher  FindTeacher // nil: the digests that the file itself has are taken
}

// Load is LoadFrom for files in the state that `run` keeps them: what they name
// as teachers need not be there.
func Load(file string, sets []string, describe Describe) (*Experiment, error) {
	return LoadFrom(file, sets, Sources{Describe: describe})
}

// LoadFrom reads an experiment file with --set overrides ("train.steps=2000").
// What is wrong comes back as Errors, all at once.
func LoadFrom(file string, sets []string, from Sources) (*Experiment, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, unreadable(file, err)
	}
	defer f.Close()
	source, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, unreadable(file, err)
	}
	return parseFrom(file, source, sets, from)
}

func unreadable(file string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return Errors{{File: file, Msg: "cannot read the experiment file: " + err.Error()}}
}

// Parse is Load for a source in memory; file names it in errors, and its
// folder is where a relative dataset.path starts.
func Parse(file string, source []byte, sets []string, describe Describe) (*Experiment, error) {
	return parseFrom(file, source, sets, Sources{Describe: describe})
}

func parseFrom(file string, source []byte, sets []string, from Sources) (*Experiment, error) {
	p := &problems{file: file, origins: map[*yaml.Node]string{}}
	root := p.parse(source)
	if root == nil {
		return nil, p.err()
	}
	for _, s := range sets {
		p.set(root, s)
	}
	v := p.check(root, &Key{Forms: forms(mapping(Keys()...))}, "")
	e := &Experiment{File: file, Source: source}
	if v != nil {
		l := loader{problems: p, root: root, v: v, e: e, changed: len(sets) > 0}
		l.load(from)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return e, nil
}

// loader fills an Experiment from a checked root, section by section; a
// section whose parts are wrong is left out.
type loader struct {
	*problems
	root    *yaml.Node
	v       *value
	e       *Experiment
	changed bool // the effective file is not the source
}

func (l *loader) load(from Sources) {
	e := l.e
	e.Name, e.About = l.v.str("name", ""), l.v.str("about", "")
	if v := l.v.get("seeds"); v != nil || !hasKey(l.root, "seeds") {
		e.Seeds = l.seeds(v)
	}
	l.dataset(from.Describe)
	var m *matrix
	if v := l.v.get("matrix"); v != nil || !hasKey(l.root, "matrix") {
		m = l.expandMatrix(v)
	}
	l.configurations(m, newTeachers(from.Teacher, l.v.get("teachers")))
	if v := l.v.get("target"); v != nil && e.Seeds != nil {
		e.Target = l.target(v, len(e.Seeds), e.Data.Classes)
	}
	e.Evaluate.Test = l.v.get("evaluate").str("test", "")
	e.Report = l.report(l.v.get("report"))
	e.Batch = batch(l.v.get("batch"))
	if len(l.errs) == 0 && l.changed {
		l.effectiveSource()
	}
}

// dataset resolves the reference and asks what it stands for.
func (l *loader) dataset(describe Describe) {
	v := l.v.get("dataset")
	if !v.good() {
		return
	}
	l.e.Ref = ref(v)
	if path := l.e.Ref.Path; path != "" {
		abs, err := filepath.Abs(path)
		if !filepath.IsAbs(path) {
			abs, err = filepath.Abs(filepath.Join(filepath.Dir(l.file), path))
		}
		if err != nil {
			l.add(v.get("path").node, "dataset.path: %v", err)
			return
		}
		l.e.Ref.Path = abs
		if l.e.Ref.Name == "" {
			l.e.Ref.Name = dataset.OwnName(abs)
		}
		if node := v.get("path").node; node.Value != abs {
			node.Value, l.changed = abs, true
		}
	}
	data, err := describe(l.e.Ref)
	if err != nil {
		l.add(v.node, "dataset: %v%s", err, nearSet(l.e.Ref))
		return
	}
	l.e.Data = data
}

// nearSet is the known data set that an unknown name comes near to.
func nearSet(ref dataset.Ref) string {
	if _, err := dataset.Lookup(ref.Name); ref.Path != "" || err == nil {
		return ""
	}
	var names []string
	for _, info := range dataset.Registry() {
		names = append(names, info.Name)
	}
	return DidYouMean(ref.Name, names, "%q")
}

// configurations builds every combination and merges those that are one
// configuration.
func (l *loader) configurations(m *matrix, t *teachers) {
	model, train := l.v.get("model"), l.v.get("train")
	before := len(l.errs)
	l.references(l.root)
	if m == nil {
		return
	}
	b := &binder{problems: l.problems, matrix: m, places: map[*value][]*value{}}
	b.fill(model)
	b.fill(train)
	l.baselineAxes(m)
	if len(l.errs) > before || !b.complete() || l.e.Data.Classes == 0 || !model.good() || train == nil && hasKey(l.root, "train") || train != nil && train.bad {
		return
	}
	g := grower{binder: b, data: l.e.Data, model: model, train: train, root: l.root, teachers: t,
		seen: map[string]bool{}, optimizers: map[string]bool{}, failed: map[*yaml.Node]*failure{}}
	for _, c := range m.combos {
		g.grow(c)
	}
	g.report()
	if len(l.errs) > before {
		return
	}
	l.e.Configs, l.e.Warnings = g.configs, g.warnings()
	l.keepDigests(t)
	for _, a := range m.axes {
		x := Axis{Name: a.name}
		for _, v := range a.values {
			x.Values = append(x.Values, v.any)
		}
		l.e.Axes = append(l.e.Axes, x)
	}
	if l.e.Seeds != nil && len(l.e.Configs) > maxTrials/len(l.e.Seeds) {
		l.add(nil, "%d configurations x %d seeds are more than %d trials; take fewer seeds, or a part of the matrix", len(l.e.Configs), len(l.e.Seeds), maxTrials)
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
		l.add(nil, "write the effective experiment: %v", err)
		return
	}
	l.e.Source = b.Bytes()
}
