package sweep

import (
	"errors"

	"slimfit/pkg/protocol"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// stopEarly writes down that the worker stopped a hopeless trial, whose
// checkpoint it has saved. An error means that files cannot be written.
func (r *run) stopEarly(c *claim, i int, e protocol.Event) error {
	t, token := r.trials[i], c.open[i]
	res, err := r.complete(c, i, *e.Result)
	if err != nil {
		return err
	}
	err = r.Folder.WriteHistory(t.Key(), token, e.History)
	if err == nil {
		err = r.Folder.WriteStopped(result.NewStopped(res, *c.pack.EarlyStop, e.History), token)
	}
	if errors.Is(err, store.ErrFenced) {
		r.drop(c, i)
		return nil
	} else if err != nil {
		return err
	}
	r.mu.Lock()
	r.trained++
	r.mu.Unlock()
	r.log(i, "%s", outcome(res))
	r.settle(i, res)
	delete(c.open, i)
	return r.session.Release(r.Folder.TrialDir(t.Key()), token)
}
