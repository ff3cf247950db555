package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
)

// verifyCommand checks a certificate against the results beside it.
func verifyCommand(train trainer) *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "check every statement of a certificate from the result files beside it",
		ArgsUsage: "CERTIFICATE",
		Flags: append(trainFlags(), cacheFlag(),
			&cli.IntFlag{Name: "retrain", Usage: "train `K` of its trials again, drawn at random, and compare bit for bit; one that was stopped early to its end, to see that it misses the target"},
			&cli.Int64Flag{Name: "draw", Usage: "draw the trials to train again by `SEED` (default: by chance)"},
			&cli.StringFlag{Name: "into", Usage: "train again in the fresh `FOLDER` and keep it (default: a temporary one)"}),
		Action: func(c *cli.Context) error {
			file, err := oneArg(c, "certificate")
			if err != nil {
				return err
			}
			if err := checkTrainFlags(c); err != nil {
				return err
			}
			if err := checkRetrainFlags(c); err != nil {
				return err
			}
			v, err := newVerifier(c, file)
			if err != nil {
				return err
			}
			v.check()
			if k := c.Int("retrain"); k > 0 && len(v.faults) == 0 {
				if err := v.retrain(k, train); err != nil {
					return err
				}
			}
			return v.conclude()
		},
	}
}

// retrainedName is the run folder of --retrain below --into.
const retrainedName = "retrained"

// checkRetrainFlags refuses a folder with trials in it: they would be compared
// as if they had been trained again.
func checkRetrainFlags(c *cli.Context) error {
	if k := c.Int("retrain"); k < 0 {
		return usagef("--retrain %d: need at least 0", k)
	}
	into := c.String("into")
	if into == "" {
		return nil
	}
	keys, err := (&store.Folder{Dir: into}).Keys()
	if err != nil {
		return ioError(err)
	}
	if len(keys) > 0 {
		return usagef("--into %s: it holds results already: name a fresh folder", into)
	}
	old := filepath.Join(into, retrainedName)
	if _, err := os.Lstat(old); err == nil {
		return usagef("--into %s: %s is there already, and would be compared untrained: name a fresh folder", into, old)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return ioError(fmt.Errorf("look into %s: %w", into, err))
	}
	return nil
}

// verifier is one check at work.
type verifier struct {
	c       *cli.Context
	cert    *result.Certificate
	file    string
	dir     string // the run folder
	path    string // of the user's own data
	checked []string
	faults  []search.Fault
}

func newVerifier(c *cli.Context, file string) (*verifier, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, ioError(fmt.Errorf("read certificate: %w", err))
	}
	cert, err := search.ReadCertificate(b)
	if err != nil {
		return nil, &exitError{code: exitTrials, err: fmt.Errorf("%s: %w", file, err)}
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, ioError(err)
	}
	return &verifier{c: c, cert: cert, file: file, dir: dir}, nil
}

// check does everything that needs no training.
func (v *verifier) check() {
	evidence := evidenceIn(v.dir)
	var again *requantizer
	if v.cert.Target.Precision == experiment.Int8 {
		again = newRequantizer(v)
		evidence.Quantize = again.quantize
	}
	v.faults = search.Verify(v.cert, evidence)
	what := "result"
	if again != nil {
		what = "result.json and int8.json"
	}
	v.say("%d %s files and every statement that follows from them", len(v.cert.Files), what)
	if again != nil {
		again.report(v)
	}
	v.checkGrid()
}

func (v *verifier) say(format string, args ...any) {
	v.checked = append(v.checked, fmt.Sprintf(format, args...))
}

// evidenceIn is the run folder that a certificate rests on.
func evidenceIn(dir string) search.Evidence {
	return search.Evidence{
		Open:   func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, filepath.FromSlash(path))) },
		Sealed: sealed, SealedInt8: sealedInt8, Measure: export.Measure,
	}
}

// sealed is a result file as it was before its test images were opened.
func sealed(b []byte) ([]byte, error) {
	var r result.Result
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	r.Accuracy.Test, r.Correct.Test, r.Wrong.Test, r.Confusion.Test = nil, nil, nil, nil
	return store.EncodeResult(r)
}

// checkGrid compares the certificate with the experiment file and the data set,
// as far as they are there.
func (v *verifier) checkGrid() {
	file := filepath.Join(v.dir, "experiment.yaml")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		note(v.c, "there is no experiment.yaml beside the certificate: whether it lists every configuration is not checked")
		return
	}
	var ref dataset.Ref
	e, err := experiment.Load(file, nil, func(r dataset.Ref) (models.Data, error) {
		ref = r
		return v.cert.Dataset, nil
	})
	if err != nil {
		v.faults = append(v.faults, search.Fault{Where: file, What: err.Error()})
		return
	}
	v.path = ref.Path
	listed := map[string]bool{}
	for _, j := range v.cert.Candidates {
		listed[j.ConfigID] = true
	}
	for _, c := range e.Configs {
		if !listed[c.ID] {
			v.faults = append(v.faults, search.Fault{Where: "certificate", What: fmt.Sprintf("%s of %s is not in it", c.ID, file)})
		}
		delete(listed, c.ID)
	}
	for id := range listed {
		v.faults = append(v.faults, search.Fault{Where: "certificate", What: fmt.Sprintf("%s is not in %s", id, file)})
	}
	v.say("the %d configurations of experiment.yaml", len(e.Configs))
	data, err := dataset.Describe(ref, v.c.String("cache"))
	switch {
	case err != nil:
		note(v.c, "the data set is not here, its version is not checked: %v", err)
	case data.Digest != v.cert.Dataset.Digest:
		v.faults = append(v.faults, search.Fault{Where: "data set " + data.Name,
			What: fmt.Sprintf("it is another version: its digest is %s, the certificate's %s", data.Digest, v.cert.Dataset.Digest)})
	default:
		v.say("the version of data set %s", data.Name)
	}
}

