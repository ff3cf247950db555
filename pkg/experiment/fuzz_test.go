package experiment

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"slimfit/models"
	"slimfit/models/modelstest"
)

// randomSource is an experiment of random network i and a recipe of any kind; JSON is YAML too.
func randomSource(t testing.TB, i int) []byte {
	r := rand.New(rand.NewPCG(uint64(i), 12))
	model, err := json.Marshal(modelstest.RandomFor(i, models.Shape{H: 28, W: 28, C: 1}, 10, r).Layers)
	if err != nil {
		t.Fatal(err)
	}
	recipe := modelstest.Recipe(i, r, 30, 10)
	keys := map[string]any{"optimizer": recipe.Optimizer, "steps": recipe.Steps, "batch": recipe.Batch, "weight_decay": recipe.WeightDecay,
		"label_smoothing": recipe.LabelSmoothing, "ema": recipe.EMA, "warmup": recipe.Warmup}
	if recipe.Augment != nil {
		keys["augment"] = recipe.Augment
	}
	train, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, "name: random\ndataset: mnist\nmodel: %s\ntrain: %s\n", model, train)
}

// Parse never panics, and what it accepts is whole: configurations with
// different IDs, a baseline, and a source that gives the same again.
func FuzzParse(f *testing.F) {
	archives, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.Files[0].Data, "train.steps=5")
	}
	files, _ := filepath.Glob("../../experiments/*/*.yaml")
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, "matrix.kernel=[1, [2, 3]]")
	}
	f.Add([]byte("a: &a [*a]\nb: {<<: *a, ? x : y}\n"), "a.0=&x {y: *x}")
	f.Add([]byte(optional), "model[1].when=$extra")
	for i := range 4 + modelstest.Modern {
		source := randomSource(f, i)
		if _, err := Parse("f.yaml", source, nil, described); err != nil {
			f.Errorf("network %d: %v\n%s", i, err, source)
		}
		f.Add(source, "seeds=2")
	}
	f.Fuzz(func(t *testing.T, source []byte, set string) {
		if strings.Count(string(source), ",") > 2000 { // a huge matrix is slow, not wrong
			return
		}
		e, err := Parse("f.yaml", source, []string{set}, described)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a text")
			}
			return
		}
		seen := map[string]bool{}
		for _, c := range e.Configs {
			if seen[c.ID] || c.Footprint.Parameters <= 0 || c.Footprint.MACs <= 0 || c.Recipe.Steps < 1 {
				t.Errorf("configuration %+v", c)
			}
			seen[c.ID] = true
		}
		if len(seen) == 0 || len(e.Seeds) == 0 || e.Baseline.Footprint.Parameters <= 0 {
			t.Errorf("experiment %+v", e)
		}
		again, err := Parse("f.yaml", e.Source, nil, described)
		if err != nil || len(again.Configs) != len(e.Configs) || again.Configs[0].ID != e.Configs[0].ID || again.Name != e.Name ||
			again.About != e.About {
			t.Errorf("the source does not give the same experiment: %v\n%s", err, e.Source)
		}
	})
}
