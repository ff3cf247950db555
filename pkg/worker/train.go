package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/graph"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/train"
)

// progressEvery is the time between two Progress events.
const progressEvery = time.Second

// job is one pack in training.
type job struct {
	*server
	pack     protocol.Pack
	training *train.Training
	started  time.Time
	cpuOps   *int // operations of a step that run on the CPU beside a GPU
	form     *result.Pack
	warnings [][]string // of each member
	gone     []bool     // finished, diverged, stopped early or fenced: nothing more is written for it
	saved    time.Time  // last checkpoint
	told     time.Time  // last Progress
	noted    []int      // points of each member's history that are in its file
}

// nets are the pack's networks.
func nets(p protocol.Pack) []graph.Net {
	out := make([]graph.Net, len(p.Members))
	for i, m := range p.Members {
		out[i] = graph.Net{Seed: m.Key.Seed, Spec: p.Data.Spec(m.Layers)}
	}
	return out
}

func (s *server) newTraining(p protocol.Pack, set *dataset.Set) (*train.Training, error) {
	if len(p.Members) == 0 {
		return nil, errors.New("a pack without members")
	}
	device := graph.DeviceFor(p.Recipe, s.options.Threads, s.options.GPU)
	device.MemoryFraction = s.options.MemoryFraction
	device, err := s.stem(p, device)
	if err != nil {
		return nil, err
	}
	teacher, err := s.teacherLogits(p, set, device)
	if err != nil {
		return nil, err
	}
	return train.New(set, nets(p), p.Recipe, teacher, device)
}

// stem chooses the kernels of the pack's first convolutions: those that the
// worker was started with, those that the pack asks for, or those that its
// checkpoint was made with.
func (s *server) stem(p protocol.Pack, d graph.Device) (graph.Device, error) {
	wanted := cmp.Or(s.options.Stem, p.Stem)
	if wanted == "" && p.Step > 0 {
		b, err := store.LoadCheckpointAt(p.Members[0].Dir, p.Step)
		if err != nil {
			return d, fmt.Errorf("resume %s at step %d: %w", p.Members[0].Key, p.Step, err)
		}
		from, err := train.OriginOf(b)
		if err != nil {
			return d, fmt.Errorf("resume %s at step %d: %w", p.Members[0].Key, p.Step, err)
		}
		wanted = cmp.Or(from.Stem, graph.StockStem)
	}
	return d.WithStem(wanted)
}

// train runs a pack to its end or to a Stop.
func (s *server) train(ctx context.Context, p protocol.Pack) error {
	set, err := s.load(p)
	if err != nil {
		return err
	}
	t, err := s.newTraining(p, set)
	if err != nil {
		return err
	}
	defer t.Close()
	now := time.Now()
	j := &job{server: s, pack: p, training: t, started: now, saved: now,
		warnings: make([][]string, len(p.Members)), gone: make([]bool, len(p.Members)), noted: make([]int, len(p.Members))}
	notes, err := j.device()
	if err != nil {
		return err
	}
	for i := range j.warnings {
		j.warnings[i] = append(append(j.warnings[i], set.Cautions...), notes...)
	}
	if p.Step > 0 {
		if err := j.restore(); err != nil {
			return err
		}
	}
	s.emit(protocol.Event{Type: protocol.Started, Pack: p.ID, Step: t.Step()})
	stopped, err := j.loop(ctx)
	if err != nil || stopped {
		return err
	}
	if err := j.finish(); err != nil {
		return err
	}
	s.emit(protocol.Event{Type: protocol.PackDone, Pack: p.ID, Step: t.Step()})
	return nil
}

// device looks whether the pack computes where, and as, it was asked to.
func (j *job) device() (notes []string, err error) {
	if j.env.Device == "CPU" {
		if j.pack.Recipe.Precision == models.TF32 {
			notes = append(notes, "tf32 was asked for, but a CPU computes in float32")
		}
		return notes, nil
	}
	p, err := j.training.Placement()
	if err != nil {
		return nil, err
	}
	n := len(p.OnCPU)
	j.cpuOps, j.form = &n, &result.Pack{Form: j.training.Form(), Members: len(j.pack.Members)}
	if n > 0 {
		notes = append(notes, p.Warning())
	}
	return notes, nil
}

// loop trains until every step is done; stopped is true after a Stop.
func (j *job) loop(ctx context.Context) (stopped bool, err error) {
	if err := j.stopHopeless(); err != nil { // of a pack that is taken up again
		return false, err
	}
	if j.training.Done() || !slices.Contains(j.gone, false) {
		return false, j.failed
	}
	if stop, err := j.wanted(ctx); stop || err != nil {
		return stop, err
	}
	err = j.training.Run(ctx, func() (more bool, err error) {
		more, stopped, err = j.between(ctx)
		return more, err
	})
	if err != nil || stopped {
		return stopped, err
	}
	return false, j.failed
}

