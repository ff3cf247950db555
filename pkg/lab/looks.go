package lab

import (
	"errors"
	"path/filepath"
	"slices"

	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
)

// ShowTest writes down that test figures of an experiment's trials are about to
// be measured and shown: before any test image is opened. Folds show those of every
// image, of any test part of them, too.
func (l *Lab) ShowTest(e *experiment.Experiment, trials int) error {
	if e.Data.Test < 1 && e.Data.Folds == 0 {
		return nil
	}
	key, err := dataset.TestKey(e.Ref, l.Cache)
	if err != nil {
		return exit.Failed(err)
	}
	return exit.Failed(store.LedgerIn(l.Out).Write(key, func([]result.Look) (*result.Look, error) {
		return &result.Look{Experiment: e.Name, By: result.ByRun, Configurations: trials}, nil
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
	if s.p.Looks, first, s.p.FreshFrom = search.Account(looks, question, total, s.p.Share()); !s.p.Observed() && first > 0 {
		s.p.FirstAlpha = first
	}
	before := total - s.p.Looks.AlphaBefore
	var spent float64 // by this target of a front
	if len(s.p.Front) > 0 && !s.p.Observed() {
		if s.p.FirstAlpha, _ = s.p.FrontAlpha(before, 0); s.p.FirstAlpha <= 0 {
			return exit.Usagef("--front: earlier looks at these test images left %.4g of alpha, too little for %d targets", before, len(s.p.Front))
		}
	}
	s.p.Charge = func(id string, fresh []int64) (alpha, left float64, err error) {
		var all []result.Look
		var next *result.Look
		err = ledger.Write(key, func(looks []result.Look) (*result.Look, error) {
			all = looks
			if own := slices.IndexFunc(looks, func(l result.Look) bool {
				return l.Question == question && slices.Contains(l.ConfigIDs, id)
			}); own >= 0 {
				alpha, left = looks[own].Alpha, looks[own].AlphaLeft
				return nil, nil
			}
			if len(s.p.Front) > 0 && !s.p.Observed() {
				if alpha, left = s.p.FrontAlpha(before, spent); alpha <= 0 {
					return nil, nil
				}
				next = s.opening(question, id, fresh, alpha, left, certificate)
				return next, nil
			}
			so, _, _ := search.Account(looks, question, total, s.p.Share())
			switch left = so.Left; {
			case s.p.Observed():
			case left < search.LeastAlpha:
				return nil, nil
			default:
				alpha = left * s.p.Share()
			}
			next = s.opening(question, id, fresh, alpha, left, certificate)
			return next, nil
		})
		spent += alpha
		if next != nil {
			all = append(all, *next)
		}
		s.p.Looks, _, _ = search.Account(all, question, total, s.p.Share())
		return alpha, left, exit.Failed(err)
	}
	return nil
}

func (s *searcher) opening(question, id string, fresh []int64, alpha, left float64, certificate string) *result.Look {
	return &result.Look{Experiment: s.e.Name, By: result.BySearch, Question: question, Configurations: 1, ConfigIDs: []string{id},
		Seeds: fresh, Alpha: alpha, AlphaLeft: left, Certificate: certificate}
}

// noteLook writes down that test figures of a run folder's networks are about to
// be shown. What only measures goes on where that cannot be written.
func (l *Lab) noteLook(folder *store.Folder, key string, networks int) {
	err := store.LedgerIn(filepath.Dir(folder.Dir)).Write(key, func([]result.Look) (*result.Look, error) {
		return &result.Look{Experiment: filepath.Base(folder.Dir), By: result.ByEvaluate, Configurations: networks}, nil
	})
	if err != nil {
		l.Note("%v: that test figures are shown is not on it", err)
	}
}

// ledger is what the ledger above a run folder knows of the test images that a
// question opened.
func (l *Lab) ledger(folder *store.Folder) func(question string) []result.Look {
	return func(question string) []result.Look {
		looks, err := store.LedgerIn(filepath.Dir(folder.Dir)).LooksOf(question)
		switch {
		case err != nil:
			l.Note("%v above the run folder: how often the test images were looked at is not checked", err)
		case len(looks) == 0:
			l.Note("%s has no line of this certificate's question: how often the test images were looked at is not known", store.LedgerName)
		}
		return looks
	}
}
