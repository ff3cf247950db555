package report

import "slimfit/pkg/stats"

// binomial remembers Clopper-Pearson bounds: of many trials on the same
// images, most counts come up again, and each bound is a search for a quantile.
type binomial struct {
	intervals map[[2]int]*stats.Interval // by correct, images
	lower     map[[2]int]*float64
}

func newBinomial() *binomial {
	return &binomial{intervals: map[[2]int]*stats.Interval{}, lower: map[[2]int]*float64{}}
}

// interval is the two-sided one; nil where the counts are unknown.
func (b *binomial) interval(m *Measured) *stats.Interval {
	if m.Correct == nil || m.Images < 1 {
		return nil
	}
	key := [2]int{*m.Correct, m.Images}
	if i, ok := b.intervals[key]; ok {
		return i
	}
	var out *stats.Interval
	if i, err := stats.ClopperPearson(*m.Correct, m.Images, reportConfidence); err == nil {
		out = &stats.Interval{Low: stats.Round(i.Low), High: stats.Round(i.High)}
	}
	b.intervals[key] = out
	return out
}

// bound is the one-sided lower one; nil where the counts are unknown.
func (b *binomial) bound(m *Measured) *float64 {
	if m.Correct == nil || m.Images < 1 {
		return nil
	}
	key := [2]int{*m.Correct, m.Images}
	if v, ok := b.lower[key]; ok {
		return v
	}
	var out *float64
	if v, err := stats.LowerBound(*m.Correct, m.Images, reportConfidence); err == nil {
		v = stats.Round(v)
		out = &v
	}
	b.lower[key] = out
	return out
}
