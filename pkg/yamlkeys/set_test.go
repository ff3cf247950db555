package yamlkeys

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// table has a key of each sort that Set treats in its own way.
func table() *Key {
	run := Mapping(Key{Name: "steps", Forms: Forms(Integer(1, 1000))}, Key{Name: "epochs", Forms: Forms(Integer(1, 1000))})
	run.Exclusive = []string{"steps", "epochs"}
	pool := Mapping(Key{Name: "size", Required: true, Forms: Forms(Integer(1, 9))}, Key{Name: "stride", Forms: Forms(Integer(1, 9))})
	pool.Short = "size"
	layer := Mapping(Key{Name: "pool", Forms: Forms(Integer(1, 9), pool)})
	return &Key{Forms: Forms(Mapping(
		Key{Name: "run", Forms: Forms(run)},
		Key{Name: "layers", Forms: Forms(List(1, 9, Key{Forms: Forms(layer)}))}))}
}

// What --set takes is what messages name: lists' items in brackets.
func TestSet(t *testing.T) {
	const source = "run: {steps: 5}\nlayers: [{pool: 2}, {pool: 3}]\n"
	for set, want := range map[string]string{
		"layers[1].pool=4":         "run: {steps: 5}\nlayers: [{pool: 2}, {pool: 4}]\n",
		"layers.1.pool=4":          "run: {steps: 5}\nlayers: [{pool: 2}, {pool: 4}]\n",
		"layers[1].pool.stride=1":  "run: {steps: 5}\nlayers: [{pool: 2}, {pool: {size: 3, stride: 1}}]\n",
		"layers[0].pool.size=7":    "run: {steps: 5}\nlayers: [{pool: {size: 7}}, {pool: 3}]\n",
		"run.epochs=2":             "run: {epochs: 2}\nlayers: [{pool: 2}, {pool: 3}]\n",
		"layers[2].pool=4":         `layers: want a position from 0 to 1 of the list, got "2"`,
		"layers[1].pol=4":          `unknown key "pol" in layers[1] (did you mean "pool"?)`,
		"layers[1].pool.steps=4":   `unknown key "steps" in layers[1].pool`,
		"layers[0].pool.size.x=19": `layers[0].pool.size: want a whole number in [1, 9], got a mapping`,
	} {
		p := New("f.yaml", Document{})
		root := p.Parse([]byte(source))
		p.Set(root, table(), set)
		p.Check(root, table(), "")
		got, err := yaml.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		if faults := p.Err(); faults != nil {
			if !strings.Contains(faults.Error(), want) {
				t.Errorf("%s: %v, want %s", set, faults, want)
			}
		} else if string(got) != want {
			t.Errorf("%s: got %swant %s", set, got, want)
		}
	}
}
