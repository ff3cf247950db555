package graph

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	frameworkpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"google.golang.org/protobuf/proto"

	"slimfit/models"
	"slimfit/models/modelstest"
)

// frozenGraphs are the frozen graphs of networks of every kind.
func frozenGraphs(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for name, spec := range modelstest.Each() {
		w, err := Untrained(spec)
		if err != nil {
			t.Fatal(err)
		}
		if all[name], err = Frozen(spec, w); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// Operations lists what exported graphs consist of, no more and no less.
func TestOperationsAreThoseOfExports(t *testing.T) {
	found := map[string]bool{}
	for name, def := range frozenGraphs(t) {
		var g frameworkpb.GraphDef
		if err := proto.Unmarshal(def, &g); err != nil {
			t.Fatal(err)
		}
		for _, n := range g.Node {
			found[n.Op] = true
		}
		if err := vet(def); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var names []string
	for op := range found {
		names = append(names, op)
	}
	slices.Sort(names)
	if !slices.Equal(names, Operations()) {
		t.Errorf("exports have the operations\n%q, Operations lists\n%q", names, Operations())
	}
}

// A graph that writes a file is refused before anything of it runs.
func TestForeignGraphsAreRefused(t *testing.T) {
	layers, _ := models.Named("light")
	spec := models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: layers}
	w, err := Untrained(spec)
	if err != nil {
		t.Fatal(err)
	}
	def, err := Frozen(spec, w)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := SavedModel(spec, w)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := func(change func(*frameworkpb.GraphDef)) []byte {
		var g frameworkpb.GraphDef
		if err := proto.Unmarshal(def, &g); err != nil {
			t.Fatal(err)
		}
		change(&g)
		b, err := proto.Marshal(&g)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for want, b := range map[string][]byte{
		`"WriteFile"; --trust runs it`: spoilt(func(g *frameworkpb.GraphDef) {
			g.Node[0].Op = "WriteFile"
		}),
		"is larger than its file": spoilt(func(g *frameworkpb.GraphDef) {
			for _, n := range g.Node {
				if n.Op == "Const" {
					for _, d := range n.Attr["value"].GetTensor().GetTensorShape().GetDim() {
						d.Size = 1 << 40
					}
				}
			}
		}),
		"it is no graph": []byte("hello"),
	} {
		if _, err := LoadFrozen(b, Device{Threads: 1}, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "saved_model.pb"), saved, 0o666); err != nil {
		t.Fatal(err)
	}
	pixels := make([]float32, spec.Input.Elements())
	for _, trust := range []bool{false, true} {
		m, err := LoadModel(dir, Device{Threads: 1}, trust)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := m.Logits(pixels, spec.Input); err != nil || len(v) != 10 {
			t.Errorf("trust %t: %v, %v", trust, v, err)
		}
		m.Close()
	}
}
