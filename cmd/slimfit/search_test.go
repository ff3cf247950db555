package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/lab"
	"slimfit/pkg/result"
	"slimfit/pkg/sweep"
)

const searchExperiment = `name: tiny
dataset: {name: mnist, validation: 5000}
matrix:
  kernel: [5, 3, 1]
  filters: [8, 4, 2]
  dense: [64, 16]
model:
  - conv: {kernel: $kernel, filters: $filters}
  - maxpool: 4
  - dense: $dense
train: {steps: 100}
seeds: 3
target: {accuracy: 0.95}
`

// testLab is a place to run commands in, with a trainer that invents results.
type testLab struct {
	t       *testing.T
	dir     string
	trained []result.Key
	opened  []result.Key
	stop    int            // return an error once this many trials are trained; 0 never
	fail    map[string]int // by configuration: how many more times its trials fail
	salt    string         // changes what training comes to
	trainer lab.Trainer    // train, unless a test has its own
}

func newLab(t *testing.T) *testLab {
	l := &testLab{t: t, dir: t.TempDir(), fail: map[string]int{}}
	l.write("e.yaml", searchExperiment)
	l.trainer = l.train
	return l
}

func (l *testLab) write(name, words string) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(words), 0o666); err != nil {
		l.t.Fatal(err)
	}
}

var errStopped = errors.New("stopped")

func (l *testLab) train(_ context.Context, _ *lab.Lab, j lab.Training) (sweep.Summary, error) {
	session, err := j.Folder.Join(0, nil)
	if err != nil {
		return sweep.Summary{}, err
	}
	defer session.Close()
	var s sweep.Summary
	for _, t := range j.Trials {
		key := t.Key()
		dir := j.Folder.TrialDir(key)
		token, err := session.Acquire(dir)
		if err != nil {
			return s, err
		}
		old, err := j.Folder.ReadResult(key)
		switch {
		case err == nil && j.Test && old.Correct.Test == nil && old.Status == result.Done:
			l.opened = append(l.opened, key)
		default:
			if l.trained = append(l.trained, key); l.stop > 0 && len(l.trained) > l.stop {
				return s, exit.Failed(errors.Join(errStopped, session.Release(dir, token)))
			}
		}
		if err := j.Folder.WriteHistory(key, token, []result.Point{{Step: 100, Loss: 0.5}}); err != nil {
			return s, err
		}
		if err := j.Folder.WriteResult(l.invent(j.Experiment.Name, t, j.Test), token, true); err != nil {
			return s, err
		}
		if err := session.Release(dir, token); err != nil {
			return s, err
		}
	}
	return s, nil
}

