package worker

import (
	"errors"
	"fmt"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/graph"
	"slimfit/pkg/protocol"
)

// teacherLogits returns the logits of the pack's teacher for each training
// image, [n, classes]; nil where the recipe has none. The last teacher's stay
// in memory.
func (s *server) teacherLogits(p protocol.Pack, set *dataset.Set, device graph.Device) ([]float32, error) {
	t := p.Recipe.Teacher
	if t == nil {
		return nil, nil
	}
	if p.Teacher == nil {
		return nil, errors.New("the recipe has a teacher, the pack does not say where")
	}
	key := t.Digest + s.setKey
	if s.teacher != nil && s.teacherKey == key {
		return s.teacher, nil
	}
	w, err := loadWeights(p.Teacher.Dir)
	if err != nil {
		return nil, &inputError{fmt.Errorf("load the teacher %s: %w", t.Run, err)}
	}
	if got := w.SHA256(); got != t.Digest {
		return nil, &inputError{fmt.Errorf("load the teacher %s: its weights have the digest %.12s, the experiment was planned with %.12s; "+
			"plan again", t.Run, got, t.Digest)}
	}
	// The recipe does not matter for an evaluation; the default has no teacher.
	device.BFloat16 = false
	net := graph.Net{Spec: p.Data.Spec(p.Teacher.Layers)}
	pack, err := graph.NewPack([]graph.Net{net}, models.DefaultRecipe(),
		graph.Images{Pixels: set.Train.Pixels[:p.Data.Input.Elements()], Labels: set.Train.Labels[:1]}, device)
	if err != nil {
		return nil, fmt.Errorf("build the teacher %s: %w", t.Run, err)
	}
	defer pack.Close()
	if err := pack.SetWeights(0, w); err != nil {
		return nil, fmt.Errorf("load the teacher %s: %w", t.Run, err)
	}
	logits, err := pack.Logits(0, set.Train.Pixels)
	if err != nil {
		return nil, fmt.Errorf("ask the teacher %s: %w", t.Run, err)
	}
	s.teacher, s.teacherKey = logits, key
	return logits, nil
}
