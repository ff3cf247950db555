package worker

import (
	"errors"
	"fmt"
	"time"

	"slimfit/models"
	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// warmUp steps are not timed: TensorFlow makes its kernels in them.
const warmUp = 5

// measure times steps of a pack on random weights; nothing is written.
func (s *server) measure(m protocol.Measure) error {
	if m.Steps < 1 {
		return errors.New("measure: no steps wanted")
	}
	once := max(1, m.Pack.Unroll) // steps of one call of Next
	m.Pack.Recipe.Steps = max(m.Pack.Recipe.Steps, (warmUp+1)*once+m.Steps+1)
	t, _, err := s.newTraining(m.Pack)
	if err != nil {
		return err
	}
	defer t.Close()
	for range warmUp {
		if err := t.Next(); err != nil {
			return err
		}
	}
	start, from := time.Now(), t.Step()
	for t.Step() < from+m.Steps {
		if err := t.Next(); err != nil {
			return err
		}
	}
	s.emit(protocol.Event{Type: protocol.Measured, Pack: m.Pack.ID, Seconds: time.Since(start).Seconds() / float64(t.Step()-from)})
	return nil
}

// loadWeights reads the trained weights of the trial in dir.
func loadWeights(dir string) (w models.Weights, err error) {
	b, err := store.LoadWeights(dir)
	if err != nil {
		return nil, err
	}
	return w, w.UnmarshalBinary(b)
}

// evaluate judges trained weights.
func (s *server) evaluate(p protocol.Pack) error {
	t, _, err := s.newTraining(p)
	if err != nil {
		return err
	}
	defer t.Close()
	digests := make([]string, len(p.Members))
	for i, m := range p.Members {
		w, err := loadWeights(m.Dir)
		if err != nil {
			return fmt.Errorf("evaluate %s: %w", m.Key, err)
		}
		if err := t.SetWeights(i, w); err != nil {
			return fmt.Errorf("evaluate %s: %w", m.Key, err)
		}
		digests[i] = w.SHA256()
	}
	results, err := t.Results(p.Test)
	if err != nil {
		return err
	}
	scores, err := t.Scores(p.Test, p.Shifts)
	if err != nil {
		return err
	}
	for i, r := range results {
		key := p.Members[i].Key
		r.ConfigID, r.Seed, r.WeightsSHA, r.Environment = key.ConfigID, key.Seed, digests[i], s.env
		r.Environment.Stem = t.Stem(i)
		r.Status = result.Done
		s.emit(protocol.Event{Type: protocol.Finished, Pack: p.ID, Key: &key, Result: &r, Scores: &scores[i]})
	}
	s.emit(protocol.Event{Type: protocol.PackDone, Pack: p.ID})
	return nil
}
