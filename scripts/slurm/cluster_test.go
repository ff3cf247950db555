// Package slurm tests slimfit on a real Slurm of two nodes; check.sh starts it
// and runs these tests. They disturb it as the years do a cluster: whatever
// happens, nothing finished is lost, little is trained twice, reports say what
// there is, and in the end everything equals a quiet run on one machine, bit
// for bit.
package slurm

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// wide is many short trials: with eight elements it needs two arrays, as the
// cluster's MaxArraySize is 7.
const wide = `name: wide
dataset: {name: mnist, train: 4000, validation: 1000}
matrix: {filters: [2, 4, 12, 16]}
model:
  - conv: {kernel: 5, filters: $filters}
  - maxpool: 4
  - dense: 16
train: {learning_rate: 1e-3, steps: 150}
seeds: 6
target: {accuracy: 0.8}
batch: {time: 10, min_minutes: 3}
`

// long is two trials long enough to be disturbed; each is an element.
const long = `name: long
dataset: {name: mnist, train: 4000, validation: 1000}
model:
  - conv: {kernel: 5, filters: 4}
  - maxpool: 4
  - dense: 16
train: {learning_rate: 1e-3, steps: 12000}
seeds: 2
target: {accuracy: 0.8}
batch: {time: 10, min_minutes: 0}
`

func TestCluster(t *testing.T) {
	dir := os.Getenv("SLIMFIT_SLURM")
	if dir == "" {
		t.Skip("SKIPPED: no Slurm; scripts/slurm/check.sh starts one")
	}
	c := newCluster(t, dir)

	// The quiet runs that everything is compared with.
	c.local(t, "wide", wide)
	c.local(t, "long", long)
	c.local(t, "limit", limit())

	t.Run("TwoSubmitsAsAUser", func(t *testing.T) { testTwoSubmits(t, c) })
	t.Run("Disturbed", func(t *testing.T) { // side by side, to save time
		t.Run("Killed", func(t *testing.T) { t.Parallel(); testKilled(t, c) })
		t.Run("Cancelled", func(t *testing.T) { t.Parallel(); testCancelled(t, c) })
		t.Run("TimeLimit", func(t *testing.T) { t.Parallel(); testTimeLimit(t, c) })
		t.Run("Diverging", func(t *testing.T) { t.Parallel(); testDiverging(t, c) })
		t.Run("GPUs", func(t *testing.T) { t.Parallel(); testGPUs(t, c) })
	})
	t.Run("NodesLost", func(t *testing.T) { testNodesLost(t, c) })
}

// Two submissions at once, by a user who is not root, make one submission; its
// 24 trials run on both nodes, and the report job writes the whole report.
func testTwoSubmits(t *testing.T, c *cluster) {
	r := c.experiment(t, "wide", wide).as(nobody)
	done := make(chan string, 2)
	for range 2 {
		go func() { done <- r.batch(t, "submit", r.file, "--trial-minutes=1") }()
	}
	said := []string{<-done, <-done}
	slices.SortFunc(said, func(a, b string) int { return strings.Compare(b, a) })
	if !strings.Contains(said[0]+said[1], "nothing to submit") || strings.Count(said[0]+said[1], "submitted job arrays") != 1 {
		t.Errorf("two submissions said:\n%s\n%s", said[0], said[1])
	}
	if n := r.submissions(t); n != 1 {
		t.Errorf("%d submissions", n)
	}
	r.waitUntilIdle(t, 5*time.Minute)
	if hosts := r.grep(t, "batch/0001/log/*", `starts on (\w+), `); !slices.Equal(hosts, []string{"node1", "node2"}) {
		t.Errorf("elements ran on %v", hosts)
	}
	r.sameAs(t, "wide")
	r.reports(t, "24 of 24 done")
	if owner := ownerOf(t, r.path("batch/0001/tasks.json")); owner != nobody {
		t.Errorf("the files belong to user %d", owner)
	}
}

