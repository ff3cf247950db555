package experiment

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
)

const (
	digestA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

const taught = `name: x
dataset: mnist
matrix: {from: [none, {run: out/big/c5x32-d10-00c0ffee/seed-3}]}
model: final
train: {teacher: $from}
`

// loadTaught loads a file whose teacher find knows.
func loadTaught(t *testing.T, source string, find FindTeacher) (*Experiment, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "experiment.yaml")
	if err := os.WriteFile(file, []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	return LoadFrom(file, nil, Sources{Describe: describe, Teacher: find})
}

func describe(ref dataset.Ref) (models.Data, error) { return dataset.Describe(ref, "") }

func teacherOn(data models.Data, digest string) FindTeacher {
	return func(run string) (Teacher, error) {
		dir, _ := models.Named("base")
		return Teacher{Run: "c5x32-d10-00c0ffee/seed-3", Digest: digest, Dir: "/runs/" + run, Layers: dir, Data: data}, nil
	}
}

// The teacher's weights are part of what a configuration is; where they lie is
// not. The effective file keeps their digest.
func TestTeacherIsFound(t *testing.T) {
	mnist, err := dataset.Describe(dataset.Ref{Name: "mnist"}, "")
	if err != nil {
		t.Fatal(err)
	}
	e, err := loadTaught(t, taught, teacherOn(mnist, digestA))
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Configs) != 2 || e.Configs[0].Teacher != nil || len(e.Warnings) != 0 {
		t.Fatalf("%d configurations, warnings %q", len(e.Configs), e.Warnings)
	}
	c := e.Configs[1]
	if c.Teacher == nil || c.Teacher.Dir != "/runs/out/big/c5x32-d10-00c0ffee/seed-3" || len(c.Teacher.Layers) == 0 {
		t.Errorf("teacher %+v", c.Teacher)
	}
	want := models.Teacher{Run: "c5x32-d10-00c0ffee/seed-3", Digest: digestA, Temperature: 4, Weight: 0.9}
	if c.Recipe.Teacher == nil || *c.Recipe.Teacher != want {
		t.Errorf("recipe's teacher %+v, want %+v", c.Recipe.Teacher, want)
	}
	if c.ID == e.Configs[0].ID {
		t.Error("with and without a teacher it is one configuration")
	}

	again, err := Parse("runs/x/experiment.yaml", e.Source, nil, describe)
	if err != nil {
		t.Fatalf("%v in\n%s", err, e.Source)
	}
	if again.Configs[1].ID != c.ID || again.Label(again.Configs[1]) != e.Label(c) {
		t.Errorf("from the effective file it is %s, %s; want %s, %s", again.Configs[1].ID, again.Label(again.Configs[1]), c.ID, e.Label(c))
	}
	moved, err := loadTaught(t, strings.Replace(taught, "out/", "elsewhere/", 1), teacherOn(mnist, digestA))
	if err != nil || moved.Configs[1].ID != c.ID {
		t.Errorf("the teacher in another folder makes another configuration: %v", err)
	}
	other, err := loadTaught(t, taught, teacherOn(mnist, digestB))
	if err != nil || other.Configs[1].ID == c.ID {
		t.Errorf("other weights of the teacher make the same configuration: %v", err)
	}
}

func TestTeacherErrors(t *testing.T) {
	mnist, err := dataset.Describe(dataset.Ref{Name: "mnist"}, "")
	if err != nil {
		t.Fatal(err)
	}
	cifar, err := dataset.Describe(dataset.Ref{Name: "cifar10"}, "")
	if err != nil {
		t.Fatal(err)
	}
	missing := func(string) (Teacher, error) { return Teacher{}, errors.New("it is not trained yet") }
	given := taught + "teachers: {out/big/c5x32-d10-00c0ffee/seed-3: " + digestB + "}\n"
	for name, c := range map[string]struct {
		source string
		find   FindTeacher
		want   string
	}{
		"not trained":    {taught, missing, ":3:29: train.teacher.run: out/big/c5x32-d10-00c0ffee/seed-3: it is not trained yet (with from"},
		"no digest":      {taught, nil, "the digest of its weights is not in the file"},
		"trained anew":   {given, teacherOn(mnist, digestA), "its weights have the SHA-256 aaaaaaaaaaaa now, the file has bbbbbbbbbbbb under teachers"},
		"other pictures": {taught, teacherOn(cifar, digestA), "10 classes of 32x32x3 images apart, but these are 10 classes of 28x28x1"},
		"bad digest":     {strings.Replace(given, digestB, "b0b", 1), nil, "want 64 hexadecimal digits"},
	} {
		if _, err := loadTaught(t, c.source, c.find); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestTeacherOfOtherImagesIsNoted(t *testing.T) {
	data, err := dataset.Describe(dataset.Ref{Name: "mnist", Validation: 100}, "")
	if err != nil {
		t.Fatal(err)
	}
	e, err := loadTaught(t, taught, teacherOn(data, digestA))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(e.Warnings, func(w string) bool { return strings.Contains(w, "it may have seen the validation images") }) {
		t.Errorf("warnings %q", e.Warnings)
	}
}