// invent makes a result whose accuracy rises with every size.
func (l *testLab) invent(name string, t experiment.Trial, test bool) result.Result {
	r := result.Result{Experiment: name, ConfigID: t.ID, Seed: t.Seed, Assignment: t.Assignment, Model: t.Spec().FullLayers(), Train: t.Recipe,
		Dataset: t.Data, Footprint: t.Footprint, Status: result.Done, Steps: t.Recipe.Steps, Warnings: []string{}, WeightsSHA: l.salt + t.ID}
	if l.fail[t.ID] > 0 {
		l.fail[t.ID]--
		r.Status, r.Reason = result.Failed, "out of memory"
		return r
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s%s/%d", l.salt, t.ID, t.Seed)
	luck := (float64(h.Sum32()%1000)/1000 - 0.5) * 0.02
	e := 0.15 * math.Exp(luck)
	for _, layer := range t.Layers {
		if layer.Kind == models.Conv {
			e *= math.Pow(float64(layer.Kernel[0]*layer.Filters), -0.35)
		} else if layer.Kind == models.Dense {
			e *= math.Pow(float64(layer.Units)/16, -0.2)
		}
	}
	split := func(images int) (*float64, *int, [][2]int, [][]int) {
		wrong := int(e * float64(images))
		correct := images - wrong
		accuracy := float64(correct) / float64(images)
		list, confusion := [][2]int{}, make([][]int, 10)
		for class := range confusion {
			confusion[class] = make([]int, 10)
		}
		for i := range images {
			guess := i % 10
			if i < wrong {
				guess = (i + 1) % 10
				list = append(list, [2]int{i, guess})
			}
			confusion[i%10][guess]++
		}
		return &accuracy, &correct, list, confusion
	}
	r.Accuracy.Validation, r.Correct.Validation, r.Wrong.Validation, r.Confusion.Validation = split(t.Data.Validation)
	if test {
		r.Accuracy.Test, r.Correct.Test, r.Wrong.Test, r.Confusion.Test = split(t.Data.Test)
	}
	return r
}

// run runs a command in the lab's folder; FILE arguments are relative to it.
func (l *testLab) run(args ...string) (code int, stdout, stderr string) {
	l.t.Helper()
	var out, errs bytes.Buffer
	app := &cli.App{Name: "slimfit", Writer: &out, ErrWriter: &errs, HideHelpCommand: true, DisableSliceFlagSeparator: true,
		Metadata: map[string]any{argsKey: append([]string{"slimfit"}, args...)},
		Commands: prepare([]*cli.Command{searchCommand(l.trainer), verifyCommand(l.trainer), quantizeCommand(), reportCommand()}, "slimfit"), OnUsageError: usageError,
		ExitErrHandler: func(*cli.Context, error) {}}
	l.t.Chdir(l.dir)
	err := app.RunContext(context.Background(), flagsFirst(app, append([]string{"slimfit"}, args...)))
	if err != nil {
		fmt.Fprintln(&errs, message(err))
	}
	return exitCode(context.Background(), err), out.String(), errs.String()
}

func (l *testLab) certificate() result.Certificate { return l.certificateIn(result.CertificateName) }

func (l *testLab) certificateIn(name string) result.Certificate {
	l.t.Helper()
	b, err := os.ReadFile(filepath.Join(l.dir, "runs/tiny", name))
	if err != nil {
		l.t.Fatal(err)
	}
	var c result.Certificate
	if err := json.Unmarshal(b, &c); err != nil {
		l.t.Fatal(err)
	}
	return c
}

func TestSearchAndVerify(t *testing.T) {
	l := newLab(t)
	code, out, errs := l.run("search", "e.yaml")
	if code != exit.Done || !strings.Contains(out, "was shown to meet 95 %") || !strings.Contains(errs, "search:") {
		t.Fatalf("code %d\n%s\n%s", code, out, errs)
	}
	c := l.certificate()
	for _, k := range l.opened {
		if !containsOpening(c, k.ConfigID) {
			t.Errorf("the test images of %s were opened, the certificate does not say so", k)
		}
	}
	if len(l.opened) != 3*len(c.Openings) || c.Effort.Trials != len(l.trained) || len(c.Files) != len(l.trained) {
		t.Errorf("%d networks opened, %d trials trained; the certificate says %d openings, %d trials, %d files",
			len(l.opened), len(l.trained), len(c.Openings), c.Effort.Trials, len(c.Files))
	}

	before := len(l.trained)
	code, again, _ := l.run("search", "e.yaml", "-q")
	if code != exit.Done || again != out || len(l.trained) != before {
		t.Errorf("a second search: code %d, %d trials more, the same text: %v", code, len(l.trained)-before, again == out)
	}
	code, out, errs = l.run("verify", "runs/tiny/certificate.json")
	if code != exit.Done || !strings.Contains(out, "holds:") || !strings.Contains(out, "the 18 configurations of experiment.yaml") {
		t.Errorf("verify: code %d\n%s\n%s", code, out, errs)
	}
}

func containsOpening(c result.Certificate, id string) bool {
	for _, o := range c.Openings {
		if o.ConfigID == id {
			return true
		}
	}
	return false
}

// A search that was stopped goes on, and ends as if nothing had happened.
func TestSearchResumes(t *testing.T) {
	straight := newLab(t)
	straight.run("search", "e.yaml")
	l := newLab(t)
	for l.stop = 1; ; l.stop += 3 {
		code, _, errs := l.run("search", "e.yaml")
		if code == exit.Done {
			break
		}
		if code != exit.IO || !strings.Contains(errs, "stopped") || l.stop > 100 {
			t.Fatalf("code %d: %s", code, errs)
		}
		l.trained = l.trained[:len(l.trained)-1] // that one was not finished
	}
	if a, b := certified(straight), certified(l); a != b || len(l.trained) != len(straight.trained) {
		t.Errorf("%d trials, straight %d\n%s\n%s", len(l.trained), len(straight.trained), b, a)
	}
}

func certified(l *testLab) string {
	c := l.certificate()
	return fmt.Sprint(c.Summary, c.Effort, c.Openings, c.Assumption)
}

// More seeds train only what is new.
func TestSearchWithMoreSeeds(t *testing.T) {
	l := newLab(t)
	l.run("search", "e.yaml")
	before := map[result.Key]bool{}
	for _, k := range l.trained {
		before[k] = true
	}
	l.trained = nil
	if code, _, errs := l.run("search", "e.yaml", "--set", "seeds=6"); code != exit.Done {
		t.Fatal(errs)
	}
	for _, k := range l.trained {
		if before[k] {
			t.Errorf("%s was trained twice", k)
		}
	}
	if c := l.certificateIn("certificate-2.json"); len(c.Seeds) != 6 || len(c.Winner.Networks) != 6 || len(l.trained) == 0 {
		t.Errorf("%d seeds, %d networks, %d trials", len(c.Seeds), len(c.Winner.Networks), len(l.trained))
	}
}

func TestSearchUnmet(t *testing.T) {
	l := newLab(t)
	code, out, _ := l.run("search", "e.yaml", "--set", "target.accuracy=0.9995")
	if c := l.certificate(); code != exit.Unmet || c.Verdict != result.NotShown || !strings.Contains(out, "Nearest miss: c5x8-") ||
		len(l.opened) > 0 {
		t.Errorf("code %d, verdict %s, %d opened\n%s", code, c.Verdict, len(l.opened), out)
	}
	if code, out, errs := l.run("verify", "runs/tiny/certificate.json"); code != exit.Done {
		t.Errorf("verify: code %d\n%s%s", code, out, errs)
	}
	if want := "\nWhat comes next: slimfit search e.yaml --set target.accuracy=0.9995 --exact\n"; !strings.HasSuffix(out, want) {
		t.Errorf("it does not end with %q:\n%s", want, out)
	}
	_, out, _ = l.run("search", "e.yaml", "--set", "target.accuracy=0.9995", "--exact")
	want := "\nWhat comes next: slimfit search e.yaml --exact --set=target.accuracy=0.9"
	if !strings.Contains(out, want) {
		t.Errorf("no %q:\n%s", want, out)
	}
	if c := l.certificate(); c.Verdict != result.Unmet || c.Audit != nil {
		t.Errorf("with all trained: verdict %s, audit %v", c.Verdict, c.Audit)
	}
}

// A trial that failed leaves the question open until it is trained again.
func TestSearchAfterFailures(t *testing.T) {
	l := newLab(t)
	l.run("search", "e.yaml", "-o", "dry")
	first := l.trained[0].ConfigID
	l.fail[first] = 1
	if code, _, errs := l.run("search", "e.yaml"); code != exit.Trials ||
		!strings.Contains(errs, "to train them again: slimfit search e.yaml --retry-failed") {
		t.Errorf("code %d: %s", code, errs)
	}
	if code, _, errs := l.run("search", "e.yaml", "--retry-failed"); code != exit.Done {
		t.Errorf("code %d: %s", code, errs)
	}
}

// A second search in the folder opens other test images; the first one's
// certificate still holds, but answers another question than the second left.
func TestCertificatesShareAFolder(t *testing.T) {
	l := newLab(t)
	l.run("search", "e.yaml", "--certificate", "a.json")
	if code, _, errs := l.run("search", "e.yaml", "--set", "target.accuracy=0.93", "--certificate", "b.json"); code != exit.Done {
		t.Fatal(errs)
	}
	for name, want := range map[string]int{"a.json": exit.Trials, "b.json": exit.Done} {
		code, out, errs := l.run("verify", "runs/tiny/"+name)
		if code != want || (code == exit.Trials) != strings.Contains(out, "every statement holds, but it answers another question") {
			t.Errorf("verify %s: code %d\n%s%s", name, code, out, errs)
		}
	}
}

func TestSearchUsage(t *testing.T) {
	l := newLab(t)
	l.write("none.yaml", strings.Replace(searchExperiment, "target: {accuracy: 0.95}\n", "", 1))
	l.write("bad.json", "{}")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"search"}, exit.Usage, "want one experiment file"},
		{[]string{"search", "none.yaml"}, exit.Usage, "no target to search for"},
		{[]string{"search", "e.yaml", "--round", "0"}, exit.Usage, "--round 0"},
		{[]string{"search", "e.yaml", "--certificate", "../x.json"}, exit.Usage, "--certificate ../x.json"},
		{[]string{"search", "e.yaml", "--set", "dataset={name: mnist, validation: 0}"}, exit.Usage, "validation"},
		{[]string{"search", "e.yaml", "--set", "target.rule=tolerance"}, exit.Usage, "10 seeds"},
		{[]string{"verify", "missing.json"}, exit.IO, "missing.json"},
		{[]string{"verify", "missing.json", "--retrain", "-3"}, exit.Usage, "--retrain -3: want a number of trials, or all"},
		{[]string{"verify", "bad.json"}, exit.Trials, "format 0"},
	} {
		code, _, errs := l.run(c.args...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: code %d, want %d and %q: %s", c.args, code, c.code, c.want, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(l.dir, "runs")); !os.IsNotExist(err) {
		t.Error("a refused search wrote something")
	}
	code, out, _ := l.run("search", "e.yaml", "--dry-run")
	if code != exit.Done || !strings.Contains(out, "the full grid: 54 trials, 5,400 steps") || len(l.trained) > 0 {
		t.Errorf("dry run: code %d\n%s", code, out)
	}
}
