package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"slimfit/models"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// openFolders opens run folders.
func (l *Lab) openFolders(dirs []string) ([]*store.Folder, error) {
	var folders []*store.Folder
	for _, dir := range dirs {
		f, err := l.OpenFolder(dir)
		if err != nil {
			return nil, err
		}
		folders = append(folders, f)
	}
	return folders, nil
}

// Create makes the run folder of an experiment, with the folders of long IDs.
func (l *Lab) Create(e *experiment.Experiment) (*store.Folder, error) {
	l.tellTarget(&store.Folder{Dir: filepath.Join(l.Out, e.Name)}, e)
	folder, err := store.Create(l.Out, e.Name, e.Source)
	for i := 0; err == nil && i < len(e.Configs); i++ {
		err = folder.Claim(e.Configs[i].ID)
	}
	return folder, exit.Failed(err)
}

// Prepare makes the run folder of an experiment, and takes over what other run
// folders have finished of the trials. It returns how many those were.
func (l *Lab) Prepare(e *experiment.Experiment, trials []experiment.Trial, reused []string) (*store.Folder, int, error) {
	others, err := l.openFolders(reused)
	if err != nil {
		return nil, 0, err
	}
	folder, err := l.Create(e)
	if err != nil {
		return nil, 0, err
	}
	n, shown, err := reuse(others, folder, e, trials)
	if err == nil && shown > 0 {
		err = l.ShowTest(e, shown) // their test figures were seen elsewhere
	}
	return folder, n, exit.Failed(err)
}

// reuse copies results, histories, weights and int8 figures of trials that other
// run folders have finished, and returns how many, and how many of these have
// test figures. A configuration's ID stands for everything that changes training,
// so they are what training here would give, up to the machine, which each result
// names.
func reuse(folders []*store.Folder, to *store.Folder, e *experiment.Experiment, trials []experiment.Trial) (copied, shown int, err error) {
	for _, from := range folders {
		name, err := from.Names(true)
		if err != nil {
			return copied, shown, err
		}
		for _, t := range trials {
			ok, test, err := reuseTrial(from, to, e.Name, t, name)
			if err != nil {
				return copied, shown, fmt.Errorf("take over a trial of %s: %w", from.Dir, err)
			}
			if ok {
				copied++
			}
			if test {
				shown++
			}
		}
	}
	return copied, shown, nil
}

func reuseTrial(from, to *store.Folder, name string, t experiment.Trial, nameOf func(models.Config, string) (string, error)) (ok, test bool,
	err error) {
	if _, err := to.ReadResult(t.Key()); !errors.Is(err, fs.ErrNotExist) {
		return false, false, nil // it is there; what is wrong with it, if anything, the run will see
	}
	k := t.Key()
	if k.ConfigID, err = nameOf(t.Config, t.ID); err == nil {
		err = from.Inside(k)
	}
	if err != nil {
		return false, false, err
	}
	r, err := from.ReadResult(k)
	if errors.Is(err, fs.ErrNotExist) || err == nil && r.Status != result.Done {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	points, err := from.ReadHistory(k)
	if err != nil {
		return false, false, err
	}
	weights, err := store.LoadWeights(from.TrialDir(k))
	var w models.Weights
	if err != nil || w.UnmarshalBinary(weights) != nil || w.SHA256() != r.WeightsSHA {
		weights = nil // not kept, or not its own
	}
	r.ConfigID, r.Experiment, r.Dataset.Name, r.Assignment = t.ID, name, t.Data.Name, t.Assignment
	if r.Assignment == nil {
		r.Assignment = map[string]any{}
	}
	test = r.Accuracy.Test != nil
	if err := takeOver(to, r, points, weights); err != nil {
		return true, test, err
	}
	q, err := from.ReadInt8(k)
	if q.ConfigID = t.ID; err == nil && q.Of(r) { // else there is none, or none of use
		return true, test, to.WriteInt8(q)
	}
	return true, test, nil
}

// takeOver writes a finished trial that has no result yet; weights may be nil.
func takeOver(to *store.Folder, r result.Result, points []result.Point, weights []byte) error {
	k := r.Key()
	if err := to.MakeTrialDir(k); err != nil {
		return err
	}
	if err := to.WriteHistory(k, 0, points); err != nil {
		return err
	}
	if weights != nil {
		if err := store.SaveWeights(to.TrialDir(k), 0, weights); err != nil {
			return err
		}
	}
	if err := to.WriteResult(r, 0, false); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
