package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

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
	calibrateLongest = 10_000 // where the speed is about known
)

// Calibrate begins no more measurements after calibrateWithin, and gives up
// those that are not done by calibrateEnd: they are estimated by the others.
const (
	calibrateWithin = 11 * time.Second
	calibrateEnd    = 14 * time.Second
)

// Calibration is packs whose speed is to be known. Of the options it needs
// Workers, Command and Source.
type Calibration struct {
	Options
	Packs []Pack
}

// measurement is one pack of a calibration.
type measurement struct {
	Options
	pack Pack
}

// Calibrate measures packs whose speed is not known, a second or so each, the
// costliest first, on the workers that they have, side by side. At most this
// many are known in the end, and it takes at most 15 s: the others are estimated
// by them. Nothing is written but s.
func (s *Speeds) Calibrate(ctx context.Context, all []Calibration, most int) error {
	todo := s.unknown(all, most)
	begun := time.Now()
	for len(todo) > 0 { // those of the same workers at once: they slow each other down as in a run
		workers := todo[0].Workers
		var queue, rest []measurement
		for _, m := range todo {
			if slices.Equal(m.Workers, workers) {
				queue = append(queue, m)
			} else {
				rest = append(rest, m)
			}
		}
		if err := s.together(ctx, queue, begun); err != nil {
			return fmt.Errorf("calibrate: %w", err)
		}
		todo = rest
	}
	return nil
}

// together measures packs that have the same workers.
func (s *Speeds) together(ctx context.Context, todo []measurement, begun time.Time) error {
	queue := make(chan measurement, len(todo))
	for _, m := range todo {
		queue <- m
	}
	close(queue)
	over := errors.New("time is over")
	ctx, end := context.WithDeadlineCause(ctx, begun.Add(calibrateEnd), over)
	defer end()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for _, slot := range todo[0].Workers {
		workers.Go(func() {
			if err := s.measure(ctx, slot, queue, begun); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	if err := context.Cause(ctx); !errors.Is(err, over) {
		return err
	}
	return nil
}

// Unknown is how many packs Calibrate would measure.
func (s *Speeds) Unknown(all []Calibration, most int) int { return len(s.unknown(all, most)) }

// unknown lists a pack of each shape that was not measured yet, the shapes that
// cost most in total first.
func (s *Speeds) unknown(all []Calibration, most int) []measurement {
	total := map[string]float64{}
	example := map[string]measurement{}
	known := map[string]bool{}
	var keys []string
	for _, c := range all {
		if len(c.Packs) == 0 {
			continue
		}
		speedKeys := newSpeedKeys(c.Workers)
		for _, p := range c.Packs {
			k := speedKeys.of(p.Trials)
			if _, ok := s.get(k); ok {
				known[k] = true
				continue
			}
			if _, ok := example[k]; !ok {
				keys, example[k] = append(keys, k), measurement{c.Options, p}
			}
			total[k] += p.Cost
		}
	}
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(total[b], total[a]) })
	var todo []measurement
	for _, k := range keys[:max(0, min(most-len(known), len(keys)))] {
		todo = append(todo, example[k])
	}
	return todo
}

// measure lets one worker measure packs of the queue.
func (s *Speeds) measure(ctx context.Context, slot Slot, queue <-chan measurement, begun time.Time) error {
	var w *workerproc.Process
	defer func() {
		if w != nil {
			w.Close(0) // it holds nothing that matters
		}
	}()
	for m := range queue {
		if time.Since(begun) > calibrateWithin {
			return nil
		}
		p := m.pack
		settings := slot.settings(p.Trials[0].Recipe)
		settings.Deterministic = slices.ContainsFunc(p.Trials, func(t experiment.Trial) bool { return t.Recipe.Deterministic })
		if w != nil && w.Settings != settings {
			w.Close(0)
			w = nil
		}
		if w == nil {
			var err error
			if w, err = workerproc.Start(ctx, m.Command(settings)); err != nil {
				return err
			}
			w.Settings = settings
		}
		fit, _ := s.stack(p.Trials[0], slot.Device)
		step, err := measureOne(ctx, w, m.Options, p.Trials, fit, stepsIn(s.cost.Step(p.Trials), calibrateMost))
		if err != nil {
			return err
		}
		s.put(speedKey(p.Trials, m.Workers[0], len(m.Workers)), speed{Step: step, Predicted: s.cost.Step(p.Trials)})
	}
	return nil
}

// stepsIn is how many steps are measured where one takes about so many seconds.
func stepsIn(seconds float64, most int) int {
	return min(max(int(calibrateSeconds/max(seconds, 1e-6)), calibrateLeast), most)
}

// measureOne returns the seconds a step of a pack of the trials, a stack as fit has it.
func measureOne(ctx context.Context, w *workerproc.Process, o Options, trials []experiment.Trial, fit stackFit,
	steps int) (float64, error) {
	pack := newPack(1, o.Source, trials[0])
	pack.Form, pack.Unroll = fit.Form, fit.unroll(len(trials))
	for _, t := range trials {
		pack.Members = append(pack.Members, protocol.Member{Key: t.Key(), Layers: t.Layers})
	}
	e, err := w.Ask(ctx, protocol.Command{Measure: &protocol.Measure{Pack: pack, Steps: steps}}, protocol.Measured, nil)
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", nameOf(trials), err)
	}
	return e.Seconds, nil
}

func nameOf(trials []experiment.Trial) string {
	if len(trials) == 1 {
		return trials[0].ID
	}
	return fmt.Sprintf("%s and %d more", trials[0].ID, len(trials)-1)
}
