package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	e := v.experiment()
	if e != nil {
		evidence.Names = namesOf(e)
	}
	var again *requantizer
	if v.cert.Target.Precision == experiment.Int8 {
		again = newRequantizer(v)
		evidence.Quantize = again.quantize
	}
	v.faults = append(v.faults, search.Verify(v.cert, evidence)...)
	what := "result"
	if again != nil {
		what = "result.json and int8.json"
	}
	v.say("%d %s files and every statement that follows from them", len(v.cert.Files), what)
	if again != nil {
		again.report(v)
	}
	if e != nil {
		v.checkGrid(e)
		v.checkData(e.Ref)
	}
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
	r.SetOn(result.Test, result.Figures{})
	return store.EncodeResult(r)
}

// experiment is the experiment file beside the certificate, nil where it is not
// there or cannot be read. The data set need not be here.
func (v *verifier) experiment() *experiment.Experiment {
	file := v.experimentFile()
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		note(v.c, "there is no experiment.yaml beside the certificate: whether it lists every configuration is not checked")
		return nil
	}
	e, err := experiment.Load(file, nil, func(dataset.Ref) (models.Data, error) { return v.cert.Dataset, nil })
	if err != nil {
		v.faults = append(v.faults, search.Fault{Where: file, What: err.Error()})
		return nil
	}
	v.path = e.Ref.Path
	return e
}

func (v *verifier) experimentFile() string { return filepath.Join(v.dir, "experiment.yaml") }

// namesOf are the names that an experiment file itself says.
func namesOf(e *experiment.Experiment) *search.Names {
	return &search.Names{Experiment: e.Name, Dataset: e.Ref.Name}
}

// checkGrid compares the certificate's configurations with the experiment's.
func (v *verifier) checkGrid(e *experiment.Experiment) {
	file := v.experimentFile()
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
	v.say("the %d configurations of experiment.yaml, its name and its data set's", len(e.Configs))
}

// checkData compares the certificate with the data set, if it is here.
func (v *verifier) checkData(ref dataset.Ref) {
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

// conclude prints what was found.
func (v *verifier) conclude() error {
	w := v.c.App.Writer
	for _, f := range v.faults {
		fmt.Fprintln(w, printableLines(f.String()))
	}
	if n := len(v.faults); n > 0 {
		return &exitError{code: exitTrials, err: fmt.Errorf("%s: %d faults", v.file, n)}
	}
	fmt.Fprintf(w, "%s holds: %s\nchecked:\n", printable(v.file), printableLines(v.cert.Summary))
	for _, s := range v.checked {
		if _, err := fmt.Fprintln(w, "  "+printableLines(s)); err != nil {
			return ioError(err)
		}
	}
	return nil
}
