package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/sweep"
	"slimfit/pkg/tensorboard"
)

// Curves of a trial in TensorBoard.
const (
	lossTag       = "loss"
	validationTag = "accuracy/validation"
	testTag       = "accuracy/test"
)

// tensorBoard writes event files beside the results: while a trial trains, a
// point about once a second; when it is done, its whole history in their place.
type tensorBoard struct {
	folder *store.Folder
	live   map[result.Key]*liveEvents
	failed func(error) // told once a file
}

type liveEvents struct {
	file *os.File
	w    *tensorboard.Writer
	step int
}

func newTensorBoard(folder *store.Folder, failed func(error)) *tensorBoard {
	return &tensorBoard{folder: folder, live: map[result.Key]*liveEvents{}, failed: failed}
}

// eventFile is a trial's event file; TensorBoard looks for "tfevents" in names.
func (t *tensorBoard) eventFile(k result.Key, name string) string {
	return filepath.Join(t.folder.TrialDir(k), "tensorboard", "events.out.tfevents."+name)
}

func (t *tensorBoard) event(e sweep.Event) {
	switch e.Kind {
	case sweep.Progress:
		for _, w := range e.State.Workers {
			for _, m := range w.Members {
				t.progress(m, w.Step)
			}
		}
	case sweep.Trained:
		t.trained(*e.Result)
	}
}

// progress adds a point of a trial in training; a trial whose file cannot be
// written has none.
func (t *tensorBoard) progress(m sweep.MemberState, step int) {
	if m.Loss == nil {
		return
	}
	l, ok := t.live[m.Key]
	if !ok {
		l = t.open(m.Key)
		t.live[m.Key] = l
	}
	if l == nil || step <= l.step {
		return
	}
	l.step = step
	points := []tensorboard.Scalar{{Tag: lossTag, Step: int64(step), Value: *m.Loss, Time: time.Now()}}
	if m.Validation != nil {
		points = append(points, tensorboard.Scalar{Tag: validationTag, Step: int64(step), Value: *m.Validation, Time: time.Now()})
	}
	for _, p := range points {
		if err := l.w.Write(p); err != nil {
			t.failed(err)
			l.file.Close()
			t.live[m.Key] = nil
			return
		}
	}
}

func (t *tensorBoard) open(k result.Key) *liveEvents {
	name := t.eventFile(k, "live")
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.failed(fmt.Errorf("write TensorBoard events: %w", err))
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		t.failed(fmt.Errorf("write TensorBoard events: %w", err))
		return nil
	}
	w, err := tensorboard.NewWriter(f, time.Now())
	if err != nil {
		t.failed(err)
		f.Close()
		return nil
	}
	return &liveEvents{file: f, w: w}
}

// trained replaces the live file by one of the whole history.
func (t *tensorBoard) trained(r result.Result) {
	k := r.Key()
	if l := t.live[k]; l != nil {
		l.file.Close()
		os.Remove(l.file.Name()) // a stale one only shows its points twice
	}
	delete(t.live, k)
	points, err := t.folder.ReadHistory(k)
	if err != nil {
		t.failed(fmt.Errorf("write TensorBoard events: %w", err))
		return
	}
	b, err := historyEvents(r, points)
	if err != nil {
		t.failed(err)
		return
	}
	name := t.eventFile(k, "history")
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.failed(fmt.Errorf("write TensorBoard events: %w", err))
		return
	}
	if err := store.WriteFile(name, b); err != nil {
		t.failed(fmt.Errorf("write TensorBoard events: %w", err))
	}
}

// historyEvents is a finished trial as an event file. The history has no
// times: steps are spread evenly over the time it took.
func historyEvents(r result.Result, points []result.Point) ([]byte, error) {
	var b bytes.Buffer
	w, err := tensorboard.NewWriter(&b, r.Started)
	if err != nil {
		return nil, err
	}
	at := func(step int) time.Time {
		share := float64(step) / float64(max(r.Steps, 1))
		return r.Started.Add(time.Duration(share * float64(r.Finished.Sub(r.Started))))
	}
	var all []tensorboard.Scalar
	for _, p := range points {
		all = append(all, tensorboard.Scalar{Tag: lossTag, Step: int64(p.Step), Value: p.Loss, Time: at(p.Step)})
		if p.Validation != nil {
			all = append(all, tensorboard.Scalar{Tag: validationTag, Step: int64(p.Step), Value: *p.Validation, Time: at(p.Step)})
		}
	}
	if r.Accuracy.Test != nil {
		all = append(all, tensorboard.Scalar{Tag: testTag, Step: int64(r.Steps), Value: *r.Accuracy.Test, Time: r.Finished})
	}
	for _, s := range all {
		if err := w.Write(s); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}
