package batch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/result"
)

func TestLook(t *testing.T) {
	dir := fakeSlurm(t)
	r := request(t)
	p, _ := submit(t, r)
	states := make([]string, len(p.Tasks.Elements))
	states[0], states[1], states[2] = "RUNNING", "PENDING", "NODE_FAIL"
	enqueue(t, dir, p.Submission, "101", states...)
	trials := func(element int) []string { return p.Tasks.Elements[element].Trials }
	for i := 3; i < len(states); i++ {
		for j, name := range trials(i) {
			k, _ := result.ParseKey(name)
			finish(t, r, k, []result.Status{result.Done, result.Failed}[j%2], 10)
		}
	}
	k, err := result.ParseKey(trials(0)[0])
	if err != nil {
		t.Fatal(err)
	}
	process(t, r, k)
	put(t, filepath.Join(p.Dir, logDir), p.Tasks.Arrays[0].Job+".2.txt", "starts\nsomething broke\n\n")
	s, err := Look(t.Context(), r.Folder, r.Experiment)
	if err != nil {
		t.Fatal(err)
	}
	if s.Running != 1 || s.Queued != len(trials(0))-1+len(trials(1)) || s.Missing != len(trials(2)) || s.QueueFault != "" {
		t.Errorf("%d running, %d queued, %d missing, fault %q", s.Running, s.Queued, s.Missing, s.QueueFault)
	}
	if s.Total != 6 || s.Done+s.Failed+s.Running+s.Pending != 6 || s.Done == 0 {
		t.Errorf("%+v", s.Overview)
	}
	if len(s.Elements) != 2 || s.Elements[0] != (ElementView{Submission: 1, Element: 0, Task: "101_0", State: "RUNNING", Reason: "None",
		Nodes: "node1", TimeLeft: "59:00", Trials: len(trials(0))}) {
		t.Errorf("elements %+v", s.Elements)
	}
	if len(s.Lost) != 1 || s.Lost[0].Element != 2 || s.Lost[0].Task != "101_2" || s.Lost[0].State != "NODE_FAIL" ||
		s.Lost[0].LastLine != "something broke" || !slices.Equal(s.Lost[0].Trials, trials(2)) {
		t.Errorf("lost %+v", s.Lost)
	}
	if s.TimeLeft <= 0 {
		t.Errorf("time left %v", s.TimeLeft)
	}

	// A new submission takes the lost trials up: they are lost no more.
	again, _ := submit(t, r)
	enqueue(t, dir, again.Submission, "103", "PENDING")
	if s, err = Look(t.Context(), r.Folder, r.Experiment); err != nil || s.Queued != len(trials(2)) {
		t.Errorf("%v, %d queued", err, s.Queued)
	}
	for _, l := range s.Lost {
		if l.Submission == 1 && l.Element == 2 {
			t.Errorf("still lost: %+v", l)
		}
	}
	if sub, n, err := Latest(r.Folder, mustKey(t, trials(2)[0])); err != nil || sub.Number != 2 || n != 0 {
		t.Errorf("latest: %d, %d, %v", sub.Number, n, err)
	}
	if _, _, err := Latest(r.Folder, result.Key{ConfigID: "none", Seed: 1}); !os.IsNotExist(err) &&
		(err == nil || !strings.Contains(err.Error(), "never submitted")) {
		t.Errorf("latest of nothing: %v", err)
	}
}

func mustKey(t *testing.T, name string) result.Key {
	t.Helper()
	k, err := result.ParseKey(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Results tell what is done where Slurm cannot be asked.
func TestLookWithoutSlurm(t *testing.T) {
	dir := fakeSlurm(t)
	r := request(t)
	submit(t, r)
	for _, k := range allKeys(r)[:4] {
		finish(t, r, k, result.Done, 10)
	}
	put(t, dir, "down", "")
	s, err := Look(t.Context(), r.Folder, r.Experiment)
	if err != nil || s.Done != 4 || s.Pending != 2 || !strings.Contains(s.QueueFault, "Unable to contact") || len(s.Lost) != 0 {
		t.Errorf("%v: %+v", err, s)
	}
}

// Where Slurm has forgotten an element, its accounting may know.
func TestLostByAccounting(t *testing.T) {
	dir := fakeSlurm(t)
	r := request(t)
	submit(t, r)
	put(t, dir, "accounting", "101_0|TIMEOUT|0:0\n101_1|FAILED|75:0\n")
	s, err := Look(t.Context(), r.Folder, r.Experiment)
	if err != nil || len(s.Lost) < 3 || s.Lost[0].State != "TIMEOUT" || s.Lost[1].State != "FAILED, exit code 75:0" || s.Lost[2].State != "" {
		t.Errorf("%v: %+v", err, s.Lost)
	}
}

func TestCancel(t *testing.T) {
	dir := fakeSlurm(t)
	r := request(t)
	p, _ := submit(t, r)
	if n, err := Cancel(t.Context(), r.Folder); err != nil || n != 0 {
		t.Errorf("nothing queued: %d, %v", n, err)
	}
	job := p.Tasks.Arrays[0].Job
	put(t, dir, "queue", job+"|101|0|RUNNING|1:00|n|None\n"+job+"|101|1|PENDING|1:00||Resources\n"+job+"|101|2|COMPLETED|1:00|n|None\n"+
		job+".report|102|N/A|PENDING|1:00||Dependency\nsomebody|99|0|RUNNING|1:00|n|None\n")
	if n, err := Cancel(t.Context(), r.Folder); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	if got := calls(t, dir, "scancel"); !slices.Equal(got, []string{"101 102"}) {
		t.Errorf("scancel %q", got)
	}
}

func TestQueueFormat(t *testing.T) {
	dir := fakeSlurm(t)
	put(t, dir, "squeue", "#!/bin/sh\necho 'a strange line'\n")
	if _, err := queue(t.Context(), []string{"job"}); err == nil || !strings.Contains(err.Error(), "strange") {
		t.Errorf("error %v", err)
	}
}
