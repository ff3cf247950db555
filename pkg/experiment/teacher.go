package experiment

import (
	"fmt"
	"path"
	"slices"

	"gopkg.in/yaml.v3"

	"slimfit/models"
	"slimfit/pkg/yamlkeys"
)

// Teacher is the trained network that a train.teacher.run names.
type Teacher struct {
	Run    string         // its configuration's ID and seed: config-id/seed-n
	Digest string         // SHA-256 of its weights, hex
	Dir    string         // its trial's folder, absolute; "" where only the file's own digest is known
	Layers []models.Layer // without the last dense layer
	Data   models.Data    // that it was trained on
}

// FindTeacher says what a train.teacher.run stands for. It fails where the run
// is not trained yet.
type FindTeacher func(run string) (Teacher, error)

// teachers finds each run once, and keeps what was found.
type teachers struct {
	find  FindTeacher       // nil: the file's own digests are taken
	given map[string]string // by run: the digests that the file has
	known map[string]foundTeacher
	order []string // of known
}

type foundTeacher struct {
	Teacher
	err error
}

func newTeachers(find FindTeacher, v *yamlkeys.Value) *teachers {
	t := &teachers{find: find, given: map[string]string{}, known: map[string]foundTeacher{}}
	if v != nil {
		for _, q := range v.Pairs {
			t.given[q.Name] = q.Text
		}
	}
	return t
}

func (t *teachers) get(run string) (Teacher, error) {
	if f, ok := t.known[run]; ok {
		return f.Teacher, f.err
	}
	f := foundTeacher{}
	f.Teacher, f.err = t.look(run)
	t.known[run] = f
	t.order = append(t.order, run)
	return f.Teacher, f.err
}

func (t *teachers) look(run string) (Teacher, error) {
	given := t.given[run]
	if t.find == nil {
		if given == "" {
			return Teacher{}, fmt.Errorf("the digest of its weights is not in the file; `slimfit run` and `slimfit search` put it under teachers")
		}
		dir, seed := path.Split(run)
		return Teacher{Run: path.Base(dir) + "/" + seed, Digest: given}, nil
	}
	found, err := t.find(run)
	if err == nil && given != "" && given != found.Digest {
		err = fmt.Errorf("its weights have the SHA-256 %.12s now, the file has %.12s under teachers; "+
			"remove that entry to learn from the new ones", found.Digest, given)
	}
	return found, err
}

// teach completes the recipe's teacher. The digest of its weights is part of
// the configuration's identity, the folder that they lie in is not.
func (g *grower) teach(r *models.Recipe, c combo) (*Teacher, bool) {
	if r.Teacher == nil {
		return nil, true
	}
	node := g.get(g.get(g.train, "teacher", c), "run", c).Node
	t, err := g.teachers.get(r.Teacher.Run)
	if err != nil {
		g.fail(node, c, "train.teacher.run: %s: %v", r.Teacher.Run, err)
		return nil, false
	}
	if t.Dir != "" && (t.Data.Input != g.data.Input || t.Data.Classes != g.data.Classes) {
		g.fail(node, c, "train.teacher.run: %s tells %d classes of %s images apart, but these are %d classes of %s", r.Teacher.Run,
			t.Data.Classes, t.Data.Input, g.data.Classes, g.data.Input)
		return nil, false
	}
	if t.Dir != "" && !sameImages(t.Data, g.data) {
		g.note(node, "train.teacher.run: %s was trained on other images than this experiment's: it may have seen the validation images",
			r.Teacher.Run)
	}
	r.Teacher.Run, r.Teacher.Digest = t.Run, t.Digest
	return &t, true
}

func sameImages(a, b models.Data) bool {
	return a.Digest == b.Digest && a.Train == b.Train && a.Validation == b.Validation && a.Test == b.Test
}

// note adds a warning, once.
func (g *grower) note(n *yaml.Node, format string, args ...any) {
	w := g.Place(n) + ": " + fmt.Sprintf(format, args...)
	if !slices.Contains(g.noted, w) {
		g.noted = append(g.noted, w)
	}
}

// keepDigests writes what was found into the file, so that its configurations
// stay the same when the teacher is trained anew or gone.
func (l *loader) keepDigests(t *teachers) {
	for _, run := range t.order {
		if t.given[run] != "" {
			continue
		}
		table := yamlkeys.Lookup(l.root, "teachers")
		if table == nil {
			table = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			l.root.Content = append(l.root.Content, word("teachers"), table)
		}
		table.Content = append(table.Content, word(run), word(t.known[run].Digest))
		l.changed = true
	}
}

func word(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }
