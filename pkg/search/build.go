package search

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/target"
)

// FilesOf returns the files below the run folder that a result was read from:
// that of an early stop; or its result.json, and the int8.json beside it where
// there is one and int8 networks are judged.
type FilesOf func(*result.Result) ([]result.File, error)

// Certificate writes down a finished search. version is this program's.
func (p *Problem) Certificate(plan Plan, version string, filesOf FilesOf) (*result.Certificate, error) {
	if !plan.Done {
		return nil, fmt.Errorf("certificate: the search is not finished")
	}
	s := plan.state
	winner := s.winner()
	c := &result.Certificate{
		Format: cmp.Or(p.format, result.CertificateFormat), Slimfit: version, Experiment: p.Experiment, Dataset: p.Data,
		Target: p.target(), Classes: p.classNames(), Seeds: p.Seeds, FreshSeeds: s.used, Exact: p.Exact, FrontTargets: p.Front,
		EarlyStop: p.EarlyStop, StopAbove: p.stopAbove, Round: p.Round,
		Candidates: []result.Judged{}, Openings: []result.Opening{},
		Machines: []result.Environment{}, Files: []result.File{}, Warnings: []string{},
	}
	if !p.older {
		c.Evidence = cmp.Or(p.Target.Evidence, target.Certificate)
	}
	if n, err := p.FirstNeed(); err == nil && p.FirstAlpha > 0 {
		c.Screening = &result.Screening{Alpha: p.FirstAlpha, Right: n.Right, Images: n.Images, Next: p.next}
		if p.Target.Balanced() {
			c.Screening.Right = 0
		}
	}
	if p.Looks != nil {
		looks := *p.Looks
		if c.Looks = &looks; !s.exhausted {
			looks.Left = 0
		}
	}
	if f := p.field; f != nil {
		c.Space = &result.Space{Configurations: p.Count(), OverBudget: f.over, SHA256: f.digest, SearchSeed: p.SearchSeed}
		c.Space.Cheapest, c.Space.Dearest = p.Range()
	}
	end := winner
	if s.exhausted {
		end = s.horizon()
	}
	c.Candidates = s.judgedAll(end)
	for _, o := range s.openings {
		c.Openings = append(c.Openings, result.Opening{ConfigID: p.Candidates[o.candidate].ID, Alpha: o.alpha, Left: o.left,
			Bound: o.bound, Passed: o.passed, Reason: o.reason, Networks: s.tested(o)})
		c.Alpha.Spent += o.alpha
	}
	if !p.Observed() {
		c.Alpha.Total = 1 - p.Target.Confidence
	}
	s.verdict(c, winner, end)
	s.guesses(c, winner)
	c.Assumption, c.Audit = s.assumption(end), s.audited()
	if p.EarlyStop {
		c.Assumption.Stopping = stoppingText()
	}
	c.Effort = s.effort()
	c.Rules, c.Promises = p.rules(), s.promises(winner, c)
	if err := s.evidence(c, filesOf); err != nil {
		return nil, err
	}
	Noun(c).All(c)
	return c, nil
}

// classNames are the names that a certificate keeps.
func (p *Problem) classNames() []string {
	if p.format == 1 {
		return nil
	}
	return p.Target.Classes
}

// winner is the index of the certified candidate; the number of candidates if
// there is none.
func (s *state) winner() int {
	for i, c := range s.all {
		if c.standing == certified {
			return i
		}
	}
	return len(s.all)
}

func (p *Problem) target() result.Target {
	t := result.Target{Accuracy: p.Target.Accuracy, Confidence: p.Target.Confidence, Rule: p.Target.Rule, Cost: p.Target.Cost,
		Device: p.Target.Device, Within: []result.Limit{}, RecallAll: p.Target.RecallAll, Recall: []result.ClassFloor{}}
	if p.Target.Precision == experiment.Int8 {
		t.Precision = experiment.Int8
	}
	if p.Target.Balanced() {
		t.Metric = p.Target.Metric
	}
	for _, w := range p.Target.Within {
		t.Within = append(t.Within, result.Limit{Cost: w.Cost, Limit: w.Limit})
	}
	for _, r := range p.Target.Recall {
		t.Recall = append(t.Recall, result.ClassFloor{Class: r.Class, Floor: r.Floor})
	}
	for _, u := range p.Target.Under {
		t.Under = append(t.Under, result.ShiftFloor(u))
	}
	return t
}

// tested lists the networks of one opening.
func (s *state) tested(o *opening) []result.TestedNetwork {
	out := []result.TestedNetwork{}
	for k, r := range o.results {
		if k >= len(o.lower) {
			break
		}
		correct := min(max(*r.Correct.Test, 0), s.p.Data.Test)
		f, images := r.On(result.Test).Counted(s.p.Data.Test)
		two, err := s.p.Target.Interval(target.Network{Correct: min(max(*f.Correct, 0), images), Images: images, Confusion: f.Confusion},
			s.p.Target.Confidence)
		if err != nil {
			continue // a bound of it failed before
		}
		out = append(out, result.TestedNetwork{Seed: r.Seed, Correct: correct, Accuracy: float64(correct) / float64(s.p.Data.Test),
			Lower: o.lower[k], Interval: [2]float64{two.Low, two.High}, Under: s.p.under(r, result.Test),
			Distinct: distinctOf(r)})
		if v, ok := s.p.Target.Share(target.Network{Confusion: r.Confusion.Test}); ok && s.p.Target.Balanced() {
			out[len(out)-1].Balanced = &v
		}
		if n, images := s.p.underCounted(r); images != s.p.Data.Test {
			out[len(out)-1].UnderDistinct = n
		}
		if s.p.countsInt8() && !s.p.built {
			out[len(out)-1].Int8Bytes = r.Int8Bytes()
		}
	}
	return out
}

