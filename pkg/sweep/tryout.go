package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/workerproc"
)

// stackFit is what trains a shape fastest on a GPU, measured at its first use.
type stackFit struct {
	Members int    `json:"members"`           // of a stack
	Form    string `json:"form,omitempty"`    // see protocol.Pack
	Unroll  int    `json:"unroll,omitempty"`  // steps in one run of TensorFlow; 0: not tried
	Workers int    `json:"workers,omitempty"` // side by side on the GPU; 0: not tried
}

func (f stackFit) String() string {
	words := fmt.Sprintf("packs of %d", f.Members)
	if f.Form != "" && f.Members > 1 {
		words += ", with convolutions in the form " + f.Form
	}
	if n := f.unroll(f.Members); n > 1 {
		words += fmt.Sprintf(", %d steps at a time", n)
	}
	switch {
	case f.Workers > 1:
		words += fmt.Sprintf(", %d side by side on each GPU", f.Workers)
	case f.Workers == 1:
		words += ", one by one on each GPU"
	}
	return words
}

// unroll is how many steps a run of TensorFlow trains of a pack of so many members.
func (f stackFit) unroll(members int) int {
	if members < 2 {
		return 0
	}
	return min(f.Unroll, slices.Max(unrollings()))
}

// What is tried, in this order.
func stackSizes() []int { return []int{1, 4, 16, 64} }
func unrollings() []int { return []int{1, 4, 16} }
func sharings() []int   { return []int{1, 2, 4} } // workers side by side

const (
	maxSharing = 4   // the last of sharings
	tooSlow    = 0.8 // share of the best rate below which no larger value is tried
	worthWhile = 1.1 // what steps in a row and workers must gain: they cost memory and a later start
)

