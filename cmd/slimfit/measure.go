package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/footprint"
	"slimfit/pkg/parallel"
	"slimfit/pkg/report"
	"slimfit/pkg/store"
	"slimfit/pkg/workerproc"
)

// measuredFootprint adds what a configuration's files take to its footprint,
// once for each. A network that has no such files keeps the counted figures.
func measuredFootprint() func(*experiment.Configuration) footprint.Footprint {
	var mu sync.Mutex
	known := map[string]*footprint.Measured{}
	return func(cfg *experiment.Configuration) footprint.Footprint {
		f := cfg.Footprint
		if f.Measured != nil {
			return f
		}
		mu.Lock()
		defer mu.Unlock()
		m, ok := known[cfg.ID]
		if !ok {
			if got, err := export.Measure(cfg.Spec()); err == nil {
				m = &got
			}
			known[cfg.ID] = m
		}
		f.Measured = m
		return f
	}
}

// measureForTarget measures what the target's costs need, before anything is
// trained: files for all configurations, and latencies, which are measured once
// and kept in the run folder.
func measureForTarget(c *cli.Context, e *experiment.Experiment) error {
	if e.Target == nil || !slices.ContainsFunc(e.Target.Costs(), footprint.Cost.Measured) {
		return nil
	}
	if err := measureFiles(e, nil); err != nil {
		return &exitError{code: exitUsage, err: fmt.Errorf("%s: %w", e.File, err)}
	}
	if !slices.Contains(e.Target.Costs(), footprint.LatencyMicros) {
		return nil
	}
	return measureLatencies(c, e)
}

// measureFiles fills in the sizes of every configuration but those of the IDs in
// known.
func measureFiles(e *experiment.Experiment, known map[string]bool) error {
	errs := make([]error, len(e.Configs))
	parallel.Each(context.Background(), len(e.Configs), 0, func(i int) error {
		if known[e.Configs[i].ID] {
			return nil
		}
		m, err := export.Measure(e.Configs[i].Spec())
		if err != nil {
			errs[i] = fmt.Errorf("%s: %w", e.Configs[i].ID, err)
			return nil
		}
		e.Configs[i].Footprint.Measured = &m
		return nil
	})
	return errors.Join(errs...)
}

// maxMeasured is the most networks that a report measures by itself, in a second
// or two; a grid of thousands is reported with what its results say.
const maxMeasured = 500

// measureForReports fills in the sizes that neither a result nor a certificate
// says: of networks not trained yet, and of results of an older slimfit. A
// network that has no such files stays without.
func measureForReports(inputs []report.Input) {
	known := map[string]bool{}
	for i := range inputs {
		for j := range inputs[i].Results {
			if r := &inputs[i].Results[j]; r.Footprint.Measured != nil {
				known[r.ConfigID] = true
			}
		}
		if c := inputs[i].Certificate; c != nil {
			for _, j := range c.Candidates {
				known[j.ConfigID] = known[j.ConfigID] || j.Measured != nil
			}
		}
	}
	for i := range inputs {
		e := inputs[i].Experiment
		if e == nil {
			continue
		}
		left := 0
		for _, cfg := range e.Configs {
			if !known[cfg.ID] {
				left++
			}
		}
		if left <= maxMeasured {
			_ = measureFiles(e, known) // the report's row of a network without files says so
		}
	}
}

// latencyName is the file of a run folder with the latencies of its networks.
const latencyName = "latency.json"

// measureLatencies fills in every configuration's latency: what the run folder
// has, else what a worker measures now.
func measureLatencies(c *cli.Context, e *experiment.Experiment) error {
	file := filepath.Join(c.String("out"), e.Name, latencyName)
	known, err := readLatencies(file)
	if err != nil {
		return err
	}
	byNetwork := map[string]*footprint.Latency{} // configurations that differ in training alone are one network
	for _, cfg := range e.Configs {
		if l := known[cfg.ID]; l != nil {
			byNetwork[networkKey(cfg)] = l
		}
	}
	var w *workerproc.Process
	fresh := false
	for i := range e.Configs {
		cfg := &e.Configs[i]
		l := byNetwork[networkKey(*cfg)]
		if l == nil {
			if w == nil {
				if w, err = startWorker(c); err != nil {
					return err
				}
				defer w.Close(0)
				note(c, "measuring the latency of %s", count(len(e.Configs), "configuration"))
			}
			if l, err = latencyOf(c, w, cfg.Layers, cfg.Data); err != nil {
				return err
			}
			byNetwork[networkKey(*cfg)] = l
		}
		fresh = fresh || known[cfg.ID] == nil
		known[cfg.ID] = l
		cfg.Footprint.Measured.Latency = l
	}
	if !fresh || c.Bool("dry-run") {
		return nil
	}
	return writeLatencies(c, e, known)
}

// networkKey is the same for configurations of one network.
func networkKey(cfg experiment.Configuration) string {
	b, _ := json.Marshal(struct {
		Layers []models.Layer
		Input  models.Shape
		Class  int
	}{cfg.Layers, cfg.Data.Input, cfg.Data.Classes}) // validated numbers: cannot fail
	return string(b)
}

// readLatencies reads a run folder's latencies by configuration ID; there may
// be none yet.
func readLatencies(file string) (map[string]*footprint.Latency, error) {
	known := map[string]*footprint.Latency{}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, ioError(fmt.Errorf("read latencies: %w", err))
	}
	if err := json.Unmarshal(b, &known); err != nil {
		return nil, ioError(fmt.Errorf("read latencies: %s: %w; remove it to measure anew", file, err))
	}
	return known, nil
}

func writeLatencies(c *cli.Context, e *experiment.Experiment, known map[string]*footprint.Latency) error {
	folder, err := store.Create(c.String("out"), e.Name, e.Source)
	if err != nil {
		return ioError(err)
	}
	b, err := json.MarshalIndent(known, "", "  ")
	if err != nil {
		return fmt.Errorf("write latencies: %w", err)
	}
	return ioError(store.WriteFile(filepath.Join(folder.Dir, latencyName), append(b, '\n')))
}
