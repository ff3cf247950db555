package experiment

import (
	"cmp"
	"slices"

	"slimfit/models"
	"slimfit/pkg/footprint"
	"slimfit/pkg/yamlkeys"
)

// baseline finds what ratios are against.
func (l *loader) baseline() {
	v := l.v.Get("baseline")
	switch {
	case v == nil && yamlkeys.HasKey(l.root, "baseline") || v != nil && v.Bad: // wrong, and noted
	case v == nil:
		best, s := 0, l.e.Space
		for i := range s.Len() {
			if c := cmp.Compare(s.Cost(i, footprint.Parameters), s.Cost(best, footprint.Parameters)); c > 0 ||
				c == 0 && s.Cost(i, footprint.MACs) > s.Cost(best, footprint.MACs) {
				best = i
			}
		}
		l.setBaseline(s.Config(best))
	case v.Kind == yamlkeys.ChoiceKind:
		layers, _ := models.Named(v.Text)
		f, err := footprint.Of(l.e.Data.Spec(layers))
		if err != nil {
			l.Add(v.Node, "baseline: %s does not fit images of %s: %v", v.Text, l.e.Data.Input, err)
			return
		}
		l.e.Baseline = Baseline{Name: v.Text, Layers: layers, Footprint: f}
		for i := range l.e.Space.Len() {
			if l.e.Space.Cost(i, footprint.Parameters) != f.Parameters || l.e.Space.Cost(i, footprint.MACs) != f.MACs {
				continue
			}
			if c := l.e.Space.Config(i); slices.EqualFunc(c.Layers, layers, models.Layer.Equal) {
				l.e.Baseline.ID = c.ID
				break
			}
		}
	default:
		l.assigned(v)
	}
}

func (l *loader) setBaseline(c Configuration) {
	l.e.Baseline = Baseline{Name: l.e.Label(c), ID: c.ID, Layers: c.Layers, Footprint: c.Footprint}
}

// baselineAxes checks the names and values of an assignment.
func (l *loader) baselineAxes(m *matrix) {
	v := l.v.Get("baseline")
	if v == nil || v.Kind != yamlkeys.TableKind {
		return
	}
	for _, q := range v.Pairs {
		at, ok := m.index[q.Name]
		if !ok {
			l.Add(q.Node, "baseline: there is no axis %q in matrix%s", q.Name, yamlkeys.DidYouMean(q.Name, m.names(), "%q"))
		} else if m.axes[at].position(canonical(q.Any)) < 0 {
			l.Add(q.Value.Node, "baseline: the axis %s has no value %s", q.Name, canonical(q.Any))
		}
	}
}

// assigned takes the one configuration that agrees with the assignment.
func (l *loader) assigned(v *yamlkeys.Value) {
	var found []int
	for i := range l.e.Space.Len() {
		agrees := true
		for _, q := range v.Pairs {
			at := l.e.Space.Position(i, l.e.Space.g.index[q.Name])
			agrees = agrees && at >= 0 && l.e.Space.g.axes[l.e.Space.g.index[q.Name]].values[at].text == canonical(q.Any)
		}
		if agrees {
			found = append(found, i)
		}
	}
	if len(found) != 1 {
		l.Add(v.Node, "baseline: %d configurations agree with it, want one; give a value to more axes", len(found))
		return
	}
	l.setBaseline(l.e.Space.Config(found[0]))
}
