package lab

import (
	"errors"
	"fmt"

	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/search"
	"slimfit/pkg/store"
	"slimfit/pkg/target"
)

// Ahead is what the test images can show of an experiment's target, with what
// earlier looks at them left, before anything is trained.
type Ahead struct {
	AlphaLeft float64       `json:"alpha_left"`
	Alpha     float64       `json:"alpha"` // of the first opening; 0: too little is left to open any
	Needs     []target.Need `json:"needs"`
	Seeds     string        `json:"seeds"` // what as many seeds can show
}

// account is what the ledger beside the run folders says to a question.
type account struct {
	key   string
	looks *result.Looks
	first float64 // alpha of the question's first opening
	fresh int64   // least seed that no opening has used up; 0: any
}

// accountOf reads the ledger; without one no key is looked for, which takes
// reading data of one's own.
func (l *Lab) accountOf(e *experiment.Experiment, question string, share float64) (a account, err error) {
	ledger, total := store.LedgerIn(l.Out), 1-e.Target.Confidence
	if !ledger.Exists() {
		a.looks, a.first, a.fresh = search.Account(nil, question, total, share)
		return a, nil
	}
	if a.key, err = dataset.TestKey(e.Ref, l.Cache); err != nil {
		return a, err
	}
	looks, err := ledger.Looks(a.key)
	if err != nil && !errors.Is(err, store.ErrNoLedger) {
		return a, err
	}
	a.looks, a.first, a.fresh = search.Account(looks, question, total, share)
	return a, nil
}

// Ahead is nil where nothing is to be certified: without a target, or where
// figures are observed only.
func (l *Lab) Ahead(e *experiment.Experiment) (*Ahead, error) { return l.AheadOf(e, nil) }

// AheadOf is Ahead where the search's problem is known.
func (l *Lab) AheadOf(e *experiment.Experiment, p *search.Problem) (*Ahead, error) {
	if e.Target == nil || e.Target.Evidence == target.Observed || e.Data.Test < 1 {
		return nil, nil
	}
	question, share := "", search.HalfAlpha // where it takes a measurement to know the candidates
	if p == nil && e.Configs != nil {
		p, _ = search.New(e, search.Options{})
	}
	if p != nil {
		question, share = p.Question(), p.Share()
	} else if e.Configs == nil {
		share = search.SpaceAlpha
	}
	a, err := l.accountOf(e, question, share)
	if err != nil {
		return nil, exit.Failed(err)
	}
	out := &Ahead{AlphaLeft: a.looks.Left, Alpha: a.first, Seeds: e.Target.SeedsShow(max(1, e.Target.Seeds), a.first)}
	if p != nil && len(p.Front) > 0 {
		out.Alpha, _ = p.FrontAlpha(1-e.Target.Confidence-a.looks.AlphaBefore, 0)
	}
	if out.Alpha <= 0 {
		return out, nil
	}
	out.Needs, err = l.needs(e, out.Alpha)
	return out, err
}

// needs counts the test images of each class where recalls have floors.
func (l *Lab) needs(e *experiment.Experiment, alpha float64) ([]target.Need, error) {
	var perClass []int
	var names []string
	if e.Target.NeedsConfusion() {
		set, err := dataset.Load(e.Ref, l.Cache)
		if err != nil {
			l.Note("the test images of each class are not counted: %v", err)
		} else {
			perClass, names = set.Test.Histogram(set.Data.Classes), set.ClassNames
		}
	}
	return e.Target.Needs(e.Data.Test, perClass, names, alpha)
}

// Lines say it to a person: the accuracy, of floors those that cannot be shown
// and the one with the fewest images, and the seeds.
func (a *Ahead) Lines() []string {
	if a == nil {
		return nil
	}
	if a.Alpha <= 0 {
		return []string{fmt.Sprintf("earlier looks at these test images left %.4g of alpha, less than %v: nothing can be certified on them; %s",
			a.AlphaLeft, search.LeastAlpha, waysOut)}
	}
	lines := []string{a.Needs[0].String()}
	fewest := -1
	for i, n := range a.Needs[1:] {
		if !n.Possible() {
			lines = append(lines, n.String())
		} else if fewest < 0 || n.Images < a.Needs[fewest].Images {
			fewest = i + 1
		}
	}
	if fewest > 0 {
		lines = append(lines, a.Needs[fewest].String())
	}
	return append(lines, a.Seeds)
}

const waysOut = "take new test images, ask several targets as one question from the start, or set target: {evidence: observed}"

// Impossible is what no network can show; nil where there is no such thing.
func (a *Ahead) Impossible() error {
	if a == nil {
		return nil
	}
	for _, n := range a.Needs {
		if !n.Possible() {
			what := "a lower target"
			if n.Class != "" {
				what = "a lower floor"
			}
			return exit.Usagef("nothing is trained: %s; take more test images, %s, or target: {evidence: observed}", n, what)
		}
	}
	return nil
}
