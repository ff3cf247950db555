package report

import (
	"cmp"
	"slices"
	"strconv"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/shell"
	"slimfit/pkg/text"
)

// Score returns the row's score on the split.
func (r *Row) Score(s Split) *Score { return *r.At(s) }

func (t *Trial) key(row *Row) result.Key { return result.Key{ConfigID: row.ID, Seed: t.Seed} }

// On returns the trial's accuracy on the split.
func (t *Trial) On(s Split) *Measured { return *t.At(s) }

// Wrong lists, for each seed that is done, the images of the split that it gets
// wrong; nil where a seed's list was not kept.
func (r *Row) Wrong(s Split) [][]int {
	if score := r.Score(s); score == nil || len(r.wrong[s]) != score.N {
		return nil
	}
	return r.wrong[s]
}

// Accuracies are those of the seeds that are done, on the split.
func (r *Row) Accuracies(s Split) []float64 {
	var out []float64
	for i := range r.Trials {
		if m := r.Trials[i].On(s); m != nil {
			out = append(out, m.Accuracy)
		}
	}
	return out
}

// DoneSeeds are the seeds of Accuracies, in the same order.
func (r *Row) DoneSeeds(s Split) []int64 {
	var out []int64
	for i := range r.Trials {
		if r.Trials[i].On(s) != nil {
			out = append(out, r.Trials[i].Seed)
		}
	}
	return out
}

// Find returns the places in Rows of the configurations that have these values
// of axes; "config" is a configuration's ID, "experiment" is not looked at.
func (r *Report) Find(where map[string]string) []int {
	var fit []int
	for i := range r.Rows {
		if r.matches(&r.Rows[i], where) {
			fit = append(fit, i)
		}
	}
	return fit
}

// Images is how many images the lists of wrong ones are of: those of the report's
// split, without test images that repeat others.
func (r *Report) Images() int { return r.images(r.Split) }

func (r *Report) images(s Split) int {
	if n := r.counted[s]; n > 0 {
		return n
	}
	return s.Images(r.Dataset)
}

// JudgesInt8 says whether the target judges int8 networks: then verdicts, the
// answer, the front and the figures are theirs.
func (r *Report) JudgesInt8() bool {
	return r.Target != nil && r.Target.Precision == experiment.Int8
}

// JudgedOn is the accuracy that the trial is judged by, a balanced one where that
// is the target's metric.
func (r *Report) JudgedOn(t *Trial, s Split) *Measured {
	m := r.precise(t, s)
	if m == nil || !r.Balanced() {
		return m
	}
	if m.Balanced == nil {
		return nil
	}
	judged := *m
	judged.Accuracy, judged.Interval = m.Balanced.Accuracy, m.Balanced.Interval
	return &judged
}

// precise is the accuracy of the networks that are judged.
func (r *Report) precise(t *Trial, s Split) *Measured {
	if r.JudgesInt8() {
		return t.Int8.On(s)
	}
	return t.On(s)
}

// Balanced says whether the target's metric is the balanced accuracy.
func (r *Report) Balanced() bool { return r.Target != nil && r.Target.asked.Balanced() }

// Metric names the accuracy that is judged.
func (r *Report) Metric() string {
	if r.Balanced() {
		return r.Target.asked.MetricName() + r.InPrecision()
	}
	return "accuracy" + r.InPrecision()
}

// Asked is what the target asks for, in words.
func (t *Target) Asked() string { return t.asked.Asked() }

// JudgedScore is the score that the row is judged by.
func (r *Report) JudgedScore(row *Row, s Split) *Score {
	if r.Balanced() {
		return row.Balanced[s]
	}
	if r.JudgesInt8() {
		return row.Int8.Score(s)
	}
	return row.Score(s)
}

// DrawnScore is the score that chart and figures show: the judged one, or its
// float32 stand-in where nothing is quantized yet.
func (r *Report) DrawnScore(row *Row, s Split) *Score {
	if r.StandIn != "" {
		return row.Score(s)
	}
	return r.JudgedScore(row, s)
}

