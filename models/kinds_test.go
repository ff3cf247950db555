package models_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
)

// kindNames are the constants of type Kind, as the source declares them.
func kindNames(t *testing.T) map[string]models.Kind {
	t.Helper()
	names := map[string]models.Kind{}
	file, err := parser.ParseFile(token.NewFileSet(), "layer.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			if kind, ok := v.Type.(*ast.Ident); ok && kind.Name == "Kind" {
				names[v.Names[0].Name] = models.Kind(strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`))
			}
		}
	}
	return names
}

// Every constant is in the table, and the table is whole: a kind has what its
// neighbours have.
func TestTableIsWhole(t *testing.T) {
	names := kindNames(t)
	if names["Add"] != models.Add || slices.Contains(models.Kinds(), models.Add) {
		t.Error("add is of nodes alone")
	}
	delete(names, "Add")
	if len(names) < 8 || len(names) != len(models.Kinds()) {
		t.Errorf("%d constants of type Kind, %d kinds in the table", len(names), len(models.Kinds()))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for name, k := range names {
		if !slices.Contains(models.Kinds(), k) {
			t.Errorf("models.%s is not in the table of kinds.go", name)
			continue
		}
		if k.Doc() == "" {
			t.Errorf("%s: no sentence for the table of keys", k)
		}
		l := modelstest.Layer(k, r)
		if slices.Contains(k.Fields(), "batchnorm") {
			// else JSON leaves keys out
			l.Norm, l.Stride, l.Dilation = models.OneNorm, models.DefaultLayer(k).Stride, models.DefaultLayer(k).Dilation
		}
		if slices.Contains(k.Fields(), "dilation") {
			l.Dilation = models.Square(2)
		}
		b, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var got models.Layer
		if err := json.Unmarshal(b, &got); err != nil || !got.Equal(l) {
			t.Errorf("%s: %+v is %s in JSON and %+v back, %v", k, l, b, got, err)
		}
		var set map[string]json.RawMessage
		if json.Unmarshal(b, &set) == nil && len(k.Fields()) > 0 {
			var keys map[string]any
			if err := json.Unmarshal(set[string(k)], &keys); err != nil || len(keys) != len(k.Fields()) {
				t.Errorf("%s: its JSON has the keys %v, the table %v", k, keys, k.Fields())
			}
		}
		c := models.Config{Layers: []models.Layer{l}, Data: models.Data{Input: models.Shape{H: 20, W: 20, C: 2}, Classes: 2},
			Recipe: models.DefaultRecipe()}
		if id := c.ID(); k != models.Dropout && strings.HasPrefix(id, "linear-") {
			t.Errorf("%s: no word in the ID %s", k, id)
		}
	}
}

// sources lists the Go files outside of this package that name a kind, and
// fails for a switch over kinds that says nothing of the ones it does not list.
func sources(t *testing.T) []string {
	t.Helper()
	names := kindNames(t)
	var files []string
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "../models/") {
			if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
				return filepath.SkipDir
			}
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		isKind := func(e ast.Expr) bool {
			s, ok := e.(*ast.SelectorExpr)
			if !ok {
				return false
			}
			room, ok := s.X.(*ast.Ident)
			return ok && room.Name == "models" && names[s.Sel.Name] != ""
		}
		named := false
		ast.Inspect(file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok && isKind(e) {
				named = true
			}
			s, ok := n.(*ast.SwitchStmt)
			if !ok {
				return true
			}
			over, catches := false, false
			for _, c := range s.Body.List {
				cases := c.(*ast.CaseClause).List
				over = over || slices.ContainsFunc(cases, isKind)
				catches = catches || cases == nil
			}
			if over && !catches {
				t.Errorf("%s: a switch over layer kinds without a default: a new kind would pass it in silence", set.Position(s.Pos()))
			}
			return true
		})
		if named {
			files = append(files, strings.TrimPrefix(path, "../"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Who follows "To add a layer kind" has seen every file that names a kind.
func TestContributingNamesEveryPlace(t *testing.T) {
	b, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(b), "\n## To add a layer kind\n")
	if !ok {
		t.Fatal("CONTRIBUTING.md has no section \"To add a layer kind\"")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var told []string
	for _, m := range regexp.MustCompile("`([a-z0-9_/]+\\.(?:go|py|json))`").FindAllStringSubmatch(section, -1) {
		told = append(told, m[1])
		if _, err := os.Stat(filepath.Join("..", m[1])); err != nil {
			t.Errorf("CONTRIBUTING.md names %s: %v", m[1], err)
		}
	}
	for _, file := range sources(t) {
		if !slices.Contains(told, file) {
			t.Errorf("%s names a layer kind, but \"To add a layer kind\" in CONTRIBUTING.md does not name the file", file)
		}
	}
}

// set adds the names of the fields that are set.
func set(to map[string]bool, name string, v reflect.Value) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	to[name] = to[name] || !v.IsZero()
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			set(to, v.Type().Field(i).Name, v.Field(i))
		}
	}
}

// Keras trains every kind, every activation and every recipe.
func TestKerasHasEveryKind(t *testing.T) {
	b, err := os.ReadFile("../scripts/keras/networks.json")
	if err != nil {
		t.Fatal(err)
	}
	var networks []struct {
		Layers []models.Layer
		Train  models.Recipe
	}
	if err := json.Unmarshal(b, &networks); err != nil {
		t.Fatal(err)
	}
	kinds, activations, named, used := map[models.Kind]bool{}, map[models.Activation]bool{}, map[string]bool{}, map[string]bool{}
	for _, n := range networks {
		for _, l := range n.Layers {
			kinds[l.Kind], activations[l.Activation] = true, true
		}
		named[n.Train.Optimizer], named[n.Train.Schedule] = true, true
		set(used, "", reflect.ValueOf(n.Train))
	}
	for _, name := range []string{models.Adam, models.SGD, models.Momentum, models.Adadelta, models.Constant, models.Cosine, models.Stepwise,
		models.Exponential} {
		if !named[name] {
			t.Errorf("no network of scripts/keras/networks.json is trained with %s", name)
		}
	}
	all := map[string]bool{}
	for _, r := range []any{models.Recipe{}, models.Augment{}, models.ClassWeights{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(r)) {
			all[f.Name] = true
		}
	}
	for _, apart := range []string{"Deterministic", "Quantize", "Teacher"} { // nothing that Keras has
		delete(all, apart)
	}
	for f := range all {
		if !used[f] {
			t.Errorf("no network of scripts/keras/networks.json has train.%s", f)
		}
	}
	for _, k := range models.Kinds() {
		if !kinds[k] {
			t.Errorf("no network of scripts/keras/networks.json has a %s", k)
		}
	}
	for _, a := range models.Activations() {
		if !activations[a] {
			t.Errorf("no network of scripts/keras/networks.json has the activation %s", a)
		}
	}
}
