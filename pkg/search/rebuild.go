package search

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/shift"
	"slimfit/pkg/target"
)

// fromCertificate makes the problem that a certificate answers, from what it
// says of its configurations, and of a space from what the experiment does; IDs
// and costs are computed anew. The problem is nil where it cannot be made.
func fromCertificate(c *result.Certificate, e *experiment.Experiment) (*Problem, []Fault) {
	var faults []Fault
	p := &Problem{Experiment: c.Experiment, Data: c.Dataset, Seeds: c.Seeds, format: c.Format, older: c.Format == 1 ||
		c.Evidence == "", untold: c.Largest == nil, built: slices.Contains(c.Rules, builtRule),
		underAll: slices.Contains(c.Rules, underRule("test images")),
		Options: Options{Exact: c.Exact, EarlyStop: c.EarlyStop, Round: c.Round, Model: c.Space != nil,
			Front: c.FrontTargets},
		Target: experiment.Target{Accuracy: c.Target.Accuracy, Metric: c.Target.Metric, Confidence: c.Target.Confidence, Rule: c.Target.Rule, Cost: c.Target.Cost,
			Device: c.Target.Device, Precision: c.Target.Precision, Evidence: c.Evidence, Seeds: len(c.Seeds), Classes: namesIn(c), RecallAll: c.Target.RecallAll}}
	for _, l := range c.Target.Within {
		p.Target.Within = append(p.Target.Within, experiment.Budget{Cost: l.Cost, Limit: l.Limit})
	}
	for _, r := range c.Target.Recall {
		p.Target.Recall = append(p.Target.Recall, experiment.Recall{Class: r.Class, Floor: r.Floor})
	}
	for _, u := range c.Target.Under {
		p.Target.Under = append(p.Target.Under, experiment.Under(u))
	}
	if len(c.FreshSeeds) > 0 {
		p.FreshFrom = c.FreshSeeds[0]
	}
	p.stopAbove, p.audits = c.StopAbove, c.Audit != nil
	if c.Screening != nil {
		p.FirstAlpha, p.next = c.Screening.Alpha, c.Screening.Next
	}
	if p.Looks = c.Looks; c.Format > 1 {
		p.Charge = p.charged(c)
	}
	if err := checkTarget(c); err != nil {
		return nil, []Fault{{"certificate", err.Error()}}
	}
	var all []Candidate
	seen := map[string]bool{}
	for i, j := range c.Candidates {
		where := fmt.Sprintf("candidates[%d] %s", i, j.ConfigID)
		config, f, err := rebuild(j, c)
		if err != nil {
			return nil, append(faults, Fault{where, err.Error()})
		}
		if id := config.ID(); !config.Named(j.ConfigID) {
			return nil, append(faults, Fault{where, "its model, data set and recipe make the ID " + id})
		}
		if seen[j.ConfigID] {
			return nil, append(faults, Fault{where, "it is listed twice"})
		}
		seen[j.ConfigID] = true
		all = append(all, Candidate{ID: j.ConfigID, Assignment: j.Assignment, Config: config, Footprint: f})
	}
	if c.Space != nil {
		if e == nil {
			return nil, append(faults, Fault{"certificate", "its candidates were chosen from a space that it does not list: an experiment file " +
				"must; give --experiment FILE"})
		}
		p.SearchSeed = c.Space.SearchSeed
		var err error
		if p.field, err = newField(e, &p.Target, p.SearchSeed); err != nil {
			return nil, append(faults, Fault{"certificate", err.Error()})
		}
		names := map[string]string{}
		for _, one := range all {
			names[one.Config.Digest()] = one.ID
		}
		p.NameBy(func(c models.Config, id string) string { return cmp.Or(names[c.Digest()], id) })
	}
	if err := p.setCandidates(all); err != nil {
		return nil, append(faults, Fault{"certificate", err.Error()})
	}
	return p, faults
}

// Bounds on what a certificate may say of its data set, so that a hostile one
// cannot fill the memory. Labels are bytes.
const (
	mostClasses = 256
	mostImages  = 10_000_000
)

