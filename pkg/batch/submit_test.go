package batch

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"slimfit/pkg/result"
)

func TestSubmit(t *testing.T) {
	dir := fakeSlurm(t)
	r := request(t)
	r.Settings.Throttle = 3
	p, ids := submit(t, r)
	if !slices.Equal(ids, []string{"101"}) || p.Number != 1 || p.Left != (Left{Total: 6, Missing: 6}) {
		t.Errorf("got jobs %v, submission %d, %+v", ids, p.Number, p.Left)
	}
	sbatch := calls(t, dir, "sbatch")
	job := p.Tasks.Arrays[0].Job
	want := []string{
		"--parsable --job-name=" + job + " --array=0-" + itoa(len(p.Tasks.Elements)-1) + "%3 " + filepath.Join(p.Dir, "array.sh") + " 0",
		"--parsable --job-name=" + job + ".report --dependency=afterany:101 " + filepath.Join(p.Dir, "report.sh"),
	}
	if !slices.Equal(sbatch, want) {
		t.Errorf("sbatch:\n%s\nwant\n%s", strings.Join(sbatch, "\n"), strings.Join(want, "\n"))
	}
	// The files say the same, and every trial is in them once.
	s, runDir, err := ReadTasks(filepath.Join(p.Dir, "tasks.json"))
	if err != nil || runDir != r.Folder.Dir || !reflect.DeepEqual(s, p.Submission) {
		t.Errorf("tasks.json: %v, %s\n%+v\nwant\n%+v", err, runDir, s, p.Submission)
	}
	if file, err := s.ExperimentFile(); err != nil || file != filepath.Join(p.Dir, "experiment.yaml") {
		t.Errorf("experiment: %s, %v", file, err)
	}
	var trials []result.Key
	for i := range s.Tasks.Elements {
		of, err := s.Trials(r.Experiment, i)
		if err != nil {
			t.Fatal(err)
		}
		for _, trial := range of {
			trials = append(trials, trial.Key())
		}
	}
	if !sameKeys(trials, allKeys(r)) {
		t.Errorf("elements have %v", trials)
	}
	if got := s.jobIDs(); got[job] != "101" || got[job+".report"] != "102" {
		t.Errorf("jobs.json: %v", got)
	}
}

func itoa(n int) string { return string(rune('0' + n)) }

func sameKeys(a, b []result.Key) bool {
	cmp := func(x, y result.Key) int { return strings.Compare(x.String(), y.String()) }
	slices.SortFunc(a, cmp)
	slices.SortFunc(b, cmp)
	return slices.Equal(a, b)
}

