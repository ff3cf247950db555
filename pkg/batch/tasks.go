package batch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

const (
	batchDir   = "batch"
	tasksName  = "tasks.json"
	arrayName  = "array.sh"
	reportName = "report.sh"
	jobsName   = "jobs.json"
	logDir     = "log"
)

// Tasks is the content of tasks.json.
type Tasks struct {
	Experiment  string    `json:"experiment"`
	Source      string    `json:"experiment_sha256"` // of experiment.yaml beside it
	Created     time.Time `json:"created"`
	Partition   string    `json:"partition"` // "" is the cluster's default
	GPUs        int       `json:"gpus"`      // of an element
	Workers     int       `json:"workers"`   // of an element
	RetryFailed bool      `json:"retry_failed"`
	Report      string    `json:"report_job"` // its job's name, "" without one
	Arrays      []Array   `json:"arrays"`
	Elements    []Element `json:"elements"` // of all arrays, one after the other
}

// Array is one Slurm job array: a cluster's MaxArraySize may ask for several.
type Array struct {
	Job   string `json:"job"`   // its name, which no other job has
	First int    `json:"first"` // element of index 0
	Size  int    `json:"size"`
}

// Element is what one array element trains.
type Element struct {
	Seconds float64  `json:"seconds"` // predicted, of all its workers together
	Trials  []string `json:"trials"`  // as result.Key writes them
}

// mark adds the element's trials to a set.
func (e Element) mark(keys map[result.Key]bool) {
	for _, name := range e.Trials {
		if k, err := result.ParseKey(name); err == nil {
			keys[k] = true
		}
	}
}

// Submission is a folder batch/<n> of a run folder.
type Submission struct {
	Number int
	Dir    string // absolute
	Tasks  Tasks
}

// ReadTasks reads a submission by its tasks.json. RunDir is the run folder that
// it lies in.
func ReadTasks(file string) (s Submission, runDir string, err error) {
	file, err = filepath.Abs(file)
	if err != nil {
		return s, "", fmt.Errorf("read task file: %w", err)
	}
	s.Dir = filepath.Dir(file)
	runDir = filepath.Dir(filepath.Dir(s.Dir))
	s.Number, err = strconv.Atoi(filepath.Base(s.Dir))
	if err != nil || filepath.Base(filepath.Dir(s.Dir)) != batchDir {
		return s, "", fmt.Errorf("read task file %s: it is not where `slimfit batch submit` puts them, <run folder>/%s/<number>/%s", file,
			batchDir, tasksName)
	}
	b, err := store.ReadFile(file, store.MaxJSON)
	if err != nil {
		return s, "", fmt.Errorf("read task file: %w", err)
	}
	if err := models.UnmarshalStrict(b, &s.Tasks); err != nil {
		return s, "", fmt.Errorf("read task file %s: %w", file, err)
	}
	if err := s.Tasks.check(); err != nil {
		return s, "", fmt.Errorf("read task file %s: %w", file, err)
	}
	return s, runDir, nil
}

// check says whether arrays and elements fit together.
func (t Tasks) check() error {
	next := 0
	for _, a := range t.Arrays {
		if a.First != next || a.Size < 1 || a.Job == "" {
			return fmt.Errorf("array %q does not follow the one before", a.Job)
		}
		if !filepath.IsLocal(a.Job) || a.Job != filepath.Base(a.Job) { // it is a part of a log's name
			return fmt.Errorf("array %q is no job of Slurm", a.Job)
		}
		next += a.Size
	}
	if next != len(t.Elements) {
		return fmt.Errorf("the arrays have %d elements, the file %d", next, len(t.Elements))
	}
	for i, e := range t.Elements {
		if len(e.Trials) == 0 {
			return fmt.Errorf("element %d has no trials", i)
		}
	}
	return nil
}

// ExperimentFile is the submission's own copy of the experiment. It is an error
// if somebody changed it: the elements would train something else.
func (s Submission) ExperimentFile() (string, error) {
	file := filepath.Join(s.Dir, result.ExperimentName)
	b, err := store.ReadFile(file, store.MaxJSON)
	if err != nil {
		return "", fmt.Errorf("read the submitted experiment: %w", err)
	}
	if result.SHA256(b) != s.Tasks.Source {
		return "", fmt.Errorf("%s was changed after it was submitted; `slimfit batch submit` again takes the new one", file)
	}
	return file, nil
}

// Trials are the trials of one element, from the experiment that was submitted.
func (s Submission) Trials(e *experiment.Experiment, element int) ([]experiment.Trial, error) {
	if element < 0 || element >= len(s.Tasks.Elements) {
		return nil, fmt.Errorf("there is no element %d, the task file has 0 to %d", element, len(s.Tasks.Elements)-1)
	}
	configs := e.ByID()
	var trials []experiment.Trial
	for _, name := range s.Tasks.Elements[element].Trials {
		k, err := result.ParseKey(name)
		if err != nil {
			return nil, err
		}
		c := configs[k.ConfigID]
		if c == nil || !slices.Contains(e.Seeds, k.Seed) {
			return nil, fmt.Errorf("the experiment has no trial %s any more: its images changed after it was submitted; `slimfit batch submit` "+
				"again", name)
		}
		trials = append(trials, experiment.Trial{Configuration: c, Seed: k.Seed})
	}
	return trials, nil
}

// LogPath is the file that an element writes to.
func (s Submission) LogPath(element int) string {
	a := s.Tasks.array(element)
	return filepath.Join(s.Dir, logDir, fmt.Sprintf("%s.%d.txt", a.Job, element-a.First))
}

// array is the one that holds the element.
func (t Tasks) array(element int) Array {
	for _, a := range t.Arrays {
		if element < a.First+a.Size {
			return a
		}
	}
	return Array{}
}

// element is the number of an array's index; ok is false for jobs of others.
func (t Tasks) element(job string, index int) (n int, ok bool) {
	for _, a := range t.Arrays {
		if a.Job == job && index >= 0 && index < a.Size {
			return a.First + index, true
		}
	}
	return 0, false
}

// Submissions reads the submissions of a run folder, oldest first. One that was
// broken off before it had its task file is left out.
func Submissions(f *store.Folder) ([]Submission, error) {
	numbers, err := numbers(f)
	if err != nil {
		return nil, err
	}
	var all []Submission
	for _, n := range numbers {
		s, _, err := ReadTasks(filepath.Join(submissionDir(f, n), tasksName))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// numbers lists the submissions' folders, rising.
func numbers(f *store.Folder) ([]int, error) {
	entries, err := os.ReadDir(filepath.Join(f.Dir, batchDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list submissions: %w", err)
	}
	var all []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 && e.IsDir() {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all, nil
}

func submissionDir(f *store.Folder, n int) string {
	return filepath.Join(f.Dir, batchDir, fmt.Sprintf("%04d", n))
}