// distinctOf counts without the lists.
func distinctOf(r *result.Result) *result.Distinct {
	if d := r.Distinct; d != nil {
		return &result.Distinct{Test: d.Test, Correct: d.Correct}
	}
	return nil
}

// verdict fills in the answer.
func (s *state) verdict(c *result.Certificate, winner, end int) {
	unjudgedBelow := 0
	for _, d := range s.all[:end] {
		if d.standing == unjudged {
			unjudgedBelow++
		}
	}
	if unjudgedBelow > 0 {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%d configurations could not be judged, as a trial failed: whether one of them meets the "+
			"target is open", unjudgedBelow))
	}
	if !s.p.older {
		cheaper, t := s.tally(c.Candidates)
		cheaper.Untouched += s.untouched(end)
		c.Cheaper, s.count = &cheaper, t
	}
	c.Verdict = result.Certified
	if s.p.Observed() {
		c.Verdict = result.Observed
	}
	if winner < len(s.all) {
		config, o := s.p.Candidates[winner], s.all[winner].opening
		c.Winner = &result.Winner{ConfigID: config.ID, Assignment: config.Assignment, Footprint: config.Footprint,
			Alpha: o.alpha, Bound: o.bound, Networks: s.tested(o)}
	} else if s.exhausted {
		c.Verdict, c.Summary = result.Exploratory, single.Replace(s.exploratory(end))
		return
	} else {
		c.Verdict = result.Unmet
		// what was stopped, skipped or never looked at shows nothing
		if s.count[result.FoundNotShown] > 0 || s.p.stopAbove > 0 && s.count[result.FoundStopped] > 0 ||
			s.p.audits && s.count[result.FoundSkipped] > 0 || s.untouched(end) > 0 {
			c.Verdict = result.NotShown
		}
		c.Nearest = s.nearest()
	}
	if unjudgedBelow > 0 {
		c.Verdict = result.Incomplete
	}
	c.Summary = s.summary(winner, unjudgedBelow)
}

// guesses says what guessing gets, and warns where the winner's networks guess.
func (s *state) guesses(c *result.Certificate, winner int) {
	for i := range s.all {
		for _, n := range s.all[i].nets {
			if g := target.GuessOf(n.result.Confusion.Validation); g.Images > 0 && c.Largest == nil && !s.p.untold {
				c.Largest = &result.LargestClass{Class: g.Class, Share: stats.Round(g.Share())}
			}
		}
	}
	if winner == len(s.all) || c.Format == 1 {
		return
	}
	for _, r := range s.all[winner].opening.results {
		if words := target.GuessOf(r.Confusion.Test).Words(s.p.Target.Classes); words != "" {
			c.Warnings = append(c.Warnings, fmt.Sprintf("the winner's network of seed %d %s on the test images: %s", r.Seed, words,
				target.GuessRemedy))
		}
	}
}

// tally counts the configurations below the winner, or all where there is none,
// by what was trained of them, and by what was found.
func (s *state) tally(all []result.Judged) (c result.Cheaper, found map[result.Finding]int) {
	found = map[result.Finding]int{}
	for _, j := range all {
		switch j.Finding {
		case result.FoundWinner, result.FoundDearer, result.FoundOver:
			continue
		case result.FoundStopped:
			c.Stopped++
		case result.FoundSkipped:
			c.Skipped++
		case result.FoundUnjudged:
			c.Untouched++
		default:
			c.Trained++
		}
		found[j.Finding]++
	}
	return c, found
}

// nearest is the configuration that came closest: one that only the test
// images refuted, else the highest statistic; the cheaper one of equals.
func (s *state) nearest() *result.NearestMiss {
	best := -1
	better := func(i, j int) bool {
		a, b := s.all[i], s.all[j]
		switch {
		case a.opening != nil && b.opening != nil:
			return a.opening.bound > b.opening.bound
		case a.opening != nil || b.opening != nil:
			return a.opening != nil
		}
		return a.statistic > b.statistic
	}
	for i, c := range s.all {
		if len(c.nets) > 0 && c.standing != unjudged && (best < 0 || better(i, best)) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	c, config := s.all[best], s.p.Candidates[best]
	n := &result.NearestMiss{ConfigID: config.ID, Assignment: config.Assignment, Cost: config.Cost, Statistic: c.statistic,
		Seeds: len(c.nets), Reason: c.reason}
	if c.opening != nil {
		n.TestBound = &c.opening.bound
	}
	return n
}

// evidence lists the result files, the machines and the results' warnings.
func (s *state) evidence(c *result.Certificate, filesOf FilesOf) error {
	warned := map[string]int{}
	for i := range s.all {
		var results []*result.Result
		for _, n := range s.all[i].nets {
			if n.early != nil {
				results = append(results, n.early.result)
			}
			results = append(results, n.result)
		}
		for _, r := range append(results, s.all[i].fresh...) {
			files, err := filesOf(r)
			if err != nil {
				return fmt.Errorf("certificate: %w", err)
			}
			c.Files = append(c.Files, files...)
			if !slices.ContainsFunc(c.Machines, func(e result.Environment) bool { return reflect.DeepEqual(e, r.Environment) }) {
				c.Machines = append(c.Machines, r.Environment)
			}
			for _, w := range r.Warnings {
				warned[w]++
			}
		}
	}
	slices.SortFunc(c.Files, func(a, b result.File) int {
		if a.Path < b.Path {
			return -1
		}
		return 1
	})
	for _, w := range slices.Sorted(maps.Keys(warned)) {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s (%d results)", w, warned[w]))
	}
	return nil
}
