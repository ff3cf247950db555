package experiment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/yamlkeys"
)

// described stands in for pkg/dataset: one set of MNIST's shape.
func described(ref dataset.Ref) (models.Data, error) {
	if ref.Name != "mnist" && ref.Path == "" {
		return models.Data{}, fmt.Errorf("unknown data set %q", ref.Name)
	}
	d := models.Data{Name: ref.Name, Digest: "d", Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Train: 55000, Validation: 5000,
		Test: 10000, Resize: ref.Resize}
	if ref.Train > 0 {
		d.Train = ref.Train
	}
	if ref.Validation != 0 {
		d.Validation = max(0, ref.Validation)
	}
	return d, nil
}

// Parse is Load for a source in memory.
func Parse(file string, source []byte, sets []string, describe Describe) (*Experiment, error) {
	return parseFrom(file, source, sets, Sources{Describe: describe})
}

// Each archive has an experiment, --set values one a line, and the errors
// wanted. A mismatch leaves the errors got beside it, in a .got file.
func TestErrors(t *testing.T) {
	archives, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(filepath.Base(path), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			part := map[string]string{}
			for _, f := range a.Files {
				part[f.Name] = string(f.Data)
			}
			var sets []string
			for _, s := range strings.Split(part["sets"], "\n") {
				if s != "" {
					sets = append(sets, s)
				}
			}
			e, err := Parse("experiment.yaml", []byte(part["experiment.yaml"]), sets, described)
			if err == nil {
				t.Fatalf("no error; configurations: %d", len(e.Configs))
			}
			var all yamlkeys.Errors
			if !errors.As(err, &all) {
				t.Fatalf("error of type %T, want Errors", err)
			}
			if got := err.Error() + "\n"; got != part["want"] {
				os.WriteFile(path+".got", []byte(got), 0o666)
				t.Errorf("got:\n%s\nwant:\n%s", got, part["want"])
			}
		})
	}
}
