package search

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
)

// In a space that is only counted two learning rates have one short ID by chance:
// the search trains both under two names, whichever a run folder gave the short
// one to, and verify goes the same way.
func TestCollisionInACountedSpace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "space.yaml")
	if err := os.WriteFile(file, []byte(`name: twins
dataset: {path: tiny, validation: 200}
matrix:
  lr: [0.00049283, 0.00183236]
  dense: {from: 1, to: 6000}
model:
  - dense: $dense
  - dropout: 0.5
train: {learning_rate: $lr, steps: 4000, batch: 20, optimizer: momentum, schedule: cosine}
target: {accuracy: 0.9, within: {parameters: 4828}}
seeds: 3
`), 0o666); err != nil {
		t.Fatal(err)
	}
	e, err := experiment.LoadFrom(file, nil, experiment.Sources{Space: true, Describe: func(dataset.Ref) (models.Data, error) {
		return models.Data{Name: "tiny", Digest: "ff5ee607235c62c09ba10ea7411609cc366f467013d2421505b82e3ba435c94f",
			Input: models.Shape{H: 14, W: 14, C: 1}, Classes: 4, Train: 1000, Validation: 200, Test: 400}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	const short, one, other = "d24-4fe41797", "d24-4fe417978f54e2d5235f805e4be8871f", "d24-4fe417974938beae5e888e943440323d"
	search := func(taken Namer) (*result.Certificate, Evidence, map[string]string) {
		p, err := New(e, Options{})
		if err != nil || e.Configs != nil || p.Count() != 48 {
			t.Fatalf("%v, %d in the budget", err, p.Count())
		}
		p.NameBy(taken)
		w := newWorld(p, map[string]float64{}, 0.06, 1)
		w.Lists = func(result.Key) (validation, test bool) { return true, true }
		for _, o := range p.field.places {
			c := e.Space.Config(o.at)
			w.Accuracy[c.ID] = 0.3 + 0.01*float64(c.Footprint.Parameters)/200
			w.Accuracy[c.Config.LongID()] = w.Accuracy[c.ID]
		}
		w.Accuracy[short], w.Accuracy[one], w.Accuracy[other] = 0.97, 0.97, 0.97
		s := record(t, p, w)
		ids := map[string]string{}
		for _, c := range p.Candidates {
			if long := c.Config.LongID(); long == one || long == other {
				ids[long] = c.ID
			}
		}
		return s.cert, Evidence{Experiment: e, Sealed: sealedResult, Open: func(path string) ([]byte, error) {
			if b, ok := s.files[path]; ok {
				return b, nil
			}
			return nil, fs.ErrNotExist
		}}, ids
	}
	for _, first := range []string{"", one, other} { // to have the short ID in the run folder
		cert, evidence, ids := search(func(c models.Config, id string) string {
			if first != "" && (c.LongID() == one || c.LongID() == other) {
				return map[bool]string{true: short, false: c.LongID()}[c.LongID() == first]
			}
			return id
		})
		if len(ids) != 2 || ids[one] == ids[other] || ids[cmp.Or(first, one)] != short && first != "" || cert.Winner == nil {
			t.Errorf("%q first: they go by %v; %s", first, ids, cert.Summary)
		}
		if faults := Verify(cert, evidence); len(faults) > 0 {
			t.Errorf("%q first: %d faults, %v", first, len(faults), faults[0])
		}
	}
}