// checkTarget refuses a target or data set that no experiment could have had.
func checkTarget(c *result.Certificate) error {
	t := c.Target
	if !(t.Accuracy > 0 && t.Accuracy < 1) || !(t.Confidence >= 0.5 && t.Confidence < 1) {
		return fmt.Errorf("target accuracy %v with confidence %v is out of range", t.Accuracy, t.Confidence)
	}
	if !slices.Contains([]string{experiment.RuleWorst, experiment.RuleMean, experiment.RuleTolerance}, t.Rule) {
		return fmt.Errorf("target rule %q is unknown", t.Rule)
	}
	if !slices.Contains([]string{"", target.Certificate, target.Observed}, c.Evidence) {
		return fmt.Errorf("evidence %q is unknown", c.Evidence)
	}
	if a := c.Screening; a != nil && !(a.Alpha > 0 && a.Alpha <= (1-t.Confidence)/2+alphaSlack) {
		return fmt.Errorf("screening by alpha %v is out of range", a.Alpha)
	}
	if t.Precision != "" && t.Precision != experiment.Int8 {
		return fmt.Errorf("target precision %q is unknown", t.Precision)
	}
	if t.Device != "" {
		if _, err := footprint.ChipNamed(t.Device); err != nil {
			return err
		}
		for _, j := range c.Candidates {
			if j.Measured == nil || j.Measured.Chip == nil || j.Measured.Chip.Chip != t.Device {
				return fmt.Errorf("%s has no figures of a %s", j.ConfigID, t.Device)
			}
		}
	}
	if t.Metric != "" && t.Metric != target.BalancedAccuracy {
		return fmt.Errorf("target metric %q is unknown", t.Metric)
	}
	if _, err := footprint.ParseCost(string(t.Cost)); err != nil {
		return err
	}
	if d := c.Dataset; d.Classes < 2 || d.Classes > mostClasses || d.Validation > mostImages || d.Test > mostImages {
		return fmt.Errorf("a data set of %d classes, %d validation and %d test images is out of range", d.Classes, d.Validation, d.Test)
	}
	floors := append([]result.ClassFloor{{Floor: t.RecallAll}}, t.Recall...)
	for _, f := range floors {
		if f.Class < 0 || f.Class >= c.Dataset.Classes || !(f.Floor >= 0 && f.Floor <= 1) {
			return fmt.Errorf("a recall floor of %v for class %d is out of range", f.Floor, f.Class)
		}
	}
	for _, u := range t.Under {
		if _, err := shift.Parse(u.Shift); err != nil || !(u.Accuracy > 0 && u.Accuracy < 1) {
			return fmt.Errorf("a floor of %v under %q is out of range", u.Accuracy, u.Shift)
		}
	}
	if n := len(c.Classes); n > 0 && n != c.Dataset.Classes {
		return fmt.Errorf("%d names for %d classes", n, c.Dataset.Classes)
	}
	if c.Round < 1 || len(c.Seeds) < 1 {
		return fmt.Errorf("%d trials a round and %d seeds: need at least one of each", c.Round, len(c.Seeds))
	}
	sorted := slices.Sorted(slices.Values(c.Seeds))
	if len(slices.Compact(sorted)) != len(c.Seeds) {
		return fmt.Errorf("a seed is listed twice")
	}
	if n := len(c.FreshSeeds); n > 0 && (c.FreshSeeds[0] <= sorted[len(sorted)-1] || n > len(c.Candidates)*len(c.Seeds)) {
		return fmt.Errorf("%d fresh seeds from %d: they lie above the others, as many for an opening", n, c.FreshSeeds[0])
	}
	return nil
}

func rebuild(j result.Judged, c *result.Certificate) (config models.Config, f footprint.Footprint, err error) {
	if len(j.Model) == 0 {
		return config, f, errors.New("it has no model")
	}
	config = models.Config{Layers: j.Model[:len(j.Model)-1], Data: c.Dataset, Recipe: j.Train}
	full := config.Spec().FullLayers()
	if !full[len(full)-1].Equal(j.Model[len(j.Model)-1]) {
		return config, f, errors.New("its last layer is not the classifier of the data set")
	}
	f, err = footprint.Of(config.Spec())
	f.Measured = j.Measured
	return config, f, err
}

// alphaSlack is what sums of chances may be off by.
const alphaSlack = 1e-12

// charged gives each opening what the certificate says that it got, as far as the
// rule allows it: at most half of what was left, and that no more than the looks
// before it left. What it says otherwise shows as a difference.
func (p *Problem) charged(c *result.Certificate) Charge {
	left, next := 1-c.Target.Confidence, 0
	if c.Looks != nil {
		left -= max(0, c.Looks.AlphaBefore)
	}
	return func(string, []int64) (float64, float64, error) {
		if next >= len(c.Openings) {
			if c.Verdict == result.Exploratory && (left < LeastAlpha || c.Looks != nil && c.Looks.Left < LeastAlpha) {
				return 0, left, nil
			}
			return left * p.Share(), left, nil
		}
		o := c.Openings[next]
		next++
		if had := left; !(o.Alpha > 0 && o.Alpha <= o.Left/2+alphaSlack && o.Left <= had+alphaSlack && o.Left >= LeastAlpha) {
			return had * p.Share(), had, nil
		}
		left -= o.Alpha
		return o.Alpha, o.Left, nil
	}
}
