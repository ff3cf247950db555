package report

import (
	"fmt"
	"strings"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/text"
)

// Answer is what the report comes to.
type Answer struct {
	Sentence string         `json:"sentence"`
	More     []string       `json:"more"`           // what qualifies it, a sentence each
	Cost     footprint.Cost `json:"cost"`           // what was to be small
	Pick     int            `json:"pick"`           // row of the smallest network that meets the target; -1: none
	Next     string         `json:"next,omitempty"` // the command that comes next; "" for none
	Advice   string         `json:"-"`              // of More: what histories and grid suggest; "" where nothing stands out
	Open     []int          `json:"open"`           // cheaper rows that are undecided
}

// say picks the cheapest row that meets the target and says so, and writes
// what was asked.
func (r *decided) say() {
	r.Answer = Answer{Cost: r.cost(), Pick: -1}
	r.Asked = r.asked()
	switch {
	case r.Counts.Done == 0 && (r.Target == nil || r.Counts.Diverged == 0):
		r.Answer.Sentence = r.nothingYet()
	case r.Target == nil:
		r.Answer.Sentence = r.describe()
	case r.Searched():
		r.certified()
	default:
		r.pick()
	}
}

func (r *decided) asked() string {
	if r.Target == nil && len(r.Rows) == 1 {
		return fmt.Sprintf("How accurate is the network on %s, and what does it cost? No target accuracy was set.", text.Plain(r.Dataset.Name))
	}
	if r.Target == nil {
		return fmt.Sprintf("How accurate is each of %s on %s, and what does it cost? No target accuracy was set.",
			text.Count(len(r.Rows), "network"), text.Plain(r.Dataset.Name))
	}
	s := fmt.Sprintf("Of %s, which has the fewest %s and still classifies at least %s of the images of %s correctly%s?",
		text.Count(len(r.Rows), "network"), r.Costs[r.CostIndex(r.Target.Cost)].Head, text.Threshold(r.Target.Accuracy),
		text.Plain(r.Dataset.Name), r.InPrecision())
	if r.Balanced() {
		s = fmt.Sprintf("Of %s, which has the fewest %s and still reaches %s on the images of %s%s?", text.Count(len(r.Rows), "network"),
			r.Costs[r.CostIndex(r.Target.Cost)].Head, r.Target.Asked(), text.Plain(r.Dataset.Name), r.InPrecision())
	}
	var limits []string
	for _, l := range r.Target.Within {
		limits = append(limits, fmt.Sprintf("at most %s %s", text.Whole(l.Limit), r.Costs[r.CostIndex(l.Cost)].Head))
	}
	for _, u := range r.Target.asked.Under {
		limits = append(limits, fmt.Sprintf("accuracy under %s at least %s", u.Shift, text.Threshold(u.Accuracy)))
	}
	for _, f := range r.Target.Recall {
		limits = append(limits, "recall of "+f.Name+" at least "+f.Value)
	}
	if len(limits) > 0 {
		s += " Also required: " + text.List(limits) + "."
	}
	if g := r.Guess; g != nil {
		s += fmt.Sprintf(" Always answering %s is right on %s of the %s images.", g.Class, text.Percent(g.Share), r.Split)
	}
	return s
}

func (r *decided) nothingYet() string {
	s := fmt.Sprintf("No answer yet: none of %s has finished", text.Count(r.Counts.Planned, "trial"))
	if r.Counts.Missing == 0 {
		s = fmt.Sprintf("No answer: none of %s gave a network", text.Count(r.Counts.Planned, "trial"))
	}
	if r.Counts.Failed+r.Counts.Diverged > 0 {
		s += fmt.Sprintf(" (%d failed, %d diverged)", r.Counts.Failed, r.Counts.Diverged)
	}
	return s + "."
}

// describe is the answer where no target was set: the two ends of the range.
func (r *decided) describe() string {
	best, smallest := -1, -1
	for _, i := range r.ByCost(footprint.Parameters) {
		s := r.Rows[i].Score(r.Split)
		if s == nil {
			continue
		}
		if smallest < 0 {
			smallest = i
		}
		if best < 0 || s.Mean > r.Rows[best].Score(r.Split).Mean {
			best = i
		}
	}
	if best < 0 {
		return "Trials have finished, but none has an accuracy."
	}
	one := func(i int) string {
		row := &r.Rows[i]
		return fmt.Sprintf("%s, with %s parameters and a mean %s accuracy of %s %%", row.Label, text.Whole(float64(row.Footprint.Parameters)),
			r.Split, text.Percentage(row.Score(r.Split).Mean))
	}
	switch {
	case len(r.Rows) == 1:
		return "The network is " + one(best) + "."
	case best == smallest:
		return "The smallest network is also the most accurate: " + one(best) + "."
	}
	return "The most accurate network is " + one(best) + "; the smallest is " + one(smallest) + "."
}

// pick walks from the cheapest row up to the first that meets the target.
func (r *decided) pick() {
	for _, i := range r.ByCost(r.Target.Cost) {
		if r.Rows[i].Verdict == Undecided {
			r.Answer.Open = append(r.Answer.Open, i)
		}
		if r.Rows[i].Verdict == Meets {
			r.Answer.Pick = i
			break
		}
	}
	if n := len(r.Answer.Open); n > 0 {
		r.Answer.More = append(r.Answer.More, fmt.Sprintf("Not final: %s could still meet it, but results are missing (%s).", r.openRows(n),
			r.examples(r.Answer.Open)))
	}
	if r.Answer.Pick < 0 {
		r.nonePicked()
	} else {
		r.picked(&r.Rows[r.Answer.Pick])
	}
}