// A second submission holds only what is neither done nor anybody's work.
func TestSubmitAgain(t *testing.T) {
	dir := fakeSlurm(t)
	r := request(t)
	first, _ := submit(t, r)
	n := len(first.Tasks.Elements)
	if n < 4 {
		t.Fatalf("%d elements are too few for this test", n)
	}
	states := make([]string, n)
	for i := range states {
		states[i] = "PENDING"
	}
	enqueue(t, dir, first.Submission, "101", states...)
	if p, ids := submit(t, r); len(ids) != 0 || p.Left.Queued != 6 {
		t.Errorf("all is queued: %v, %+v", ids, p.Left)
	}
	// Element 0 waits, 1 was cancelled, 2 is done, 3 is over and someone else trains its trial.
	for i := range states {
		states[i] = "TIMEOUT"
	}
	states[0] = "RUNNING"
	enqueue(t, dir, first.Submission, "101", states...)
	key := func(element int) result.Key {
		k, err := result.ParseKey(first.Tasks.Elements[element].Trials[0])
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	finish(t, r, key(2), result.Done, 10)
	process(t, r, key(3))
	p, ids := submit(t, r)
	queued := len(first.Tasks.Elements[0].Trials)
	if want := (Left{Total: 6, Finished: 1, Queued: queued, Running: 1, Missing: 6 - queued - 2}); len(ids) != 1 || p.Number != 2 ||
		p.Left != want {
		t.Errorf("%v, submission %d, %+v, want %+v", ids, p.Number, p.Left, want)
	}
	for _, e := range p.Tasks.Elements {
		for _, name := range e.Trials {
			if name == key(0).String() || name == key(2).String() || name == key(3).String() {
				t.Errorf("%s was submitted again", name)
			}
		}
	}
}

func TestFailedTrialsWait(t *testing.T) {
	fakeSlurm(t)
	r := request(t)
	keys := allKeys(r)
	for _, k := range keys {
		finish(t, r, k, result.Done, 1)
	}
	finish(t, r, keys[1], result.Failed, 1)
	finish(t, r, keys[2], result.Diverged, 1)
	if _, ids := submit(t, r); len(ids) != 0 {
		t.Errorf("a failed trial was submitted unasked")
	}
	r.RetryFailed = true
	p, ids := submit(t, r)
	if len(ids) != 1 || !p.Tasks.RetryFailed || len(p.Tasks.Elements) != 1 ||
		!slices.Equal(p.Tasks.Elements[0].Trials, []string{keys[1].String()}) {
		t.Errorf("%v, %+v", ids, p.Tasks)
	}
	if !strings.Contains(p.Array, "--retry-failed") {
		t.Error("the element is not told to retry")
	}
}

func TestArraysAreSplit(t *testing.T) {
	for throttle, dependency := range map[int]bool{0: false, 2: true} {
		dir := fakeSlurm(t)
		put(t, dir, "max", "3")
		r := request(t)
		r.Settings.Throttle = throttle
		p, ids := submit(t, r)
		n := len(p.Tasks.Elements)
		if len(ids) != (n+2)/3 || len(p.Tasks.Arrays) != len(ids) {
			t.Fatalf("%d elements in %d arrays", n, len(ids))
		}
		all := calls(t, dir, "sbatch")
		for i, a := range p.Tasks.Arrays {
			if a.Size > 3 || a.First != 3*i || !strings.HasSuffix(all[i], " "+itoa(a.First)) || !strings.Contains(all[i], "--job-name="+a.Job+" ") {
				t.Errorf("array %d: %+v, sbatch %s", i, a, all[i])
			}
			if got := strings.Contains(all[i], "--dependency=afterany:"); got != (dependency && i > 0) {
				t.Errorf("throttle %d, array %d: %s", throttle, i, all[i])
			}
		}
		if last := all[len(all)-1]; !strings.Contains(last, "afterany:101:102") {
			t.Errorf("report: %s", last)
		}
		if got, ok := p.Tasks.element(p.Tasks.Arrays[1].Job, 0); !ok || got != 3 {
			t.Errorf("index 0 of the second array is element %d, %v", got, ok)
		}
	}
}

func TestTwoSubmitsAtOnce(t *testing.T) {
	dir := fakeSlurm(t)
	r := request(t)
	// What sbatch takes is in the queue at once, as with the real one.
	put(t, dir, "sbatch", `#!/bin/bash
dir=`+dir+`
for a; do case $a in --job-name=*) job=${a#--job-name=};; esac; done
case $job in *.report) ;; *) sleep 0.2; for i in 0 1 2 3 4 5; do echo "$job|7|$i|PENDING|1:00|n|None" >>"$dir/queue"; done; echo "$job" >>"$dir/arrays";; esac
echo 7
`)
	var wg sync.WaitGroup
	var mu sync.Mutex
	submitted := 0
	for range 4 {
		wg.Go(func() {
			_, ids, err := Submit(context.Background(), r)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			submitted += len(ids)
		})
	}
	wg.Wait()
	b, err := os.ReadFile(filepath.Join(dir, "arrays"))
	if err != nil || strings.Count(string(b), "\n") != 1 || submitted != 1 {
		t.Errorf("%d submitted; arrays %q, %v", submitted, b, err)
	}
}

func TestSbatchRefuses(t *testing.T) {
	dir := fakeSlurm(t)
	r := request(t)
	put(t, dir, "refuse", "sbatch: error: invalid partition specified: gpu")
	_, _, err := Submit(context.Background(), r)
	if err == nil || !strings.Contains(err.Error(), "invalid partition specified: gpu") {
		t.Errorf("error %v", err)
	}
	if subs, err := Submissions(r.Folder); err != nil || len(subs) != 0 {
		t.Errorf("what was not submitted stays: %v, %v", subs, err)
	}
	if err := os.Remove(filepath.Join(dir, "refuse")); err != nil {
		t.Fatal(err)
	}
	submit(t, r) // the lock is free
}

// A busy controller takes jobs and yet does not answer sbatch in time.
func TestSbatchTimesOut(t *testing.T) {
	dir := fakeSlurm(t)
	r := request(t)
	put(t, dir, "sbatch", `#!/bin/bash
for a; do case $a in --job-name=*) echo "${a#--job-name=}|55|0|PENDING|1:00|n|None" >>`+dir+`/queue;; esac; done
echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2
exit 1
`)
	if _, ids := submit(t, r); !slices.Equal(ids, []string{"55"}) {
		t.Errorf("got %v", ids)
	}
}

func TestQueueUnknown(t *testing.T) {
	dir := fakeSlurm(t)
	r := request(t)
	submit(t, r)
	put(t, dir, "down", "")
	if _, _, err := Submit(context.Background(), r); err == nil || !strings.Contains(err.Error(), "queue already is not known") {
		t.Errorf("submitted blindly: %v", err)
	}
	p, err := Prepare(context.Background(), r)
	if err != nil || len(p.Notes) == 0 {
		t.Errorf("a dry run: %v, notes %q", err, p.Notes)
	}
}

// A dry run writes nothing and needs no Slurm.
func TestPrepareWithoutSlurm(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r := request(t)
	if err := os.RemoveAll(r.Folder.Dir); err != nil {
		t.Fatal(err)
	}
	p, err := Prepare(context.Background(), r)
	if err != nil || p.Left.Missing != 6 || p.Array == "" || p.Report == "" {
		t.Errorf("%v, %+v", err, p.Left)
	}
	if _, err := os.Stat(r.Folder.Dir); !os.IsNotExist(err) {
		t.Errorf("the run folder is there: %v", err)
	}
}

func TestTasksThatDoNotFit(t *testing.T) {
	fakeSlurm(t)
	r := request(t)
	p, _ := submit(t, r)
	file := filepath.Join(p.Dir, "tasks.json")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"no JSON":         {"{", "[", "read task file"},
		"fewer elements":  {`"size": `, `"size": 1`, "elements"},
		"a job elsewhere": {`"job": "`, `"job": "../../../x`, "is no job of Slurm"},
		"a doubled key":   {`"arrays":`, `"arrays": [], "arrays":`, "is there twice"},
		"a gap":           {`"first": 0`, `"first": 1`, "does not follow"},
		"another key":     {`"trials": [`, `"trials": [], "x": [`, "unknown key"},
		"no trials in it": {regexp.MustCompile(`"trials": \[[^]]*\]`).FindString(string(good)), `"trials": []`, "has no trials"},
	} {
		put(t, p.Dir, "tasks.json", strings.Replace(string(good), c.old, c.new, 1))
		if _, _, err := ReadTasks(file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	put(t, p.Dir, "tasks.json", string(good))
	if _, err := p.Trials(r.Experiment, len(p.Tasks.Elements)); err == nil || !strings.Contains(err.Error(), "no element") {
		t.Errorf("an element too far: %v", err)
	}
	other := load(t, strings.Replace(small, "steps: 1000", "steps: 999", 1))
	if _, err := p.Trials(other, 0); err == nil || !strings.Contains(err.Error(), "no trial") {
		t.Errorf("another experiment: %v", err)
	}
	put(t, p.Dir, "experiment.yaml", small+"# edited\n")
	if _, err := p.ExperimentFile(); err == nil || !strings.Contains(err.Error(), "was changed") {
		t.Errorf("an edited experiment: %v", err)
	}
	stray := filepath.Join(t.TempDir(), "tasks.json")
	put(t, filepath.Dir(stray), "tasks.json", string(good))
	if _, _, err := ReadTasks(stray); err == nil || !strings.Contains(err.Error(), "not where") {
		t.Errorf("a task file elsewhere: %v", err)
	}
}

func TestParseKey(t *testing.T) {
	k := result.Key{ConfigID: "c5x2-p4-1a2b3c4d", Seed: 12}
	if got, err := result.ParseKey(k.String()); err != nil || got != k {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "c5x2", "c5x2/seed-", "c5x2/seed-x", "/seed-1", "c5x2/seed--1"} {
		if k, err := result.ParseKey(bad); err == nil {
			t.Errorf("%q is %v", bad, k)
		}
	}
}
