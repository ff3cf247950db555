package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
)

// learner is a world whose networks learn: the true error after s of S steps is
// that at the end times (S/s)^exponent, with an exponent of each network's own
// between low and high. Hopeless ones are stopped, as a worker does it.
type learner struct {
	*world
	low, high float64
	late      bool                          // the error stands at six times that at the end until then
	stopped   map[result.Key]*result.Result // nil where it was not
}

func newLearner(w *world, low, high float64) *learner {
	return &learner{world: w, low: low, high: high, stopped: map[result.Key]*result.Result{}}
}

func (l *learner) lookup(key result.Key, toEnd bool) (*result.Result, bool) {
	if toEnd {
		return l.finished(key, true)
	}
	r, known := l.stopped[key]
	if !known {
		r = l.train(key)
		l.stopped[key] = r
	}
	if r != nil {
		return r, true
	}
	return l.finished(key, true)
}

// train looks at a network on its way, and returns it where it is stopped.
func (l *learner) train(key result.Key) *result.Result {
	i := slices.IndexFunc(l.p.Candidates, func(c Candidate) bool { return c.ID == key.ConfigID })
	c, rule := l.p.Candidates[i], l.p.StopRule()
	rng := l.Rand(key, 3)
	exponent, end := l.low+(l.high-l.low)*rng.Float64(), 1-l.trueAccuracy(key)
	for s := 1; s < c.Recipe.Steps && rule != nil; s++ {
		if !stats.IsLook(s, c.Recipe.Steps) {
			continue
		}
		q := images.Shares(1 - min(end*math.Pow(float64(c.Recipe.Steps)/float64(s), exponent), 0.9))
		if l.late {
			q = images.Shares(1 - min(6*end, 0.9))
		}
		correct, wrong := l.p.Data.Validation, make([]int, Strata)
		for g := range q {
			wrong[g] = Binomial(rng, l.Val[g], 1-q[g])
			correct -= wrong[g]
		}
		if rule.TooEarly(correct, l.p.Data.Validation) {
			continue
		}
		highest, err := stats.Projected(correct, l.p.Data.Validation, s, c.Recipe.Steps, rule.Confidence)
		if err != nil {
			panic(err)
		}
		if highest >= rule.Accuracy {
			continue
		}
		accuracy := float64(correct) / float64(l.p.Data.Validation)
		r := &result.Result{ConfigID: key.ConfigID, Seed: key.Seed, Status: result.StoppedEarly, Dataset: l.p.Data, Steps: s,
			Train: c.Recipe, Model: c.Spec().FullLayers(), Warnings: []string{}}
		r.Correct.Validation, r.Accuracy.Validation = &correct, &accuracy
		if _, lists := l.Lists(key); lists {
			r.Wrong.Validation, r.Confusion.Validation = Answers(rng, l.Val, wrong, l.p.Data.Classes)
		}
		return r
	}
	return nil
}

// counts are the stops, and those of networks that would have ended at the
// target or above, by what the validation images would have shown.
func (l *learner) counts() (stops, wrong int) {
	for key, r := range l.stopped {
		if r == nil {
			continue
		}
		stops++
		if full, _ := l.finished(key, true); float64(*full.Correct.Validation)/float64(l.p.Data.Validation) >= l.p.Target.Accuracy {
			wrong++
		}
	}
	return stops, wrong
}

