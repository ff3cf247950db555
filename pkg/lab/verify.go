package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
	"slimfit/pkg/text"
)

// VerifyOptions says how thoroughly a certificate is verified.
type VerifyOptions struct {
	Experiment string  // the file that it is held against; "": experiment.yaml beside it
	Quick      bool    // the winner's answers are not recomputed from its weights
	Weights    bool    // it is a fault where they cannot be
	Retrain    int     // trials to train again; RetrainAll for all
	Draw       *int64  // the seed that they are drawn by; nil: by chance
	Into       string  // a fresh folder to train them in; "": a temporary one
	Train      Trainer // WorkerTrainer, but for tests
}

// RetrainAll stands for every trial that a certificate rests on.
const RetrainAll = int(^uint(0) >> 1)

// Verified is what became of a verification.
type Verified struct {
	File    string
	Summary string // the certificate's own
	Faults  []search.Fault
	Other   string   // where the experiment file asks another question: how it differs
	Against string   // that file's name
	Checked []string // what was checked
	Limits  string   // what it does not show
}

// Verify checks every statement of a certificate against the result files
// beside it, and holds it against the experiment file.
func (l *Lab) Verify(ctx context.Context, file string, o VerifyOptions) (*Verified, error) {
	if err := checkInto(o.Into); err != nil {
		return nil, err
	}
	v, err := l.newVerifier(file)
	if err != nil {
		return nil, err
	}
	out := &Verified{File: file, Summary: v.cert.Summary}
	if err := v.check(ctx, o, out); err != nil {
		return nil, err
	}
	trials := 0
	if o.Retrain > 0 && len(v.faults) == 0 {
		if trials, err = v.retrain(ctx, o); err != nil {
			return nil, err
		}
	}
	out.Faults, out.Checked, out.Limits = v.faults, v.checked, v.limits(trials)
	return out, nil
}

// verifier is one check at work.
type verifier struct {
	l       *Lab
	cert    *result.Certificate
	name    string        // of its file
	folder  *store.Folder // the run folder
	noisy   int           // trials that other kernels trained again
	path    string        // of the user's own data
	data    models.Data   // of the experiment file, where it is here
	dataErr error         // else why not
	checked []string
	faults  []search.Fault
}

func (l *Lab) newVerifier(file string) (*verifier, error) {
	if st, err := os.Stat(file); err == nil && st.IsDir() { // a run folder
		file = filepath.Join(file, result.CertificateName)
	}
	real, err := filepath.EvalSymlinks(file) // a person may name a link
	if err != nil {
		return nil, exit.Failed(fmt.Errorf("read certificate: %w", err))
	}
	b, err := store.ReadFile(real, store.MaxJSON)
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
	l.speaks(cert.Dataset, cert.Classes)
	return &verifier{l: l, cert: cert, name: filepath.Base(file), folder: &store.Folder{Dir: dir}}, nil
}

