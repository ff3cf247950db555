package lab

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
	"slimfit/pkg/target"
)

// The files beside a certificate: the same for people, and the experiment that it
// answers.
func textName(certificate string) string { return strings.TrimSuffix(certificate, ".json") + ".txt" }

func questionName(certificate string) string {
	return strings.TrimSuffix(certificate, ".json") + ".yaml"
}

// fileFor is the certificate's file in the run folder: name, or where that holds
// the answer to another question, the next one beside it.
func (s *searcher) fileFor(name string) string {
	for n, file := 1, name; ; file = fmt.Sprintf("%s-%d.json", strings.TrimSuffix(name, ".json"), n) {
		b, err := s.folder.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			return file
		}
		if err == nil {
			if c, err := search.ReadCertificate(b); err == nil && s.p.Asked(c, s.e) {
				return file
			}
		}
		n++
	}
}

// tellTarget says where the run folder's experiment.yaml asks for another target
// than the experiment that takes its place.
func (l *Lab) tellTarget(folder *store.Folder, e *experiment.Experiment) {
	source, err := store.ReadFile(folder.ExperimentPath(), store.MaxJSON)
	if err != nil || bytes.Equal(source, e.Source) {
		return
	}
	old, err := experiment.LoadFrom(folder.ExperimentPath(), nil, experiment.Sources{Space: true,
		Describe: func(dataset.Ref) (models.Data, error) { return e.Data, nil },
		Classes:  func(dataset.Ref) []string { return e.Classes }})
	if err != nil || old.Target == nil {
		return
	}
	if other := search.Otherwise(old.Target, e.Target); other != "" {
		l.Note("%s asks for another target from now on: %s; earlier answers stay beside it", folder.ExperimentPath(), other)
	}
}

// certificate is the certificate in the run folder that answers its experiment,
// checked against the result files as `verify --quick` does; nil where there is
// none, with a warning if others are there.
func (l *Lab) certificate(folder *store.Folder, in *report.Input) (*result.Certificate, error) {
	names, err := folder.Named(".json")
	if err != nil {
		return nil, err
	}
	if i := slices.Index(names, result.CertificateName); i > 0 { // whose fault is told
		names = slices.Insert(slices.Delete(names, i, i+1), 0, result.CertificateName)
	}
	why := ""
	for _, name := range names {
		c, fault, own := l.readCertificate(folder, name, in.Experiment)
		if c != nil {
			return c, nil
		}
		if why == "" || own {
			why = cmp.Or(fault, why)
		}
	}
	if why != "" {
		in.Warnings = append(in.Warnings, why)
	}
	return nil, nil
}

// readCertificate reads a certificate. It is nil, and why tells, where it is not
// to be used, though it answers the experiment's own target; why is "" where the
// file is none.
func (l *Lab) readCertificate(folder *store.Folder, name string, e *experiment.Experiment) (c *result.Certificate, why string, own bool) {
	b, err := folder.ReadFile(name)
	if err == nil {
		c, err = search.ReadCertificate(b)
	}
	switch {
	case err != nil && name == result.CertificateName:
		return nil, name + " cannot be read: it is left out; see `slimfit verify`.", false
	case err != nil || c.Evidence == target.Observed:
		return nil, "", false
	}
	other := ""
	if e != nil {
		other = search.OtherQuestion(c, e)
	}
	evidence := l.evidenceIn(folder)
	evidence.Experiment = e
	if faults := search.Verify(c, evidence); len(faults) > 0 {
		return nil, fmt.Sprintf("The certificate does not hold, and is left out: %s; `slimfit verify` names every fault (%d).", faults[0],
			len(faults)), other == ""
	}
	if other != "" {
		return nil, fmt.Sprintf("The certificate answers another question than experiment.yaml, and is left out: %s.", other), false
	}
	return c, "", true
}