// How often is a trial stopped that would have met the target, and do early
// stops make certificates false? True accuracies lie at the target or just
// below, where both are likeliest. With exponents well below 1 no stop is
// wrong; with all at the largest that is allowed for, the confidence is what
// bounds them. Above it stops are wrong, but no certificate is.
func TestEarlyStopRates(t *testing.T) {
	all := small()
	for _, c := range []struct {
		low, high float64 // exponents
		spread    float64 // true accuracies lie in 0.95 - spread to 0.95
		grids     int
		most      float64 // share of grids with a wrong stop
	}{
		{0.1, 0.9, 0.001, 600, 0},
		{0.1, 0.9, 0.05, 600, 0},
		{stats.ErrorExponent, stats.ErrorExponent, 0.001, 600, 0.05},
		{1.75, 1.75, 0.001, 600, 1},
	} {
		p := problem(all, 1, aim(0.95), Options{EarlyStop: true})
		certified, falsely, stops, wrong, bad := 0, 0, 0, 0, 0
		for g := range uint64(c.grids) {
			rng := rand.New(rand.NewPCG(g, 78))
			accuracy := map[string]float64{}
			for _, config := range all {
				accuracy[config.ID] = 0.95 - c.spread*rng.Float64()
			}
			l := newLearner(newWorld(p, accuracy, 0.01, g), c.low, c.high)
			plan := p.Replay(l.lookup)
			if i := found(plan); i >= 0 {
				certified++
				if isFalse(l.world, i) {
					falsely++
				}
			}
			n, w := l.counts()
			stops, wrong = stops+n, wrong+w
			if w > 0 {
				bad++
			}
		}
		share := float64(bad) / float64(c.grids)
		t.Logf("exponents %.2f to %.2f, accuracies down to %.3f: %d trials stopped, %d wrongly, in %.2f %% of grids; %d of %d grids "+
			"certified, %d falsely",
			c.low, c.high, 0.95-c.spread, stops, wrong, 100*share, certified, c.grids, falsely)
		slack := func(p float64) float64 { return 2.6 * math.Sqrt(p*(1-p)/float64(c.grids)) }
		if share > c.most+slack(c.most) {
			t.Errorf("exponents %.2f to %.2f: %.2f %% of grids have a wrong stop", c.low, c.high, 100*share)
		}
		if rate := float64(falsely) / float64(c.grids); rate > 0.05+slack(0.05) {
			t.Errorf("exponents %.2f to %.2f: %.2f %% false certificates", c.low, c.high, 100*rate)
		}
		if c.spread < 0.01 && c.high < 1 && falsely == 0 || c.spread > 0.01 && stops == 0 || c.low > stats.ErrorExponent && wrong == 0 {
			t.Errorf("exponents %.2f to %.2f: %d stops, %d wrong, %d false certificates: the grids put nothing to the test", c.low, c.high, stops,
				wrong, falsely)
		}
	}
}

// On surfaces as rugged as the paper's tables early stops change no winner but
// in rare cases, and save steps.
func TestEarlyStopOnTheBigGrid(t *testing.T) {
	all := grid120()
	const grids = 40
	same, with, without, stops, wrong := 0, 0, 0, 0, 0
	for g := range uint64(grids) {
		p, q := problem(all, 3, aim(0.95), Options{EarlyStop: true}), problem(all, 3, aim(0.95), Options{})
		accuracy := surface(rand.New(rand.NewPCG(g, 5)), all, 0.05)
		l := newLearner(newWorld(p, accuracy, 0.06, g), 0.2, 0.9)
		plan, full := p.Replay(l.lookup), q.Replay(newWorld(q, accuracy, 0.06, g).finished)
		if found(plan) == fullGrid(t, l.world) {
			same++
		}
		e := plan.state.effort()
		with, without = with+e.Steps, without+full.state.effort().Steps
		n, w := l.counts()
		if stops, wrong = stops+n, wrong+w; n < e.Stopped {
			t.Errorf("grid %d: %d stops counted, %d happened", g, e.Stopped, n)
		}
	}
	t.Logf("%d of %d winners are the full grid's; %d trials stopped, %d wrongly; %.1f %% of the search's steps saved", same, grids, stops,
		wrong, 100*(1-float64(with)/float64(without)))
	if same < grids-1 || wrong > 0 || float64(with) > 0.9*float64(without) {
		t.Errorf("%d of %d winners, %d wrong stops, %d steps of %d", same, grids, wrong, with, without)
	}
}

// Where a stop could not reject, or something would be assumed that must not
// be, nothing is stopped.
func TestWhereNothingStops(t *testing.T) {
	recipes := func(change func(*models.Recipe)) []Candidate {
		all := small()
		for i := range all {
			change(&all[i].Recipe)
		}
		return all
	}
	as := func(rule string) experiment.Target {
		goal := aim(0.95)
		goal.Rule = rule
		return goal
	}
	early := Options{EarlyStop: true}
	for _, c := range []struct {
		name  string
		p     *Problem
		stops bool
	}{
		{"worst", problem(small(), 1, aim(0.95), early), true},
		{"not asked for", problem(small(), 1, aim(0.95), Options{}), false},
		{"exact", problem(small(), 1, aim(0.95), Options{EarlyStop: true, Exact: true}), false},
		{"mean", problem(small(), 3, as(experiment.RuleMean), early), false},
		{"tolerance", problem(small(), 10, as(experiment.RuleTolerance), early), false},
		{"sigmoid", problem(func() []Candidate {
			all := small()
			for i := range all {
				all[i].Layers = slices.Clone(all[i].Layers)
				all[i].Layers[0].Activation = models.Sigmoid
			}
			return all
		}(), 1, aim(0.95), early), false},
		{"sgd", problem(recipes(func(r *models.Recipe) { r.Optimizer = models.SGD }), 1, aim(0.95), early), false},
		{"a small rate", problem(recipes(func(r *models.Recipe) { r.LearningRate = 1e-5 }), 1, aim(0.95), early), false},
		{"cosine", problem(recipes(func(r *models.Recipe) { r.Schedule = models.Cosine }), 1, aim(0.95), early), false},
		{"too few steps", problem(recipes(func(r *models.Recipe) { r.Steps = 1000 }), 1, aim(0.95), early), false},
	} {
		if got := c.p.StopRule() != nil; got != c.stops || c.p.EarlyStop != c.stops {
			t.Errorf("%s: stops %v, want %v", c.name, got, c.stops)
		}
		stated := slices.ContainsFunc(c.p.rules(), func(r string) bool { return strings.HasPrefix(r, "A trial is stopped") })
		if stated != c.stops {
			t.Errorf("%s: the rule is stated: %v", c.name, stated)
		}
	}
}

