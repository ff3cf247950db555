package lab

import (
	"errors"
	"fmt"
	"path/filepath"

	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/result"
)

// findTeacher finds the trained run that a recipe names as its teacher, below
// out or as a path.
func findTeacher(run, out string) (experiment.Teacher, error) {
	if !filepath.IsLocal(run) {
		return experiment.Teacher{}, errors.New("files name teachers below --out or this folder: no path from the root, none with .. in it")
	}
	choice, err := export.Find(run, out)
	var missing *export.NotFoundError
	if errors.As(err, &missing) {
		err = fmt.Errorf("it is not trained yet: there is no such folder, here or in %s", out)
	}
	if err != nil {
		return experiment.Teacher{}, err
	}
	if choice.Seed == nil {
		return experiment.Teacher{}, fmt.Errorf("%s is not one trained network: name its seed too", run)
	}
	if err := choice.Folder.Inside(result.Key{ConfigID: choice.ConfigID, Seed: *choice.Seed}); err != nil {
		return experiment.Teacher{}, err
	}
	t, err := export.Open(choice)
	if err != nil {
		return experiment.Teacher{}, err
	}
	return experiment.Teacher{Run: t.Result.Key().String(), Digest: t.Weights.SHA256(), Dir: t.Dir, Layers: t.Spec.Layers,
		Data: t.Result.Dataset}, nil
}

// teach gives a trial that was made from a certificate its teacher again.
func teach(t experiment.Trial, out string) error {
	want := t.Recipe.Teacher
	if want == nil || t.Teacher != nil {
		return nil
	}
	if _, err := result.ParseKey(want.Run); err != nil { // a certificate names no path
		return fmt.Errorf("the teacher of %s: %w", t.ID, err)
	}
	teacher, err := findTeacher(want.Run, out)
	if err != nil {
		return fmt.Errorf("the teacher of %s: %w", t.ID, err)
	}
	if teacher.Digest != want.Digest {
		return fmt.Errorf("the teacher of %s: %s has other weights now: SHA-256 %.12s, the recipe has %.12s", t.ID, want.Run, teacher.Digest,
			want.Digest)
	}
	t.Teacher = &teacher
	return nil
}
