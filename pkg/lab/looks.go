package lab

import (
	"errors"
	"path/filepath"
	"slices"

	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
)

// Who looks at test images, in the ledger.
const (
	byRun    = "run"
	bySearch = "search"
)

// ShowTest writes down that test figures of an experiment's trials are about to
// be measured and shown: before any test image is opened.
func (l *Lab) ShowTest(e *experiment.Experiment, trials int) error {
	key, err := dataset.TestKey(e.Ref, l.Cache)
	if err != nil {
		return exit.Failed(err)
	}
	return exit.Failed(store.LedgerIn(l.Out).Write(key, func([]store.Look) (*store.Look, error) {
		return &store.Look{Experiment: e.Name, By: byRun, Configurations: trials}, nil
	}))
}

// count makes the search charge its openings to the ledger of the test images,
// and reads what is on it. The same question asked again pays nothing.
func (s *searcher) count(certificate string) error {
	key, err := dataset.TestKey(s.e.Ref, s.l.Cache)
	if err != nil {
		return exit.Failed(err)
	}
	ledger, question, total := store.LedgerIn(s.l.Out), s.p.Question(), 1-s.p.Target.Confidence
	looks, err := ledger.Looks(key)
	if err != nil && !errors.Is(err, store.ErrNoLedger) {
		return exit.Failed(err)
	}
	var first float64
	if s.p.Looks, first, s.p.FreshFrom = sumUp(looks, question, total); !s.p.Observed() && first > 0 {
		s.p.FirstAlpha = first
	}
	s.p.Charge = func(id string, fresh []int64) (alpha, left float64, err error) {
		err = ledger.Write(key, func(looks []store.Look) (*store.Look, error) {
			s.p.Looks, _, _ = sumUp(looks, question, total)
			if own := slices.IndexFunc(looks, func(l store.Look) bool {
				return l.Question == question && slices.Contains(l.ConfigIDs, id)
			}); own >= 0 {
				alpha, left = looks[own].Alpha, looks[own].AlphaLeft
				return nil, nil
			}
			switch left = s.p.Looks.Left; {
			case s.p.Observed():
			case left < search.LeastAlpha:
				return nil, nil
			default:
				alpha = left / 2
			}
			s.p.Looks.Left -= alpha
			return &store.Look{Experiment: s.e.Name, By: bySearch, Question: question, Configurations: 1, ConfigIDs: []string{id}, Seeds: fresh,
				Alpha: alpha, AlphaLeft: left, Certificate: certificate}, nil
		})
		return alpha, left, exit.Failed(err)
	}
	return nil
}

// checkLooks says which openings of a certificate are not on the ledger above its
// run folder: then nobody knows how many others there were.
func (v *verifier) checkLooks(ref dataset.Ref) {
	key, err := dataset.TestKey(ref, v.l.Cache)
	if err != nil || v.cert.Format == 1 {
		return // the data set is not here; format 1 counted nothing
	}
	looks, err := store.LedgerIn(filepath.Dir(v.folder.Dir)).Looks(key)
	if err != nil {
		v.l.Note("%v above the run folder: how often the test images were looked at is not checked", err)
		return
	}
	for _, o := range v.cert.Openings {
		if !slices.ContainsFunc(looks, func(l store.Look) bool { return l.Alpha == o.Alpha && slices.Contains(l.ConfigIDs, o.ConfigID) }) {
			v.l.Note("%s has no line of the opening of %s: how often the test images were looked at is not known", store.LedgerName, o.ConfigID)
		}
	}
	v.say("the ledger of the looks at the test images, %d of them", len(looks))
}