// A stopped network clearly fails, whatever its recalls, and rejects its
// configuration; one that the rule does not stop says nothing.
func TestStoppedNetworkFails(t *testing.T) {
	goal := aim(0.95)
	goal.RecallAll = 0.99
	p := problem(small(), 2, goal, Options{EarlyStop: true})
	for _, c := range []struct {
		correct, step         int
		clear, failed         bool
		wantUpper, wantReason string
	}{
		{3000, 1000, true, false, "93.3", "seed 0 was stopped at step 1000 with 60.00 %"},
		{4500, 3000, true, false, "93.", "seed 0 was stopped at step 3000 with 90.00 %"},
		{2100, 1000, false, true, "", "may have just begun to learn"},
		{4500, 1000, false, true, "", "could still have reached 98."},
		{3000, 1500, false, true, "", "step 1500 of 4000"},
		{-1, 1000, false, true, "", "may have just begun"},
	} {
		r := &result.Result{ConfigID: p.Candidates[0].ID, Status: result.StoppedEarly, Steps: c.step, Train: p.Candidates[0].Recipe}
		r.Correct.Validation = &c.correct
		n := p.look(r)
		if n.clear != c.clear || n.failed != c.failed || n.reaches || !strings.Contains(n.trouble, c.wantReason) || c.clear &&
			!strings.HasPrefix(bound(n.upper), c.wantUpper) {
			t.Errorf("%d correct at step %d: %+v, upper %s", c.correct, c.step, n, bound(n.upper))
		}
		s := newState(p)
		s.take(0, r)
		s.judge()
		if got := s.all[0].standing; c.clear && got != rejected || c.failed && got != unjudged {
			t.Errorf("%d correct at step %d: the configuration is %v", c.correct, c.step, got)
		}
		if want := c.step; s.effort().Steps != want || s.effort().Stopped != 1 {
			t.Errorf("effort %+v, want %d steps", s.effort(), want)
		}
	}
}

// Neither a projection nor a skip carries a "none": where trials were stopped or
// configurations skipped, it is not shown that nothing meets the target; where all
// were trained to their end, it is.
func TestStopsShowNothing(t *testing.T) {
	all, accuracy := small(), map[string]float64{}
	for _, c := range all {
		accuracy[c.ID] = 0.8
	}
	for _, c := range []struct {
		o    Options
		want result.Verdict
		says string
	}{
		{Options{EarlyStop: true}, result.NotShown, "not trained to the end"},
		{Options{}, result.NotShown, "untrained, as larger ones clearly fail"},
		{Options{Exact: true}, result.Unmet, "24 fail."},
	} {
		p := problem(all, 1, aim(0.95), c.o)
		l := newLearner(newWorld(p, accuracy, 0.001, 1), 0.1, 0.5)
		cert := certificateOf(t, p, l.lookup)
		if cert.Verdict != c.want || !strings.Contains(cert.Summary, c.says) {
			t.Errorf("%+v: %s: %s", c.o, cert.Verdict, cert.Summary)
		}
		if audited := strings.Contains(cert.Summary, "Trained to their end all the same: "); audited == c.o.Exact {
			t.Errorf("%+v: %s", c.o, cert.Summary)
		}
	}
}

func certificateOf(t *testing.T, p *Problem, l Lookup) *result.Certificate {
	t.Helper()
	cert, err := p.Certificate(p.Replay(l), "1.0", func(*result.Result) ([]result.File, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
