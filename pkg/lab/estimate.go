package lab

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/machine"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
	"slimfit/pkg/text"
)

// RunSources is what run folders and measured speeds tell plan.
func (l *Lab) RunSources() PlanSources {
	return PlanSources{Status: folderStatus, Estimate: l.estimateTimes}
}

// folderStatus says where the trials of a run folder stand; of one that is not
// there, nothing.
func folderStatus(dir string) (map[result.Key]result.Status, error) {
	folder, err := store.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return sweep.Statuses(folder)
}

// calibrateMost bounds the packs that plan measures, a second or two each.
const calibrateMost = 12

// speedsIn reads the speeds that a folder keeps of the machine. Other kernels of
// first convolutions are another machine, and so is the time before there were any.
func speedsIn(dir string, m machine.Machine, stem string) *sweep.Speeds {
	return sweep.LoadSpeeds(dir, m.Name()+", stem "+cmp.Or(stem, os.Getenv("SLIMFIT_STEM"), "own"), sweep.DefaultCost())
}

// estimateTimes predicts how long pending trials take on this machine, from
// earlier runs in their folders, earlier calibrations, or a new one of all
// together where a worker and the images are at hand.
func (l *Lab) estimateTimes(ctx context.Context, all []Pending) ([]PlanEstimate, error) {
	m := machine.Read()
	speeds := speedsIn(l.Cache, m, "")
	work := make([]sweep.Calibration, len(all))
	var unknown []sweep.Calibration
	for i, p := range all {
		place, err := l.placement(ctx, m, p.Experiment.Batch)
		if err != nil {
			return nil, err
		}
		workers := place.Slots(p.Trials)
		known := speedsIn(l.Cache, m, "")
		known.Learn(speedsIn(filepath.Join(l.Out, p.Experiment.Name), m, ""))
		if n := known.Unmeasured(p.Trials, workers, place.Sharing()); n > 0 {
			what := "sizes of packs"
			if place.Sharing() > 1 {
				what += " and workers side by side"
			}
			l.Note("on %s, run first tries %s for %s, a few seconds each", workers[0].Device, what, text.Count(n, "network"))
		}
		var best string
		if workers, best = known.Shared(p.Trials, workers, place.Sharing()); best != "" {
			l.Note("%s", best)
		}
		work[i] = sweep.Calibration{Packs: known.Packs(p.Trials, workers),
			Options: sweep.Options{Workers: workers, Source: l.sourceOf(p.Experiment)}}
		if _, from := known.Estimate(work[i].Packs, workers); from == sweep.FromRuns || l.NoMeasure || !l.canMeasure(p.Experiment) {
			continue
		}
		file, err := l.WorkerFile()
		if err != nil {
			return nil, err
		}
		work[i].Command = workerCommand(file)
		unknown = append(unknown, work[i])
	}
	if n := speeds.Unknown(unknown, calibrateMost); n > 0 {
		l.Note("measuring the speed of %s on this machine, once, in at most 15 s; --no-measure plans without", text.Count(n, "pack"))
		err := speeds.Calibrate(ctx, unknown, calibrateMost)
		if ctx.Err() != nil {
			return nil, err
		}
		if err = errors.Join(err, speeds.Save()); err != nil {
			l.Note("%v", err) // what is not known is estimated, and measured next time
		}
	}
	estimates := make([]PlanEstimate, len(all))
	for i, w := range work {
		speeds.Learn(speedsIn(filepath.Join(l.Out, all[i].Experiment.Name), m, ""))
		took, from := speeds.Estimate(w.Packs, w.Workers)
		estimates[i] = PlanEstimate{took.Seconds(), from}
	}
	return estimates, nil
}

// canMeasure says whether there is a worker, and images to train on, which pooled folds have none of.
func (l *Lab) canMeasure(e *experiment.Experiment) bool {
	file, err := l.WorkerFile()
	if err != nil {
		return false
	}
	if info, err := os.Stat(file); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
		return false
	}
	return e.Ref.Path != "" && e.Data.Folds == 0 || dataset.Cached(e.Ref.Name, l.Cache) == nil
}
