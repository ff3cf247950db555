package lab

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

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
	return PlanSources{Status: folderStatus, Estimate: l.estimateTime}
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

// estimateTime predicts how long the pending trials take on this machine, from
// earlier runs in the folder, earlier calibrations, or a new one where a worker
// and the images are at hand.
func (l *Lab) estimateTime(ctx context.Context, e *experiment.Experiment, pending []experiment.Trial) (time.Duration, string, error) {
	m := machine.Read()
	speeds := sweep.LoadSpeeds(l.Cache, m.Name(), sweep.DefaultCost())
	place, err := l.placement(ctx, m, e.Batch)
	if err != nil {
		return 0, "", err
	}
	workers := place.Slots(pending)
	earlier := sweep.LoadSpeeds(filepath.Join(l.Out, e.Name), m.Name(), sweep.DefaultCost())
	known := sweep.LoadSpeeds(l.Cache, m.Name(), sweep.DefaultCost())
	known.Learn(earlier)
	packs := known.Packs(pending, workers)
	if n := known.Unmeasured(pending, workers); n > 0 {
		l.Note("on %s, run first tries sizes of packs for %s, a few seconds each", workers[0].Device, text.Count(n, "network"))
	}
	if took, from := known.Estimate(packs, workers); from == sweep.FromRuns || !l.canMeasure(e) {
		return took, from, nil
	}
	file, err := l.WorkerFile()
	if err != nil {
		return 0, "", err
	}
	o := sweep.Options{Workers: workers, Command: workerCommand(file), Source: l.sourceOf(e)}
	if n := speeds.Unknown(o, packs, calibrateMost); n > 0 {
		l.Note("measuring the speed of %s on this machine, once", text.Count(n, "pack"))
		if err := speeds.Calibrate(ctx, o, packs, calibrateMost); err != nil {
			if ctx.Err() != nil {
				return 0, "", err
			}
			l.Note("no time estimate: %v", err)
			return 0, "", nil
		}
		if err := speeds.Save(); err != nil {
			l.Note("%v", err) // it is measured again next time
		}
	}
	speeds.Learn(earlier)
	took, from := speeds.Estimate(packs, workers)
	return took, from, nil
}

// canMeasure says whether there is a worker, and images to train on.
func (l *Lab) canMeasure(e *experiment.Experiment) bool {
	file, err := l.WorkerFile()
	if err != nil {
		return false
	}
	if info, err := os.Stat(file); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
		return false
	}
	return e.Ref.Path != "" || dataset.Cached(e.Ref.Name, l.Cache) == nil
}
