package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"slimfit/pkg/exit"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

const stoppingExperiment = `name: tiny
dataset: {name: mine, path: images, validation: 2000, accept: [duplicates, constant]}
matrix: {filters: [32, 16, 8, 4, 2], activation: [relu, relu6, leaky_relu, prelu, none]} # of which none contains another
model:
  - conv: {kernel: 5, filters: $filters, activation: $activation}
  - maxpool: 2
  - dense: 8
train: {steps: 4000, batch: 10}
seeds: 2
target: {accuracy: 0.95}
`

// bench is a folder with an experiment, its images, and the program itself,
// with a worker that needs no TensorFlow.
type bench struct {
	t      *testing.T
	dir    string
	worker string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir()}
	b.worker = buildFakeWorker(t)
	t.Chdir(b.dir)
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(b.dir, "slimfit")) // see TestMain
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SLIMFIT_CACHE", filepath.Join(b.dir, "cache"))
	t.Setenv("SLIMFIT_WORKER", b.worker)
	if err := os.WriteFile("e.yaml", []byte(stoppingExperiment), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("images", 0o777); err != nil {
		t.Fatal(err)
	}
	writeDigits(t, "images/train", 2300)
	writeDigits(t, "images/t10k", 2000)
	return b
}

// writeDigits writes grey images of 8x8 in ten classes.
func writeDigits(t *testing.T, prefix string, n int) {
	t.Helper()
	images, labels := []byte{}, []byte{}
	for _, v := range []int{0x803, n, 8, 8} {
		images = binary.BigEndian.AppendUint32(images, uint32(v))
	}
	for _, v := range []int{0x801, n} {
		labels = binary.BigEndian.AppendUint32(labels, uint32(v))
	}
	for i := range n {
		labels = append(labels, byte(i%10))
		images = append(images, bytes.Repeat([]byte{byte(i)}, 64)...)
	}
	for name, b := range map[string][]byte{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
		if err := os.WriteFile(prefix+name, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// run runs the program in this process; it must end with the code.
func (b *bench) run(code int, args ...string) (stdout, stderr string) {
	b.t.Helper()
	var out, errs bytes.Buffer
	if got := run(context.Background(), append([]string{"slimfit"}, args...), &out, &errs); got != code {
		b.t.Fatalf("%v: code %d, want %d\n%s%s", args, got, code, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

func (b *bench) certificate(path string) (result.Certificate, []byte) {
	b.t.Helper()
	words, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	var c result.Certificate
	if err := json.Unmarshal(words, &c); err != nil {
		b.t.Fatal(err)
	}
	return c, words
}

// stopped lists the files of early stops in a run folder.
func (b *bench) stopped(folder string) []string {
	b.t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "*", "seed-*", "stopped*.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// left is the first of these whose trial was not trained on.
func (b *bench) left(folder string) string {
	b.t.Helper()
	for _, file := range b.stopped(folder) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), result.ResultName)); err != nil {
			return file
		}
	}
	b.t.Fatal("every stopped trial was trained on")
	return ""
}

func TestSearchStopsEarly(t *testing.T) {
	b := newBench(t)
	out, errs := b.run(exit.Done, "search", "e.yaml")
	c, words := b.certificate("runs/tiny/certificate.json")
	n, on := c.Effort.Stopped+c.Audit.Stopped, c.Audit.Stopped
	if n == on || on != 4 || len(b.stopped("runs/tiny")) != n || !c.EarlyStop || strings.Count(errs, "stopped early, at step") != n ||
		!strings.Contains(out, fmt.Sprintf("Stopped early, by projections: %d of these trials.", n-on)) ||
		!strings.Contains(out, "Trained to their end all the same: 4 stopped trials and 0 skipped configurations; none was") {
		t.Fatalf("%d stopped, %d files\n%s%s", n, len(b.stopped("runs/tiny")), out, errs)
	}
	listed := 0
	for _, f := range c.Files {
		if strings.HasSuffix(f.Path, "/stopped.json") {
			listed++
		}
	}
	if listed != n {
		t.Errorf("%d files of early stops listed, want %d", listed, n)
	}
	if holds, _ := b.run(exit.Done, "verify", "--quick", "runs/tiny/certificate.json"); !strings.Contains(holds, "holds:") {
		t.Error(holds)
	}
	if status, _ := b.run(exit.Done, "status", "runs/tiny"); !strings.Contains(status, "pending") {
		t.Errorf("stopped trials are not unfinished for status:\n%s", status)
	}
	// Retrained to their ends, the stopped ones miss the target.
	if held, _ := b.run(exit.Done, "verify", "--quick", "runs/tiny/certificate.json", "--retrain", "all"); !strings.Contains(held,
		fmt.Sprintf("%d trials trained again", len(c.Files)-on)) {
		t.Error(held)
	}
	// A higher target takes what was stopped as it is.
	b.run(exit.Unmet, "search", "e.yaml", "--set", "target.accuracy=0.997", "--certificate", "high.json")
	high, _ := b.certificate("runs/tiny/high.json")
	for _, f := range high.Files {
		of := func(was result.File) bool { return filepath.Dir(was.Path) == filepath.Dir(f.Path) }
		if slices.ContainsFunc(c.Files, of) && !slices.Contains(c.Files, f) {
			t.Errorf("%s was taken for a higher target", f.Path)
		}
	}
	// Again, nothing is trained.
	t.Setenv("SLIMFIT_WORKER", "/no/such/worker")
	b.run(exit.Done, "search", "e.yaml", "--certificate", "again.json")
	if _, again := b.certificate("runs/tiny/again.json"); !bytes.Equal(again, words) {
		t.Error("a second search comes to another certificate")
	}
}

func TestSearchWithoutEarlyStops(t *testing.T) {
	b := newBench(t)
	b.run(exit.Done, "search", "e.yaml")
	early, _ := b.certificate("runs/tiny/certificate.json")
	for name, args := range map[string][]string{"flag": {"--no-early-stop"}, "exact": {"--exact"}, "variable": nil,
		"cosine": {"--set", "train.schedule=cosine"}, "mean": {"--set", "target.rule=mean", "--set", "seeds=5"}} {
		t.Setenv("SLIMFIT_NO_EARLY_STOP", fmt.Sprint(name == "variable"))
		b.run(exit.Done, append([]string{"search", "e.yaml", "-o", name}, args...)...)
		full, _ := b.certificate(name + "/tiny/certificate.json")
		if full.EarlyStop || full.Effort.Stopped > 0 || len(b.stopped(name+"/tiny")) > 0 || full.Assumption.Stopping != "" {
			t.Errorf("%s: %d trials were stopped", name, full.Effort.Stopped)
		}
		if name == "flag" && (full.Effort.Steps < early.Effort.Steps || full.Winner.ConfigID != early.Winner.ConfigID) {
			t.Errorf("without early stops %d steps and %s, with them %d and %s", full.Effort.Steps, full.Winner.ConfigID, early.Effort.Steps,
				early.Winner.ConfigID)
		}
		b.run(exit.Done, "verify", "--quick", name+"/tiny/certificate.json")
	}
}

// A lower target trains on what is not hopeless for it, a run all; the first
// certificate holds all the same.
func TestSearchTrainsStoppedTrialsOn(t *testing.T) {
	b := newBench(t)
	_, log := b.run(exit.Unmet, "search", "e.yaml", "--set", "target.accuracy=0.997", "--certificate", "high.json", "-v")
	if !strings.Contains(log, "starts at step 1000 of") { // the audit's
		t.Errorf("nothing went on from where it was stopped:\n%s", log)
	}
	keep := func(name string) {
		t.Helper()
		source, err := os.ReadFile("runs/tiny/experiment.yaml")
		if err == nil {
			err = os.WriteFile("runs/tiny/"+name+".yaml", source, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	keep("high")
	before := b.stopped("runs/tiny")
	high, _ := b.certificate("runs/tiny/high.json")
	if len(before) != high.Effort.Trials-high.Audit.Skipped || len(before) == 0 {
		t.Fatalf("%d of %d trials stopped", len(before), high.Effort.Trials)
	}
	b.run(exit.Done, "search", "e.yaml", "--certificate", "mid.json")
	keep("mid")
	mid, _ := b.certificate("runs/tiny/mid.json")
	b.run(exit.Done, "search", "e.yaml", "--set", "target.accuracy=0.88", "--certificate", "low.json")
	keep("low")
	if mid.Winner == nil || mid.Audit.Stopped == 0 {
		t.Errorf("%s, %d stopped", mid.Summary, mid.Effort.Stopped)
	}
	verify := func() {
		t.Helper()
		for _, name := range []string{"high", "mid", "low"} {
			b.run(exit.Done, "verify", "--quick", "--experiment", name+".yaml", "runs/tiny/"+name+".json")
		}
	}
	verify()
	if words, _ := b.run(exit.Trials, "verify", "--quick", "runs/tiny/high.json"); !strings.HasSuffix(words,
		"\nevery statement holds, but it answers another question than experiment.yaml: accuracy 0.88 there, 0.997 here\n") {
		t.Error(words)
	}
	b.run(exit.Done, "run", "e.yaml")
	verify()
	full, err := filepath.Glob("runs/tiny/*/seed-*/result.json")
	if err != nil || len(full) != 50 {
		t.Errorf("%d results after a run, %v", len(full), err)
	}
	for _, f := range before {
		if _, err := os.Stat(f); err != nil {
			t.Errorf("what a certificate rests on is gone: %v", err)
		}
	}
	// With results there, nothing is left to be projected.
	b.run(exit.Done, "search", "e.yaml", "--certificate", "after.json")
	if after, _ := b.certificate("runs/tiny/after.json"); after.Effort.Stopped != 0 || after.Winner.ConfigID != mid.Winner.ConfigID {
		t.Errorf("%d stopped, winner %s", after.Effort.Stopped, after.Winner.ConfigID)
	}
}

// Killed at any time, a search goes on and ends with the same certificate.
func TestSearchStopsEarlyAfterAKill(t *testing.T) {
	b := newBench(t)
	b.run(exit.Done, "search", "e.yaml")
	_, want := b.certificate("runs/tiny/certificate.json")
	cmd := exec.Command(filepath.Join(b.dir, "slimfit"), "search", "e.yaml", "-o", "killed", "--checkpoint", "20ms", "--lease", "1s")
	cmd.Env = append(os.Environ(), `SLIMFIT_FAKE_WORKER={"step_ms": 0.02}`)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); len(b.stopped("killed/tiny")) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no trial was stopped within a minute")
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	if _, err := os.Stat("killed/tiny/certificate.json"); err == nil {
		t.Fatal("the search was over before it was killed")
	}
	b.run(exit.Done, "search", "e.yaml", "-o", "killed", "--lease", "1s")
	times := regexp.MustCompile(`"time": ".*"`) // of its looks
	if _, got := b.certificate("killed/tiny/certificate.json"); !bytes.Equal(times.ReplaceAll(got, nil), times.ReplaceAll(want, nil)) {
		t.Errorf("another certificate than without the kill:\n%s", got)
	}
}

func TestVerifyFindsForgedStops(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, file string)
		want  string
	}{
		{"edited", func(t *testing.T, file string) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, bytes.Replace(b, []byte(`"seed": `), []byte(`"seed":  `), 1), 0o666); err != nil {
				t.Fatal(err)
			}
		}, "stopped.json: the file was changed"},
		{"deleted", func(t *testing.T, file string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}, "stopped.json: the file is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.run(exit.Done, "search", "e.yaml")
			c.spoil(t, b.left("runs/tiny"))
			if out, _ := b.run(exit.Trials, "verify", "--quick", "runs/tiny/certificate.json"); !strings.Contains(out, c.want) {
				t.Errorf("no fault says %q:\n%s", c.want, out)
			}
			if c.name == "edited" {
				return
			}
			// What is gone is trained again, from its checkpoint, and stops there.
			_, before := b.certificate("runs/tiny/certificate.json")
			b.run(exit.Done, "search", "e.yaml")
			if _, after := b.certificate("runs/tiny/certificate.json"); !bytes.Equal(before, after) {
				t.Error("another certificate once it was stopped again")
			}
		})
	}
}

