package report

import (
	"fmt"
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// Target is what a network must reach.
type Target struct {
	Accuracy   float64        `json:"accuracy"`
	Confidence float64        `json:"confidence"`
	Cost       footprint.Cost `json:"cost"`
	Rule       string         `json:"rule"`                // experiment.RuleWorst, RuleMean or RuleTolerance
	Precision  string         `json:"precision,omitempty"` // of the networks that are judged: "" for float32, or experiment.Int8
	Seeds      int            `json:"seeds"`               // the first this many are judged
	Within     []Limit        `json:"within"`
	Recall     []Fact         `json:"recall"` // floors, in words
	floor      func(class int) float64
}

// Limit is a hard budget.
type Limit struct {
	Cost  footprint.Cost `json:"cost"`
	Limit float64        `json:"limit"`
}

// Verdict says whether a configuration meets the target.
type Verdict string

const (
	Meets     Verdict = "meets"
	Misses    Verdict = "misses"
	Undecided Verdict = "undecided" // seeds are missing
)

// judged is a configuration seen by one rule, before any threshold: what is
// compared with it, and what decides without it.
type judged struct {
	Rule     string   `json:"rule"`
	Value    *float64 `json:"value"`    // compared with the threshold; nil without a score
	Complete bool     `json:"complete"` // every judged seed has an accuracy
	Out      string   `json:"out"`      // why it misses whatever the threshold
	Lacks    string   `json:"lacks"`    // why it cannot be decided yet
}

func newTarget(e *experiment.Experiment) (*Target, error) {
	if e == nil || e.Target == nil {
		return nil, nil
	}
	t := e.Target
	out := &Target{Accuracy: t.Accuracy, Confidence: t.Confidence, Cost: t.Cost, Rule: t.Rule, Seeds: t.Seeds, floor: t.Floor}
	if t.Precision == experiment.Int8 {
		out.Precision = experiment.Int8
	}
	if out.Cost == "" {
		out.Cost = footprint.Parameters
	}
	if out.Rule == "" {
		out.Rule = experiment.RuleWorst
	}
	if !slices.Contains(rules(), out.Rule) {
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
		out.Recall = append(out.Recall, Fact{fmt.Sprintf("class %d", f.Class), text.Threshold(f.Floor)})
	}
	return out, nil
}

func rules() []string {
	return []string{experiment.RuleWorst, experiment.RuleMean, experiment.RuleTolerance}
}

// tolerance is the share of future runs that the tolerance rule speaks of, and
// the fewest seeds that it is worth anything with.
const (
	toleranceCoverage = 0.95
	toleranceSeeds    = 10
)

// cost is what is to be small.
func (r *Report) cost() footprint.Cost {
	if r.Target != nil {
		return r.Target.Cost
	}
	return footprint.Parameters
}

// costIndex finds the cost among Report.Costs; an unknown one is the first.
func (r *Report) costIndex(c footprint.Cost) int {
	return max(0, slices.IndexFunc(r.Costs, func(x Cost) bool { return x.Key == c }))
}

// judge sets the row's verdict, and what every rule sees on each split.
func (r *Report) judge(row *Row) {
	row.judged = map[Split][]judged{}
	for _, s := range result.Splits() {
		for _, rule := range rules() {
			row.judged[s] = append(row.judged[s], r.see(row, s, rule))
		}
	}
	if r.Target == nil {
		return
	}
	for _, l := range r.Target.Within {
		if figure := row.Costs[r.costIndex(l.Cost)]; figure > l.Limit {
			row.OverBudget = append(row.OverBudget, fmt.Sprintf("%s %s, limit %s", text.Whole(figure), r.Costs[r.costIndex(l.Cost)].Head, text.Whole(l.Limit)))
		}
	}
	j := row.judged[r.Split][slices.Index(rules(), r.Target.Rule)]
	row.Verdict, row.Why = j.verdict(r.Target.Accuracy)
	if r.refuted(row) {
		row.Verdict, row.Why = Misses, findingWords(result.FoundRefuted)
	}
	if len(row.OverBudget) > 0 {
		row.Verdict, row.Why = Misses, "over budget: "+text.List(row.OverBudget)
	}
}

// see looks at the seeds that the target judges.
func (r *Report) see(row *Row, split Split, rule string) judged {
	j := judged{Rule: rule}
	trials := row.Trials
	confidence := reportConfidence
	if r.Target != nil {
		trials, confidence = trials[:min(r.Target.Seeds, len(trials))], r.Target.Confidence
	}
	s, _ := summary(trials, func(t *Trial) *Measured { return r.judgedOn(t, split) })
	s.Mean = stats.Round(s.Mean)
	j.Complete = s.N > 0 && s.N == len(trials) // may become false below
	absent, unquantized := 0, 0
	for i := range trials {
		t := &trials[i]
		if t.Status == result.Diverged && j.Out == "" {
			j.Out = fmt.Sprintf("seed %d diverged", t.Seed)
		}
		if r.judgedOn(t, split) == nil && t.Status != result.Diverged {
			absent++
			if t.On(split) != nil {
				unquantized++
			}
		}
	}
	if finding := r.Evidence.finding(row.ID); absent > 0 && finding != "" {
		j.Lacks = finding
	} else if absent > 0 {
		j.Lacks = fmt.Sprintf("%d of %s lacking", absent, text.Count(len(trials), "seed"))
	}
	if unquantized > 0 && unquantized == absent {
		j.Lacks = fmt.Sprintf("%d of %s without int8 figures on the %s images", absent, text.Count(len(trials), "seed"), split)
	}
	if r.Target != nil && len(r.Target.Recall) > 0 {
		if j.Out == "" {
			j.Out = r.belowRecall(trials, split, rule)
		}
		if slices.ContainsFunc(trials, func(t Trial) bool { return r.judgedOn(&t, split) != nil && r.judgedRecall(&t, split) == nil }) {
			j.Complete, j.Lacks = false, "results without a confusion matrix, which the recall floors need"
		}
	}
	if s.N == 0 {
		return j
	}
	switch rule {
	case experiment.RuleWorst:
		j.Value = &s.Min
	case experiment.RuleMean:
		j.Value = &s.Mean
	case experiment.RuleTolerance:
		if s.N < toleranceSeeds {
			j.Complete, j.Lacks = false, fmt.Sprintf("the tolerance rule needs %d seeds", toleranceSeeds)
			break
		}
		k, err := stats.ToleranceFactor(s.N, toleranceCoverage, confidence)
		if err != nil {
			j.Complete, j.Lacks = false, err.Error()
			break
		}
		v := stats.Round(s.Mean - k*s.SD)
		j.Value = &v
	}
	return j
}

// verdict applies the threshold. Under the worst rule one seed below it is
// enough, whatever is missing.
func (j judged) verdict(accuracy float64) (Verdict, string) {
	below := j.Value != nil && *j.Value < accuracy
	switch {
	case j.Out != "":
		return Misses, j.Out
	case below && (j.Complete || j.Rule == experiment.RuleWorst):
		return Misses, fmt.Sprintf("%s %s %%", judgedName(j.Rule), text.PercentageAgainst(*j.Value, accuracy))
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

// belowRecall names the first class whose recall is under its floor: by its
// worst seed under the worst rule, else by the mean over seeds.
func (r *Report) belowRecall(trials []Trial, split Split, rule string) string {
	worst, sum, n := []float64{}, []float64{}, 0
	for i := range trials {
		recall := r.judgedRecall(&trials[i], split)
		if recall == nil {
			continue
		}
		n++
		for class, v := range recall {
			if class == len(worst) {
				worst, sum = append(worst, v), append(sum, 0)
			}
			worst[class] = min(worst[class], v)
			sum[class] += v
		}
	}
	for class, v := range worst {
		if rule != experiment.RuleWorst {
			v = stats.Round(sum[class] / float64(n))
		}
		if floor := r.Target.floor(class); v < floor {
			return fmt.Sprintf("class %d: recall %s %%, floor %s", class, text.PercentageAgainst(v, floor), text.Threshold(floor))
		}
	}
	return ""
}

// recalls is the share of each class that was found: the diagonal of the
// confusion matrix over its row sums; 1 for a class without images.
func recalls(confusion [][]int) []float64 {
	var out []float64
	for class, line := range confusion {
		all := 0
		for _, n := range line {
			all += n
		}
		v := 1.0
		if all > 0 && class < len(line) {
			v = float64(line[class]) / float64(all)
		}
		out = append(out, v)
	}
	return out
}
