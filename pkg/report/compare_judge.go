package report

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"slimfit/pkg/stats"
)

// How a difference was judged.
const (
	ByCrossed = "crossed bootstrap over seeds and images"
	ByPairedT = "Student's t over the differences of common seeds"
	ByMcNemar = "McNemar on two fixed networks"
)

// bootstrapWork bounds the images looked at by one bootstrap: about a second.
const bootstrapWork = 500_000_000

// judge sets the difference of every pair on the split, and corrects their
// p-values for the number of pairs.
func (c *Comparison) judge(a, b *Report, pairs [][2]int, s Split, sameImages bool) error {
	if sameImages {
		if err := c.crossed(a, b, pairs, s); err != nil {
			return err
		}
	}
	var ps []float64
	var judged []*ComparedScore
	for n := range c.Pairs {
		score := c.Pairs[n].On(s)
		if score == nil {
			continue
		}
		if score.P == nil {
			if err := score.fallBack(&a.Rows[pairs[n][0]], &b.Rows[pairs[n][1]], s, sameImages); err != nil {
				return fmt.Errorf("compare %s: %w", c.Pairs[n].Label, err)
			}
		}
		if score.P != nil {
			ps, judged = append(ps, *score.P), append(judged, score)
		}
	}
	for i, p := range stats.Holm(ps) {
		p = stats.Round(p)
		judged[i].Holm = &p
	}
	return nil
}

// crossed judges the pairs whose seeds all have lists of wrong images.
func (c *Comparison) crossed(a, b *Report, pairs [][2]int, s Split) error {
	var groups []stats.Group
	var scores []*ComparedScore
	work := a.images(s)
	for n, p := range pairs {
		x, y := &a.Rows[p[0]], &b.Rows[p[1]]
		score := c.Pairs[n].On(s)
		if score == nil || !x.hasLists(s) || !y.hasLists(s) {
			continue
		}
		for _, row := range []*Row{x, y} {
			groups = append(groups, stats.Group{Name: row.ID, Wrong: row.wrong[s]})
			for _, w := range row.wrong[s] {
				work += len(w)
			}
		}
		scores = append(scores, score)
	}
	if len(scores) == 0 {
		return nil
	}
	replicates := min(stats.BootstrapDraws, max(200, bootstrapWork/max(1, work)))
	draws, err := stats.CrossedBootstrap(groups, a.images(s), replicates, stats.BootstrapSeed)
	if err != nil {
		return fmt.Errorf("compare on the %s images: %w", s, err)
	}
	c.Replicates = replicates
	for n, score := range scores {
		d, err := draws.Difference(2*n+1, 2*n, reportConfidence)
		if err != nil {
			return fmt.Errorf("compare on the %s images: %w", s, err)
		}
		score.set(d, ByCrossed)
	}
	return nil
}

// hasLists says whether every finished seed, two at least, has its list of
// wrong images.
func (r *Row) hasLists(s Split) bool {
	return len(r.Wrong(s)) >= minSeedsToCompare
}

// fallBack judges a pair over its common seeds, or one network against one.
func (d *ComparedScore) fallBack(a, b *Row, s Split, sameImages bool) error {
	n := len(d.Seeds)
	if n >= 2 {
		values := make([]float64, n)
		for i, v := range d.Seeds {
			values[i] = v.Diff
		}
		sum, err := stats.Summarize(values)
		if err != nil || sum.SD == 0 && sum.Mean != 0 { // equal by chance: no spread is no certainty
			return err
		}
		interval, err := stats.TInterval(values, reportConfidence)
		if err != nil {
			return err
		}
		diff := stats.Difference{Mean: sum.Mean, Interval: interval, P: 1}
		if se := sum.SD / math.Sqrt(float64(n)); se > 0 {
			diff.P = 2 * distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}.CDF(-math.Abs(diff.Mean)/se)
		}
		d.set(diff, ByPairedT)
		return nil
	}
	if n != 1 || !sameImages || d.Scores[0].N != 1 || d.Scores[1].N != 1 || len(a.wrong[s]) != 1 || len(b.wrong[s]) != 1 {
		return nil
	}
	p, err := stats.McNemar(stats.Discordant(a.wrong[s][0], b.wrong[s][0]))
	if err != nil {
		return err
	}
	p = stats.Round(p)
	d.P, d.Method = &p, ByMcNemar
	return nil
}

func (d *ComparedScore) set(diff stats.Difference, method string) {
	diff = roundDifference(diff)
	d.Mean, d.Interval, d.P, d.Method = diff.Mean, &diff.Interval, &diff.P, method
}
