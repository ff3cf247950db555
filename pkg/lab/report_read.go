package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// maxDetailed is the most trials whose lists of wrong images and histories are
// read for a report; more would need more memory than a login node has.
const maxDetailed = 5000

// OpenFolder opens the run folder that a person means: the folder, the
// experiment file that it is of, or its name below Out. To name one that is not
// there is their slip, and no failure to read.
func (l *Lab) OpenFolder(name string) (*store.Folder, error) {
	dir, err := l.folderOf(name)
	if err != nil {
		return nil, err
	}
	folder, err := store.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exit.With(exit.Usage, &noFolderError{name, dir, runsIn(dir, l.Out)})
	}
	if err != nil {
		return nil, exit.Failed(err)
	}
	return folder, nil
}

func (l *Lab) folderOf(name string) (string, error) {
	switch info, err := os.Stat(name); {
	case err == nil && info.Mode().IsRegular():
		source, err := os.ReadFile(name)
		if err != nil {
			return "", exit.Failed(err)
		}
		run, err := experiment.Name(source)
		if err != nil {
			return "", exit.Usagef("%s is neither a run folder nor an experiment file: %w", name, err)
		}
		return filepath.Join(l.Out, run), nil
	case errors.Is(err, fs.ErrNotExist) && !filepath.IsAbs(name):
		if _, err := os.Stat(filepath.Join(l.Out, name)); err == nil {
			return filepath.Join(l.Out, name), nil
		}
	}
	return name, nil
}

// noFolderError says that nothing is trained where a person means.
type noFolderError struct {
	name, dir string
	runs      []string // run folders near by
}

func (e *noFolderError) Error() string {
	words := fmt.Sprintf("%s is no run folder", e.dir)
	if e.name != e.dir {
		words = fmt.Sprintf("nothing of %s is trained yet: there is no run folder %s", e.name, e.dir)
	}
	if len(e.runs) > 0 {
		words += "; there are " + strings.Join(e.runs, ", ")
	}
	return words
}

func (e *noFolderError) Unwrap() error { return fs.ErrNotExist }

// runsIn lists the run folders in the first of the folders that has some, ten
// at most.
func runsIn(dirs ...string) []string {
	for _, dir := range dirs {
		literal := strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(dir)
		found, err := filepath.Glob(filepath.Join(literal, "*", result.ExperimentName))
		if err != nil || len(found) == 0 {
			continue
		}
		for i := range found {
			found[i] = filepath.Dir(found[i])
		}
		return found[:min(len(found), 10)]
	}
	return nil
}

// RunFolder is openFolder where the experiment file may be gone, as long as
// there are results.
func (l *Lab) RunFolder(name string) (*store.Folder, error) {
	folder, err := l.OpenFolder(name)
	abs, absErr := filepath.Abs(name)
	if err == nil || absErr != nil || !errors.Is(err, fs.ErrNotExist) {
		return folder, err
	}
	folder = &store.Folder{Dir: abs}
	if keys, keysErr := folder.Keys(); keysErr != nil || len(keys) == 0 {
		return nil, err
	}
	return folder, nil
}

