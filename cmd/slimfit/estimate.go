package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/dataset"
	"slimfit/pkg/experiment"
	"slimfit/pkg/machine"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
)

// runSources is what run folders and measured speeds tell plan.
func runSources() planSources {
	return planSources{status: folderStatus, estimate: estimateTime}
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
func estimateTime(c *cli.Context, e *experiment.Experiment, pending []experiment.Trial) (time.Duration, string, error) {
	m := machine.Read()
	speeds := sweep.LoadSpeeds(c.String("cache"), m.Name(), sweep.DefaultCost())
	place, err := placement(c, m, e.Batch)
	if err != nil {
		return 0, "", err
	}
	workers := place.Slots(pending)
	packs := sweep.BuildPacks(pending, len(workers), sweep.DefaultCost())
	earlier := sweep.LoadSpeeds(filepath.Join(c.String("out"), e.Name), m.Name(), sweep.DefaultCost())
	known := sweep.LoadSpeeds(c.String("cache"), m.Name(), sweep.DefaultCost())
	known.Learn(earlier)
	if took, from := known.Estimate(packs, workers); from == sweep.FromRuns || !canMeasure(c, e) {
		return took, from, nil
	}
	file, err := workerFile(c)
	if err != nil {
		return 0, "", err
	}
	o := sweep.Options{Workers: workers, Command: workerCommand(file, wantsDeterminism(e.Trials())), Source: sourceOf(c, e)}
	if n := speeds.Unknown(o, packs, calibrateMost); n > 0 {
		note(c, "measuring the speed of %s on this machine, once", count(n, "pack"))
		if err := speeds.Calibrate(c.Context, o, packs, calibrateMost); err != nil {
			if c.Context.Err() != nil {
				return 0, "", err
			}
			note(c, "no time estimate: %v", err)
			return 0, "", nil
		}
		if err := speeds.Save(); err != nil {
			note(c, "%v", err) // it is measured again next time
		}
	}
	speeds.Learn(earlier)
	took, from := speeds.Estimate(packs, workers)
	return took, from, nil
}

// canMeasure says whether there is a worker, and images to train on.
func canMeasure(c *cli.Context, e *experiment.Experiment) bool {
	file, err := workerFile(c)
	if err != nil {
		return false
	}
	if info, err := os.Stat(file); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
		return false
	}
	return e.Ref.Path != "" || dataset.Cached(e.Ref.Name, c.String("cache")) == nil
}
