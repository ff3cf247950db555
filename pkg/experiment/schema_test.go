package experiment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/yamlkeys"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("experiment.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("experiment.json") // validates it against the draft's meta-schema
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON turns YAML into what a JSON Schema validates.
func asJSON(t *testing.T, source []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(source, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(textKeys(v))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// textKeys turns keys such as the class 7 into JSON's text, as editors do.
func textKeys(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = textKeys(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = textKeys(v[k])
		}
	case map[any]any:
		m := map[string]any{}
		for k, x := range v {
			m[fmt.Sprint(k)] = textKeys(x)
		}
		return m
	}
	return v
}

// Every file in experiments/ loads on the real data set's description,
// without warnings, and validates.
func TestExperimentFiles(t *testing.T) {
	schema := compileSchema(t)
	describe := func(ref dataset.Ref) (models.Data, error) {
		if filepath.Base(ref.Path) == "mnist1d.npz" { // no data set lies in experiments/
			return models.Data{Name: "mnist1d", Kind: "series", Digest: digestA, Input: models.Shape{H: 1, W: 40, C: 1}, Classes: 10, Train: 3600,
				Validation: 400, Test: 1000}, nil
		}
		if filepath.Base(ref.Path) == "magnetic-tiles" {
			return models.Data{Name: "magnetic-tiles", Digest: digestA, Input: models.Shape{H: 64, W: 64, C: 1}, Classes: 6, Train: 942,
				Validation: 134, Test: 268}, nil
		}
		return dataset.Describe(ref, t.TempDir())
	}
	classes := func(ref dataset.Ref) []string {
		if filepath.Base(ref.Path) == "magnetic-tiles" {
			return []string{"Blowhole", "Break", "Crack", "Fray", "Free", "Uneven"}
		}
		return nil
	}
	mnist, err := dataset.Describe(dataset.Ref{Name: "mnist"}, "")
	if err != nil {
		t.Fatal(err)
	}
	teacher := teacherOn(mnist, digestA) // a file may name a run that is trained first
	names := map[string]string{}
	found := 0
	err = filepath.WalkDir("../../experiments", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && (e.Name() == "results" || e.Name() == "published") { // run folders keep copies; claims are no experiments
			return filepath.SkipDir
		}
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		found++
		x, err := LoadFrom(path, nil, Sources{Describe: describe, Classes: classes, Teacher: teacher, Shapes: true})
		if err != nil {
			t.Error(err)
			return nil
		}
		if other, ok := names[x.Name]; ok {
			t.Errorf("%s and %s have one name and would share a run folder", path, other)
		}
		names[x.Name] = path
		if len(x.Warnings) > 0 {
			t.Errorf("%s: %q", path, x.Warnings)
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := schema.Validate(asJSON(t, source)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, word := range []string{"# Claim:", "# Source:", "# Cost:", "# Outcome:"} {
			if !strings.Contains(string(source), word) {
				t.Errorf("%s: the header does not say %s", path, word)
			}
		}
		return nil
	})
	if err != nil || found < 9 {
		t.Fatalf("%d files: %v", found, err)
	}
}

// sample is a value of the key, as the table alone describes it.
func sample(k *yamlkeys.Key) any {
	f := k.Forms[len(k.Forms)-1] // the longest form
	switch f.Kind {
	case yamlkeys.TextKind:
		for _, s := range []string{"word", "runs/c5-00c0ffee/seed-3", "--constraint=a100", "2:00:00", "16G"} {
			if f.Pattern == nil || f.Pattern.MatchString(s) {
				return s
			}
		}
	case yamlkeys.IntegerKind, yamlkeys.NumberKind:
		if f.OpenMin {
			return f.Min + 0.5
		}
		return f.Min
	case yamlkeys.TruthKind:
		return true
	case yamlkeys.ChoiceKind:
		return f.Values[0]
	case yamlkeys.ListKind:
		items := []any{}
		for range int(max(f.Min, 1)) {
			items = append(items, sample(f.Item))
		}
		return items
	case yamlkeys.MappingKind:
		m := map[string]any{}
		for i := range f.Keys {
			if f.Keys[i].Required || slices.Contains(f.Needs[:min(1, len(f.Needs))], f.Keys[i].Name) {
				m[f.Keys[i].Name] = sample(&f.Keys[i])
			}
		}
		if f.One {
			m[f.Keys[0].Name] = sample(&f.Keys[0])
		}
		return m
	case yamlkeys.TableKind:
		name := "all"
		if !f.Pattern.MatchString(name) {
			name = "axis"
		}
		return map[string]any{name: sample(f.Item)}
	}
	return 1
}

// edges are values at and beyond the ends of each form's range.
func edges(k *yamlkeys.Key) []any {
	values := []any{nil, true, "", "$", "$axis", "x y", 0.5, -1, []any{}, map[string]any{}, map[string]any{"unknown": 1}, sample(k)}
	for _, f := range k.Forms {
		switch f.Kind {
		case yamlkeys.IntegerKind, yamlkeys.NumberKind:
			for _, x := range []float64{f.Min, f.Max} {
				if !math.IsInf(x, 0) {
					values = append(values, x, x-1, x+1)
				}
			}
			values = append(values, f.Min+0.25)
		case yamlkeys.ChoiceKind:
			for _, v := range f.Values {
				values = append(values, v, v+"x", strings.ToUpper(v))
			}
		case yamlkeys.TextKind:
			values = append(values, strings.Repeat("a", int(f.Max)), strings.Repeat("a", int(f.Max)+1), "A/b", "-x", "a\nb")
		case yamlkeys.ListKind:
			if f.Max < 1e6 {
				values = append(values, []any{sample(f.Item)}, []any{sample(f.Item), sample(f.Item)}, []any{nil})
			}
		}
	}
	return values
}

// The schema and the decoder accept and refuse the same values of every key.
func TestSchemaAgreesWithDecoder(t *testing.T) {
	tried := 0
	var visit func(k *yamlkeys.Key, path string)
	visit = func(k *yamlkeys.Key, path string) {
		b, err := json.Marshal(k.Schema())
		if err != nil {
			t.Fatal(err)
		}
		doc, _ := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		c := jsonschema.NewCompiler()
		c.AddResource("key.json", doc)
		schema, err := c.Compile("key.json")
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, v := range edges(k) {
			source, err := yaml.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			var node yaml.Node
			if err := yaml.Unmarshal(source, &node); err != nil {
				t.Fatal(err)
			}
			p := newProblems("x.yaml")
			accepted := p.Check(node.Content[0], k, path).Good()
			if accepted != (p.Count() == 0) {
				t.Errorf("%s: %v: accepted is %v with errors %v", path, v, accepted, p.Err())
			}
			if err := schema.Validate(asJSON(t, source)); accepted != (err == nil) {
				t.Errorf("%s: %v: the decoder says %v, the schema %v", path, v, p.Err(), err)
			}
			tried++
		}
		if k.Elsewhere {
			return
		}
		for _, f := range k.Forms {
			for i := range f.Keys {
				visit(&f.Keys[i], yamlkeys.Join(path, f.Keys[i].Name))
			}
			if f.Item != nil {
				visit(f.Item, path+"[]")
			}
		}
	}
	for _, k := range Keys() {
		visit(&k, k.Name)
	}
	if tried < 1000 {
		t.Errorf("only %d values tried", tried)
	}
}

// Every key has a meaning, a row in the reference and a place in the schema;
// a default that is no prose is one that the decoder accepts.
func TestEveryKeyIsDocumented(t *testing.T) {
	reference := Reference()
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	var visit func(k yamlkeys.Key, path string)
	visit = func(k yamlkeys.Key, path string) {
		if k.Name != "" {
			rows++
			path = yamlkeys.Join(path, k.Name)
			if k.Doc == "" {
				t.Errorf("%s has no meaning", path)
			}
			if !strings.Contains(reference, "| `"+path+"` | ") {
				t.Errorf("the reference has no %s", path)
			}
			if k.Name != "<axis>" && !bytes.Contains(b, fmt.Appendf(nil, "%q: {", k.Name)) {
				t.Errorf("the schema has no %s", path)
			}
			if k.DefaultValue() == nil && k.Default != "" && !strings.ContainsAny(k.Default, " '") && k.Default != "all" && k.Default != "size" {
				t.Errorf("%s: the default %q is no value of it", path, k.Default)
			}
		}
		if k.Elsewhere {
			return
		}
		for _, f := range k.Forms {
			for _, sub := range f.Keys {
				visit(sub, path)
			}
			if f.Kind == yamlkeys.ListKind {
				visit(*f.Item, path+"[]")
			} else if f.Item != nil {
				visit(*f.Item, path)
			}
		}
	}
	for _, k := range Keys() {
		visit(k, "")
	}
	if got := strings.Count(reference, "\n| `"); got != rows {
		t.Errorf("%d rows in the reference for %d keys", got, rows)
	}
}

// experiments/README.md has the reference.
func TestReadmeHasTheReference(t *testing.T) {
	b, err := os.ReadFile("../../experiments/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), "\n"+Reference()) {
		t.Error("experiments/README.md: the table of keys is not what `slimfit schema --format markdown` prints: go test ./scripts/docs -update")
	}
}

// The decoder's defaults are the table's.
func TestDefaultsAreTheTables(t *testing.T) {
	var train strings.Builder
	for _, k := range trainKeys() {
		if k.Default != "" {
			fmt.Fprintf(&train, "  %s: %s\n", k.Name, k.Default)
		}
	}
	plain := parse(t, "name: x\ndataset: mnist\nmodel: final\n")
	given := parse(t, "name: x\ndataset: mnist\nmodel: final\nseeds: 5\nreport: {scale: linear}\ntrain:\n"+train.String())
	if !plain.Configs[0].Recipe.Equal(given.Configs[0].Recipe) || len(plain.Seeds) != len(given.Seeds) || plain.Report != given.Report {
		t.Errorf("plain %+v\ngiven %+v", plain.Configs[0].Recipe, given.Configs[0].Recipe)
	}
	var batchDefaults strings.Builder
	for _, k := range BatchKeys() {
		if k.DefaultValue() != nil {
			fmt.Fprintf(&batchDefaults, "%s: %s\n", k.Name, k.Default)
		}
	}
	b, err := ParseBatch("b.yaml", []byte(batchDefaults.String()), nil)
	if err != nil || fmt.Sprint(b) != fmt.Sprint(DefaultBatch()) {
		t.Errorf("%v: got %+v\nwant %+v", err, b, DefaultBatch())
	}
	for _, k := range []struct{ kind, key, want string }{{"conv", "stride", "1"}, {"conv", "padding", "same"},
		{"conv", "activation", "relu"}, {"depthwise", "multiplier", "1"}, {"dense", "activation", "relu"}} {
		layer := layerKey(residuals)
		layers, _ := layer.Form(yamlkeys.MappingKind)
		f, _ := layers.Key(k.kind).Form(yamlkeys.MappingKind)
		if got := f.Key(k.key).Default; got != k.want {
			t.Errorf("%s.%s: %s, want %s", k.kind, k.key, got, k.want)
		}
	}
}