// The run of an element is killed by SIGKILL: its element fails, the other goes
// on, and a second submission takes it up from its checkpoint.
func testKilled(t *testing.T, c *cluster) {
	r := c.experiment(t, "killed", strings.Replace(long, "name: long", "name: killed", 1))
	r.batch(t, "submit", r.file, "--checkpoint=1s")
	trial := r.training(t, 0)
	step := r.checkpoint(t, trial, time.Minute)
	c.kill(t, r.runner(t, trial))
	r.waitUntilIdle(t, 5*time.Minute)
	if got := r.batch(t, "status", r.dir); !strings.Contains(got, "1 done, 1 pending") ||
		!strings.Contains(got, "1 trial is neither done nor queued") {
		t.Errorf("status:\n%s", got)
	}
	r.reports(t, "1 of 2 done, 1 missing")
	before := r.results(t)
	if len(before) != 1 {
		t.Errorf("%d results", len(before))
	}
	if got := r.batch(t, "submit", r.file); !strings.Contains(got, "1 finished, 1 to submit") {
		t.Errorf("submitted:\n%s", got)
	}
	r.waitUntilIdle(t, 5*time.Minute)
	r.goesOn(t, trial, step)
	r.kept(t, before)
	r.sameAs(t, "long")
	r.reports(t, "2 of 2 done")
}

// `batch cancel` lets what is running write checkpoints.
func testCancelled(t *testing.T, c *cluster) {
	r := c.experiment(t, "cancelled", strings.Replace(long, "name: long", "name: cancelled", 1))
	r.batch(t, "submit", r.file, "--checkpoint=0s") // none but at the end: what it goes on from was written then
	trial := r.training(t, 0)
	r.progress(t, trial, 500)
	if got := r.batch(t, "cancel", r.dir); !strings.Contains(got, "cancelled ") {
		t.Errorf("cancel said:\n%s", got)
	}
	got := r.batch(t, "submit", r.file) // at once: it waits for what is just ending
	if !strings.Contains(got, "2 to submit") {
		t.Errorf("submitted:\n%s", got)
	}
	r.waitUntilIdle(t, 5*time.Minute)
	r.goesOn(t, trial, 500)
	r.sameAs(t, "long")
	r.reports(t, "2 of 2 done")
}

// limit is one trial that takes longer than the shortest time limit.
func limit() string {
	s := strings.Replace(long, "name: long", "name: limit", 1)
	s = strings.Replace(s, "seeds: 2", "seeds: 1", 1)
	s = strings.Replace(s, "steps: 12000", "steps: 100000", 1)
	return strings.Replace(s, "time: 10", "time: 1", 1)
}

// A limit that is too short: USR1 comes, a checkpoint is made, the element ends
// with 75, and submissions go on from there until all is done.
func testTimeLimit(t *testing.T, c *cluster) {
	r := c.experiment(t, "limit", limit())
	for n := 1; ; n++ {
		got := r.batch(t, "submit", r.file, "--checkpoint=0s")
		if strings.Contains(got, "nothing to submit") {
			break
		}
		if n > 12 {
			t.Fatalf("not done after %d submissions", n-1)
		}
		r.waitUntilIdle(t, 3*time.Minute)
	}
	if codes := r.grep(t, "batch/*/log/*", `ended with exit code (\d+)`); !slices.Contains(codes, "75") {
		t.Errorf("exit codes %v: the limit was never met", codes)
	}
	steps := r.starts(t, r.trial(t, 0))
	if len(steps) < 2 || !slices.IsSorted(steps) || steps[0] != 0 || steps[1] == 0 {
		t.Errorf("training started at %v", steps)
	}
	r.sameAs(t, "limit")
}

// diverging has two trials whose loss soon is not finite, and two whose units
// are dead by then.
const diverging = `name: diverging
dataset: {name: mnist, train: 4000, validation: 1000}
matrix: {activation: [relu, none]}
model:
  - conv: {kernel: 5, filters: 2, activation: $activation}
  - maxpool: 4
  - dense: {units: 16, activation: $activation}
train: {optimizer: sgd, learning_rate: 1e3, steps: 150}
seeds: 2
batch: {time: 10, min_minutes: 0}
`

