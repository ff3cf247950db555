package sweep

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"slimfit/pkg/experiment"
	"slimfit/pkg/protocol"
	"slimfit/pkg/workerproc"
)

// Calibration of one pack takes about calibrateSeconds of training steps; its
// bounds keep a wrong prediction harmless.
const (
	calibrateSeconds = 1.0
	calibrateLeast   = 10 // steps
	calibrateMost    = 500
)

// Calibrate measures packs whose speed is not known, a second or so each, the
// costliest first, on the options' workers side by side. At most this many are
// known in the end: the others are estimated by them. Nothing is written but s. Of the options it needs Workers, Command and
// Source.
func (s *Speeds) Calibrate(ctx context.Context, o Options, packs []Pack, most int) error {
	todo := s.unknown(o, packs, most)
	if len(todo) == 0 {
		return nil
	}
	queue := make(chan Pack, len(todo))
	for _, p := range todo {
		queue <- p
	}
	close(queue)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for _, slot := range o.Workers {
		workers.Go(func() {
			if err := s.measure(ctx, o, slot, queue); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("calibrate: %w", context.Cause(ctx))
	}
	return nil
}

// Unknown is how many packs Calibrate would measure.
func (s *Speeds) Unknown(o Options, packs []Pack, most int) int {
	return len(s.unknown(o, packs, most))
}

// unknown lists a pack of each shape that was not measured yet, the shapes that
// cost most in total first.
func (s *Speeds) unknown(o Options, packs []Pack, most int) []Pack {
	total := map[string]float64{}
	example := map[string]Pack{}
	known := map[string]bool{}
	var keys []string
	speedKeys := newSpeedKeys(o.Workers)
	for _, p := range packs {
		k := speedKeys.of(p.Trials)
		if _, ok := s.get(k); ok {
			known[k] = true
			continue
		}
		if _, ok := example[k]; !ok {
			keys, example[k] = append(keys, k), p
		}
		total[k] += p.Cost
	}
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(total[b], total[a]) })
	var todo []Pack
	for _, k := range keys[:max(0, min(most-len(known), len(keys)))] {
		todo = append(todo, example[k])
	}
	return todo
}

// measure lets one worker measure packs of the queue.
func (s *Speeds) measure(ctx context.Context, o Options, slot Slot, queue <-chan Pack) error {
	var w *workerproc.Process
	defer func() {
		if w != nil {
			w.Close(0) // it holds nothing that matters
		}
	}()
	for p := range queue {
		settings := slot.settings(p.Trials[0].Recipe)
		settings.Deterministic = slices.ContainsFunc(p.Trials, func(t experiment.Trial) bool { return t.Recipe.Deterministic })
		if w != nil && w.Settings != settings {
			w.Close(0)
			w = nil
		}
		if w == nil {
			var err error
			if w, err = workerproc.Start(ctx, o.Command(settings)); err != nil {
				return err
			}
			w.Settings = settings
		}
		step, err := measureOne(ctx, w, o, p, s.cost.Step(p.Trials))
		if err != nil {
			return err
		}
		s.put(speedKey(p.Trials, o.Workers[0], len(o.Workers)), speed{Step: step, Predicted: s.cost.Step(p.Trials)})
	}
	return nil
}

// measureOne returns the seconds a step of the pack.
func measureOne(ctx context.Context, w *workerproc.Process, o Options, p Pack, predicted float64) (float64, error) {
	t := p.Trials[0]
	pack := newPack(1, o.Source, t)
	for _, t := range p.Trials {
		pack.Members = append(pack.Members, protocol.Member{Key: t.Key(), Layers: t.Layers})
	}
	steps := min(max(int(calibrateSeconds/max(predicted, 1e-6)), calibrateLeast), calibrateMost)
	e, err := w.Ask(ctx, protocol.Command{Measure: &protocol.Measure{Pack: pack, Steps: steps}}, protocol.Measured, nil)
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", nameOf(p.Trials), err)
	}
	return e.Seconds, nil
}

func nameOf(trials []experiment.Trial) string {
	if len(trials) == 1 {
		return trials[0].ID
	}
	return fmt.Sprintf("%s and %d more", trials[0].ID, len(trials)-1)
}
