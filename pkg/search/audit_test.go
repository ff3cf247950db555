package search

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/result"
)

// lateLearner is a world whose late networks stand still until their last look,
// where they are stopped, and end where they should: what no projection foresees.
func lateLearner(w *world, late func(id string) bool) Lookup {
	l := newLearner(w, 0.1, 0.5)
	slow := newLearner(&world{w.World, w.p}, 0, 0)
	slow.late = true
	return func(k result.Key, toEnd bool) (*result.Result, bool) {
		if late(k.ConfigID) {
			return slow.lookup(k, toEnd)
		}
		return l.lookup(k, toEnd)
	}
}

// Networks that begin late are stopped; the audit finds out, stopping is
// withdrawn, and the answer is the one of a search that stops none.
func TestAuditFindsLateBeginners(t *testing.T) {
	all, surprised, missed := grid120(), 0, 0
	for g := range uint64(12) {
		p, q := problem(all, 2, aim(0.95), Options{EarlyStop: true}), problem(all, 2, aim(0.95), Options{})
		accuracy := surface(rand.New(rand.NewPCG(g, 5)), all, 0.02)
		cert := certificateOf(t, p, lateLearner(newWorld(p, accuracy, 0.02, g), func(string) bool { return true }))
		want := certificateOf(t, q, newWorld(q, accuracy, 0.02, g).finished)
		if len(cert.Audit.Exceeded) == 0 && cert.Verdict == result.NotShown && cert.Cheaper.Stopped > 0 { // it may miss one, and says so
			missed++
			continue
		}
		if (cert.Winner == nil) != (want.Winner == nil) || cert.Winner != nil && cert.Winner.ConfigID != want.Winner.ConfigID {
			t.Errorf("grid %d: %s; without stops: %s", g, cert.Summary, want.Summary)
		}
		if len(cert.Audit.Exceeded) == 0 {
			continue
		}
		surprised++
		if !slices.Contains(cert.Audit.Withdrawn, result.Stopping) || cert.Cheaper.Stopped > 0 ||
			!strings.Contains(cert.Summary, "first, which withdraws stopping.") {
			t.Errorf("grid %d: %+v, %+v: %s", g, cert.Audit, cert.Cheaper, cert.Summary)
		}
	}
	if surprised < 6 || missed > 2 {
		t.Errorf("%d of 12 grids have a surprise, %d may have missed one: they put little to the test", surprised, missed)
	}
}

// Where only some begin late, and the most promising are looked at first, the
// share of the stopped that is trained on is the one that is stated.
func TestAuditShares(t *testing.T) {
	all := grid120()
	p := problem(all, 3, aim(0.95), Options{EarlyStop: true})
	l := newLearner(newWorld(p, surface(rand.New(rand.NewPCG(3, 5)), all, 0.05), 0.06, 3), 0.2, 0.9)
	cert := certificateOf(t, p, l.lookup)
	a, left := cert.Audit, 0
	lowest, highest := 1.0, 0.0
	for _, j := range cert.Candidates {
		for _, n := range j.Networks {
			switch {
			case n.Projected > 0:
				lowest = min(lowest, n.Projected)
			case n.StoppedAt > 0 && j.Finding != result.FoundDearer:
				left++
				highest = max(highest, n.Upper)
			}
		}
	}
	if a.Stopped < 4 || a.Stopped < ceilShare(0.1, left+a.Stopped) || a.Skipped < 4 || len(a.Exceeded)+len(a.Withdrawn) > 0 {
		t.Errorf("%+v of %d left", a, left)
	}
	if lowest < highest {
		t.Errorf("trained on from %v, and not %v", lowest, highest)
	}
	s := newState(p)
	for n, want := range map[int]int{3: 3, 4: 4, 40: 4, 41: 5, 79: 8} {
		if got := s.due(n, 0); got != want {
			t.Errorf("of %d, %d are audited, want %d", n, got, want)
		}
	}
	p.Round, p.Candidates = 100, make([]Candidate, 1001)
	if got := s.due(900, 5); got != 15 {
		t.Errorf("in a large space, %d more than 5 are audited, want 15", got)
	}
}

// A skipped configuration that reaches the target takes the skips back: small
// networks do better here, against what is assumed, and not one is found by
// anything but the audit.
func TestAuditFindsWhatWasSkipped(t *testing.T) {
	all, accuracy := grid120(), map[string]float64{}
	for i, c := range all {
		accuracy[c.ID] = 0.9
		if c.Assignment["filters"] == 2 || i%7 == 0 && c.Assignment["filters"] == 4 {
			accuracy[c.ID] = 0.97
		}
	}
	p, q := problem(all, 1, aim(0.95), Options{}), problem(all, 1, aim(0.95), Options{Exact: true})
	cert, want := certificateOf(t, p, newWorld(p, accuracy, 0.001, 1).finished), certificateOf(t, q, newWorld(q, accuracy, 0.001, 1).finished)
	if cert.Winner == nil || cert.Winner.ConfigID != want.Winner.ConfigID || !slices.Contains(cert.Audit.Withdrawn, result.Skipping) {
		t.Errorf("%+v: %s; exact: %s", cert.Audit, cert.Summary, want.Summary)
	}
	p.audits = false // as before
	if before := certificateOf(t, p, newWorld(p, accuracy, 0.001, 1).finished); before.Audit != nil {
		t.Errorf("%+v", before.Audit)
	}
}