// A configuration whose loss is not finite: its element exits 1, the others are
// not harmed, and nothing trains it again.
func testDiverging(t *testing.T, c *cluster) {
	r := c.experiment(t, "diverging", diverging)
	r.batch(t, "submit", r.file)
	r.waitUntilIdle(t, 5*time.Minute)
	if got := r.batch(t, "status", r.dir); !strings.Contains(got, "2 done, 2 diverged") || !strings.Contains(got, "diverged: ") {
		t.Errorf("status:\n%s", got)
	}
	r.reports(t, "2 of 4 done, 2 diverged")
	if codes := r.grep(t, "batch/0001/log/*", `ended with exit code (\d+)`); !slices.Equal(codes, []string{"0", "1"}) {
		t.Errorf("exit codes %v", codes)
	}
	if got := r.batch(t, "submit", r.file); !strings.Contains(got, "nothing to submit") {
		t.Errorf("submitted:\n%s", got)
	}
}

// Every element gets a GPU of its own from Slurm, and gives it to its worker.
func testGPUs(t *testing.T, c *cluster) {
	source := strings.NewReplacer("name: wide", "name: gpus", "filters: [2, 4, 12, 16]", "filters: [12, 16]", "seeds: 6", "seeds: 2",
		"min_minutes: 3", "min_minutes: 0").Replace(wide)
	r := c.experiment(t, "gpus", source)
	r.batch(t, "submit", r.file, "--gpus=1", "--worker="+c.gpuWorker(t))
	r.waitUntilIdle(t, 5*time.Minute)
	devices := r.grep(t, "*/seed-*/result.json", `"device":"(.*?)"`)
	for _, d := range devices {
		if d != "fake GPU 0" && d != "fake GPU 1" {
			t.Errorf("a trial ran on %q", d)
		}
	}
	r.reports(t, "4 of 4 done")
}

// One node is drained and the other dies with its job: what runs on the drained
// node ends there, the dead node's element is queued again by Slurm itself, and
// goes on from its checkpoint once there is a node.
func testNodesLost(t *testing.T, c *cluster) {
	r := c.experiment(t, "nodes", strings.Replace(long, "name: long", "name: nodes", 1))
	r.batch(t, "submit", r.file, "--checkpoint=1s", "--cpus=4", "--jobs=1") // a whole node each
	first, second := r.training(t, 0), r.training(t, 1)
	node := map[string]string{r.nodeOf(t, first): first, r.nodeOf(t, second): second}
	if node["node1"] == "" || node["node2"] == "" {
		t.Fatalf("the elements are on %v", node)
	}
	step := r.checkpoint(t, node["node2"], time.Minute)
	c.must(t, "scontrol", "update", "nodename=node1", "state=drain", "reason=test")
	c.killNode(t, "node2")
	r.waitFor(t, 3*time.Minute, "the dead node's element to be queued again", func() bool {
		got := r.batch(t, "status", r.dir)
		return strings.Contains(got, "1 done, 1 pending") && strings.Contains(got, "queue: 1 element: 1 pending")
	})
	c.must(t, "scontrol", "update", "nodename=node1", "state=resume")
	c.startNode(t, "node2")
	r.waitUntilIdle(t, 5*time.Minute)
	if n := r.submissions(t); n != 1 {
		t.Errorf("%d submissions", n)
	}
	r.goesOn(t, node["node2"], step)
	if restarts := r.grep(t, "batch/0001/log/*", `restart (\d+)`); !slices.Equal(restarts, []string{"0", "1"}) {
		t.Errorf("restarts %v", restarts)
	}
	r.sameAs(t, "long")
	r.reports(t, "2 of 2 done")
}

// goesOn checks that the trial went on from a checkpoint at step or later, and
// that it was taken up once.
func (r *run) goesOn(t *testing.T, trial string, step int) {
	t.Helper()
	steps := r.starts(t, trial)
	if len(steps) != 2 || steps[0] != 0 || steps[1] < step {
		t.Errorf("%s: training started at steps %v, and there was a checkpoint at %d", trial, steps, step)
	}
}

// starts are the steps at which the trial's training began.
func (r *run) starts(t *testing.T, trial string) []int {
	t.Helper()
	var steps []int
	for _, m := range r.matches(t, filepath.Join(trial, "log.txt"), `training starts at step (\d+) of`) {
		n, err := strconv.Atoi(m)
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, n)
	}
	return steps
}
