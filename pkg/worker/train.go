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
	stopped  bool       // by a Stop
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

// input are the pack's images, and what a training of it needs besides them.
func (s *server) input(p protocol.Pack) (set *dataset.Set, o train.Options, err error) {
	if len(p.Members) == 0 {
		return nil, o, errors.New("a pack without members")
	}
	if set, err = s.load(p); err != nil {
		return nil, o, err
	}
	o.Device = graph.DeviceFor(p.Recipe, s.options.Threads, s.options.GPU)
	o.Device.MemoryFraction, o.Device.StackForm, o.Device.Unroll = s.options.MemoryFraction, p.Form, p.Unroll
	if o.Device, err = s.stem(p, o.Device); err != nil {
		return nil, o, err
	}
	o.Teacher, err = s.teacherLogits(p, set, o.Device)
	return set, o, err
}

// newTraining is for what is less than a training.
func (s *server) newTraining(p protocol.Pack) (*train.Training, *dataset.Set, error) {
	set, o, err := s.input(p)
	if err != nil {
		return nil, nil, err
	}
	t, err := train.New(set, nets(p), p.Recipe, o.Teacher, o.Device)
	return t, set, err
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
	set, o, err := s.input(p)
	if err != nil {
		return err
	}
	now := time.Now()
	j := &job{server: s, pack: p, started: now, saved: now,
		warnings: make([][]string, len(p.Members)), gone: make([]bool, len(p.Members)), noted: make([]int, len(p.Members))}
	for i := range j.warnings {
		j.warnings[i] = slices.Clone(set.Cautions)
	}
	o.Test, o.Shifts = p.Test, p.Shifts
	o.Begin = func(t *train.Training) (more bool, err error) { return j.begin(ctx, t) }
	o.Each = func(*train.Training) (more bool, err error) { return j.between(ctx) }
	o.Judged = func(_ *train.Training, net int, trained train.Trained) error { return j.finish(net, trained) }
	if _, err := train.Fit(ctx, set, nets(p), p.Recipe, o); err != nil || j.stopped {
		return err
	}
	s.emit(protocol.Event{Type: protocol.PackDone, Pack: p.ID, Step: j.training.Step()})
	return nil
}

// begin takes the pack up where its checkpoints are.
func (j *job) begin(ctx context.Context, t *train.Training) (more bool, err error) {
	j.training = t
	notes, err := j.device()
	if err != nil {
		return false, err
	}
	for i := range j.warnings {
		j.warnings[i] = append(j.warnings[i], notes...)
	}
	if j.pack.Step > 0 {
		if err := j.restore(); err != nil {
			return false, err
		}
	}
	j.emit(protocol.Event{Type: protocol.Started, Pack: j.pack.ID, Step: t.Step()})
	if err := j.stopHopeless(); err != nil {
		return false, err
	}
	return j.goesOn(ctx)
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

// between does what is due after a step: it drops members, tells how far the
// others are, saves checkpoints and looks for a Stop.
func (j *job) between(ctx context.Context) (more bool, err error) {
	if err := j.dropDiverged(); err != nil {
		return false, err
	}
	if err := j.stopHopeless(); err != nil {
		return false, err
	}
	now := time.Now()
	if now.Sub(j.told) >= progressEvery {
		j.told = now
		j.progress()
	}
	every := time.Duration(j.pack.CheckpointEvery * float64(time.Second))
	if every > 0 && now.Sub(j.saved) >= every && j.steps() {
		if err := j.checkpoint(); err != nil {
			return false, err
		}
		j.saved = time.Now()
	}
	return j.goesOn(ctx)
}

// steps says whether members are left to train.
func (j *job) steps() bool { return slices.Contains(j.gone, false) && !j.training.Done() }

// goesOn says whether members are left to train or to judge, and no Stop has
// come.
func (j *job) goesOn(ctx context.Context) (more bool, err error) {
	if !j.steps() {
		return slices.Contains(j.gone, false), j.failed
	}
	j.stopped, err = j.wanted(ctx)
	return !j.stopped, err
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

// finish saves a member's weights and reports it, unless it is gone.
func (j *job) finish(i int, trained train.Trained) error {
	if j.gone[i] {
		return nil
	}
	m := j.pack.Members[i]
	b, err := trained.Weights.MarshalBinary()
	if err == nil {
		err = j.fenced(i, store.SaveWeights(m.Dir, m.Token, b))
	}
	if err != nil {
		return fmt.Errorf("save the weights of %s: %w", m.Key, err)
	}
	if j.gone[i] {
		return nil
	}
	return j.tell(i, protocol.Finished, trained.Result, &trained.Scores)
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
