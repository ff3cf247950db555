package train

import (
	"fmt"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
)

// A history has about pointsWanted losses, and, of a short training, at least
// glancesWanted validation accuracies. Those between looks are of a sample of the
// images: all such samples together are at most a tenth of the images trained on,
// but leastSample each.
const (
	pointsWanted  = 200
	glancesWanted = 20
	leastSample   = 250
)

// due says what a training of so many steps notes after a step: the loss, and the
// validation accuracy, on the whole of the images at every look (stats.LookEvery)
// and at the end, and of a short training at a glance between. All of it goes by
// the numbers alone, so that histories are the same whatever interrupts.
func due(step, steps int) (loss, accuracy, whole bool) {
	every := max(1, steps/pointsWanted)
	between := (steps + glancesWanted*every - 1) / (glancesWanted * every) * every // a multiple, so that no loss is noted for it alone
	loss = step%every == 0 || step == steps
	whole = step%stats.LookEvery == 0 || step == steps
	return loss, whole || steps < glancesWanted*stats.LookEvery && step%between == 0, whole
}

// glance is the sample of the validation images, every so-manieth of them.
func (t *Training) glance() dataset.Images {
	all, size := t.set.Validation, t.set.Data.Input.Elements()
	most := max(leastSample, t.recipe.Steps*t.recipe.Batch/(10*glancesWanted))
	if all.N() <= most {
		return all
	}
	if t.sample.N() == 0 {
		for i := 0; i < all.N(); i += (all.N() + most - 1) / most {
			t.sample.Labels = append(t.sample.Labels, all.Labels[i])
			t.sample.Pixels = append(t.sample.Pixels, all.Pixels[i*size:(i+1)*size]...)
		}
	}
	return t.sample
}

// validate measures every network on the validation images, the whole of them or
// at a glance, and notes it in the history, at the current step.
func (t *Training) validate(whole bool) error {
	images := t.set.Validation
	if images.N() == 0 {
		return nil
	}
	a, err := &answered{classes: make([][]int32, len(t.members))}, error(nil)
	if whole {
		a, err = t.answers(result.Validation)
	} else {
		images = t.glance()
		err = t.answer(images, "", func(net, answer, _ int, _ []float32) { a.classes[net] = append(a.classes[net], int32(answer)) })
	}
	if err != nil {
		return fmt.Errorf("measure the validation accuracy after step %d: %w", t.step, err)
	}
	for i := range t.members {
		m := &t.members[i]
		if m.diverged != "" {
			continue
		}
		accuracy := *result.Score(a.classes[i], images.Labels, t.set.Data.Classes).Accuracy
		if n := len(m.history); n == 0 || m.history[n-1].Step != t.step {
			m.history = append(m.history, result.Point{Step: t.step, Loss: m.lossSum / float64(max(m.lossN, 1))})
			m.lossSum, m.lossN = 0, 0
		}
		m.history[len(m.history)-1].Validation = &accuracy
		if t.recipe.Select == models.Best && whole && (m.best == nil || accuracy > m.best.accuracy) {
			w, err := t.pack.Weights(i)
			if err != nil {
				return fmt.Errorf("keep the best weights, of step %d: %w", t.step, err)
			}
			m.best = &best{t.step, accuracy, w}
		}
	}
	return nil
}