// readRun reads everything that a report shows of a run folder.
func (l *Lab) readRun(folder *store.Folder) (report.Input, error) {
	var in report.Input
	keys, err := folder.Keys()
	if err != nil {
		return in, exit.Failed(err)
	}
	detail := store.Full
	if len(keys) > maxDetailed {
		detail = store.Brief
		in.Warnings = append(in.Warnings, fmt.Sprintf("More than %d trials: confusion matrices, training curves and comparisons of pairs are "+
			"left out.", maxDetailed))
	}
	results, damaged, err := folder.ResultsOf(keys, detail)
	if err != nil {
		return in, exit.Failed(err)
	}
	in.Results, in.Classes = results, namesIn(results)
	if len(results) > 0 {
		l.speaks(results[0].Dataset, in.Classes)
	}
	for _, d := range damaged {
		in.Warnings = append(in.Warnings, fmt.Sprintf("%v; its trial counts as missing", relative(folder, d)))
	}
	if err := readInt8s(folder, &in); err != nil {
		return in, exit.Failed(err)
	}
	in.Experiment = l.readExperiment(folder, &in)
	if in.Experiment == nil && len(results) == 0 {
		return in, exit.Usagef("%s: no readable experiment file and no result in it", folder.Dir)
	}
	if detail == store.Full {
		for _, r := range results {
			if r.Status != result.Done {
				continue
			}
			s, err := folder.ReadScores(r)
			if err != nil {
				return in, exit.Failed(err)
			}
			in.Scores = append(in.Scores, s)
		}
		readHistories(folder, &in)
		doubts, err := folder.AllDoubts(results, false)
		if err != nil {
			return in, exit.Failed(err)
		}
		for _, d := range doubts {
			in.Warnings = append(in.Warnings, d+".")
		}
	}
	if in.Certificate, err = l.certificate(folder, &in); err != nil {
		return in, exit.Failed(err)
	}
	verb := "run"
	if _, err := os.Stat(filepath.Join(folder.Dir, result.CertificateName)); err == nil || in.Certificate != nil {
		verb = "search"
	}
	// Said from inside the run folder, so that the report does not depend on
	// where it lies.
	if in.Experiment != nil && filepath.Base(folder.Dir) == in.Experiment.Name {
		in.Command = "slimfit " + verb + " --out .. experiment.yaml"
		in.Retry = "slimfit " + verb + " --retry-failed --out .. experiment.yaml"
	}
	return in, nil
}

// relative names a damaged file below the run folder.
func relative(folder *store.Folder, d *store.ResultError) error {
	if rel, err := filepath.Rel(folder.Dir, d.File); err == nil {
		return &store.ResultError{File: filepath.ToSlash(rel), Reason: d.Reason}
	}
	return d
}

// readExperiment reads the folder's experiment file, without the images where
// results say what they are; nil where that is not possible.
func (l *Lab) readExperiment(folder *store.Folder, in *report.Input) *experiment.Experiment {
	if _, err := os.Stat(folder.ExperimentPath()); errors.Is(err, fs.ErrNotExist) {
		return nil // the report says so
	}
	e, err := l.experimentIn(folder, in.Results)
	if err != nil {
		l.Note("the experiment file cannot be read, the report is made from the results alone: %v", err)
		in.Warnings = append(in.Warnings, "The experiment file cannot be read; this report is made from the results alone.")
		return nil
	}
	if e.Configs == nil {
		in.Warnings = append(in.Warnings, fmt.Sprintf("The experiment has %d configurations; this report is of those that were trained.",
			e.Space.Len()))
		return nil
	}
	return e
}

// dataOf is the user's own data as the results describe it, where they agree
// and fit the reference: a report does not need the images themselves. Known
// data sets need no images to be described.
func dataOf(ref dataset.Ref, results []result.Result) *models.Data {
	if ref.Path == "" || len(results) == 0 {
		return nil
	}
	d := results[0].Dataset
	for _, r := range results {
		if r.Dataset.Digest != d.Digest || r.Dataset.Train != d.Train || r.Dataset.Validation != d.Validation || r.Dataset.Test != d.Test {
			return nil
		}
	}
	if !ref.Fits(d) {
		return nil
	}
	return &d
}

// readInt8s reads what is known of the trials' int8 networks.
func readInt8s(folder *store.Folder, in *report.Input) error {
	for _, r := range in.Results {
		if r.Status != result.Done {
			continue
		}
		q, err := folder.ReadInt8(r.Key())
		var damaged *store.ResultError
		switch {
		case errors.As(err, &damaged):
			in.Warnings = append(in.Warnings, fmt.Sprintf("%v; left out, `slimfit quantize` makes it anew", relative(folder, damaged)))
		case err == nil:
			q.Wrong = result.Wrong{} // which no report shows
			in.Int8 = append(in.Int8, q)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return nil
}

func readHistories(folder *store.Folder, in *report.Input) {
	in.Histories = map[result.Key][]result.Point{}
	for _, r := range in.Results {
		points, err := folder.ReadHistory(r.Key())
		switch {
		case err == nil:
			in.Histories[r.Key()] = points
		case !errors.Is(err, fs.ErrNotExist):
			in.Warnings = append(in.Warnings, fmt.Sprintf("The training curve of %s cannot be read.", r.Key()))
		}
	}
}
