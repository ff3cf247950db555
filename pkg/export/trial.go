package export

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"slimfit/models"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// Trial is a trained network, finished and whole.
type Trial struct {
	Dir      string
	Result   result.Result
	Spec     models.Spec
	Weights  models.Weights
	Chosen   string   // why this seed, in words
	Warnings []string // what a person should know of the choice
}

// UnfitError says why a network cannot be exported.
type UnfitError struct {
	Where  string // its folder
	Reason string // with the way out
}

func (e *UnfitError) Error() string { return fmt.Sprintf("%s: %s", e.Where, e.Reason) }

func unfit(where, format string, args ...any) error {
	return &UnfitError{where, fmt.Sprintf(format, args...)}
}

// Open picks the seed and reads its result and weights. What is unfinished,
// failed, diverged or damaged, and weights that were not kept, give an
// *UnfitError; a seed that is not there does not: nobody tried to train it.
func Open(c Choice) (*Trial, error) {
	keys, err := c.seeds()
	if err != nil {
		return nil, err
	}
	results, damaged, err := c.Folder.ResultsOf(keys, store.Brief)
	if err != nil {
		return nil, err
	}
	t := &Trial{}
	if c.Seed != nil {
		t.Chosen = "the seed was named"
		if len(damaged) > 0 {
			return nil, unfit(c.Folder.TrialDir(keys[0]), "%v; `slimfit run` trains it again", damaged[0])
		}
		if len(results) == 0 {
			return nil, unfit(c.Folder.TrialDir(keys[0]), "it has no result yet: it is not finished; `slimfit run` takes it up")
		}
		t.Result = results[0]
	} else if err := t.pick(c, keys, results, damaged); err != nil {
		return nil, err
	}
	t.Dir = c.Folder.TrialDir(t.Result.Key())
	if r := t.Result; r.Status != result.Done {
		return nil, unfit(t.Dir, "it %s: %s; there is no trained network to take", r.Status, r.Reason)
	}
	if d := t.Result.Dataset; d.Folds > 0 && d.Fold == 0 {
		return nil, unfit(t.Dir, "its figures are pooled over %d folds, and no network was trained on all images; `slimfit run` with "+
			"--set dataset.folds=0 -o OTHER trains one", d.Folds)
	}
	return t, t.load(c.wayOut(t.Result.Seed))
}

// seeds lists the trials of the choice that have a folder.
func (c Choice) seeds() ([]result.Key, error) {
	all, err := c.Folder.Keys()
	if err != nil {
		return nil, err
	}
	var keys []result.Key
	var names []string
	for _, k := range all {
		if k.ConfigID == c.ConfigID && (c.Seed == nil || k.Seed == *c.Seed) {
			keys = append(keys, k)
		}
		if k.ConfigID == c.ConfigID {
			names = append(names, strconv.FormatInt(k.Seed, 10))
		}
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("%s: nothing of %s is trained here", c.Folder.Dir, c.ConfigID)
	case len(keys) == 0:
		return nil, fmt.Errorf("%s: %s has no seed %d, only %s", c.Folder.Dir, c.ConfigID, *c.Seed, strings.Join(names, ", "))
	}
	return keys, nil
}

// pick takes the best seed on the validation images, the lowest of equals.
func (t *Trial) pick(c Choice, keys []result.Key, results []result.Result, damaged []*store.ResultError) error {
	where := fmt.Sprintf("%s in %s", c.ConfigID, c.Folder.Dir)
	done := slices.DeleteFunc(slices.Clone(results), func(r result.Result) bool { return r.Status != result.Done })
	if len(done) == 0 {
		return unfit(where, "%s", whyNone(results, damaged))
	}
	best := 0
	for i, r := range done {
		a, b := r.Accuracy.Validation, done[best].Accuracy.Validation
		if len(done) > 1 && a == nil {
			return unfit(where, "its seeds have no validation accuracy to choose by: name one by --seed")
		}
		if len(done) > 1 && *a > *b {
			best = i
		}
	}
	t.Result = done[best]
	t.Chosen = fmt.Sprintf("the best of %d seeds on the validation images", len(done))
	if len(done) == 1 {
		t.Chosen = "the only trained seed"
	}
	if n := len(keys) - len(done); n > 0 {
		t.Warnings = append(t.Warnings, fmt.Sprintf("%d of %d seeds are not finished, failed or diverged: the choice is among the others", n,
			len(keys)))
	}
	for _, d := range damaged {
		t.Warnings = append(t.Warnings, d.Error())
	}
	return nil
}

