package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"slimfit/models"
	"slimfit/pkg/result"
)

const (
	historyName = "history.csv"
	logName     = "log.txt"
	processDir  = "processes"
	reportDir   = "report"
	seedPrefix  = "seed-"
)

// DefaultOut is the folder above run folders where none is named: experiment
// files that were written for it also work with another.
const DefaultOut = "runs"

// Folder is an experiment's run folder.
type Folder struct {
	Dir string // absolute
}

// Create makes the run folder <out>/<name>, or takes the one that is there, and
// keeps source as its experiment.yaml. Results that are there stay: they belong
// to configurations, not to the experiment's wording.
func Create(out, name string, source []byte) (*Folder, error) {
	dir, err := filepath.Abs(filepath.Join(out, name))
	if err != nil {
		return nil, fmt.Errorf("make run folder: %w", err)
	}
	if !utf8.ValidString(dir) {
		return nil, fmt.Errorf("make run folder: %s: its path is not UTF-8, which results could not name; rename it, or choose another --out",
			dir)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("make run folder: %w", err)
	}
	f := &Folder{Dir: dir}
	for try := 1; ; try++ {
		old, err := ReadFile(f.ExperimentPath(), MaxJSON)
		if err == nil && bytes.Equal(old, source) {
			break
		}
		err = content(f.ExperimentPath(), source, nil).replace()
		if err == nil {
			break
		}
		if try == tries || !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("make run folder: %w", err)
		} // else another process took the temporary file for a leftover
	}
	if err := sweepTemp(dir); err != nil {
		return nil, fmt.Errorf("make run folder: %w", err)
	}
	return f, nil
}

// tries is how often Create writes experiment.yaml.
const tries = 200

// Open takes a run folder that is there.
func Open(dir string) (*Folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open run folder: %w", err)
	}
	f := &Folder{Dir: abs}
	_, err = os.Lstat(f.ExperimentPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no run folder, there is no %s in it: %w", dir, result.ExperimentName, fs.ErrNotExist)
	}
	if err == nil {
		err = wantFile(f.ExperimentPath())
	}
	if err != nil {
		return nil, fmt.Errorf("open run folder: %w", err)
	}
	return f, nil
}

// ExperimentPath is the copy of the experiment file that `run` was given last.
func (f *Folder) ExperimentPath() string { return f.path(result.ExperimentName) }

// ReportDir is where reports go by default.
func (f *Folder) ReportDir() string { return f.path(reportDir) }

// TrialDir is the folder of one trial.
func (f *Folder) TrialDir(k result.Key) string {
	return f.path(k.ConfigID, seedPrefix+strconv.FormatInt(k.Seed, 10))
}

// LogPath is the trial's log.
func (f *Folder) LogPath(k result.Key) string { return filepath.Join(f.TrialDir(k), logName) }

// Log appends text to the trial's log.
func (f *Folder) Log(k result.Key, text string) error {
	out, _, err := openFile(f.LogPath(k), os.O_WRONLY|os.O_APPEND|os.O_CREATE)
	if err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	_, err = out.WriteString(text)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	return nil
}

// Keys lists the trials that have a folder, by configuration ID, then seed.
func (f *Folder) Keys() ([]result.Key, error) {
	names, err := readNames(f.Dir)
	if err != nil {
		return nil, err
	}
	var keys []result.Key
	slices.Sort(names)
	for _, id := range names {
		if !models.IsConfigID(id) {
			continue
		}
		seeds, err := f.seeds(id)
		if err != nil {
			return nil, err
		}
		for _, s := range seeds {
			keys = append(keys, result.Key{ConfigID: id, Seed: s})
		}
	}
	return keys, nil
}

// Named lists the names in the run folder that have an ending, sorted.
func (f *Folder) Named(ending string) ([]string, error) {
	names, err := readNames(f.Dir)
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ending) })
	slices.Sort(names)
	return names, err
}

// seeds lists the seeds of the configuration that have a folder, rising.
func (f *Folder) seeds(id string) ([]int64, error) {
	names, err := readNames(f.path(id))
	if err != nil {
		return nil, err
	}
	var seeds []int64
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, seedPrefix)
		if n, err := strconv.ParseInt(digits, 10, 64); ok && err == nil && n >= 0 && strconv.FormatInt(n, 10) == digits {
			seeds = append(seeds, n)
		}
	}
	slices.Sort(seeds)
	return seeds, nil
}

func (f *Folder) path(parts ...string) string {
	return filepath.Join(append([]string{f.Dir}, parts...)...)
}

func (f *Folder) processPath(o Owner) string {
	return f.path(processDir, fmt.Sprintf("%s-%d-%s.json", safeName(o.Host), o.PID, o.Nonce))
}

// MakeTrialDir makes the folder of a trial, or takes one that is there and no
// link.
func (f *Folder) MakeTrialDir(k result.Key) error { return f.makeTrialDir(f.TrialDir(k)) }

// makeTrialDir makes a trial's folder and its configuration's, though not the
// run folder: if that was deleted under the run, it stays deleted.
func (f *Folder) makeTrialDir(dir string) error {
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := makeDir(d); err != nil {
			return err
		}
	}
	return nil
}

// makeDir makes a folder, or takes one that is there and no link.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return wantDir(dir)
}

// safeName keeps what a host name may contain.
func safeName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, s)
}
