package search

import (
	"slices"

	"slimfit/models"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
)

func (s *state) assumption(winner int) result.Assumption {
	a := result.Assumption{Contradicted: []result.Key{}}
	if s.p.Exact {
		a.Text = "none: no configuration was skipped for what larger ones showed"
		s.inversions(&a)
		return a
	}
	a.Text = assumptionText
	if s.p.field != nil {
		a.Text = modelText
		if a.Audited, a.Surprises = s.sampled(); a.Audited > 0 {
			a.SurprisesAtMost, _ = stats.UpperBound(a.Surprises, a.Audited, s.p.Target.Confidence) // the confidence was checked
		}
		s.inversions(&a)
		return a
	}
	for _, c := range s.all[:winner] {
		switch {
		case c.standing == skipped:
			a.Skipped++
		case s.checked(c):
			a.Checked++
		}
	}
	for i, c := range s.all {
		for _, n := range c.nets {
			if n.clear && s.contradicted(s.p.insideOf(i)) {
				a.Contradicted = append(a.Contradicted, keyOf(s.p.Candidates[i], n.seed))
			}
		}
	}
	s.inversions(&a)
	return a
}

// inversions compares all trained configurations of which one contains another.
func (s *state) inversions(a *result.Assumption) {
	for i, big := range s.all {
		m, ok := meanAccuracy(big)
		if !ok {
			continue
		}
		for _, j := range s.p.insideOf(i) {
			small, ok := meanAccuracy(s.all[j])
			if !ok || j == i {
				continue
			}
			a.Pairs++
			if small > m {
				a.Inverted++
				a.Largest = max(a.Largest, small-m)
			}
		}
	}
}

// meanAccuracy is over the seeds that were trained; false without any.
func meanAccuracy(c candidate) (float64, bool) {
	sum, n := 0.0, 0
	for _, net := range c.nets {
		if net.result.Status == result.Done {
			sum += net.accuracy
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum / float64(n), true
}

func (s *state) effort() result.Effort {
	e := result.Effort{Trials: len(s.taken), Steps: s.steps, GridTrials: s.p.Count() * len(s.p.Seeds), GridSteps: s.p.FullSteps(),
		Rounds: s.rounds, Stopped: s.stopped}
	if e.GridSteps > 0 {
		e.Share = float64(e.Steps) / float64(e.GridSteps)
	}
	return e
}

// Contains says whether big is at least as large as small in every layer: the
// same recipe, data and layers in the same order, no kernel, filter count or
// width smaller, no stride or pooling window larger. Layers with valid padding
// must have the same window, as a larger one leaves a smaller map.
func Contains(big, small *models.Config) bool {
	if len(big.Layers) != len(small.Layers) {
		return false
	}
	for i := range big.Layers { // first, as it settles most pairs
		if !layerContains(&big.Layers[i], &small.Layers[i]) {
			return false
		}
	}
	return big.Recipe.Equal(small.Recipe) && SameData(&big.Data, &small.Data) && sameShortcuts(big, small)
}

// sameShortcuts says whether residuals of both have their convolutions in the
// same places: shapes decide that.
func sameShortcuts(big, small *models.Config) bool {
	if !slices.ContainsFunc(big.Layers, func(l models.Layer) bool { return l.Kind == models.Residual }) {
		return true
	}
	a, errA := big.Spec().Nodes()
	b, errB := small.Spec().Nodes()
	return errA == nil && errB == nil && slices.EqualFunc(a, b, func(x, y models.Node) bool { return x.Name == y.Name })
}

func layerContains(b, s *models.Layer) bool {
	if b.Kind != s.Kind || b.Padding != s.Padding || b.Activation != s.Activation || b.Rate != s.Rate ||
		b.Norm != s.Norm || b.Unbiased != s.Unbiased || b.Dilation != s.Dilation || b.Shortcut != s.Shortcut || len(b.Layers) != len(s.Layers) {
		return false
	}
	for i := range b.Layers {
		if !layerContains(&b.Layers[i], &s.Layers[i]) {
			return false
		}
	}
	if b.Padding == models.Valid && (b.Kernel != s.Kernel || b.Size != s.Size) {
		return false
	}
	return within(s.Kernel, b.Kernel) &&
		b.Filters >= s.Filters && b.Multiplier >= s.Multiplier && b.Units >= s.Units &&
		within(b.Stride, s.Stride) && within(b.Size, s.Size)
}

func within(a, b models.Edges) bool { return a[0] <= b[0] && a[1] <= b[1] }

// SameData says whether two data sets are the same, whatever they are called.
func SameData(a, b *models.Data) bool {
	if a == b {
		return true
	}
	return a.Same(*b)
}