// whyNone says why no seed of a configuration can be taken.
func whyNone(results []result.Result, damaged []*store.ResultError) string {
	switch {
	case len(results) > 0:
		r := results[0]
		return fmt.Sprintf("no seed of it is done; seed %d %s: %s", r.Seed, r.Status, r.Reason)
	case len(damaged) > 0:
		return fmt.Sprintf("no seed of it is done: %v; `slimfit run` trains it again", damaged[0])
	}
	return "no seed of it has a result yet: it is not finished; `slimfit run` takes it up"
}

// specOf is the network that the result is of.
func specOf(r result.Result) (models.Spec, error) {
	s := r.Dataset.Spec(nil)
	if len(r.Model) == 0 {
		return s, errors.New("damaged result: it has no model")
	}
	s.Layers = r.Model[:len(r.Model)-1]
	if full := s.FullLayers(); !full[len(full)-1].Equal(r.Model[len(r.Model)-1]) {
		return s, errors.New("damaged result: its last layer is not the classifier of its data set")
	}
	if _, err := s.Nodes(); err != nil {
		return s, fmt.Errorf("its model has no form here: %w", err)
	}
	return s, nil
}

// load reads the network and its weights, and checks them against the result.
// wayOut is what to do without them.
func (t *Trial) load(wayOut string) (err error) {
	if t.Spec, err = specOf(t.Result); err != nil {
		return unfit(t.Dir, "%v", err)
	}
	lost := func(format string, args ...any) error {
		return unfit(t.Dir, "%s; the trained weights are lost%s", fmt.Sprintf(format, args...), wayOut)
	}
	b, err := store.LoadWeights(t.Dir)
	var damage *store.DamageError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return unfit(t.Dir, "its weights were not kept%s", wayOut)
	case errors.As(err, &damage):
		return lost("%v", err)
	case err != nil:
		return err
	}
	if err := t.Weights.UnmarshalBinary(b); err != nil {
		return lost("%s: %v", store.WeightsPath(t.Dir), err)
	}
	if got, want := t.Weights.SHA256(), t.Result.WeightsSHA; want != "" && got != want {
		return lost("%s holds other weights than the result is of: SHA-256 %.12s, the result has %.12s", store.WeightsPath(t.Dir), got, want)
	}
	for _, n := range t.Weights {
		for _, p := range models.Parts() {
			values, _ := t.Weights.Get(n.Node, p)
			for _, v := range values {
				if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
					return unfit(t.Dir, "a weight of %s is %v: the training diverged", n.Node, v)
				}
			}
		}
	}
	return nil
}

// trainAgain is the way out where no other seed will do.
const trainAgain = ": train with `slimfit run --keep all` or `--keep best`, in a fresh folder, to have them"

// wayOut says what to do without the weights of a seed: which other seeds of
// the configuration have theirs.
func (c Choice) wayOut(seed int64) string {
	all, err := Choice{Folder: c.Folder, ConfigID: c.ConfigID}.seeds()
	if err != nil {
		return trainAgain
	}
	var have []string
	for _, k := range all {
		if k.Seed != seed && HasWeights(c.Folder, k) {
			have = append(have, strconv.FormatInt(k.Seed, 10))
		}
	}
	if len(have) == 0 {
		return trainAgain
	}
	return fmt.Sprintf("; seed %s has them: --seed %s", strings.Join(have, ", "), have[0])
}
