package experiment

import (
	"slices"

	"slimfit/models"
	"slimfit/pkg/footprint"
)

// baseline finds what ratios are against.
func (l *loader) baseline() {
	v := l.v.get("baseline")
	switch {
	case v == nil && hasKey(l.root, "baseline") || v != nil && v.bad: // wrong, and noted
	case v == nil:
		best := 0
		for i, c := range l.e.Configs {
			a, b := c.Footprint, l.e.Configs[best].Footprint
			if a.Parameters > b.Parameters || a.Parameters == b.Parameters && a.MACs > b.MACs {
				best = i
			}
		}
		l.setBaseline(l.e.Configs[best])
	case v.kind == Choice:
		layers, _ := models.Named(v.text)
		f, err := footprint.Of(models.Spec{Input: l.e.Data.Input, Classes: l.e.Data.Classes, Layers: layers})
		if err != nil {
			l.add(v.node, "baseline: %s does not fit images of %s: %v", v.text, l.e.Data.Input, err)
			return
		}
		l.e.Baseline = Baseline{Name: v.text, Layers: layers, Footprint: f}
		for _, c := range l.e.Configs {
			if slices.Equal(c.Layers, layers) {
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
	v := l.v.get("baseline")
	if v == nil || v.kind != Table {
		return
	}
	for _, q := range v.pairs {
		at, ok := m.index[q.name]
		if !ok {
			l.add(q.node, "baseline: there is no axis %q in matrix%s", q.name, DidYouMean(q.name, m.names(), "%q"))
		} else if m.axes[at].position(canonical(q.any)) < 0 {
			l.add(q.value.node, "baseline: the axis %s has no value %s", q.name, canonical(q.any))
		}
	}
}

// assigned takes the one configuration that agrees with the assignment.
func (l *loader) assigned(v *value) {
	var found []Configuration
	for _, c := range l.e.Configs {
		agrees := true
		for _, q := range v.pairs {
			agrees = agrees && canonical(c.Assignment[q.name]) == canonical(q.any)
		}
		if agrees {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		l.add(v.node, "baseline: %d configurations agree with it, want one; give a value to more axes", len(found))
		return
	}
	l.setBaseline(found[0])
}
