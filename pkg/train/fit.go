package train

import (
	"context"
	"fmt"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/graph"
	"slimfit/pkg/result"
)

// Options of Fit. Its functions get the training, to look at and to save.
type Options struct {
	Device  graph.Device // none: one thread of the processor
	Teacher []float32    // see New
	Test    bool         // judge on the test images too
	Shifts  []string     // and on shifted images, by the shifts' names

	// Begin is called before the first step, for checkpoints to be restored, Each after every step. Where more is
	// false Fit ends, and judges nothing. nil: always true.
	Begin, Each func(*Training) (more bool, err error)
	// Judged is called for every network when it has been judged. With it Fit returns no networks, so that the
	// weights of one at a time are in memory.
	Judged func(t *Training, net int, trained Trained) error
}

// Trained is a network that Fit has trained.
type Trained struct {
	Weights models.Weights
	// accuracy, confusion and wrong images of the validation and the test images; Status Diverged where the loss
	// was not finite
	Result  result.Result
	Scores  result.Scores // how sure it is of its answers, and what it finds under the shifts
	History []result.Point
}

// Fit trains networks that share their batches on the set's training images, to
// the recipe's last step or until ctx ends, and judges them. The same arguments
// give the same numbers on the same machine.
func Fit(ctx context.Context, set *dataset.Set, nets []graph.Net, recipe models.Recipe, o Options) ([]Trained, error) {
	if o.Device == (graph.Device{}) {
		o.Device = graph.DeviceFor(recipe, 1, false)
	}
	t, err := New(set, nets, recipe, o.Teacher, o.Device)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if more, err := t.run(ctx, o); err != nil || !more {
		return nil, err
	}
	return t.judged(o)
}

// run takes every step; more is false where o's functions end it.
func (t *Training) run(ctx context.Context, o Options) (more bool, err error) {
	more = true
	if o.Begin != nil {
		more, err = o.Begin(t)
	}
	for err == nil && more && !t.Done() {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if err = t.Next(); err == nil && o.Each != nil {
			more, err = o.Each(t)
		}
	}
	return more, err
}

// judged judges every network and reads its weights.
func (t *Training) judged(o Options) ([]Trained, error) {
	results, err := t.Results(o.Test)
	if err != nil {
		return nil, err
	}
	scores, err := t.Scores(o.Test, o.Shifts)
	if err != nil {
		return nil, err
	}
	var all []Trained
	for i, r := range results {
		w, err := t.Weights(i)
		if err != nil {
			return nil, fmt.Errorf("read the trained weights: %w", err)
		}
		r.WeightsSHA = w.SHA256()
		trained := Trained{Weights: w, Result: r, Scores: scores[i], History: t.History(i)}
		if o.Judged == nil {
			all = append(all, trained)
		} else if err := o.Judged(t, i, trained); err != nil {
			return nil, err
		}
	}
	return all, nil
}
