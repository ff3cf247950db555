package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
)

// VerifyOptions says how thoroughly a certificate is verified.
type VerifyOptions struct {
	Retrain int     // trials to train again
	Draw    *int64  // the seed that they are drawn by; nil: by chance
	Into    string  // a fresh folder to train them in; "": a temporary one
	Train   Trainer // WorkerTrainer, but for tests
}

// Verified is what became of a verification.
type Verified struct {
	File    string
	Summary string // the certificate's own
	Faults  []search.Fault
	Checked []string // what was checked
}

// Verify checks every statement of a certificate against the result files
// beside it.
func (l *Lab) Verify(ctx context.Context, file string, o VerifyOptions) (*Verified, error) {
	if err := checkInto(o.Into); err != nil {
		return nil, err
	}
	v, err := l.newVerifier(file)
	if err != nil {
		return nil, err
	}
	v.check(ctx)
	if o.Retrain > 0 && len(v.faults) == 0 {
		if err := v.retrain(ctx, o); err != nil {
			return nil, err
		}
	}
	return &Verified{File: file, Summary: v.cert.Summary, Faults: v.faults, Checked: v.checked}, nil
}

// verifier is one check at work.
type verifier struct {
	l       *Lab
	cert    *result.Certificate
	file    string
	dir     string // the run folder
	path    string // of the user's own data
	checked []string
	faults  []search.Fault
}

func (l *Lab) newVerifier(file string) (*verifier, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, exit.Failed(fmt.Errorf("read certificate: %w", err))
	}
	cert, err := search.ReadCertificate(b)
	if err != nil {
		return nil, exit.With(exit.Trials, fmt.Errorf("%s: %w", file, err))
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, exit.Failed(err)
	}
	return &verifier{l: l, cert: cert, file: file, dir: dir}, nil
}

// check does everything that needs no training.
func (v *verifier) check(ctx context.Context) {
	evidence := evidenceIn(v.dir)
	e := v.experiment()
	if e != nil {
		evidence.Names = namesOf(e)
	}
	var again *requantizer
	if v.cert.Target.Precision == experiment.Int8 {
		again = newRequantizer(ctx, v)
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
		v.checkLooks(e.Ref)
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
	if err := models.UnmarshalStrict(b, &r); err != nil {
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
		v.l.Note("there is no experiment.yaml beside the certificate: whether it lists every configuration is not checked")
		return nil
	}
	e, err := experiment.LoadFrom(file, nil, experiment.Sources{
		Describe: func(dataset.Ref) (models.Data, error) { return v.cert.Dataset, nil },
		Classes:  func(dataset.Ref) []string { return v.cert.Classes }})
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
	data, err := dataset.Describe(ref, v.l.Cache)
	switch {
	case err != nil:
		v.l.Note("the data set is not here, its version is not checked: %v", err)
	case data.Digest != v.cert.Dataset.Digest:
		v.faults = append(v.faults, search.Fault{Where: "data set " + data.Name,
			What: fmt.Sprintf("it is another version: its digest is %s, the certificate's %s", data.Digest, v.cert.Dataset.Digest)})
	default:
		v.say("the version of data set %s", data.Name)
	}
}
