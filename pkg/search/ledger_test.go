package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"slimfit/pkg/result"
)

// What earlier looks at the test images have cost is not spent again: the next
// question gets half of what is left, and where nothing is left it is exploratory.
// The certificate says so, and holds; one that says less does not.
func TestEarlierLooksAreCharged(t *testing.T) {
	charged := func(before float64) searched {
		goal := aim(0.93)
		goal.RecallAll = 0.5
		p := problem(small(), 3, goal, Options{})
		p.Looks = &result.Looks{Before: 1, AlphaBefore: before}
		left := 1 - goal.Confidence - before
		p.Charge = func(string, []int64) (float64, float64, error) {
			if left < LeastAlpha {
				return 0, left, nil
			}
			defer func() { left /= 2 }()
			return left / 2, left, nil
		}
		return record(t, p, newWorld(p, surface(rand.New(rand.NewPCG(4, 4)), p.Candidates, 0.05), 0.05, 4))
	}
	s := charged(0.03)
	if s.cert.Verdict != result.Certified || s.cert.Openings[0].Alpha > 0.0100001 ||
		!strings.Contains(strings.Join(s.cert.Promises, " "), "opened 1 time before by other questions") {
		t.Errorf("%s: %+v, %q", s.cert.Summary, s.cert.Openings, s.cert.Promises)
	}
	if faults := s.verify(); len(faults) > 0 {
		t.Errorf("faults in a true certificate: %v", faults)
	}
	s.cert.Looks.AlphaBefore = 0.045
	if faults := s.verify(); len(faults) == 0 {
		t.Error("more alpha was spent than was left, and the certificate holds")
	}
	s = charged(0.03)
	s.cert.Openings[0].Alpha, s.cert.Openings[0].Left = 0.025, 0.05
	if faults := s.verify(); len(faults) == 0 {
		t.Error("the looks before are not counted, and the certificate holds")
	}
	s = charged(0.0495)
	if s.cert.Verdict != result.Exploratory || s.cert.Winner != nil || len(s.cert.Openings) > 0 ||
		!strings.Contains(s.cert.Summary, "is not certified: earlier openings left less than 0.001") {
		t.Errorf("%s: %s", s.cert.Verdict, s.cert.Summary)
	}
	if faults := s.verify(); len(faults) > 0 {
		t.Errorf("faults in an exploratory one: %v", faults)
	}
}

// The same target, seeds and configurations are the same question, whatever the
// order; any other is another one.
func TestQuestion(t *testing.T) {
	all := small()
	p := problem(all, 3, aim(0.93), Options{})
	if q := problem(all, 3, aim(0.93), Options{Exact: true}); q.Question() != p.Question() {
		t.Error("how it is searched is no part of what is asked")
	}
	other := aim(0.93)
	other.Rule = "mean"
	for _, q := range []*Problem{problem(all, 3, aim(0.94), Options{}), problem(all, 2, aim(0.93), Options{}),
		problem(all[1:], 3, aim(0.93), Options{}), problem(all, 3, other, Options{})} {
		if q.Question() == p.Question() {
			t.Error("another question has the same name")
		}
	}
}

// What a certificate says of looks follows from the lines in it, and these are
// those of the ledger.
func TestLinesInACertificate(t *testing.T) {
	goal := aim(0.93)
	goal.RecallAll = 0.5
	p := problem(small(), 3, goal, Options{})
	question := p.Question()
	lines := []result.Look{{By: result.ByRun, Key: "k"}, {By: result.BySearch, Question: "other", ConfigIDs: []string{"x"}, Alpha: 0.025},
		{By: result.BySearch, Question: "more", Alpha: 0.0125, Key: "k"}}
	p.Looks, _, _ = Account(lines, question, 0.05, HalfAlpha)
	p.Charge = func(id string, _ []int64) (float64, float64, error) {
		left := p.Looks.Left
		lines = append(lines, result.Look{By: result.BySearch, Question: question, ConfigIDs: []string{id}, Alpha: left / 2, AlphaLeft: left})
		p.Looks, _, _ = Account(lines, question, 0.05, HalfAlpha)
		return left / 2, left, nil
	}
	s := record(t, p, newWorld(p, surface(rand.New(rand.NewPCG(4, 4)), p.Candidates, 0.05), 0.05, 4))
	if l := s.cert.Looks; l.Before != 2 || math.Abs(l.AlphaBefore-0.0375) > 1e-12 || l.Seen == "" || len(l.Lines) != 3+len(s.cert.Openings) {
		t.Fatalf("%+v", l)
	}
	s.ledger = append(lines, result.Look{Question: "later", Alpha: 0.001})
	if faults := s.verify(); len(faults) > 0 {
		t.Errorf("faults in a true certificate: %v", faults)
	}
	whole := *s.cert.Looks
	for name, c := range map[string]struct {
		change func()
		want   string
	}{
		"fewer before":          {func() { s.cert.Looks.Before-- }, "looks.before: it says 1, looks.lines says 2"},
		"less before":           {func() { s.cert.Looks.AlphaBefore = 0.01 }, "looks.alpha_before: it says 0.01, looks.lines says 0.0375"},
		"nothing seen":          {func() { s.cert.Looks.Seen = "" }, "looks.seen: it says , looks.lines says 0001-01-01"},
		"a line less":           {func() { s.cert.Looks.Lines = whole.Lines[1:] }, "looks.lines: they are not those of the ledger"},
		"no line of an opening": {func() { s.cert.Looks.Lines = whole.Lines[:3] }, "test_openings[0]: looks.lines has no line of it"},
		"no lines, less before": {func() { s.cert.Looks.Lines, s.cert.Looks.Before = nil, 1 }, "looks.before: it says 1, the ledger says 2"},
		"no looks":              {func() { s.cert.Looks = nil }, "looks.alpha_before: it says 0, the ledger says 0.0375"},
	} {
		looks := whole
		s.cert.Looks = &looks
		c.change()
		if faults := fmt.Sprint(s.verify()); !strings.Contains(faults, c.want) {
			t.Errorf("%s: %s, want %q", name, faults, c.want)
		}
	}
}