// between does what is due after a step: it drops members, tells how far the
// others are, saves checkpoints and looks for a Stop, after which stopped is
// true.
func (j *job) between(ctx context.Context) (more, stopped bool, err error) {
	if err := j.dropDiverged(); err != nil {
		return false, false, err
	}
	if err := j.stopHopeless(); err != nil {
		return false, false, err
	}
	now := time.Now()
	if now.Sub(j.told) >= progressEvery {
		j.told = now
		j.progress()
	}
	if j.training.Done() || !slices.Contains(j.gone, false) {
		return false, false, nil
	}
	every := time.Duration(j.pack.CheckpointEvery * float64(time.Second))
	if every > 0 && now.Sub(j.saved) >= every {
		if err := j.checkpoint(); err != nil {
			return false, false, err
		}
		j.saved = time.Now()
	}
	stopped, err = j.wanted(ctx)
	return !stopped, stopped, err
}

// wanted looks for a command without waiting. Stop is the only one that makes
// sense in mid-training.
func (j *job) wanted(ctx context.Context) (stop bool, err error) {
	select {
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case c := <-j.commands:
		if !c.Stop {
			return false, errors.New("a command other than stop in mid-training")
		}
		if err := j.checkpoint(); err != nil {
			return true, err
		}
		j.emit(protocol.Event{Type: protocol.Stopped, Pack: j.pack.ID, Step: j.training.Step()})
		return true, nil
	default:
		return false, j.failed
	}
}

// progress tells how far the members are, and writes what their histories have
// gained.
func (j *job) progress() {
	e := protocol.Event{Type: protocol.Progress, Pack: j.pack.ID, Step: j.training.Step()}
	for i, m := range j.pack.Members {
		history := j.training.History(i)
		if !j.gone[i] && len(history) > j.noted[i] {
			// a training does not end for what is only looked at: it is written again with the next points
			_ = j.fenced(i, store.SaveHistory(m.Dir, m.Token, history))
			j.noted[i] = len(history)
		}
		if j.gone[i] {
			continue
		}
		loss, validation := j.training.Loss(i)
		e.Members = append(e.Members, protocol.MemberProgress{Key: m.Key, Loss: loss, Validation: validation})
	}
	j.emit(e)
}

// origin is what a resumed training compares.
func (j *job) origin(i int) train.Origin {
	return train.Origin{Threads: j.env.Threads, TensorFlow: j.env.TensorFlow, CPUFeatures: j.env.CPUFeatures, Device: j.env.Device,
		Stem: j.training.Stem(i)}
}

// dropDiverged reports members whose loss is not finite as soon as it happens.
func (j *job) dropDiverged() error {
	for i := range j.pack.Members {
		reason := j.training.Diverged(i)
		if reason == "" || j.gone[i] {
			continue
		}
		r := result.Result{Status: result.Diverged, Reason: reason, Train: j.pack.Recipe, Dataset: j.pack.Data,
			Steps: j.training.Step(), Seconds: j.training.Seconds(i)}
		if err := j.tell(i, protocol.Finished, r, nil); err != nil {
			return err
		}
	}
	return nil
}

// finish judges the members that are left, saves their weights and reports
// them.
func (j *job) finish() error {
	if !slices.Contains(j.gone, false) {
		return nil
	}
	results, err := j.training.Results(j.pack.Test)
	if err != nil {
		return err
	}
	scores, err := j.training.Scores(j.pack.Test, j.pack.Shifts)
	if err != nil {
		return err
	}
	for i, r := range results {
		if j.gone[i] {
			continue
		}
		w, err := j.training.Weights(i)
		if err != nil {
			return err
		}
		b, err := w.MarshalBinary()
		if err != nil {
			return fmt.Errorf("save the weights of %s: %w", j.pack.Members[i].Key, err)
		}
		m := j.pack.Members[i]
		if err := j.fenced(i, store.SaveWeights(m.Dir, m.Token, b)); err != nil {
			return fmt.Errorf("save the weights of %s: %w", m.Key, err)
		}
		if j.gone[i] {
			continue
		}
		r.WeightsSHA = w.SHA256()
		if err := j.tell(i, protocol.Finished, r, &scores[i]); err != nil {
			return err
		}
	}
	return nil
}

// tell fills in what the worker knows of a member's result and reports it in an
// event of the given type; the member is dropped.
func (j *job) tell(i int, what protocol.EventType, r result.Result, s *result.Scores) error {
	key := j.pack.Members[i].Key
	r.ConfigID, r.Seed = key.ConfigID, key.Seed
	r.Environment = j.env
	r.Environment.CPUOps, r.Environment.Pack, r.Environment.Stem = j.cpuOps, j.form, j.training.Stem(i)
	r.Warnings = append([]string{}, j.warnings[i]...)
	r.Started, r.Finished = j.started.UTC(), time.Now().UTC()
	j.gone[i] = true
	j.emit(protocol.Event{Type: what, Pack: j.pack.ID, Step: j.training.Step(), Key: &key,
		Result: &r, Scores: s, History: j.training.History(i)})
	return j.failed
}
