package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"

	"slimfit/models"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/footprint"
	"slimfit/pkg/parallel"
	"slimfit/pkg/report"
	"slimfit/pkg/store"
	"slimfit/pkg/text"
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
func (l *Lab) measureForTarget(ctx context.Context, e *experiment.Experiment, keep bool) error {
	if e.Target == nil || !slices.ContainsFunc(e.Target.Costs(), footprint.Cost.Measured) {
		return nil
	}
	if err := measureFiles(e, nil); err != nil {
		return exit.With(exit.Usage, fmt.Errorf("%s: %w", e.File, err))
	}
	if e.Target.Device != "" {
		return l.measureOnChip(ctx, e, e.Configs, true, keep)
	}
	if slices.Contains(e.Target.Costs(), footprint.TFLiteInt8Bytes) && e.Target.Precision != experiment.Int8 {
		l.Note("the target counts bytes of int8 files and judges float32 networks: target.precision: int8 judges the files")
	}
	if !slices.Contains(e.Target.Costs(), footprint.LatencyMicros) {
		return nil
	}
	return l.measureLatencies(ctx, e, keep)
}

// measureFiles fills in the sizes of every configuration but those of the IDs in
// known.
func measureFiles(e *experiment.Experiment, known map[string]bool) error {
	errs := make([]error, len(e.Configs))
	parallel.Each(context.Background(), len(e.Configs), 0, func(i int) error {
		if known[e.Configs[i].ID] || known != nil && e.Configs[i].Footprint.Measured != nil {
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
func (l *Lab) measureForReports(inputs []report.Input) {
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
		l.chipsForReport(e)
		left := 0
		for _, cfg := range e.Configs {
			if !known[cfg.ID] && cfg.Footprint.Measured == nil {
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
func (l *Lab) measureLatencies(ctx context.Context, e *experiment.Experiment, keep bool) error {
	file := filepath.Join(l.Out, e.Name, latencyName)
	known, err := readFigures[footprint.Latency](file)
	if err != nil {
		return err
	}
	byNetwork := map[string]*footprint.Latency{} // configurations that differ in training alone are one network
	for _, cfg := range e.Configs {
		if k := known[cfg.ID]; k != nil {
			byNetwork[networkKey(cfg)] = k
		}
	}
	var w *workerproc.Process
	fresh := false
	for i := range e.Configs {
		cfg := &e.Configs[i]
		took := byNetwork[networkKey(*cfg)]
		if took == nil {
			if w == nil {
				if w, err = l.startWorker(ctx); err != nil {
					return err
				}
				defer w.Close(0)
				l.Note("measuring the latency of %s", text.Count(len(e.Configs), "configuration"))
			}
			if took, err = latencyOf(ctx, w, cfg.Layers, cfg.Data); err != nil {
				return err
			}
			byNetwork[networkKey(*cfg)] = took
		}
		fresh = fresh || known[cfg.ID] == nil
		known[cfg.ID] = took
		cfg.Footprint.Measured.Latency = took
	}
	if !fresh || !keep {
		return nil
	}
	return l.writeFigures(e, file, known)
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

// readFigures reads a run folder's figures by configuration ID; there may be
// none yet.
func readFigures[T any](file string) (map[string]*T, error) {
	known := map[string]*T{}
	b, err := store.ReadFile(file, store.MaxJSON)
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, exit.Failed(fmt.Errorf("read measured figures: %w", err))
	}
	if err := json.Unmarshal(b, &known); err != nil {
		return nil, exit.Failed(fmt.Errorf("read measured figures: %s: %w; remove it to measure anew", file, err))
	}
	return known, nil
}

func (l *Lab) writeFigures(e *experiment.Experiment, file string, known any) error {
	if _, err := l.Create(e); err != nil {
		return exit.Failed(err)
	}
	return exit.Failed(store.WriteJSON(file, known))
}