// retrain trains some trials anew and compares.
func (v *verifier) retrain(k int, train trainer) error {
	seed := v.c.Int64("draw")
	if !v.c.IsSet("draw") {
		seed = rand.Int64N(1 << 32)
	}
	trials, err := search.Sample(v.cert, k, uint64(seed))
	if err != nil {
		return err
	}
	into := v.c.String("into")
	if into == "" {
		if into, err = os.MkdirTemp("", "slimfit-verify-"); err != nil {
			return ioError(err)
		}
		defer os.RemoveAll(into)
	}
	fresh, err := store.Create(into, retrainedName, nil)
	if err != nil {
		return ioError(err)
	}
	note(v.c, "training %d trials again, drawn by --draw %d", len(trials), seed)
	e := &experiment.Experiment{Name: v.cert.Experiment, Data: v.cert.Dataset, Ref: dataset.Ref{Name: v.cert.Dataset.Name, Path: v.path}}
	for _, t := range trials {
		if err := teach(t, filepath.Dir(v.dir)); err != nil {
			return ioError(err)
		}
	}
	test, closed := v.byTest(trials)
	for _, part := range []struct {
		trials []experiment.Trial
		test   bool
	}{{closed, false}, {test, true}} {
		if len(part.trials) == 0 {
			continue
		}
		if _, err := train(v.c, training{experiment: e, folder: fresh, trials: part.trials, test: part.test}); err != nil {
			return err
		}
	}
	for _, t := range trials {
		if err := v.compare(t, fresh); err != nil {
			return err
		}
	}
	v.say("%d trials trained again, bit for bit (--draw %d)", len(trials), seed)
	return nil
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
	key := result.Key{ConfigID: t.ID, Seed: t.Seed}
	if file := v.stoppedFile(key); file != "" {
		return v.compareStopped(key, file, fresh)
	}
	old, err := trained(&store.Folder{Dir: v.dir}, key)
	if err != nil {
		return err
	}
	again, err := trained(fresh, key)
	if err != nil {
		return err
	}
	v.faults = append(v.faults, search.Retrained(key.String(), old, again)...)
	return nil
}

// stoppedFile is the file that says that the trial was stopped early, where the
// certificate rests on one.
func (v *verifier) stoppedFile(k result.Key) string {
	for _, f := range v.cert.Files {
		if dir, name := path.Split(f.Path); dir == k.String()+"/" && result.IsStoppedName(name) {
			return filepath.Join(v.dir, filepath.FromSlash(f.Path))
		}
	}
	return ""
}

func (v *verifier) compareStopped(k result.Key, file string, fresh *store.Folder) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return ioError(err)
	}
	var old result.Stopped
	if err := json.Unmarshal(b, &old); err != nil {
		return ioError(fmt.Errorf("read %s: %w", file, err))
	}
	history, err := historyOf(&store.Folder{Dir: v.dir}, k)
	if err != nil {
		return err
	}
	again, err := trained(fresh, k)
	if err != nil {
		return err
	}
	v.faults = append(v.faults, search.RetrainedStopped(k.String(), v.cert.Target.Accuracy, old, history, again)...)
	return nil
}

// historyOf reads a trial's history, nil where there is none.
func historyOf(f *store.Folder, k result.Key) ([]result.Point, error) {
	history, err := f.ReadHistory(k)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, ioError(err)
	}
	return history, nil
}

// trained reads a trial with its history, which need not be there.
func trained(f *store.Folder, k result.Key) (search.Trained, error) {
	r, err := f.ReadResult(k)
	if err != nil {
		return search.Trained{}, ioError(err)
	}
	history, err := historyOf(f, k)
	return search.Trained{Result: r, History: history}, err
}

// conclude prints what was found.
func (v *verifier) conclude() error {
	w := v.c.App.Writer
	for _, f := range v.faults {
		fmt.Fprintln(w, f)
	}
	if n := len(v.faults); n > 0 {
		return &exitError{code: exitTrials, err: fmt.Errorf("%s: %d faults", v.file, n)}
	}
	fmt.Fprintf(w, "%s holds: %s\nchecked:\n", v.file, v.cert.Summary)
	for _, s := range v.checked {
		if _, err := fmt.Fprintln(w, "  "+s); err != nil {
			return ioError(err)
		}
	}
	return nil
}
