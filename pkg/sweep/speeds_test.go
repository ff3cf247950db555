package sweep

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slimfit/pkg/experiment"
)

// The keys of many packs are those of each, whatever the seeds.
func TestSpeedKeys(t *testing.T) {
	a, b := configuration(t, 5, 2, 4, 128, nil), configuration(t, 5, 32, 2, 128, nil)
	workers := []Slot{{Threads: 2}, {Threads: 2}}
	keys := newSpeedKeys(workers)
	one := func(c *experiment.Configuration, n int) []experiment.Trial {
		return grid([]*experiment.Configuration{c}, n)
	}
	packs := [][]experiment.Trial{one(a, 1), one(b, 1), one(b, 1), one(a, 3), one(a, 4), one(a, 3), append(one(a, 1), one(b, 1)...),
		append(one(b, 1), one(a, 1)...), one(a, 9)}
	for i, trials := range packs {
		for seed := range trials {
			trials[seed].Seed += int64(i)
		}
		if got, want := keys.of(trials), speedKey(trials, workers[0], 2); got != want {
			t.Errorf("pack %d: %s, want %s", i, got, want)
		}
	}
	if len(keys.known) != 6 {
		t.Errorf("%d keys kept, want one each for 6 shapes", len(keys.known))
	}
}

func TestSpeeds(t *testing.T) {
	cache := t.TempDir()
	small := grid([]*experiment.Configuration{configuration(t, 5, 2, 4, 128, nil)}, 1)
	wide := grid([]*experiment.Configuration{configuration(t, 5, 32, 2, 128, nil)}, 1)
	workers := []Slot{{Threads: 1}, {Threads: 1}}
	s := LoadSpeeds(cache, "cpu", DefaultCost())
	packs := []Pack{{small, 1}, {small, 1}, {wide, 1}}
	if took, _ := s.Estimate(packs, workers); took != 0 {
		t.Errorf("estimate %v from nothing", took)
	}
	put := func(trials []experiment.Trial, step float64, run bool) {
		s.put(speedKey(trials, workers[0], 2), speed{Step: step, Predicted: DefaultCost().Step(trials), Around: 10, Run: run})
	}
	// Twice as slow as predicted: so will be what was never measured.
	put(small, 2*DefaultCost().Step(small), false)
	took, from := s.Estimate(packs[2:], workers)
	want := 2*DefaultCost().Pack(wide) + 10
	if math.Abs(took.Seconds()-want) > 1e-6 || from != "speed known of 0 of 1 packs" {
		t.Errorf("estimate %v %q, want %.3f s", took, from, want)
	}
	put(wide, 0.01, false)
	put(small, 0.002, true)
	put(small, 0.5, false) // a calibration does not replace a real run
	took, from = s.Estimate(packs, workers)
	if want := 20000*0.01 + 10.0; math.Abs(took.Seconds()-want) > 1e-6 || from != "from a calibration" {
		t.Errorf("estimate %v %q, want %.0f s: two small ones beside the wide one", took, from, want)
	}
	if took, from = s.Estimate(packs[:2], workers); math.Abs(took.Seconds()-50) > 1e-6 || from != "from earlier runs" {
		t.Errorf("estimate %v %q, want 50 s", took, from)
	}
	// Other threads, other neighbours: another speed.
	if _, from := s.Estimate(packs[:1], workers[:1]); from != "speed known of 0 of 1 packs" {
		t.Errorf("alone on the machine: %q", from)
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	again := LoadSpeeds(cache, "cpu", DefaultCost())
	if took, _ := again.Estimate(packs[:2], workers); math.Abs(took.Seconds()-50) > 1e-6 {
		t.Errorf("read again: %v", took)
	}
	if took, _ := LoadSpeeds(cache, "another cpu", DefaultCost()).Estimate(packs, workers); took != 0 {
		t.Errorf("another machine knows %v", took)
	}
	found, _ := filepath.Glob(filepath.Join(cache, "speeds", "*"))
	if len(found) != 1 {
		t.Fatalf("files %v", found)
	}
	if err := os.WriteFile(found[0], []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if took, _ := LoadSpeeds(cache, "cpu", DefaultCost()).Estimate(packs, workers); took != 0 {
		t.Errorf("a damaged file tells %v", took)
	}
}

func TestCalibrate(t *testing.T) {
	set := setting{Jobs: 2, Worker: fakeOptions{StepMillis: 4}}
	command, err := set.command()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Workers: []Slot{{Threads: 1}, {Index: 1, Threads: 1}}, Command: command}
	var configs []*experiment.Configuration
	for _, filters := range []int{16, 17, 18, 19, 20} {
		configs = append(configs, configuration(t, 5, filters, 2, 128, nil))
	}
	packs := BuildPacks(grid(configs, 3), 2, DefaultCost())
	s := LoadSpeeds(t.TempDir(), "cpu", DefaultCost())
	if err := s.Calibrate(context.Background(), []Calibration{{o, packs}}, 3); err != nil {
		t.Fatal(err)
	}
	if _, from := s.Estimate(packs, o.Workers); from != "speed known of 9 of 15 packs" { // three seeds of a shape
		t.Errorf("from %q", from)
	}
	if n := s.Unknown([]Calibration{{o, packs}}, 3); n != 0 {
		t.Errorf("another %d are to be measured every time", n)
	}
	if err := s.Calibrate(context.Background(), []Calibration{{o, packs}}, 99); err != nil {
		t.Fatal(err)
	}
	took, from := s.Estimate(packs, o.Workers)
	if want := 8 * 20000 * 0.004; math.Abs(took.Seconds()-want) > 1e-6 || from != "from a calibration" {
		t.Errorf("estimate %v %q, want %.0f s", took, from, want)
	}
	o.Command = noWorker(t)
	if err := s.Calibrate(context.Background(), []Calibration{{o, packs}}, 99); err != nil {
		t.Error(err)
	}
	set.Worker.Start = "no library"
	if o.Command, err = set.command(); err != nil {
		t.Fatal(err)
	}
	err = LoadSpeeds(t.TempDir(), "cpu", DefaultCost()).Calibrate(context.Background(), []Calibration{{o, packs}}, 1)
	if err == nil || !strings.Contains(err.Error(), "no library") {
		t.Errorf("error %v", err)
	}
}

// Packs of several experiments are measured in one go: at most so many of all,
// each beside as many workers as a run of it has.
func TestCalibrateTogether(t *testing.T) {
	command, err := setting{Jobs: 2, Worker: fakeOptions{StepMillis: 2}}.command()
	if err != nil {
		t.Fatal(err)
	}
	two := Options{Workers: []Slot{{Threads: 1}, {Index: 1, Threads: 1}}, Command: command}
	one := Options{Workers: two.Workers[:1], Command: command}
	var all []Calibration
	for i, o := range []Options{two, one, two} {
		configs := []*experiment.Configuration{configuration(t, 5, 16+i, 2, 128, nil), configuration(t, 5, 16+i, 2, 64, nil)}
		all = append(all, Calibration{o, BuildPacks(grid(configs, 1), len(o.Workers), DefaultCost())})
	}
	s := LoadSpeeds(t.TempDir(), "cpu", DefaultCost())
	if n := s.Unknown(all, 5); n != 5 {
		t.Errorf("%d packs to measure, want 5 of 6", n)
	}
	if err := s.Calibrate(context.Background(), all, 5); err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, c := range all {
		for _, p := range c.Packs {
			if _, ok := s.get(speedKey(p.Trials, c.Workers[0], len(c.Workers))); ok {
				known++
			}
		}
	}
	if n := s.Unknown(all, 5); known != 5 || n != 0 {
		t.Errorf("%d of 6 packs are known, %d are still to measure", known, n)
	}
	if err := s.together(context.Background(), []measurement{{two, all[0].Packs[0]}}, time.Now().Add(-time.Minute)); err != nil ||
		len(s.table.Packs) != 5 {
		t.Errorf("%d packs are known when the time is over, %v", len(s.table.Packs), err)
	}
	all[1].Command = noWorker(t)
	if err := s.Calibrate(context.Background(), all, 5); err != nil {
		t.Error(err)
	}
}

// A run notes how fast its packs were, and the estimate fits the run.
func TestRunNotesSpeeds(t *testing.T) {
	s := small(t)
	s.Filters, s.Seeds, s.Steps, s.Jobs, s.Checkpoint = []int{16, 17}, 1, 300, 2, 0
	s.Worker.StepMillis = 10
	speeds := LoadSpeeds(t.TempDir(), "cpu", DefaultCost())
	before := time.Now()
	var left []float64
	mustRun(t, s, func(o *Options) {
		o.Speeds = speeds
		o.Events = func(e Event) {
			if e.Kind == Progress && e.State.Left > 0 {
				left = append(left, e.State.Left+time.Since(before).Seconds())
			}
		}
	})
	took := time.Since(before).Seconds()
	estimate, from := speeds.Estimate(BuildPacks(s.trials(), 2, DefaultCost()), []Slot{{Threads: 1}, {Threads: 1}})
	if from != "from earlier runs" || !near(estimate.Seconds(), took) {
		t.Errorf("estimate %v %q, it took %.2f s", estimate, from, took)
	}
	if len(left) == 0 || !near(left[len(left)/2], took) {
		t.Errorf("half way it was to take %v, it took %.2f s", left, took)
	}
}

// near allows for a busy machine, where starting the workers takes long.
func near(got, want float64) bool { return got > want/2 && got < want*2 }
