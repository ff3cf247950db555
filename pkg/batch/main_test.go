package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// fakeSlurm puts Slurm's commands on PATH. What they are given goes into
// <dir>/calls, a line each; squeue prints <dir>/queue; <dir>/refuse makes sbatch
// fail with its text.
func fakeSlurm(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, script := range map[string]string{
		"sbatch": `
if [ -e "$dir/refuse" ]; then cat "$dir/refuse" >&2; exit 1; fi
n=$(($(cat "$dir/jobs" 2>/dev/null || echo 100) + 1))
echo $n >"$dir/jobs"
echo "$n;cluster"`,
		"squeue": `
[ -e "$dir/down" ] && { echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1; }
names=,; for a; do case $a in --name=*) names=,${a#--name=},;; esac; done
[ -e "$dir/queue" ] && while IFS='|' read -r job rest; do
    case $names in *,"$job",*) echo "$job|$rest" ;; esac
done <"$dir/queue"
exit 0`,
		"scancel":  `:`,
		"scontrol": `echo "MaxArraySize            = $(cat "$dir/max" 2>/dev/null || echo 1001)"`,
		"sacct": `
[ -e "$dir/accounting" ] && { cat "$dir/accounting"; exit 0; }
echo "Slurm accounting storage is disabled" >&2; exit 1`,
	} {
		text := fmt.Sprintf("#!/bin/bash\ndir=%s\n(IFS=' '; echo \"%s $*\") >>\"$dir/calls\"\n%s\n", dir, name, script)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

// calls are the command lines of one command so far.
func calls(t *testing.T, dir, name string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(b)) {
		if args, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			all = append(all, args)
		}
	}
	return all
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

const small = `name: small
dataset: {name: dots, path: dots, validation: 4}
matrix: {filters: [2, 4, 16]}
model:
  - conv: {kernel: 3, filters: $filters}
  - maxpool: 2
train: {batch: 2, steps: 1000}
seeds: 2
batch: {time: 60, cpus: 2, min_minutes: 0}
`

// load reads an experiment whose images nobody needs.
func load(t *testing.T, source string) *experiment.Experiment {
	t.Helper()
	file := filepath.Join(t.TempDir(), "e.yaml")
	put(t, filepath.Dir(file), "e.yaml", source)
	e, err := experiment.Load(file, nil, func(dataset.Ref) (models.Data, error) {
		return models.Data{Name: "dots", Digest: "d", Input: models.Shape{H: 8, W: 8, C: 1}, Classes: 2, Train: 10, Validation: 4, Test: 6}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// request is a submission of the small experiment into an empty run folder.
func request(t *testing.T) Request {
	t.Helper()
	e := load(t, small)
	folder, err := store.Create(t.TempDir(), e.Name, e.Source)
	if err != nil {
		t.Fatal(err)
	}
	return Request{Folder: folder, Experiment: e, Settings: e.Batch.Or(experiment.DefaultBatch()), Workers: 2, Report: true,
		Program: Program{Slimfit: "/opt/slimfit", Run: []string{"--worker=/opt/my worker"}}}
}

func submit(t *testing.T, r Request) (Prepared, []string) {
	t.Helper()
	p, ids, err := Submit(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return p, ids
}

// finish writes a result for the trial.
func finish(t *testing.T, r Request, k result.Key, status result.Status, seconds float64) {
	t.Helper()
	res := result.Result{Experiment: "small", ConfigID: k.ConfigID, Seed: k.Seed, Status: status, Seconds: seconds, Warnings: []string{}}
	for _, c := range r.Experiment.Configs {
		if c.ID == k.ConfigID {
			res.Dataset, res.Train, res.Model = c.Data, c.Recipe, c.Spec().FullLayers()
		}
	}
	if status == result.Done {
		res.Steps = res.Train.Steps
		validation, test, correct := 0.5, 0.5, 2
		three := 3
		res.Accuracy, res.Correct = result.Pair[float64]{Validation: &validation, Test: &test},
			result.Pair[int]{Validation: &correct, Test: &three}
	} else {
		res.Reason = "the worker died"
	}
	b, err := store.EncodeResult(res)
	if err != nil {
		t.Fatal(err)
	}
	path := r.Folder.ResultPath(k)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// enqueue lets squeue say that elements of the submission are in this state.
func enqueue(t *testing.T, dir string, s Submission, id string, states ...string) {
	t.Helper()
	var b strings.Builder
	for i, state := range states {
		if state != "" {
			fmt.Fprintf(&b, "%s|%s|%d|%s|59:00|node%d|None\n", s.Tasks.Arrays[0].Job, id, i, state, i+1)
		}
	}
	put(t, dir, "queue", b.String())
}

func allKeys(r Request) []result.Key {
	var keys []result.Key
	for _, t := range r.Experiment.Trials() {
		keys = append(keys, t.Key())
	}
	return keys
}

// process writes the status file of a run that trains the trial now.
func process(t *testing.T, r Request, k result.Key) {
	t.Helper()
	session, err := r.Folder.Join(time.Minute, func() any {
		return json.RawMessage(fmt.Sprintf(`{"workers": [{"pid": 1, "members": [{"key": {"config_id": %q, "seed": %d}}]}]}`, k.ConfigID, k.Seed))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
}
