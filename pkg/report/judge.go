package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// Target is what a network must reach.
type Target struct {
	Accuracy   float64        `json:"accuracy"`
	Metric     string         `json:"metric,omitempty"` // "" is accuracy; or balanced_accuracy
	Confidence float64        `json:"confidence"`
	Cost       footprint.Cost `json:"cost"`
	Rule       string         `json:"rule"`                // experiment.RuleWorst, RuleMean or RuleTolerance
	Precision  string         `json:"precision,omitempty"` // of the networks that are judged: "" for float32, or experiment.Int8
	Seeds      int            `json:"seeds"`               // the first this many are judged
	Within     []Limit        `json:"within"`
	Recall     []Fact         `json:"recall"` // floors, in words
	asked      target.Target
}

// Limit is a hard budget.
type Limit struct {
	Cost  footprint.Cost `json:"cost"`
	Limit float64        `json:"limit"`
}

// Verdict says whether a configuration meets the target.
type Verdict = target.Verdict

const (
	Meets     = target.Meets
	Misses    = target.Misses
	Undecided = target.Undecided // seeds are missing
)

// Judged is a configuration seen by one rule, before any threshold: what is
// compared with it, and what decides without it.
type Judged struct {
	Rule     string   `json:"rule"`
	Value    *float64 `json:"value"`    // compared with the threshold; nil without a score
	Best     *float64 `json:"best"`     // the most that it can become when missing seeds are there
	Complete bool     `json:"complete"` // nothing is missing to decide
	Out      string   `json:"out"`      // why it misses whatever the threshold
	Lacks    string   `json:"lacks"`    // why it cannot be decided yet
}

func newTarget(e *experiment.Experiment, classes []string) (*Target, error) {
	if e == nil || e.Target == nil {
		return nil, nil
	}
	t := e.Target
	out := &Target{Accuracy: t.Accuracy, Confidence: t.Confidence, Cost: t.Cost, Rule: t.Rule, Seeds: t.Seeds, asked: *t}
	if out.asked.Classes == nil {
		out.asked.Classes = classes
	}
	if t.Precision == experiment.Int8 {
		out.Precision = experiment.Int8
	}
	if t.Balanced() {
		out.Metric = t.Metric
	}
	out.Cost, out.Rule = cmp.Or(out.Cost, footprint.Parameters), cmp.Or(out.Rule, experiment.RuleWorst)
	if !slices.Contains(target.Rules(), out.Rule) {
		return nil, fmt.Errorf("target: unknown rule %q", out.Rule)
	}
	if out.Seeds < 1 || out.Seeds > len(e.Seeds) {
		out.Seeds = len(e.Seeds)
	}
	for _, b := range t.Within {
		out.Within = append(out.Within, Limit{b.Cost, b.Limit})
	}
	if t.RecallAll > 0 {
		out.Recall = append(out.Recall, Fact{"every class", text.Threshold(t.RecallAll)})
	}
	for _, f := range t.Recall {
		out.Recall = append(out.Recall, Fact{"class " + text.Class(out.asked.Classes, f.Class), text.Threshold(f.Floor)})
	}
	return out, nil
}

// cost is what is to be small.
func (r *Report) cost() footprint.Cost {
	if r.Target != nil {
		return r.Target.Cost
	}
	return footprint.Parameters
}

// judge sets the row's verdict, and what every rule sees on each split.
func (r *filled) judge(row *Row) {
	row.Refused = r.refused[row.ID]
	row.Judged = map[Split][]Judged{}
	for _, s := range result.Splits() {
		for _, rule := range target.Rules() {
			row.Judged[s] = append(row.Judged[s], r.see(row, s, rule))
		}
	}
	if r.Target == nil {
		return
	}
	for _, b := range r.Target.asked.Over(row.Footprint) {
		k := r.CostIndex(b.Cost)
		row.OverBudget = append(row.OverBudget, fmt.Sprintf("%s %s, limit %s", text.Whole(row.Costs[k]), r.Costs[k].Head, text.Whole(b.Limit)))
	}
	row.Verdict, row.Why = r.seen(row, r.Split).verdict(r.Target.Accuracy)
	if row.Refused != "" && (row.Verdict == Meets || row.Refused == findingWords(result.FoundRefuted)) {
		row.Verdict, row.Why = Misses, row.Refused
	}
	if len(row.OverBudget) > 0 {
		row.Verdict, row.Why = Misses, "over budget: "+text.List(row.OverBudget)
	}
}

// seen is the row as the target's rule sees it, the worst seed without a target.
func (r *Report) seen(row *Row, split Split) Judged {
	rule := target.Worst
	if r.Target != nil {
		rule = r.Target.Rule
	}
	return row.Judged[split][slices.Index(target.Rules(), rule)]
}