// Drawn names the accuracy of DrawnScore.
func (r *Report) Drawn() string {
	if r.StandIn != "" {
		return "accuracy in float32"
	}
	return r.Metric()
}

// standIn says what is drawn while int8 networks are judged and there are none; ""
// where what is judged is drawn.
func (r *filled) standIn() string {
	has := func(row Row) bool {
		return slices.ContainsFunc(result.Splits(), func(s Split) bool { return row.Int8.Score(s) != nil })
	}
	if !r.unquantized() || slices.ContainsFunc(r.Rows, has) {
		return ""
	}
	return "float32; the target is in int8: `" + shell.Line("slimfit", "quantize", r.Name) + "`"
}

// InPrecision follows the word accuracy where it is not float32's.
func (r *Report) InPrecision() string {
	if r.JudgesInt8() {
		return " in int8"
	}
	return ""
}

// Int8Splits lists the splits that some network was judged on in int8.
func (r *Report) Int8Splits() []Split {
	var out []Split
	for _, s := range result.Splits() {
		if slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Int8.Score(s) != nil }) {
			out = append(out, s)
		}
	}
	return out
}

// CostIndex finds the cost among Report.Costs; an unknown one is the first.
func (r *Report) CostIndex(c footprint.Cost) int {
	return max(0, slices.IndexFunc(r.Costs, func(x Cost) bool { return x.Key == c }))
}

// Varying lists the axes with more than one value.
func (r *Report) Varying() []Axis {
	var out []Axis
	for _, a := range r.Axes {
		if len(a.Values) > 1 {
			out = append(out, a)
		}
	}
	return out
}

// Axis finds an axis of Axes; nil where there is none of the name.
func (r *Report) Axis(name string) *Axis {
	if i := r.AxisIndex(name); i >= 0 {
		return &r.Axes[i]
	}
	return nil
}

// AxisIndex is the place in Axes of an axis; -1 where there is none of the name.
func (r *Report) AxisIndex(name string) int {
	return slices.IndexFunc(r.Axes, func(a Axis) bool { return a.Name == name })
}

// Numeric says whether every value is a number.
func (a Axis) Numeric() bool {
	for _, v := range a.Values {
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return false
		}
	}
	return len(a.Values) > 0
}

// ByCost orders rows by the cost, then parameters, MACs, peak and ID: the
// stated tie-break of the pick, as a search has it.
func (r *Report) ByCost(cost footprint.Cost) []int {
	order := make([]int, len(r.Rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &r.Rows[a], &r.Rows[b]
		for _, c := range []footprint.Cost{cost, footprint.Parameters, footprint.MACs, footprint.Peak} {
			k := r.CostIndex(c)
			if d := cmp.Compare(x.Costs[k], y.Costs[k]); d != 0 {
				return d
			}
		}
		return cmp.Compare(x.ID, y.ID)
	})
	return order
}

// RowOf is the place in Rows of a configuration; -1 where it has none.
func (r *Report) RowOf(id string) int {
	return slices.IndexFunc(r.Rows, func(row Row) bool { return row.ID == id })
}

// On returns the accuracy on the split; nil where there is none.
func (q *Int8) On(s Split) *Measured {
	if q == nil {
		return nil
	}
	return *q.At(s)
}

// Score returns the score on the split; nil where there is none.
func (q *Int8Score) Score(s Split) *Score {
	if q == nil {
		return nil
	}
	return *q.At(s)
}

// On returns the pair's difference on the split.
func (c *Compared) On(s Split) *ComparedScore { return *c.At(s) }

// Position is where the i-th value of an axis stands on the chart.
func (c *Chart) Position(i int, value string) float64 {
	if c.Number {
		if at, err := strconv.ParseFloat(value, 64); err == nil {
			return at
		}
	}
	return float64(i)
}

// RowLabel is the label of a configuration, or its ID where it has no row.
func (r *Report) RowLabel(id string) string {
	if i := r.RowOf(id); i >= 0 {
		return r.Rows[i].Label
	}
	return text.Plain(id)
}

// Searched says whether a search's certificate answers the report's question.
func (r *Report) Searched() bool { return r.Evidence != nil && r.Evidence.Answers }
