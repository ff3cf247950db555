package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
)

// retrainedName is the run folder of --retrain below --into.
const retrainedName = "retrained"

// retrain trains some trials anew and compares; it returns how many.
func (v *verifier) retrain(ctx context.Context, o VerifyOptions) (int, error) {
	seed := rand.Int64N(1 << 32)
	if o.Draw != nil {
		seed = *o.Draw
	}
	trials, err := search.Sample(v.cert, o.Retrain, uint64(seed))
	if err != nil {
		return 0, err
	}
	into := o.Into
	if into == "" {
		if into, err = os.MkdirTemp("", "slimfit-verify-"); err != nil {
			return 0, exit.Failed(err)
		}
		defer os.RemoveAll(into)
	}
	fresh, err := store.Create(into, retrainedName, nil)
	if err != nil {
		return 0, exit.Failed(err)
	}
	drawn := fmt.Sprintf("drawn by --draw %d", seed)
	if o.Retrain == RetrainAll {
		drawn = "all of them"
	}
	v.l.Note("training %d trials again, %s", len(trials), drawn)
	e := &experiment.Experiment{Name: v.cert.Experiment, Data: v.cert.Dataset, Ref: dataset.Ref{Name: v.cert.Dataset.Name, Path: v.path}}
	for _, t := range trials {
		if err := teach(t, filepath.Dir(v.folder.Dir)); err != nil {
			return 0, exit.Failed(err)
		}
	}
	type kind struct {
		test bool
		stem string
	}
	parts := map[kind][]experiment.Trial{}
	test, closed := v.byTest(trials)
	for i, t := range append(closed, test...) {
		stem, err := v.stemOf(t.Key())
		if err != nil {
			return 0, err
		}
		k := kind{i >= len(closed), stem}
		parts[k] = append(parts[k], t)
	}
	for k, part := range parts {
		if _, err := o.Train(ctx, v.l, Training{Experiment: e, Folder: fresh, Trials: part, Test: k.test, Stem: k.stem}); err != nil {
			return 0, err
		}
	}
	for _, t := range trials {
		if err := v.compare(t, fresh); err != nil {
			return 0, err
		}
	}
	how := "bit for bit"
	if v.noisy > 0 {
		how = fmt.Sprintf("%d of them with other kernels, compared within noise", v.noisy)
	}
	v.say("%d trials trained again, %s (%s)", len(trials), how, drawn)
	return len(trials), nil
}

// byTest splits trials by whether the certificate opened their test images.
func (v *verifier) byTest(trials []experiment.Trial) (test, closed []experiment.Trial) {
	opened := map[string]bool{}
	for _, o := range v.cert.Openings {
		opened[o.ConfigID] = true
	}
	for _, t := range trials {
		if opened[t.ID] {
			test = append(test, t)
		} else {
			closed = append(closed, t)
		}
	}
	return test, closed
}

func (v *verifier) compare(t experiment.Trial, fresh *store.Folder) error {
	key := t.Key()
	if file := v.stoppedFile(key); file != "" {
		on := slices.ContainsFunc(v.cert.Files, func(f result.File) bool { return f.Path == key.String()+"/"+result.ResultName })
		if err := v.compareStopped(key, file, on, fresh); err != nil || !on {
			return err
		}
	}
	old, err := trained(v.folder, key)
	if err != nil {
		return err
	}
	again, err := trained(fresh, key)
	if err != nil {
		return err
	}
	if !old.Result.Environment.SameKernels(again.Result.Environment) {
		v.noisy++
		v.say("%s: other kernels (%s here, %s then): compared within noise", key, again.Result.Environment.Kernels(),
			old.Result.Environment.Kernels())
	}
	v.faults = append(v.faults, search.Retrained(key.String(), old, again)...)
	return nil
}

// stoppedFile is the file that says that the trial was stopped early, where the
// certificate rests on one.
func (v *verifier) stoppedFile(k result.Key) string {
	for _, f := range v.cert.Files {
		if dir, name := path.Split(f.Path); dir == k.String()+"/" && result.IsStoppedName(name) {
			return f.Path
		}
	}
	return ""
}

// stemOf names the kernels that the trial was trained with.
func (v *verifier) stemOf(k result.Key) (string, error) {
	file := v.stoppedFile(k)
	if file == "" {
		r, err := v.folder.ReadResult(k)
		if err != nil {
			return "", exit.Failed(err)
		}
		return r.Environment.Kernels(), nil
	}
	s, err := v.readStopped(file)
	return s.Environment.Kernels(), err
}

func (v *verifier) readStopped(file string) (s result.Stopped, err error) {
	b, err := v.folder.ReadFile(file)
	if err == nil {
		err = models.UnmarshalStrict(b, &s)
	}
	if err != nil {
		return s, exit.Failed(fmt.Errorf("read %s: %w", file, err))
	}
	return s, nil
}

// compareStopped compares an early stop; on says that the certificate rests on the
// trial's end too, which then needs not miss the target.
func (v *verifier) compareStopped(k result.Key, file string, on bool, fresh *store.Folder) error {
	old, err := v.readStopped(file)
	if err != nil {
		return err
	}
	history, err := historyOf(v.folder, k)
	if err != nil {
		return err
	}
	again, err := trained(fresh, k)
	if err != nil {
		return err
	}
	missed := v.cert.Target.Accuracy
	if on {
		missed = math.Inf(1)
	}
	v.faults = append(v.faults, search.RetrainedStopped(k.String(), missed, old, history, again)...)
	return nil
}

// historyOf reads a trial's history, nil where there is none.
func historyOf(f *store.Folder, k result.Key) ([]result.Point, error) {
	history, err := f.ReadHistory(k)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, exit.Failed(err)
	}
	return history, nil
}

// trained reads a trial with its history, which need not be there.
func trained(f *store.Folder, k result.Key) (search.Trained, error) {
	r, err := f.ReadResult(k)
	if err != nil {
		return search.Trained{}, exit.Failed(err)
	}
	history, err := historyOf(f, k)
	return search.Trained{Result: r, History: history}, err
}

// checkInto refuses a folder with trials in it: they would be compared as if
// they had been trained again.
func checkInto(into string) error {
	if into == "" {
		return nil
	}
	keys, err := (&store.Folder{Dir: into}).Keys()
	if err != nil {
		return exit.Failed(err)
	}
	if len(keys) > 0 {
		return exit.Usagef("--into %s: it holds results already: name a fresh folder", into)
	}
	old := filepath.Join(into, retrainedName)
	if _, err := os.Lstat(old); err == nil {
		return exit.Usagef("--into %s: %s is there already, and would be compared untrained: name a fresh folder", into, old)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return exit.Failed(fmt.Errorf("look into %s: %w", into, err))
	}
	return nil
}