// A damaged file of a stop is as good as none.
func TestSearchPassesOverDamagedStops(t *testing.T) {
	b := newBench(t)
	b.run(exit.Done, "search", "e.yaml")
	_, want := b.certificate("runs/tiny/certificate.json")
	file := b.left("runs/tiny")
	if err := os.WriteFile(file, []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	b.run(exit.Done, "search", "e.yaml")
	if _, got := b.certificate("runs/tiny/certificate.json"); !bytes.Equal(got, want) {
		t.Error("another certificate")
	}
	// One that contradicts itself is left where it is, as a certificate may name
	// it, and another one is written.
	f := &store.Folder{Dir: filepath.Join(b.dir, "runs/tiny")}
	_, k, err := store.ParseTrialDir(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	all, err := f.ReadStopped(k)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d stops, %v", len(all), err)
	}
	wrong := all[0].Stopped
	wrong.Confusion[0][0]++
	words, err := json.Marshal(wrong)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, words, 0o666); err != nil {
		t.Fatal(err)
	}
	b.run(exit.Done, "search", "e.yaml")
	if all, err = f.ReadStopped(k); err != nil || len(all) != 2 {
		t.Errorf("%d stops, %v; want the one that contradicts itself and another", len(all), err)
	}
	b.run(exit.Done, "verify", "--quick", "runs/tiny/certificate.json")
}