// stack is what is known of a trial's shape on the device.
func (s *Speeds) stack(t experiment.Trial, d Device) (fit stackFit, known bool) {
	if s == nil || d.Visible == "" {
		return fit, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fit, known = s.table.Fits[fitKey(t, d)]
	return fit, known
}

func (s *Speeds) putFit(key string, fit stackFit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.table.Fits[key]
	if was == fit || was.Workers > 0 && fit.Workers == 0 { // tried where several may share a GPU
		return
	}
	if s.table.Fits == nil {
		s.table.Fits = map[string]stackFit{}
	}
	s.table.Fits[key], s.fresh = fit, true
}

// untried is a group of trials that agree in all but their seeds, and what is not
// known of it.
type untried struct {
	group       []experiment.Trial
	size, share bool
}

// untried lists what a run would measure first: the sizes of packs of every shape,
// and, where sharing is 2 or more, the workers side by side of the costliest one,
// whose number is the run's.
func (s *Speeds) untried(trials []experiment.Trial, workers []Slot, sharing int) (all []untried) {
	if !stacked(workers) || len(trials) == 0 {
		return nil
	}
	groups := stackGroups(trials)
	most := costliest(groups)
	for i, group := range groups {
		fit, known := s.stack(group[0], workers[0].Device)
		u := untried{group, !known && len(group) > 1, i == most && sharing > 1 && fit.Workers == 0}
		if u.size || u.share {
			all = append(all, u)
		}
	}
	return all
}

// costliest is the place of the group with the most work.
func costliest(groups [][]experiment.Trial) (at int) {
	for i, g := range groups {
		if Counted(g) > Counted(groups[at]) {
			at = i
		}
	}
	return at
}

// Unmeasured is for how many shapes a run would try sizes of packs, or workers
// side by side.
func (s *Speeds) Unmeasured(trials []experiment.Trial, workers []Slot, sharing int) int {
	return len(s.untried(trials, workers, sharing))
}

// MeasureStacks tries stacks of each shape whose best size is not known, in each
// form that they have, then steps in a row and workers side by side, a second or so
// each, on the first of the options' workers; say hears of each shape. What cannot be
// trained, for want of memory perhaps, ends the trying, not the run.
func (s *Speeds) MeasureStacks(ctx context.Context, o Options, trials []experiment.Trial, say func(string)) error {
	slot := o.Workers[0]
	for _, u := range s.untried(trials, o.Workers, o.Sharing) {
		t := tryout{o: o, slot: slot, group: u.group, step: s.cost.Step(u.group[:1])}
		fit, _ := s.stack(u.group[0], slot.Device)
		fit.Members = max(1, fit.Members)
		fit, err := t.all(ctx, fit, u)
		if err != nil {
			return err
		}
		s.putFit(fitKey(u.group[0], slot.Device), fit)
		say(fmt.Sprintf("%s: fastest on %s are %s", nameOf(u.group), slot.Device, fit))
	}
	return nil
}

// tryout measures stacks of a group on workers of its own.
type tryout struct {
	o       Options
	slot    Slot
	group   []experiment.Trial
	step    float64 // seconds that the last stack's step took, at first a guess
	workers []*workerproc.Process
}

func (t *tryout) all(ctx context.Context, fit stackFit, u untried) (stackFit, error) {
	defer func() {
		for _, w := range t.workers {
			w.Close(0)
		}
	}()
	if u.size {
		err := t.sizes(ctx, &fit)
		if err == nil && fit.Members > 1 {
			_, err = t.climb(ctx, unrollings(), worthWhile, &fit, func(f *stackFit) *int { return &f.Unroll })
		}
		if err != nil {
			return fit, err
		}
	}
	if u.share {
		counts := slices.DeleteFunc(sharings(), func(n int) bool { return n > t.o.Sharing })
		_, err := t.climb(ctx, counts, worthWhile, &fit, func(f *stackFit) *int { return &f.Workers })
		return fit, err
	}
	return fit, nil
}

// sizes finds the best number of members over all forms.
func (t *tryout) sizes(ctx context.Context, fit *stackFit) error {
	nodes, err := t.group[0].Spec().Nodes()
	if err != nil {
		return err
	}
	sizes := slices.DeleteFunc(stackSizes(), func(n int) bool { return n >= len(t.group) })
	if len(t.group) <= slices.Max(stackSizes()) {
		sizes = append(sizes, len(t.group))
	}
	most := 0.0
	for _, form := range models.StackForms(nodes, t.group[0].Recipe) {
		found := stackFit{Form: form}
		rate, err := t.climb(ctx, sizes, 1, &found, func(f *stackFit) *int { return &f.Members })
		if err != nil {
			return err
		}
		if rate > most {
			*fit, most = found, rate
		}
	}
	return nil
}

// climb tries larger and larger values of a field until they only lose, leaves the
// best in fit and returns the best rate. A larger one must gain by the factor.
func (t *tryout) climb(ctx context.Context, values []int, gain float64, fit *stackFit,
	field func(*stackFit) *int) (most float64, err error) {
	for _, n := range values {
		f := *fit
		*field(&f) = n
		rate, err := t.rate(ctx, f)
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		if err != nil && len(t.workers) == 0 { // none starts at all
			return 0, err
		}
		if n == values[0] || rate > gain*most {
			*fit = f
		}
		if most = max(most, rate); rate < tooSlow*most || rate == 0 {
			break
		}
	}
	return most, nil
}

// rate is the member-steps a second of stacks, one on each of the workers side by
// side; 0 with an error.
func (t *tryout) rate(ctx context.Context, f stackFit) (float64, error) {
	n := max(1, f.Workers)
	t.workers = slices.DeleteFunc(t.workers, (*workerproc.Process).Over)
	for len(t.workers) < n {
		w, err := workerproc.Start(ctx, t.o.Command(t.slot.settings(t.group[0].Recipe)))
		if err != nil {
			return 0, err
		}
		t.workers = append(t.workers, w)
	}
	members, steps := t.group[:f.Members], stepsIn(t.step, calibrateLongest)
	seconds, errs := make([]float64, n), make([]error, n)
	var measured sync.WaitGroup
	for i, w := range t.workers[:n] {
		measured.Go(func() { seconds[i], errs[i] = measureOne(ctx, w, t.o, members, f, steps) })
	}
	measured.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	rate := 0.0
	for _, s := range seconds {
		rate += float64(len(members)) / max(s, 1e-9)
	}
	t.step = slices.Max(seconds)
	return rate, nil
}

// Shared are the workers of a run that may put up to sharing of them on each GPU:
// as many as was measured to be best for the costliest shape, and no more than
// there are packs. best says what they do, "" on the CPU and where nothing is
// known.
func (s *Speeds) Shared(trials []experiment.Trial, workers []Slot, sharing int) (shared []Slot, best string) {
	if s == nil || !stacked(workers) || len(trials) == 0 {
		return workers, ""
	}
	groups := stackGroups(trials)
	d := workers[0].Device
	fit, known := s.stack(groups[costliest(groups)][0], d)
	if !known {
		return workers, ""
	}
	if sharing < 2 {
		fit.Workers = 0
	}
	packs := len(s.Packs(trials, workers[:1]))
	fit.Workers = min(fit.Workers, sharing, (packs+len(workers)-1)/len(workers))
	for range max(1, fit.Workers) {
		for _, w := range workers {
			w.Index = len(shared)
			shared = append(shared, w)
		}
	}
	return shared, fmt.Sprintf("on %s, most of the work goes in %s, as measured", d, fit)
}