// see looks at the seeds that the target judges.
func (r *filled) see(row *Row, split Split, rule string) Judged {
	j := Judged{Rule: rule}
	trials := row.Trials
	if r.Target != nil {
		trials = trials[:min(r.Target.Seeds, len(trials))]
	}
	var nets []target.Network
	absent, unquantized := 0, 0
	for i := range trials {
		n, ok := r.network(&trials[i], split)
		if ok {
			nets = append(nets, n)
			continue
		}
		absent++
		if trials[i].On(split) != nil {
			unquantized++
		}
	}
	j.Lacks = fmt.Sprintf("%d of %s lacking", absent, text.Count(len(trials), "seed"))
	if finding := r.because[row.ID]; finding != "" {
		j.Lacks = finding
	}
	if unquantized > 0 && unquantized == absent {
		j.Lacks = fmt.Sprintf("%d of %s without int8 figures on the %s images", absent, text.Count(len(trials), "seed"), split)
	}
	judge, err := r.judgeBy(rule, len(trials))
	if err != nil && r.Balanced() {
		j.Lacks = err.Error()
		return j
	}
	if err != nil {
		j.Lacks = fmt.Sprintf("the %s rule needs %d seeds", rule, target.LeastSeeds(rule))
		return j
	}
	seen := judge.See(nets)
	j.Complete = seen.Complete && !seen.Blind
	if seen.Blind {
		j.Lacks = "results without a confusion matrix, which the target needs"
		if len(r.Target.asked.Under) > 0 {
			j.Lacks = "networks that were not judged on the shifted images of the floors; `slimfit run` judges them"
		}
	}
	if seen.Trouble != nil {
		j.Out = judge.Words(*seen.Trouble, func(v, floor float64) string { return text.PercentageAgainst(v, floor) + " %" })
	}
	if seen.N > 0 {
		j.Best = &seen.Best
	}
	if seen.N >= target.LeastSeeds(rule) {
		j.Value = &seen.Value
	}
	return j
}

// network is a trial as the judge of the target takes it; false where it has no
// answers yet.
func (r *filled) network(t *Trial, split Split) (target.Network, bool) {
	n := target.Network{Seed: t.Seed, Diverged: t.Status == result.Diverged}
	m := r.precise(t, split)
	if n.Diverged || m == nil || m.Images < 1 {
		return n, n.Diverged
	}
	n.Correct, n.Images, n.Confusion = m.right(), m.Images, r.judgedConfusion(t, split)
	if r.Target != nil && t.scores != nil {
		shifts := r.Target.asked.Shifts()
		judged := t.scores.Judged(r.JudgesInt8())
		n.Shifted = judged.Correct(shifts, split)
		if right, images := judged.Counted(shifts, m.Distinct, m.Images); split == Test && right != nil {
			n.Shifted, n.Counted = right, images
		}
	}
	return n, true
}

// right is the number of right answers, from the accuracy where it was not kept.
func (m *Measured) right() int {
	if m.Correct != nil {
		return *m.Correct
	}
	return int(math.Round(m.Accuracy * float64(m.Images)))
}

// Reaches says whether the accuracy is at least the share, in whole images.
func (m *Measured) Reaches(share float64) bool { return target.Reaches(m.right(), m.Images, share) }

// judgeBy is the judge of so many seeds; it fails where the rule needs more.
func (r *filled) judgeBy(rule string, seeds int) (*target.Judge, error) {
	key := fmt.Sprint(rule, seeds)
	if j := r.judges[key]; j != nil {
		return j, nil
	}
	asked := target.Target{Confidence: reportConfidence}
	if r.Target != nil {
		asked = r.Target.asked
	}
	asked.Rule = rule
	j, err := target.NewJudge(&asked, seeds)
	if err != nil {
		return nil, err
	}
	r.judges[key] = j
	return j, nil
}

// verdict applies the threshold, as page_judge.js does.
func (j Judged) verdict(accuracy float64) (Verdict, string) {
	switch {
	case j.Out != "":
		return Misses, j.Out
	case j.Best != nil && *j.Best < accuracy && !j.Complete && j.Rule != target.Worst:
		return Misses, fmt.Sprintf("%s at most %s %%, whatever the missing seeds", judgedName(j.Rule), text.PercentageAgainst(*j.Best, accuracy))
	case j.Best != nil && *j.Best < accuracy:
		return Misses, fmt.Sprintf("%s %s %%", judgedName(j.Rule), text.PercentageAgainst(*j.Best, accuracy))
	case !j.Complete:
		return Undecided, j.Lacks
	}
	return Meets, fmt.Sprintf("%s %s %%", judgedName(j.Rule), text.Percentage(*j.Value))
}

func judgedName(rule string) string {
	switch rule {
	case experiment.RuleMean:
		return "mean"
	case experiment.RuleTolerance:
		return "tolerance bound"
	}
	return "worst seed"
}

// BalancedOf is the balanced accuracy of figures; nil where a class has no image, or
// the confusion matrix is not known.
func BalancedOf(f result.Figures, images int, t *target.Target) *Balanced {
	share, ok := t.Share(target.Network{Confusion: f.Confusion})
	counted, _ := f.Counted(images)
	n := target.Network{Confusion: counted.Confusion}
	interval, err := t.Interval(n, reportConfidence)
	low, lowErr := t.Lower(n, reportConfidence)
	if !ok || err != nil || lowErr != nil {
		return nil
	}
	return &Balanced{Accuracy: share, Lower: stats.Round(low),
		Interval: &stats.Interval{Low: stats.Round(interval.Low), High: stats.Round(interval.High)}}
}
