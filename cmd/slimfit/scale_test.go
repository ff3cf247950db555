package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/parallel"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// What every command must stay below.
const (
	mostSeconds = 10 // of CPU: other work on the machine does not count
	mostAgain   = 2  // CPU seconds
	mostBytes   = 1 << 30
)

// Flags of BenchmarkScale.
var (
	scaleSlimfit = flag.String("scale.slimfit", "slimfit", "the program to measure; slimfit is this one")
	scaleConfigs = flag.Int("scale.configs", 20_000, "configurations, rounded down to a multiple of 50")
	scaleSeeds   = flag.Int("scale.seeds", 5, "seeds of each")
	scaleMinutes = flag.Float64("scale.minutes", 1, "how long serve is measured with nothing new, and then with a result a second")
	scaleDir     = flag.String("scale.dir", "", "work in this folder and keep it; results that are there are used again")
)

// BenchmarkScale generates the results of 100,000 trials and measures what
// slimfit's commands take to read them: seconds and memory, in Markdown tables. It
// fails where one is above 10 CPU seconds or 1 GB, or status above 2 CPU seconds the
// second time. serve is measured while 100 pages are open.
//
//	go test ./cmd/slimfit -v -timeout 0 -run '^$' -bench Scale -benchtime 1x -scale.slimfit "$PWD/bin/slimfit"
func BenchmarkScale(b *testing.B) {
	dir := *scaleDir
	if dir == "" {
		dir = b.TempDir()
	}
	file := filepath.Join(dir, "scale.yaml")
	err := errors.Join(os.MkdirAll(dir, 0o777), os.WriteFile(file, []byte(scaleSource(*scaleConfigs, *scaleSeeds)), 0o666))
	if err != nil {
		b.Fatal(err)
	}
	e, err := experiment.Load(file, nil, func(ref dataset.Ref) (models.Data, error) { return dataset.Describe(ref, "") })
	if err != nil {
		b.Fatal(err)
	}
	if err := generate(e, dir); err != nil {
		b.Fatal(err)
	}
	measureScale(b, dir, file, len(e.Trials()))
	measureServe(b, dir, e)
}

// scaleSource is the experiment: 50 numbers of filters, and as many dense widths as
// it takes.
func scaleSource(configs, seeds int) string {
	list := func(from, n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprint(from+i))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	return fmt.Sprintf(`name: scale
dataset: mnist
matrix:
  filters: %s
  dense: %s
model:
  - conv: {kernel: 5, filters: $filters}
  - maxpool: 4
  - dense: $dense
train: {steps: 2000}
seeds: %d
target: {accuracy: 0.95}
`, list(1, 50), list(8, max(1, configs/50)), seeds)
}

// generate writes a result for all trials but every tenth, as a run does.
func generate(e *experiment.Experiment, out string) error {
	folder, err := store.Create(out, e.Name, e.Source)
	if err != nil {
		return err
	}
	trials := e.Trials()
	return parallel.Each(context.Background(), len(trials), 0, func(i int) error {
		if i%10 == 9 {
			return nil
		}
		return writeMade(folder, e.Name, trials[i], i)
	})
}

func writeMade(folder *store.Folder, name string, t experiment.Trial, i int) error {
	r := made(name, t, i)
	path := folder.ResultPath(r.Key())
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	b, err := store.EncodeResult(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o666)
}

// made is a result as training could have given it: about 4 % of the images
// wrong, one trial in a thousand failed.
func made(name string, t experiment.Trial, i int) result.Result {
	random := rand.New(rand.NewPCG(uint64(i), 1))
	begin := time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)
	r := result.Result{Experiment: name, ConfigID: t.ID, Assignment: t.Assignment, Model: t.Spec().FullLayers(), Train: t.Recipe,
		Dataset: t.Data,
		Seed:    t.Seed, Status: result.Done, Steps: t.Recipe.Steps, Seconds: 2 + random.Float64(), Footprint: t.Footprint, Warnings: []string{},
		Started: begin, Finished: begin.Add(3 * time.Second),
		Environment: result.Environment{Slimfit: "scale", TensorFlow: "2.18.1", Go: runtime.Version(), OS: "linux/amd64", Host: fmt.Sprintf("node%d", i%100),
			CPU: "generated", CPUFeatures: []string{"avx2", "fma"}, Threads: 1, Device: "CPU"}}
	if i%1000 == 500 {
		r.Status, r.Reason, r.Steps = result.Failed, "the worker died: killed by signal: killed", 0
		return r
	}
	for _, s := range result.Splits() {
		predicted, labels := madeAnswers(random, s.Images(t.Data), t.Data.Classes)
		r.SetOn(s, result.Score(predicted, labels, t.Data.Classes))
	}
	return r
}

func madeAnswers(random *rand.Rand, images, classes int) (predicted []int, labels []uint8) {
	share := 0.03 + 0.02*random.Float64()
	for i := range images {
		truth := i % classes
		labels = append(labels, uint8(truth))
		if random.Float64() < share {
			truth = (truth + 1 + random.IntN(classes-1)) % classes
		}
		predicted = append(predicted, truth)
	}
	return predicted, labels
}

// measureScale runs the commands and prints the table.
func measureScale(b *testing.B, dir, file string, trials int) {
	folder := filepath.Join(dir, "scale")
	// The first plan on a machine measures the speed of a dozen packs, once.
	if err := exec.Command(*scaleSlimfit, "plan", file, "--out", dir).Run(); err != nil {
		b.Fatalf("plan: %v", err)
	}
	var w strings.Builder
	fmt.Fprintf(&w, "%d trials, %d CPUs, %s\n\n", trials, runtime.NumCPU(), runtime.Version())
	fmt.Fprintf(&w, "| command | seconds | CPU seconds | memory, MB | output, MB |\n|---|---:|---:|---:|---:|\n")
	done := map[string]bool{}
	for _, args := range [][]string{
		{"plan", file, "--out", dir},
		{"plan", file, "--out", dir, "--format", "json"},
		{"status", folder},
		{"status", folder}, // the results have a cache by now
		{"batch", "status", folder},
		{"batch", "submit", "-n", file, "--out", dir},
		{"report", folder},
	} {
		name := strings.NewReplacer(" "+file, " FILE", " "+folder, " DIR", " --out "+dir, "").Replace(strings.Join(args, " "))
		if args[0] == "status" && !done[name] {
			os.Remove(filepath.Join(folder, "status.cache")) // that plan has made
		}
		cmd, start := exec.Command(*scaleSlimfit, args...), time.Now()
		printed, err := cmd.Output()
		seconds := time.Since(start).Seconds()
		if err != nil {
			b.Errorf("%s: %v", name, err)
			continue
		}
		memory := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10 // Linux counts KiB
		cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		fmt.Fprintf(&w, "| %s | %.1f | %.1f | %d | %.1f |\n", name, seconds, cpu.Seconds(), memory>>20, float64(len(printed))/1e6)
		again := done[name]
		done[name] = true
		if cpu.Seconds() > mostSeconds || memory > mostBytes || again && cpu.Seconds() > mostAgain {
			b.Errorf("%s took %.1f s, %.1f CPU s and %d MB", name, seconds, cpu.Seconds(), memory>>20)
		}
	}
	b.Logf("\n%s", w.String())
}
