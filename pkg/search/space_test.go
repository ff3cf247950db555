package search

import (
	"encoding/json"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
)

// spaceProblem is a question to a simulated space, whose networks answer by a
// landscape of their own.
func spaceProblem(t testing.TB, e *experiment.Experiment, accuracy float64, o Options, salt uint64) (*Problem, *world) {
	t.Helper()
	mine, goal := *e, *e.Target
	goal.Accuracy = accuracy
	mine.Target = &goal
	p, err := New(&mine, o)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(p, map[string]float64{}, 0.06, salt)
	w.Lists = func(result.Key) (validation, test bool) { return e.Configs != nil, e.Configs != nil } // else too many
	land := DrawLandscape(rand.New(rand.NewPCG(salt, 9)), 0.05)
	for i := range e.Space.Len() {
		c := e.Space.Config(i)
		w.Accuracy[c.ID] = land.Accuracy(c.Config, c.ID)
	}
	return p, w
}

func space(t testing.TB, sets ...string) *experiment.Experiment {
	t.Helper()
	e, err := Load(t.TempDir(), SpaceYAML, sets...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// fewer makes the simulated space one of 1,440, which are listed.
var fewer = []string{"matrix.filters=[1, 2, 4, 8, 32]", "matrix.wide=[4, 8, 16]"}

// A space of 10,368 is searched for a hundredth of its steps, and the answer is
// the cheapest that passes, or one within 5 % of its cost. BenchmarkSpaces asks
// this of many more.
func TestSearchOfASpace(t *testing.T) {
	e := space(t)
	if e.Configs != nil || e.Space.Len() != 10_368 {
		t.Fatalf("%d configurations, listed: %v", e.Space.Len(), e.Configs != nil)
	}
	for salt := range uint64(2) {
		p, w := spaceProblem(t, e, 0.95, Options{SearchSeed: int64(salt)}, salt)
		c := certificate(t, p, w)
		if c.Verdict != result.Certified || c.Effort.Share > 0.01 {
			t.Errorf("%s, %.2f %% of the steps", c.Summary, 100*c.Effort.Share)
			continue
		}
		need, _ := p.FirstNeed()
		cheaper := slices.IndexFunc(p.field.places, func(o place) bool { return 105*o.cost >= 100*c.Winner.Footprint.Parameters })
		for i := range p.field.places[:cheaper] {
			id := e.Space.Config(p.field.places[i].at).ID
			if passesAll(p, w, id, need.Right) {
				t.Errorf("space %d: %s passes, and the search says %s", salt, id, c.Summary)
			}
		}
		b, _ := json.Marshal(c)
		if len(b) > 20<<20 || !strings.Contains(c.Summary, "of a space of 10368") || !strings.Contains(c.Summary, "never looked at") {
			t.Errorf("%d bytes: %s", len(b), c.Summary)
		}
		low := slices.IndexFunc(p.field.places, func(o place) bool { return o.cost >= c.Winner.Footprint.Parameters })
		if n := c.Cheaper.Trained + c.Cheaper.Stopped + c.Cheaper.Skipped + c.Cheaper.Untouched; n < low {
			t.Errorf("%+v are %d, and %d are cheaper", *c.Cheaper, n, low)
		}
		if a := c.Assumption; a.Audited < auditLeast || a.SurprisesAtMost <= float64(a.Surprises)/float64(a.Audited) {
			t.Errorf("%+v", a)
		}
	}
}

func passesAll(p *Problem, w *world, id string, need int) bool {
	for _, s := range p.Seeds {
		if r, _ := w.finished(result.Key{ConfigID: id, Seed: s}, false); *r.Correct.Validation < p.PassMark() || *r.Correct.Test < need {
			return false
		}
	}
	return true
}

// The certificate follows from the results and the search seed, wherever the
// search was interrupted, and verify goes the same way.
func TestSpaceSearchIsAFunctionOfItsResults(t *testing.T) {
	e := space(t, fewer...)
	p, w := spaceProblem(t, e, 0.95, Options{}, 5)
	s := record(t, p, w)
	if s.cert.Space == nil || s.cert.Winner == nil || s.cert.Space.Configurations != e.Space.Len() {
		t.Fatalf("%+v: %s", s.cert.Space, s.cert.Summary)
	}
	want, _ := json.Marshal(s.cert)
	again, w2 := spaceProblem(t, e, 0.95, Options{}, 5)
	there := map[result.Key]bool{}
	lookup := func(k result.Key, toEnd bool) (*result.Result, bool) {
		if !there[k] {
			return nil, false
		}
		return w2.finished(k, toEnd)
	}
	for rounds := 0; !again.Replay(lookup).Done; rounds++ { // killed in the middle of each round
		plan := again.Replay(lookup)
		next := slices.DeleteFunc(plan.Train, func(k result.Key) bool { return there[k] })
		if len(next) == 0 || rounds > 1000 {
			t.Fatalf("round %d asks for nothing new", rounds)
		}
		there[next[0]] = true
	}
	if got, _ := json.Marshal(record(t, again, w2).cert); string(got) != string(want) {
		t.Error("interrupted after each trial, the search writes another certificate")
	}
	other, w3 := spaceProblem(t, e, 0.95, Options{SearchSeed: 1}, 5)
	if got, _ := json.Marshal(record(t, other, w3).cert); string(got) == string(want) {
		t.Error("another search seed changes nothing")
	}

	evidence := func(e *experiment.Experiment) Evidence {
		return Evidence{Experiment: e, Sealed: sealedResult, Open: func(path string) ([]byte, error) {
			if b, ok := s.files[path]; ok {
				return b, nil
			}
			return nil, fs.ErrNotExist
		}}
	}
	if faults := Verify(s.cert, evidence(e)); len(faults) > 0 {
		t.Errorf("%d faults: %v", len(faults), faults[0])
	}
	if faults := Verify(s.cert, evidence(nil)); len(faults) != 1 || !strings.Contains(faults[0].What, "give --experiment FILE") {
		t.Errorf("without the experiment: %v", faults)
	}
	if faults := Verify(s.cert, evidence(space(t, "matrix.filters=[1, 2, 4, 16, 32]", fewer[1]))); len(faults) == 0 {
		t.Error("another space shows nothing")
	}
	for name, forge := range map[string]func(c *result.Certificate){
		"untouched":   func(c *result.Certificate) { c.Cheaper.Untouched-- },
		"search seed": func(c *result.Certificate) { c.Space.SearchSeed = 3 },
		"chosen":      func(c *result.Certificate) { c.Candidates[0].Chosen = "model!" },
		"screening":   func(c *result.Certificate) { c.Screening.Next = false },
		"surprises":   func(c *result.Certificate) { c.Assumption.Surprises++ },
		"a configuration left out": func(c *result.Certificate) {
			c.Candidates = c.Candidates[1:]
		},
	} {
		var forged result.Certificate
		if err := json.Unmarshal(want, &forged); err != nil {
			t.Fatal(err)
		}
		if forge(&forged); len(Verify(&forged, evidence(e))) == 0 {
			t.Errorf("forged %s: it holds", name)
		}
	}

	older, w4 := spaceProblem(t, e, 0.95, Options{}, 5)
	older.next, older.FirstAlpha = false, (1-older.Target.Confidence)/2
	if s = record(t, older, w4); s.cert.Screening.Next || s.cert.Openings[0].Alpha != older.FirstAlpha {
		t.Errorf("by the older rule: %+v, %+v", s.cert.Screening, s.cert.Openings)
	}
	if faults := Verify(s.cert, evidence(e)); len(faults) > 0 {
		t.Errorf("by the older rule %d faults: %v", len(faults), faults[0])
	}
}

// In a large space each opening may err with a quarter of what is left, and once
// some failed, screening asks for what that asks for.
func TestScreeningLooksAhead(t *testing.T) {
	p, w := spaceProblem(t, space(t, fewer...), 0.95, Options{}, 5)
	failed := map[string]bool{}
	for range 4 {
		plan := p.Replay(func(k result.Key, toEnd bool) (*result.Result, bool) {
			r, ok := w.finished(k, toEnd)
			if ok && failed[k.ConfigID] {
				worse, few := *r, r.Dataset.Test/2
				worse.SetOn(result.Test, result.Figures{Correct: &few})
				r = &worse
			}
			return r, ok
		})
		left, all := 1-p.Target.Confidence, plan.state.openings
		if len(all) != len(failed)+1 {
			t.Fatalf("%d openings after %d failures", len(all), len(failed))
		}
		for _, o := range all {
			if math.Abs(o.alpha-left/4) > 1e-12 {
				t.Errorf("alpha %v of %v", o.alpha, left)
			}
			for _, n := range plan.state.all[o.candidate].nets {
				if n.correct < p.passMark(left/4) {
					t.Errorf("opened by %d right where %d are asked for", n.correct, p.passMark(left/4))
				}
			}
			left -= o.alpha
			failed[p.Candidates[o.candidate].ID] = true
		}
		if last := all[len(all)-1].alpha; math.Abs(p.asked-last) > 1e-12 || len(all) > 2 && p.passMark(p.asked) <= p.PassMark() {
			t.Errorf("alpha %v asked for, of %v", p.asked, last)
		}
	}
}

// Where nothing passes, what was never looked at may: the verdict says no more.
func TestSpaceWithoutAnAnswer(t *testing.T) {
	p, w := spaceProblem(t, space(t, fewer...), 0.999, Options{}, 2)
	c := certificate(t, p, w)
	var b strings.Builder
	const advice = "What may help: more training steps, ranges beyond "
	if err := WriteBrief(&b, c); err != nil || !strings.Contains(strings.Join(strings.Fields(b.String()), " "), advice) {
		t.Errorf("%v: %s", err, b.String())
	}
	if c.Verdict != result.NotShown || c.Nearest == nil || c.Cheaper.Untouched == 0 || c.Effort.Share > 0.05 {
		t.Errorf("%s: %s, %+v, %.3f", c.Verdict, c.Summary, c.Nearest, c.Effort.Share)
	}
}

// Budgets that exclude all are named, with what they lack; nothing is trained.
func TestBudgetsThatExcludeAll(t *testing.T) {
	for within, want := range map[string]string{
		"{parameters: 10}":             "the least parameters is 502, 492 above its budget of 10",
		"{macs: 800, parameters: 502}": "the least macs is 1274, 474 above its budget of 800.",
	} {
		e := space(t, append(fewer, "target.within="+within)...)
		for _, o := range []Options{{}, {Exact: true}} {
			p, err := New(e, o)
			if err != nil {
				t.Fatal(err)
			}
			plan := p.Replay(func(result.Key, bool) (*result.Result, bool) { t.Fatal("it trains"); return nil, false })
			c, err := p.Certificate(plan, "1.0", nil)
			if err != nil || c.Winner != nil || !strings.Contains(c.Summary, want) {
				t.Errorf("%s: %v: %s", within, err, c.Summary)
			}
		}
	}
}

func TestSpaceRefuses(t *testing.T) {
	for _, c := range []struct {
		set  string
		o    Options
		want string
	}{
		{"target.cost=tflite_int8_bytes", Options{}, "tflite_int8_bytes is measured on each network's files, and 10368 configurations are only counted"},
		{"seeds=3", Options{Exact: true}, "an exact search trains every cheaper configuration"},
	} {
		if _, err := New(space(t, c.set), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.set, err)
		}
	}
}

// No weight of a rising feature is negative, and on data that a ridge regression
// fits, its predictions come near, by its own spread.
func TestSurrogate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	columns := []column{{name: "a", rises: true, values: make([]float32, 400)}, {name: "b", rises: true, values: make([]float32, 400)},
		{name: "c", values: make([]float32, 400)}}
	var all []observation
	truth := func(i int) float64 {
		return 2 + 0.8*float64(columns[0].values[i]) - 0.5*float64(columns[2].values[i])
	}
	for i := range 400 {
		for _, c := range columns {
			c.values[i] = float32(rng.NormFloat64())
		}
		if i < 40 {
			all = append(all, observation{i, truth(i) - 0.02*float64(columns[1].values[i]) + 0.1*rng.NormFloat64(), 1})
		}
	}
	m := fit(columns, all)
	inside := 0
	for i := 40; i < 400; i++ {
		if math.Abs(m.predict(i)-truth(i)) < 2*m.sd(i) {
			inside++
		}
	}
	if inside < 340 || m.spread < 0.07 || m.spread > 0.15 {
		t.Errorf("%d of 360 within two sd, spread %.3f", inside, m.spread)
	}
	for _, d := range []*surrogate{m, m.draw(rng), m.draw(rng)} {
		for j, c := range d.columns {
			if c.rises && d.weights[j] < 0 {
				t.Errorf("%s falls: %v", c.name, d.weights[j])
			}
		}
	}
	// what is far from the observations is known less
	columns[0].values[399] = 10
	if m = fit(columns, all); m.sd(399) < 1.5*m.sd(50) {
		t.Errorf("sd %.3f far away, %.3f nearby", m.sd(399), m.sd(50))
	}
	if one := fit(nil, all[:2]); math.Abs(one.predict(0)-(all[0].logit+all[1].logit)/2) > 1e-9 || one.sd(0) <= 0 {
		t.Errorf("without features: %v", one.predict(0))
	}
}
