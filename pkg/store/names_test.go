package store

import (
	"os"
	"testing"

	"slimfit/models"
	"slimfit/pkg/result"
)

// A configuration goes by its short ID, unless that has the results of another
// one, or the long one is there; the first of two that collide keeps its folder.
func TestNames(t *testing.T) {
	r := sample(t, 2, 0)
	c := r.Config()
	twin := c
	twin.Recipe.LearningRate *= 2
	short, long := c.ID(), c.LongID()
	r.ConfigID = short
	stopped := stoppedAt(5000)
	stopped.ConfigID, stopped.Seed, stopped.Model, stopped.Train = short, 0, r.Model, twin.Recipe
	for name, f := range map[string]struct {
		make     func(*Folder)
		read     bool
		id, want string
	}{
		"nothing is there":              {func(*Folder) {}, true, short, short},
		"nothing is there, of twins":    {func(*Folder) {}, true, long, long},
		"its own":                       {func(f *Folder) { put(t, f, r) }, true, short, short},
		"its own, with a twin":          {func(f *Folder) { put(t, f, r) }, false, long, short},
		"another's":                     {func(f *Folder) { put(t, f, of(r, twin)) }, true, short, long},
		"another's, unread":             {func(f *Folder) { put(t, f, of(r, twin)) }, false, short, short},
		"another's, of a reader's twin": {func(f *Folder) { put(t, f, of(r, twin)) }, false, long, long},
		"another's, stopped": {func(f *Folder) {
			f.MakeTrialDir(r.Key())
			b, _ := encodeObject(stopped)
			WriteFile(f.TrialDir(r.Key())+"/"+result.StoppedName, b)
		}, true, short, long},
		"another's, and claimed": {func(f *Folder) { put(t, f, of(r, twin)); f.Claim(long) }, false, short, long},
		"of nobody's":            {func(f *Folder) { os.Mkdir(f.path(short), 0o777) }, true, short, short},
	} {
		folder := newFolder(t)
		f.make(folder)
		names, err := folder.Names(f.read)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := names(c, f.id); err != nil || got != f.want {
			t.Errorf("%s: %s goes by %s, %v; want %s", name, f.id, got, err, f.want)
		}
	}
	folder := newFolder(t)
	if err := folder.Claim(short); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder.path(short)); err == nil {
		t.Error("a short ID needs no folder before it is trained")
	}
}

// of is a result of another configuration, under the same name.
func of(r result.Result, c models.Config) result.Result {
	r.Train = c.Recipe
	return r
}