// check does everything that needs no training.
func (v *verifier) check(ctx context.Context, o VerifyOptions, out *Verified) error {
	evidence := v.l.evidenceIn(v.folder)
	if !o.Quick {
		evidence.Measure = v.l.measureAgain(ctx, evidence.Measure)
		evidence.MeasureBuilt = v.l.measureAgain(ctx, evidence.MeasureBuilt)
	}
	ledger := evidence.Ledger
	evidence.Ledger = func(question string) []result.Look {
		looks := ledger(question)
		if len(looks) > 0 {
			v.say("the ledger of the looks at the test images, %d of them", len(looks))
		}
		return looks
	}
	e, err := v.experiment(o.Experiment)
	if err != nil {
		return err
	}
	evidence.Experiment = e
	var again *requantizer
	if v.cert.Target.Precision == experiment.Int8 && !o.Quick {
		again = newRequantizer(ctx, v)
		evidence.Quantize = again.quantize
	}
	v.faults = append(v.faults, search.Verify(v.cert, evidence)...)
	what := "result"
	if v.cert.Target.Precision == experiment.Int8 {
		what = "result.json and int8.json"
	}
	v.say("%d %s files and every statement that follows from them", len(v.cert.Files), what)
	if again != nil {
		again.report(v, o)
	}
	if e != nil {
		v.say("the %d configurations of %s with their recipes and assignments, its seeds, its name and its data set's", e.Space.Len(),
			filepath.Base(e.File))
		v.checkData(e.Ref)
		out.Against = filepath.Base(e.File)
		out.Other = search.OtherQuestion(v.cert, e)
	}
	v.checkText()
	top := v.cert
	defer func() { v.cert = top }()
	for _, v.cert = range top.Targets() {
		if err := v.recompute(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) say(format string, args ...any) {
	if words := fmt.Sprintf(format, args...); !slices.Contains(v.checked, words) {
		v.checked = append(v.checked, words)
	}
}

func (v *verifier) fault(where, format string, args ...any) {
	v.faults = append(v.faults, search.Fault{Where: where, What: fmt.Sprintf(format, args...)})
}

// evidenceIn is the run folder that a certificate rests on.
func (l *Lab) evidenceIn(folder *store.Folder) search.Evidence {
	return search.Evidence{Open: folder.ReadFile, Ledger: l.ledger(folder), Sealed: sealed, SealedInt8: sealedInt8,
		Measure: trustChip(export.Measure), MeasureBuilt: trustChip(export.MeasureBuilt),
		Scores: func(r result.Result) result.Scores {
			s, _ := folder.ReadScores(r) // what cannot be read is missing, and said to be
			return s
		}}
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

// experiment is the experiment file that the certificate is held against, as if
// its data set were the certificate's: that is compared by itself, and need not
// be here. It is nil where there is no such file, or it cannot be read.
func (v *verifier) experiment(named string) (*experiment.Experiment, error) {
	file := v.folder.ExperimentPath()
	if named != "" {
		if file = named; !filepath.IsAbs(named) {
			if _, err := os.Stat(named); err != nil {
				file = filepath.Join(v.folder.Dir, named)
			}
		}
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if named != "" {
			return nil, exit.Usagef("--experiment %s: there is no such file, here or beside the certificate", named)
		}
		v.l.Note("there is no experiment.yaml beside the certificate: whether it lists every configuration is not checked")
		return nil, nil
	}
	var data models.Data
	var dataErr error
	e, err := experiment.LoadFrom(file, nil, experiment.Sources{Space: true,
		Describe: func(ref dataset.Ref) (models.Data, error) {
			data, dataErr = dataset.Describe(ref, v.l.Cache)
			return v.cert.Dataset, nil
		},
		Classes: func(dataset.Ref) []string { return v.cert.Classes }})
	if err != nil {
		v.fault(file, "%v", err)
		return nil, nil
	}
	v.path, v.data, v.dataErr = e.Ref.Path, data, dataErr
	return e, nil
}

// checkText compares the text for people beside the certificate, if there is one.
func (v *verifier) checkText() {
	name := textName(v.name)
	got, err := v.folder.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var want bytes.Buffer
	if err == nil {
		err = search.WriteText(&want, v.cert)
	}
	switch {
	case err != nil:
		v.fault(name, "%v", err)
	case v.cert.Slimfit != Version():
		v.say("not compared: %s, in the words of slimfit %s", name, v.cert.Slimfit)
	case text.OneLine(search.Noun(v.cert).Of(string(got))) != text.OneLine(want.String()): // older ones speak of images
		v.fault(name, "it is not the text of this certificate; the same search writes it anew")
	default:
		v.say("%s", name)
	}
}

// checkData compares the certificate with the data set, if it is here.
func (v *verifier) checkData(ref dataset.Ref) {
	want := &v.cert.Dataset
	switch {
	case v.dataErr != nil && !ref.Fits(*want):
		v.fault("dataset", "it is read or split otherwise than in the experiment file")
	case v.dataErr != nil:
		v.l.Note("the data set is not here, its version is not checked: %v", v.dataErr)
	case v.data.Digest != want.Digest:
		v.fault("data set "+v.data.Name, "it is another version: its digest is %s, the certificate's %s", v.data.Digest, want.Digest)
	case !search.SameData(&v.data, want):
		v.fault("dataset", "it is read or split otherwise than in the experiment file: %d training, %d validation and %d test images there",
			v.data.Train, v.data.Validation, v.data.Test)
	default:
		v.say("the version of data set %s", v.data.Name)
	}
}
