package worker

import (
	"errors"
	"fmt"

	"slimfit/pkg/protocol"
	"slimfit/pkg/store"
)

// checkpoint saves every member that is still in training.
func (j *job) checkpoint() error {
	for i, m := range j.pack.Members {
		if j.gone[i] {
			continue
		}
		if err := j.save(i); err != nil {
			return fmt.Errorf("checkpoint of %s: %w", m.Key, err)
		}
	}
	j.emit(protocol.Event{Type: protocol.Checkpoint, Pack: j.pack.ID, Step: j.training.Step()})
	return nil
}

// save writes the checkpoint of one member, or drops it where its lease is
// lost.
func (j *job) save(i int) error {
	b, err := j.training.Save(i, j.origin(i))
	if err != nil {
		return err
	}
	m := j.pack.Members[i]
	return j.fenced(i, store.SaveCheckpoint(m.Dir, m.Token, j.training.Step(), b))
}

// fenced drops the member where err says that its lease is lost; it passes
// every other error on.
func (j *job) fenced(i int, err error) error {
	if !errors.Is(err, store.ErrFenced) {
		return err
	}
	j.gone[i] = true
	key := j.pack.Members[i].Key
	j.emit(protocol.Event{Type: protocol.Fenced, Pack: j.pack.ID, Key: &key, Message: err.Error()})
	return nil
}

// restore puts every member's checkpoint of the pack's step back.
func (j *job) restore() error {
	for i, m := range j.pack.Members {
		b, err := store.LoadCheckpointAt(m.Dir, j.pack.Step)
		if err != nil {
			return fmt.Errorf("resume %s at step %d: %w", m.Key, j.pack.Step, err)
		}
		from, err := j.training.Restore(i, b)
		if err != nil {
			return fmt.Errorf("resume %s at step %d: %w", m.Key, j.pack.Step, err)
		}
		j.warnings[i] = append(j.warnings[i], from.Differences(j.origin(i))...)
	}
	return nil
}
