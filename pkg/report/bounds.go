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

// counts are the right answers and the images that bounds are of; false where
// they are not known.
func (m *Measured) counts() ([2]int, bool) {
	if d := m.Distinct; d != nil {
		return [2]int{d.Correct, d.Test}, d.Test > 0
	}
	if m.Correct == nil || m.Images < 1 {
		return [2]int{}, false
	}
	return [2]int{*m.Correct, m.Images}, true
}

// interval is the two-sided one; nil where the counts are unknown.
func (b *binomial) interval(m *Measured) *stats.Interval {
	key, ok := m.counts()
	if !ok {
		return nil
	}
	if i, ok := b.intervals[key]; ok {
		return i
	}
	var out *stats.Interval
	if i, err := stats.ClopperPearson(key[0], key[1], reportConfidence); err == nil {
		out = &stats.Interval{Low: stats.Round(i.Low), High: stats.Round(i.High)}
	}
	b.intervals[key] = out
	return out
}

// bound is the one-sided lower one; nil where the counts are unknown.
func (b *binomial) bound(m *Measured) *float64 {
	if m != nil && m.Balanced != nil {
		return &m.Balanced.Lower
	}
	key, ok := m.counts()
	if !ok {
		return nil
	}
	if v, ok := b.lower[key]; ok {
		return v
	}
	var out *float64
	if v, err := stats.LowerBound(key[0], key[1], reportConfidence); err == nil {
		v = stats.Round(v)
		out = &v
	}
	b.lower[key] = out
	return out
}