func (r *decided) openRows(n int) string {
	if r.Answer.Pick < 0 {
		return text.Count(n, "network")
	}
	return text.Count(n, "cheaper network")
}

// examples names at most three rows.
func (r *decided) examples(rows []int) string {
	var names []string
	for _, i := range rows[:min(3, len(rows))] {
		names = append(names, r.Rows[i].Label)
	}
	s := strings.Join(names, "; ")
	if len(rows) > 3 {
		s += fmt.Sprintf("; and %d more", len(rows)-3)
	}
	return s
}

// rule says in words how seeds are judged, for "the smallest network ...".
func (r *decided) rule() string {
	n := r.Target.Seeds
	switch {
	case r.Target.Rule == experiment.RuleMean:
		return fmt.Sprintf("whose mean over %s reaches", text.Count(n, "seed"))
	case r.Target.Rule == experiment.RuleTolerance:
		return fmt.Sprintf("whose tolerance bound over %s reaches", text.Count(n, "seed"))
	case n == 1:
		return "whose one seed reaches"
	}
	return fmt.Sprintf("whose %d seeds all reach", n)
}

func (r *decided) picked(row *Row) {
	k := r.CostIndex(r.Target.Cost)
	s := fmt.Sprintf("The smallest network %s %s%s on the %s images is %s: %s %s", r.rule(), r.Target.Asked(),
		r.InPrecision(), r.Split, row.Label, text.Whole(row.Costs[k]), r.Costs[k].Head)
	r.Answer.Sentence = s + r.fewer(row, k) + "."
	r.guessed(row)
	if r.Split == Test {
		if len(r.Rows) > 1 {
			r.Answer.More = append(r.Answer.More, "It was chosen on the test images themselves, so its accuracy there flatters it: the best of "+
				"many is partly lucky.")
		}
		return
	}
	if k := r.Dataset.Folds; k > 0 {
		r.Answer.More = append(r.Answer.More, pooled(k))
		return
	}
	t := r.JudgedScore(row, Test)
	if t == nil {
		r.Answer.More = append(r.Answer.More, "The test images have not been opened for it.")
		return
	}
	r.Answer.More = append(r.Answer.More, "On the test images, which were not used to choose it, "+spread(t)+".")
	if v, why := r.seen(row, Test).verdict(r.Target.Accuracy); v == Misses {
		row.missed = true
		r.Answer.More = append(r.Answer.More, fmt.Sprintf("So it misses the target there (%s). What is chosen on the validation images "+
			"looks better on them than it is.", why))
	}
	if t.WorstBound != nil {
		r.Answer.More = append(r.Answer.More, fmt.Sprintf("The least accurate of these networks is, with 95 %% confidence, at least %s %% "+
			"accurate on new images like these. A network trained with another seed may be less so.", text.Percentage(*t.WorstBound)))
	}
}

// pooled says what figures of folds are worth.
func pooled(folds int) string {
	return fmt.Sprintf("Its figures are observed, pooled over %d folds: every image was judged once, by a network that was not trained on "+
		"it. It was chosen by them, which flatters it, and there is no network yet that was trained on all images.", folds)
}

// fewer compares the row's cost with the baseline's.
func (r *decided) fewer(row *Row, k int) string {
	if row.Ratios[k] <= 1 {
		return ""
	}
	return fmt.Sprintf(", %s fewer than %s", text.Times(row.Ratios[k]), r.Baseline.Name)
}

func spread(s *Score) string {
	if s.N == 1 {
		return fmt.Sprintf("its one seed scores %s %%", text.Percentage(s.Mean))
	}
	return fmt.Sprintf("its %d seeds score %s to %s %% (mean %s %%)", s.N, text.Percentage(s.Min), text.Percentage(s.Max),
		text.Percentage(s.Mean))
}

func (r *decided) nonePicked() {
	nearest := -1
	value := func(i int) *float64 { return r.seen(&r.Rows[i], r.Split).Value }
	for _, i := range r.ByCost(r.Target.Cost) {
		if v := value(i); v != nil && (nearest < 0 || *v > *value(nearest)) {
			nearest = i
		}
	}
	s := fmt.Sprintf("None of %s meets the target of %s%s on the %s images", text.Count(len(r.Rows), "network"),
		r.Target.Asked(), r.InPrecision(), r.Split)
	if len(r.Answer.Open) > 0 {
		s = fmt.Sprintf("No network is known to meet the target of %s%s on the %s images yet", r.Target.Asked(),
			r.InPrecision(), r.Split)
	}
	if nearest >= 0 {
		s += fmt.Sprintf("; the nearest is %s (%s %s %%)", r.Rows[nearest].Label, judgedName(r.Target.Rule), text.Percentage(*value(nearest)))
		if w := r.Rows[nearest]; len(w.OverBudget) > 0 || w.Verdict == Misses && *value(nearest) >= r.Target.Accuracy {
			s += ", " + w.Why
		}
	}
	r.Answer.Sentence = s + "."
}
