package report

import (
	"fmt"

	"slimfit/pkg/stats"
)

// Pairs compares every two configurations on the report's split.
type Pairs struct {
	Split      Split  `json:"split"`
	Rows       []int  `json:"rows"` // that could be compared: two seeds or more, with lists of wrong images
	Pairs      []Pair `json:"pairs"`
	Different  int    `json:"different"` // pairs whose corrected P is below 5 %
	Replicates int    `json:"replicates"`
}

// Pair is one comparison: the first row's mean accuracy minus the second's.
type Pair struct {
	A    int              `json:"a"`
	B    int              `json:"b"`
	Diff stats.Difference `json:"difference"`
	Holm float64          `json:"holm"` // P corrected for the number of pairs
}

// Comparisons of many configurations grow with the square of their number,
// and after correction show little.
const (
	maxCompared       = 40
	Significant       = 0.05
	minSeedsToCompare = 2
)

// compareAll runs the crossed bootstrap over seeds and images. It returns nil
// where fewer than two configurations, or too many, can be compared.
func (r *filled) compareAll() (*Pairs, error) {
	p := &Pairs{Split: r.Split, Replicates: stats.BootstrapDraws}
	var groups []stats.Group
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.hasLists(r.Split) {
			p.Rows = append(p.Rows, i)
			groups = append(groups, stats.Group{Name: row.ID, Wrong: row.wrong[r.Split]})
		}
	}
	if len(groups) < 2 || len(groups) > maxCompared {
		return nil, nil
	}
	draws, err := stats.CrossedBootstrap(groups, r.Images(), stats.BootstrapDraws, stats.BootstrapSeed)
	if err != nil {
		return nil, fmt.Errorf("compare configurations: %w", err)
	}
	var ps []float64
	for a := range groups {
		for b := a + 1; b < len(groups); b++ {
			d, err := draws.Difference(a, b, reportConfidence)
			if err != nil {
				return nil, fmt.Errorf("compare configurations: %w", err)
			}
			ps = append(ps, d.P)
			p.Pairs = append(p.Pairs, Pair{A: p.Rows[a], B: p.Rows[b], Diff: roundDifference(d)})
		}
	}
	for i, holm := range stats.Holm(ps) {
		p.Pairs[i].Holm = stats.Round(holm)
		if holm < Significant {
			p.Different++
		}
	}
	return p, nil
}

// roundDifference rounds as the rest of the report: sums of squares differ in
// their last bits between machines.
func roundDifference(d stats.Difference) stats.Difference {
	d.Mean, d.SE, d.DF, d.P = stats.Round(d.Mean), stats.Round(d.SE), stats.Round(d.DF), stats.Round(d.P)
	d.Interval.Low, d.Interval.High = stats.Round(d.Interval.Low), stats.Round(d.Interval.High)
	return d
}

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
